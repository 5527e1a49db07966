"""Proofs of what shows only when the service runs: without each protection, its tests fail by the failure's name."""

from __future__ import annotations

import re

from ._proofs import unprotected
from ._service import Service

POSTGRESQL, SQLITE = "postgresql", "sqlite"

ENGINE = "@/core/database/_engine.py"
WORK = "@/core/database/_work.py"
RUN = "@/core/jobs/_run.py"
QUEUE = "@/core/jobs/_queue.py"
WORKER = "@/core/worker.py"
CLIENT = "@/core/clients/_client.py"
BREAKER = "@/core/clients/_breaker.py"
REDIS = "@/core/clients/_redis.py"
SETTINGS = "@/core/settings.py"
HEALTH = "@/core/http/_health.py"
RUNTIME = "@/core/runtime.py"
MIDDLEWARE = "@/core/http/_middleware.py"
REALTIME = "@/core/realtime/routes.py"
PAGE = "@/core/realtime/page/console.js"

# DB006: a database that goes away


@unprotected("DB006", "tests/test_engine_loss.py", engine=POSTGRESQL, only="dropped_every")
def no_connection_is_looked_at_before_it_is_used(service: Service) -> None:
    service.replace(ENGINE, "    _hand_out_living(engine.sync_engine)\n", "")


@unprotected("DB006", "tests/test_engine_loss.py", engine=POSTGRESQL, only="start_up")
def start_up_asks_once(service: Service) -> None:
    service.replace(ENGINE, "if asyncio.get_running_loop().time() + pause > deadline:", "if True:")


@unprotected("DB006", "tests/test_engine_loss.py", engine=POSTGRESQL, only="under_load")
def a_lost_connection_is_an_unexpected_error(service: Service) -> None:
    service.replace(
        "@/core/http/_problems.py", "if isinstance(error, DBAPIError) and _is_unavailable(error):", "if False:"
    )


@unprotected("DB006", "tests/test_engine_loss.py", engine=SQLITE)
def a_burst_opens_as_many_connections_as_it_likes(service: Service) -> None:
    service.replace(ENGINE, '"max_overflow": 0,', '"max_overflow": -1,')


# DB007: half of a batch


@unprotected("DB007", "tests/test_database.py", engine=POSTGRESQL)
def each_statement_is_a_transaction_of_its_own(service: Service) -> None:
    service.replace(
        WORK,
        "        async with session.begin():\n            yield session\n",
        "        async with session.begin():\n"
        '            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})\n'
        "            yield session\n",
    )


@unprotected("DB007", "tests/test_database.py", engine=SQLITE, only="killed")
def what_was_written_so_far_is_committed_now_and_then(service: Service) -> None:
    service.replace(
        WORK,
        "        async with session.begin():\n            yield session\n",
        "        execute = session.execute\n\n"
        "        async def commit_each(*arguments, **options):\n"
        "            result = await execute(*arguments, **options)\n"
        "            await session.commit()\n"
        "            return result\n\n"
        "        session.execute = commit_each\n"
        "        yield session\n"
        "        await session.commit()\n",
    )


@unprotected("DB007", "tests/test_database.py", engine=SQLITE)
def the_session_is_committed_whatever_happens(service: Service) -> None:
    service.replace(
        WORK,
        "        async with session.begin():\n            yield session\n",
        "        try:\n            yield session\n        finally:\n            await session.commit()\n",
    )


# JB005: a run that ends without its result


@unprotected("JB005", "tests/test_jobs_faults.py", engine=SQLITE)
def a_run_without_a_result_returns_early(service: Service) -> None:
    service.replace(
        RUN,
        "            heart.stop()\n            await finish(",
        "            heart.stop()\n            if result is None:\n                return\n            await finish(",
    )


@unprotected("JB005", "tests/test_jobs_faults.py", engine=SQLITE)
def an_exception_is_logged_and_that_is_all(service: Service) -> None:
    service.replace(
        RUN, "        await _failed(database, held, reason, error)\n", '        log.error("job", error=reason)\n'
    )


@unprotected("JB005", "tests/test_jobs_faults.py", engine=SQLITE)
def a_cancelled_job_just_goes_away(service: Service) -> None:
    service.replace(
        RUN,
        "            await _failed(database, held, type(error).__name__, error)\n            return",
        "            return",
    )


@unprotected("JB005", "tests/test_jobs_faults.py", engine=SQLITE, only="kills_its_workers")
def what_a_killed_process_has_left_stays_running(service: Service) -> None:
    service.replace(QUEUE, "or_(Job.state == JobState.QUEUED, Job.lease_until < now)", "Job.state == JobState.QUEUED")


@unprotected("JB005", "tests/test_metrics.py", engine=SQLITE)
def nobody_is_told_of_a_run_that_was_left(service: Service) -> None:
    service.replace(QUEUE, "        lease_lost(row.kind)\n", "        pass\n")


# JB006: work that was promised and lost, or done twice


@unprotected("JB006", "tests/test_jobs.py", engine=POSTGRESQL, only="after_the_commit")
def a_job_is_published_before_its_commit(service: Service) -> None:
    service.replace(
        QUEUE, "on_commit(session, partial(dispatcher.after_commit, row))", "await dispatcher.after_commit(row)"
    )


@unprotected("JB006", "tests/test_jobs.py", engine=POSTGRESQL, only="not_committed")
def a_job_is_committed_before_the_rest(service: Service) -> None:
    service.replace(
        QUEUE,
        "    session.add(row)\n    await session.flush()\n",
        "    session.add(row)\n    await session.flush()\n    await (await session.connection()).commit()\n",
    )


@unprotected("JB006", "tests/test_celery.py", only="published_again")
def a_job_is_published_without_the_outbox(service: Service) -> None:
    service.replace("@/core/jobs/_reconciler.py", "            await to.hand_on(rows)\n", "            rows = []\n")


@unprotected("JB006", "tests/test_jobs_faults.py", engine=POSTGRESQL, only="workers_of_one_process")
def a_job_that_somebody_has_is_taken_again(service: Service) -> None:
    service.replace(QUEUE, "    _ROWS.c.state == JobState.QUEUED,\n    _ROWS.c.run_at", "    _ROWS.c.run_at")


# JB008: a worker that is alive and takes nothing


@unprotected("JB008", "tests/test_celery.py", only="no_message_comes")
def nobody_waits_for_the_canary(service: Service) -> None:
    service.replace(WORKER, "waiting_since is not None and now - waiting_since > self._stalled", "False")


@unprotected("JB008", "tests/test_celery.py", only="health_command")
def a_worker_is_well_that_was_well_once(service: Service) -> None:
    service.replace(
        "@/core/worker_health.py", "file.exists() and time.time() - file.stat().st_mtime < _SECONDS", "file.exists()"
    )


@unprotected("JB008", "tests/test_metrics.py", only="came_through_it")
def a_canary_has_always_just_come(service: Service) -> None:
    service.replace(WORKER, "age = time.monotonic() - self._sung", "age = 0.0")


@unprotected("JB008", "tests/test_metrics.py", engine=SQLITE)
def the_age_of_the_oldest_job_is_not_told(service: Service) -> None:
    service.replace(
        "@/core/jobs/_counts.py", "max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0", "0.0"
    )


# CL002: a client that looks for its version


@unprotected("CL002", "tests/test_clients.py", engine=SQLITE)
def a_client_need_not_state_its_version(service: Service) -> None:
    service.replace(CLIENT, 'for what in ("name", "version"):', 'for what in ("name",):')


@unprotected("CL002", "tests/test_clients.py", engine=SQLITE)
def a_client_tries_the_newest_version_first(service: Service) -> None:
    service.replace(
        CLIENT,
        "        number = 1\n",
        '        await transport.send("GET", "../v9", body=None, query=None, headers=headers, until=until)\n        number = 1\n',
    )


@unprotected("CL002", "tests/test_clients.py", engine=SQLITE)
def a_version_that_is_a_header_is_left_out(service: Service) -> None:
    service.replace(CLIENT, "{self.version_header: self.version}", "{}")


# CL003: a storm of calls to a service that is down


@unprotected("CL003", "tests/test_clients.py", engine=SQLITE, only="while_the_breaker and refuses")
def a_client_has_no_breaker(service: Service) -> None:
    service.replace(CLIENT, "with self.breaker.call():", "if True:")


@unprotected("CL003", "tests/test_breaker.py")
def its_threshold_is_a_parameter_that_nobody_reads(service: Service) -> None:
    service.replace(BREAKER, "self._in_a_row >= self.failures", "self._in_a_row >= 50")


@unprotected("CL003", "tests/test_breaker.py", only="twenty")
def everybody_who_waited_is_on_trial(service: Service) -> None:
    service.replace(BREAKER, "if self._state is not BreakerState.CLOSED:", "if self._state is BreakerState.OPEN:")


@unprotected("CL003", "tests/test_clients.py", engine=SQLITE, only="takes_too_long")
def a_call_may_take_five_seconds(service: Service) -> None:
    service.replace(CLIENT, "seconds: ClassVar[float] = 2.0", "seconds: ClassVar[float] = 5.0")


# CL004: a connection for each request


@unprotected("CL004", "tests/test_redis.py")
def each_use_of_redis_has_a_client_of_its_own(service: Service) -> None:
    service.replace(REDIS, "        return self._client.get()\n", "        return self._make()\n")


@unprotected("CL004", "tests/test_redis.py")
def the_pool_has_no_bound(service: Service) -> None:
    service.replace(REDIS, "max_connections=self.size", "max_connections=500")


@unprotected("CL004", "tests/test_cache.py", engine=SQLITE)
def what_a_request_asks_makes_a_client_from_the_address(service: Service) -> None:
    service.replace(
        "@/core/clients/_cache.py",
        "return await command(shared.client)",
        'return await command(__import__("redis.asyncio").asyncio.Redis.from_url(shared._url))',
    )


# CF001: another database in another folder


@unprotected("CF001", "tests/test_settings.py")
def the_environment_file_is_looked_for_in_the_current_folder(service: Service) -> None:
    service.replace(SETTINGS, 'env_file=project_root() / ".env"', 'env_file=".env"')


@unprotected("CF001", "tests/test_settings.py", only="migrations")
def a_files_relative_path_is_below_the_current_folder(service: Service) -> None:
    service.replace(SETTINGS, "database=str(project_root() / url.database)", "database=str(Path.cwd() / url.database)")


@unprotected("CF001", "tests/test_settings.py", only="worker")
def the_root_is_where_the_process_was_started(service: Service) -> None:
    service.replace(SETTINGS, "            return folder\n", "            return Path.cwd()\n")


# CF004: down, and no word of why


@unprotected("CF004", "tests/test_http.py", engine=SQLITE, only="database_away")
def liveness_asks_the_database(service: Service) -> None:
    service.replace(
        HEALTH,
        "async def live() -> Live:",
        "async def live(request: Request) -> Live:",
    )
    service.replace(
        HEALTH,
        "    return Live()\n",
        "    if await runtime_of(request).database.trouble(_SECONDS):\n"
        '        raise RuntimeError("the database is away")\n'
        "    return Live()\n",
    )


@unprotected("CF004", "tests/test_http.py", engine=SQLITE, only="shortly")
def liveness_has_a_session_as_every_route_has(service: Service) -> None:
    service.replace(HEALTH, "from ._dependencies import runtime_of", "from ._dependencies import Session, runtime_of")
    service.replace(HEALTH, "async def live() -> Live:", "async def live(session: Session) -> Live:")
    service.replace(HEALTH, "    return Live()\n", "    await session.connection()\n    return Live()\n")


@unprotected("CF004", "tests/test_health.py", engine=SQLITE)
def readiness_does_not_look(service: Service) -> None:
    service.replace(
        HEALTH, "parts, services = await runtime.parts(_SECONDS), ", 'parts, services = {"database": "ok"}, '
    )


@unprotected("CF004", "tests/test_health.py", engine=SQLITE)
def readiness_does_not_name_the_broker(service: Service) -> None:
    service.replace(
        RUNTIME, 'return states if self.relay is None else {**states, "broker": self.relay.state}', "return states"
    )


# RN001: one identity for all


@unprotected("RN001", "tests/test_identities.py", engine=SQLITE, only="processes")
def the_identity_is_made_when_the_class_is(service: Service) -> None:
    service.replace(
        "@/core/jobs/_models.py",
        "mapped_column(primary_key=True, default=uuid7)",
        "mapped_column(primary_key=True, default=uuid7())",
    )


@unprotected("RN001", "tests/test_http.py", engine=SQLITE)
def the_identity_is_made_with_the_object_that_all_requests_share(service: Service) -> None:
    service.replace(
        MIDDLEWARE,
        "        self._routes = RouteNames()\n",
        "        self._routes = RouteNames()\n        self._id = uuid4().hex\n",
    )
    service.replace(MIDDLEWARE, "else uuid4().hex\n", "else self._id\n")


@unprotected("RN001", "tests/test_identities.py", engine=SQLITE)
def the_identity_is_set_on_the_object_that_all_requests_share(service: Service) -> None:
    text = service.read(MIDDLEWARE)
    changed = re.sub(r'\["X-Request-ID"\] = request_id', '["X-Request-ID"] = self.request_id', text)
    changed = re.sub(r"(        request_id = given .*\n)", r"\1        self.request_id = request_id\n", changed)
    assert changed.count("self.request_id") == 2
    service.write(MIDDLEWARE, changed)


@unprotected("RN001", "tests/test_identities.py", engine=SQLITE, only="processes")
def the_identities_of_all_processes_come_from_one_generator(service: Service) -> None:
    service.replace(
        QUEUE, "now, token = utc_now(), uuid4()", "now, token = utc_now(), UUID(int=_MADE.getrandbits(128))"
    )
    service.append(QUEUE, "\n\n_MADE = random.Random()\n")


# WS001: a page that has to ask again


@unprotected("WS001", "tests/test_console.py", engine=SQLITE)
def the_page_fetches_its_state_when_it_reconnects(service: Service) -> None:
    service.replace(
        PAGE,
        '  if (ticket === null) return leave("");\n',
        '  if (ticket === null) return leave("");\n'
        '  fetch(new URL("jobs", location.href), { headers: { Authorization: `Bearer ${ticket}` } });\n',
    )


@unprotected("WS001", "tests/test_realtime.py", engine=SQLITE)
def the_server_says_only_that_one_is_connected(service: Service) -> None:
    service.replace(
        REALTIME,
        "state = {name: await self._part(name) for name in self._runtime.topics}",
        "state: dict[str, Any] = {}",
    )


@unprotected("WS001", "tests/test_realtime.py", engine=SQLITE, only="missed_comes_first")
def what_was_missed_is_not_told(service: Service) -> None:
    service.replace(REALTIME, "if first.after and self._hub.resume(", "if first.after and not self._hub.resume(")


@unprotected("WS001", "tests/test_realtime.py", engine=SQLITE, only="stale")
def a_stale_ticket_is_a_login_that_is_over(service: Service) -> None:
    service.replace(
        REALTIME,
        '            raise _Closed(CloseCode.STALE, "the ticket is stale: renew it")\n        async with',
        '            raise _Closed(CloseCode.UNAUTHENTICATED, "log in again")\n        async with',
    )
