"""Scripts of the repository, published as services."""

from __future__ import annotations

import dataclasses

from deployr.errors import InvalidParameter, NotFound, PermissionDenied
from deployr.mlserver.records import RUNTIME_NAMES
from deployr.mlserver.service_records import Definition
from deployr.projects.sources import ScriptSources
from deployr.repository.records import RepositoryName
from deployr.users.caller import Caller


class ServiceScripts:
    """Reads the scripts that publishers name."""

    def __init__(self, sources: ScriptSources) -> None:
        self._sources = sources

    async def with_code(self, caller: Caller, definition: Definition, address: str) -> Definition:
        """The definition with the script's code as it is now; without a runtime, it gets the script's.

        Args:
            address: ``author/directory/filename``, or with ``/version`` after it.

        Raises:
            InvalidParameter: the definition has code already, or there is no such script for the caller.
            PermissionDenied: the caller may run the script, but not see its code.
        """
        if definition.code is not None:
            raise InvalidParameter("Parameters code and repositoryScript exclude each other.")
        try:
            source = await self._sources.load(caller, [_name(address)])
        except NotFound as ex:
            raise InvalidParameter(f"Parameter repositoryScript: {ex.message}") from ex
        if not source.visible:
            raise PermissionDenied("The code of the script is hidden from the caller.")
        runtime = definition.runtime or RUNTIME_NAMES[source.runtime]
        if runtime != RUNTIME_NAMES[source.runtime]:
            raise InvalidParameter(f"Parameter runtimeType is {runtime}, the script is not.")
        return dataclasses.replace(definition, code=source.code, runtime=runtime)


def _name(address: str) -> RepositoryName:
    parts = address.removeprefix("/").split("/")
    if len(parts) not in (3, 4) or not all(parts):
        raise InvalidParameter("Parameter repositoryScript is not author/directory/filename[/version].")
    author, directory, filename, *version = parts
    return RepositoryName(
        filename=filename, author=author, directory=directory, version=version[0] if version else None
    )
