"""CF003: a port of the host where one inside is meant, or the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...config.table import Config
from ...deployment.compose import Compose, Service, variables_in
from ...deployment.kubernetes import Cluster, name_of
from ...deployment.process import Process
from ...knowledge.ports import PORTS
from ...model import Confidence, DoesNotApply, Finding, Location, Rule
from ...records.settings import SettingsFacts
from ._addresses import LOOPBACK, Address, Given, addresses, given, listed, listens
from ._documents import unanswered

_FOR_BROWSERS = re.compile(
    r"ORIGIN|CORS|PUBLIC|FRONTEND|EXTERNAL|CALLBACK|REDIRECT|ISSUER|BASE_URL|SITE|ROOT_URL|VITE_|REACT_APP|NEXT_|NUXT_|ALLOWED"
    r"|WEB_|BROWSER|DOMAIN|ADVERTISED|HOSTNAME|TRUSTED|CSRF|LOGIN|AUTH_URL"
)


class CF003(Rule):
    """A port of the host where one inside is meant, or the other way round.

    Between containers an address is the name of a service and the port that it listens on inside; from the host it is
    localhost and a port that is published. What counts: an address, in the environment or the command of a container, of
    another service at a port that is only published, or at `localhost`; a variable that is a port of the host in `ports:` and
    stands in such an address; in a cluster, the address of a Service at a port that it does not have; and in documents, a
    port of localhost that is inside alone, or that nothing publishes and no other line of a document, command or setting
    knows. Quiet are one number inside and outside, a container that asks itself, what a browser is told, and containers
    that share the host's network.
    """

    def check(
        self,
        compose: Compose,
        cluster: Cluster,
        config: Config,
        processes: Sequence[Process],
        settings: SettingsFacts | None = None,
    ) -> Iterator[Finding]:
        if not compose.services and not cluster.objects:
            raise DoesNotApply("there are neither compose files nor manifests")
        yield from self._between_containers(_Network(compose))
        yield from self._in_the_cluster(cluster)
        if compose.services:
            numbers, is_known = settings.numbers if settings else {}, settings is not None or not config.settings
            for message, hint, location, port in unanswered(config, compose, processes, numbers):
                finding = self.finding(message, location, port, hint=hint)
                # A setting that was not imported may have the port.
                yield finding if is_known else replace(finding, confidence=Confidence.POSSIBLE)

    def _between_containers(self, network: _Network) -> Iterator[Finding]:
        seen: set[Location] = set()
        for service in network.services:
            if str(service.get("network_mode") or "").startswith(("host", "service:", "container:")):
                continue
            for each in given(service):
                for address in addresses(each.value) if each.location not in seen else ():
                    if found := network.mistake(service, each, address):
                        problem, hint = found
                        seen.add(each.location)
                        at = f"{address.host}:{address.port}"
                        message = f"{service.name} is given {each.name} with {at}: {problem}"
                        yield self.finding(message, each.location, service.name, hint=hint)
                        break

    def _in_the_cluster(self, cluster: Cluster) -> Iterator[Finding]:
        ports = _ports_of_services(cluster)
        variables = [each[1:] for each in (*cluster.data("ConfigMap"), *cluster.environments())]
        for name, value, location in variables:
            for address in addresses(value):
                known = ports.get(address.host.partition(".")[0])
                if known and address.is_explicit and address.port not in known:
                    at = f"{address.host}:{address.port}"
                    message = f"{name} leads to {at}, and that Service has the port{listed(known)}"
                    yield self.finding(message, location, name, hint="write that")


class _Network:
    """The services of the compose files, as their containers reach one another."""

    def __init__(self, compose: Compose) -> None:
        self.services = list(compose.services.values())
        self._inside = {each.name: listens(each) for each in self.services}
        self._by_name = {name: each for each in self.services for name in each.names}
        ports = [port for each in self.services for port in each.ports]
        self._outer = {name for port in ports for name in variables_in(port.raw) - variables_in(port.inner)}
        self._shared = {str(each.get("network_mode") or "").removeprefix("service:") for each in self.services}

    def mistake(self, service: Service, given: Given, address: Address) -> tuple[str, str] | None:
        """The reason why nothing answers a container at an address, and the advice; None where something may."""
        other = self._by_name.get(address.host)
        if other is not None and other is not service:
            return self._wrong_port(other, address.port, given.raw)
        is_own = address.port in self._inside[service.name] or service.name in self._shared
        if other is None and address.host in LOOPBACK and not is_own:
            return self._itself(service, given, address)
        return None

    def _wrong_port(self, other: Service, port: int, raw: str) -> tuple[str, str] | None:
        name, own = other.name, self._inside[other.name]
        variables = re.findall(rf"\b{re.escape(name)}:" + r"(\$\{?\w+[^}]*\}?)", raw)
        if any(self._outer.intersection(variables_in(each)) for each in variables):
            return "its variable is a port of the host", f"write the one inside{listed(own)}"
        if not port or port in own:
            return None
        if port in {number for each in other.ports for number in each.host}:
            return f"that is the port on the host, and {name} listens on{listed(own)} inside", "write that"
        if other.image in PORTS and not any("${" in each.raw or "$" in each.inner for each in other.ports):
            return f"{name} listens on{listed(own)} inside", "write that"
        return None

    def _itself(self, service: Service, given: Given, address: Address) -> tuple[str, str] | None:
        """The other service that an address of the container itself means."""
        is_web = address.scheme in ("http", "https", "ws", "wss", "")
        if is_web and (_FOR_BROWSERS.search(given.name.upper()) or not service.is_built):
            return None
        for other in self.services:
            own = self._inside[other.name]
            hosts = {number for each in other.ports for number in each.host}
            if other is not service and address.port in own | hosts:
                inner = address.port if address.port in own else min(own, default=address.port)
                problem = f"inside of a container that is the container itself, and {other.name} is meant"
                return problem, f"write {other.name}:{inner}"
        return None


def _ports_of_services(cluster: Cluster) -> dict[str, set[int]]:
    """The ports of each Service of the manifests, headless ones apart, which are the pods themselves."""
    found: dict[str, set[int]] = {}
    for content, _ in cluster.of_kind("Service"):
        spec = content.get("spec")
        ports = spec.get("ports") if isinstance(spec, dict) else None
        if isinstance(ports, list) and isinstance(spec, dict) and str(spec.get("clusterIP", "")) != "None":
            numbers = (each.get("port") for each in ports if isinstance(each, dict))
            found[name_of(content.get("metadata"))] = {each for each in numbers if isinstance(each, int)}
    return found
