// Owned by the template.
/*
 * The console: shows what /realtime tells. After logging in it makes no request besides the socket (WS001).
 *
 * What it keeps is a ticket, in this tab: good for reading over the socket, for some minutes, and renewed there.
 */
"use strict";

const STALE = 4419;
const UNAUTHENTICATED = 4401;
const FOREIGN_ORIGIN = 4403;
const SILENCE = 50_000; // The server beats every 20 seconds: a connection that says nothing is dead.
const LONGEST_PAUSE = 10_000;
const MOST_JOBS = 50;

const byId = (id) => document.getElementById(id);

/** What is shown: all of it was told by the server, and is told again in whole when it might have gaps. */
const shown = { topics: new Map(), jobs: new Map(), last: null };

let socket = null;
let failures = 0;
let timers = {};

function later(name, milliseconds, action) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, milliseconds);
}

/** Open the socket, unless one is open, and say this first. */
function connect(first) {
  clearTimeout(timers.again);
  if (socket !== null) return;
  const address = new URL("realtime", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const mine = new WebSocket(address);
  socket = mine;
  tell("waiting", failures ? "connection lost, trying again" : "connecting");
  later("silence", SILENCE, () => ended(mine, { code: 1006 }));
  mine.onopen = () => mine.send(JSON.stringify(first));
  mine.onmessage = (message) => {
    if (mine !== socket) return;
    later("silence", SILENCE, () => ended(mine, { code: 1006 }));
    take(JSON.parse(message.data));
  };
  mine.onclose = (event) => ended(mine, event);
}

/** Come back with the ticket: `hello`, or `renew` once it has become stale; both over the socket. */
function reconnect(type = "hello") {
  const ticket = sessionStorage.getItem("ticket");
  if (ticket === null) return leave("");
  connect(shown.last === null ? { type, ticket } : { type, ticket, after: shown.last });
}

function ended(which, event) {
  if (which !== socket) return;
  socket = null;
  which.onclose = null;
  which.close();
  clearTimeout(timers.renew);
  clearTimeout(timers.silence);
  if (event.code === STALE) return reconnect("renew");
  if (event.code === UNAUTHENTICATED) return leave("The login is unknown, or no longer valid.");
  if (event.code === FOREIGN_ORIGIN) return leave("The service does not take this page's origin: see WEBSOCKET_ORIGINS.");
  if (sessionStorage.getItem("ticket") === null) return leave("The service does not answer.");
  failures += 1;
  tell("waiting", "connection lost, trying again");
  const pause = Math.min(500 * 2 ** (failures - 1), LONGEST_PAUSE);
  later("again", pause * (0.5 + Math.random() / 2), reconnect);
}

/** Take in one frame. */
function take(frame) {
  if (frame.type === "state") {
    shown.topics = new Map(Object.entries(frame.state));
    shown.jobs = new Map(frame.state.jobs.items.map((job) => [job.id, job]));
    shown.topics.delete("jobs");
  } else if (frame.type === "event" && frame.topic !== "jobs") {
    shown.topics.set(frame.topic, frame.data);
  } else if (frame.type === "event" && frame.key) {
    if (frame.data === null) shown.jobs.delete(frame.key);
    else shown.jobs.set(frame.key, frame.data);
  } else if (frame.type === "event") {
    shown.jobs = new Map(frame.data.items.map((job) => [job.id, job]));
  }
  if (frame.id) shown.last = frame.id;
  if (frame.ticket) {
    failures = 0;
    sessionStorage.setItem("ticket", frame.ticket);
    later("renew", frame.renew_in * 1000, () => socket?.send(JSON.stringify({ type: "renew" })));
    live(frame.degraded);
  } else if (frame.type === "degraded") {
    live(true);
  }
  if (frame.type !== "beat") draw();
}

function live(degraded) {
  byId("login").hidden = true;
  byId("live").hidden = byId("leave").hidden = false;
  for (const input of document.querySelectorAll("input")) input.value = "";
  if (degraded) tell("degraded", "live, but changes in other processes come late");
  else tell("live", "live");
}

function tell(state, text) {
  byId("status").dataset.state = state;
  byId("status").textContent = text;
}

/** Forget everything and show the login. */
function leave(problem) {
  const mine = socket;
  socket = null;
  mine?.close();
  Object.values(timers).forEach(clearTimeout);
  sessionStorage.removeItem("ticket");
  Object.assign(shown, { topics: new Map(), jobs: new Map(), last: null });
  failures = 0;
  draw();
  byId("login").hidden = false;
  byId("live").hidden = byId("leave").hidden = true;
  byId("problem").textContent = problem;
  byId("problem").hidden = problem === "";
  tell("out", "logged out");
}

/** An element with this content, which is text and never markup. */
function element(name, content, className = "") {
  const made = document.createElement(name);
  if (content instanceof Node) made.append(content);
  else made.textContent = content;
  made.className = className;
  return made;
}

function draw() {
  byId("topics").replaceChildren(...Array.from(shown.topics, ([name, values]) => card(name, values)));
  const newest = [...shown.jobs.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, MOST_JOBS);
  shown.jobs = new Map(newest.map((job) => [job.id, job]));
  byId("jobs").replaceChildren(...newest.map(row));
  byId("no-jobs").hidden = newest.length > 0;
}

function card(name, values) {
  const list = document.createElement("dl");
  for (const [key, value] of Object.entries(values ?? {})) {
    list.append(element("dt", key.replaceAll("_", " ")), element("dd", readable(value)));
  }
  const made = element("article", element("h2", name));
  made.dataset.topic = name;
  made.append(list);
  return made;
}

function readable(value) {
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return new Date(value).toLocaleString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function row(job) {
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = job.progress;
  bar.textContent = `${job.progress} %`;
  const made = document.createElement("tr");
  made.dataset.job = job.id;
  made.append(
    element("td", readable(job.created_at)),
    element("td", job.kind),
    element("td", job.state, job.state),
    element("td", bar),
    element("td", `${job.attempts} of ${job.max_attempts}`),
    element("td", outcome(job)),
  );
  return made;
}

function outcome(job) {
  if (job.error !== null) return job.error;
  if (job.file !== null) return `${job.file.name} (${job.file.size} bytes)`;
  return job.result === null ? "" : JSON.stringify(job.result);
}

byId("with-key").addEventListener("submit", (event) => {
  event.preventDefault();
  connect({ type: "hello", token: event.target.elements.key.value.trim() });
});

byId("with-password").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  tell("waiting", "logging in");
  try {
    const response = await fetch(new URL("sessions", location.href), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: email.value, password: password.value }),
    });
    const answer = await response.json();
    if (!response.ok) return leave(answer.detail);
    connect({ type: "hello", token: answer.token });
  } catch {
    leave("The service does not answer.");
  }
});

byId("leave").addEventListener("click", () => leave(""));
for (const name of ["online", "pageshow", "visibilitychange"]) {
  // Somebody looks again: what waits to try again need not wait.
  addEventListener(name, () => {
    if (document.visibilityState === "visible" && sessionStorage.getItem("ticket") !== null) reconnect();
  }, true);
}
