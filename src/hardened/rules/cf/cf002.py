"""CF002: a compose file in which something stands twice, drifts, or is neither watched nor started again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ...deployment.compose import Compose, Port, Service
from ...deployment.dockerfile import has_healthcheck
from ...model import DoesNotApply, Finding, Location, Rule

_FLOATING = {
    "latest",
    "stable",
    "edge",
    "nightly",
    "main",
    "master",
    "dev",
    "develop",
    "head",
    "rolling",
    "mainline",
    "current",
    "alpine",
    "slim",
    "lts",
}


class CF002(Rule):
    """A compose file in which something stands twice, drifts, or is neither watched nor started again.

    Twice: what is mounted at one target, a port of the host, a key of a mapping, a variable of a list, a network, a fixed
    address, a container's name. Drifts: an image with no version. Not watched: a service without a health check; not started
    again: one without a restart policy. Files are merged as Compose merges them: what an override or `extends` replaces is
    not twice. Quiet are services that end by themselves (`restart: "no"`, or somebody waits for their end), tools that only a
    profile starts, ports of two services whose profiles differ, images that are built here, and a health check that the
    Dockerfile has or that is switched off by name.
    """

    def check(self, compose: Compose) -> Iterator[Finding]:
        if not compose.paths:
            raise DoesNotApply("there is no compose file")
        for path, documents in compose.documents.items():
            for document in documents:
                for key, line in document.twice:
                    location = Location.of(compose.root, path, line)
                    message = f"{key} stands twice in one mapping, and the last one wins"
                    yield self.finding(message, location, key, hint="remove one")
        services = list(compose.services.values())
        for service in services:
            yield from self._within(service)
            yield from self._upkeep(service, one_shot=service.name in compose.one_shots)
        yield from self._ports(services)
        yield from self._names(services)

    def _within(self, service: Service) -> Iterator[Finding]:
        """Mounts, variables and networks that stand twice in one file's part of a service."""
        seen: set[Location] = set()
        for layer in service.layers:
            mounted: dict[str, Location] = {}
            for mount in service.own_mounts(layer):
                first = mounted.setdefault(mount.target, mount.location)
                if first is not mount.location and mount.location not in seen:
                    seen.add(mount.location)
                    message = f"{service.name} mounts two things at {mount.target}, the other at {first}"
                    yield self.finding(message, mount.location, service.name, hint="remove one")
            given: dict[str, Location] = {}
            # In a mapping it is a key that stands twice.
            for variable in service.written(layer) if isinstance(layer.content.get("environment"), list) else ():
                if variable.name in given:
                    message = f"{service.name} is given {variable.name} twice, the other at {given[variable.name]}"
                    yield self.finding(message, variable.location, service.name, hint="remove one")
                given[variable.name] = variable.location
            networks = layer.content.get("networks")
            for name, count in Counter(map(str, networks if isinstance(networks, list) else ())).items():
                if count > 1:
                    message = f"{service.name} is in the network {name} twice"
                    yield self.finding(message, service.location("networks"), service.name, hint="remove one")

    def _upkeep(self, service: Service, *, one_shot: bool) -> Iterator[Finding]:
        name = service.name
        if not service.is_built and (why := _unpinned(str(service.get("image") or ""))):
            yield self.finding(
                f"{name} runs {service.get('image')}, {why}, so two deployments of one commit differ",
                service.location("image"),
                name,
                hint="write a version",
            )
        if one_shot or (service.profiles and not service.restart):
            return
        if service.get("healthcheck") is None and not has_healthcheck(service):
            message = f"{name} has no health check, so nobody sees that it hangs"
            yield self.finding(message, service.location(), name, hint="say how it is asked")
        if not service.restart:
            message = f"{name} has no restart policy and stays away once it ends"
            yield self.finding(message, service.location(), name, hint='write restart: unless-stopped, or "no"')

    def _ports(self, services: Sequence[Service]) -> Iterator[Finding]:
        taken: list[tuple[Service, Port]] = []
        for service in services:
            ports = [] if service.get("network_mode") == "host" else service.ports
            for port in ports:
                for other, earlier in taken:
                    if _at_once(service, other) and (which := _same(port, earlier)):
                        yield self.finding(
                            f"{service.name} publishes {which} of the host, which {other.name} has ({earlier.location})",
                            port.location,
                            service.name,
                            hint="give one of them another",
                        )
                        break
                taken.append((service, port))
                if port.host and len(port.host) < service.copies:
                    yield self.finding(
                        f"{service.name} has {service.copies} containers and one port {port.host[0]} of the host for them",
                        port.location,
                        service.name,
                        hint="publish none, and put a proxy before them",
                    )

    def _names(self, services: Sequence[Service]) -> Iterator[Finding]:
        seen: dict[tuple[str, str], Service] = {}
        for service in services:
            networks = service.get("networks")
            own = [("container name", str(service.get("container_name") or ""), service.location("container_name"))]
            for name, each in networks.items() if isinstance(networks, dict) else ():
                address = str(each.get("ipv4_address") or "") if isinstance(each, dict) else ""
                if address:
                    own.append((f"address in {name}", address, service.location("networks", name, "ipv4_address")))
            for what, value, location in own:
                other = seen.setdefault((what, value), service)
                if value and other is not service and _at_once(service, other):
                    message = f"{service.name} has the {what} {value}, which {other.name} has"
                    yield self.finding(message, location, service.name, hint="give it one of its own")


def _at_once(one: Service, other: Service) -> bool:
    """Report whether two services are started together: not when each has profiles and they share none."""
    return not (one.profiles and other.profiles and one.profiles.isdisjoint(other.profiles))


def _same(one: Port, other: Port) -> str:
    """The port of the host that two bindings ask for; "" for none."""
    if one.protocol != other.protocol or (one.ip != other.ip and one.ip and other.ip):
        return ""
    common = sorted(set(one.host) & set(other.host))
    if common:
        return f"port {common[0]}"
    unknown = one.raw and one.raw == other.raw and not one.host and not other.host
    return f"port {one.raw}" if unknown else ""


def _unpinned(image: str) -> str:
    """Why an image is not the same tomorrow; "" where it is, or where nobody can tell."""
    shown = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", image)
    if not shown or "@sha256:" in shown or re.search(r"\$\{?\w+[^/]*$", shown):
        return ""
    name, _, tag = shown.rpartition("/")[2].partition(":")
    if not tag:
        return "which has no tag" if name else ""
    return f"whose tag {tag} moves" if _FLOATING.issuperset(tag.lower().split("-")) else ""
