"""Published services of the 9.x API as scripts of jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from deployr.errors import InvalidParameter, PermissionDenied
from deployr.mlserver.records import RUNTIMES
from deployr.mlserver.service_records import Service
from deployr.mlserver.services import Services
from deployr.projects.sources import NOTHING, ScriptSources, Source
from deployr.repository.records import RepositoryName
from deployr.users.caller import Caller

PREFIX = "service:"
"""``service:NAME/VERSION`` in the place of a script's name is a service; no file's name has a slash."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """Scripts and services that run one after the other.

    Attributes:
        snapshots: SHA-256 of the snapshots of the services, in their order; they are loaded before any code runs.
    """

    source: Source
    snapshots: tuple[str, ...] = ()


class ChainSources:
    """Reads the code of chains."""

    def __init__(self, sources: ScriptSources, services: Services) -> None:
        self._sources = sources
        self._services = services

    async def load(self, caller: Caller, names: Sequence[RepositoryName]) -> Chain:
        """The code of a chain, as the caller would see it now.

        Raises:
            NotFound: a script or service does not exist, or the caller may not execute it.
            PermissionDenied: the caller may not see a service's code: what it holds stays in the job's project.
            InvalidParameter: a service has a model instead of code, or some are R and some Python.
        """
        source, snapshots = NOTHING, []
        for name in names:
            if not name.filename.startswith(PREFIX):
                source = source.then(await self._sources.load(caller, [name]))
                continue
            service = self._find(caller, name.filename.removeprefix(PREFIX))
            source = source.then(_source(service))
            snapshots += [service.snapshot] if service.snapshot else []
        return Chain(source, tuple(snapshots))

    def _find(self, caller: Caller, address: str) -> Service:
        name, _, version = address.partition("/")
        service = self._services.find(caller, name, version)
        if not self._services.may_read_code(caller, service):
            raise PermissionDenied(f"The code of service {address} is hidden from the caller: jobs cannot run it.")
        if service.runtime == "Realtime":
            raise InvalidParameter(f"Service {address} is a model; jobs run services that have code.")
        return service


def _source(service: Service) -> Source:
    code = "\n".join(part for part in (service.init_code, service.code) if part)
    return Source(code, visible=True, runtime=RUNTIMES[service.runtime])
