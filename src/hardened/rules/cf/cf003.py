"""CF003: a port of the host where one inside is meant, or the other way round."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...deployment import ports as _ports
from ...model import DoesNotApply, Finding, Rule
from ...project import Project

if TYPE_CHECKING:
    pass


class CF003(Rule):
    """A port of the host where one inside is meant, or the other way round.

    Between containers an address is the name of a service and the port that it listens on inside; from the host it is
    localhost and a port that is published. What counts: an address, in the environment or the command of a container, of
    another service at a port that is only published, or at `localhost`; a variable that is a port of the host in `ports:` and
    stands in such an address; in a cluster, the address of a Service at a port that it does not have; and in documents, a
    port of localhost that is inside alone, or that nothing in the project listens on. Quiet are one number inside and
    outside, a container that asks itself, what a browser is told, and containers that share the host's network.
    """

    def check(self, project: Project) -> Iterator[Finding]:
        if not project.compose.services and not project.cluster.objects:
            raise DoesNotApply("there are neither compose files nor manifests")
        for message, location, subject in itertools.chain(
            _ports.between_containers(project.compose),
            _ports.in_the_cluster(project.cluster),
            _ports.in_documents(project),
        ):
            yield self.finding(message, location, subject)
