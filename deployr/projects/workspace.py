"""The workspace of a project: its R objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.encodings.objects import Record
from deployr.errors import InternalError
from deployr.grid.client import Grid
from deployr.projects import values
from deployr.projects.projects import Projects
from deployr.projects.records import ObjectEncoding, Project
from deployr.users.caller import Caller


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFilter:
    """Which objects to list (7x-facts 9).

    Attributes:
        root: members of this object instead of the workspace's objects.
        clazz: of this R class.
        prefix: whose names begin so.
        restrict: that have an encoding.
        pagesize, pageoffset: a part of the list; no size is all.
    """

    root: str | None = None
    clazz: str | None = None
    prefix: str | None = None
    restrict: bool = False
    pagesize: int | None = None
    pageoffset: int | None = None


class Workspace:
    """Lists, reads, writes and deletes objects. R's refusals are :class:`~deployr.errors.DeployrError` (900)."""

    def __init__(self, projects: Projects, grid: Grid) -> None:
        self._projects = projects
        self._grid = grid

    async def list_objects(self, caller: Caller, project_id: str, wanted: ObjectFilter) -> tuple[Project, list[Record]]:
        """Summaries of objects: no values."""
        arguments = values.arguments(
            root=_text(wanted.root),
            clazz=_text(wanted.clazz),
            filter=_text(wanted.prefix),
            restrict=model.logical(wanted.restrict),
            pagesize=_number(wanted.pagesize),
            pageoffset=_number(wanted.pageoffset),
        )
        async with self._projects.using(caller, project_id, reading=True) as project:
            value = await self._grid.call(project_id, "list_objects", arguments)
        return project, _summaries(value)

    async def get_objects(
        self,
        caller: Caller,
        project_id: str,
        names: Sequence[str],
        encoding: ObjectEncoding,
        *,
        root: str | None = None,
        start: int | None = None,
        length: int | None = None,
    ) -> tuple[Project, list[Record]]:
        """Objects with their values, in the order of the names.

        Args:
            root: they are members of this object.
            start: first element of vectors, from 1.
            length: most elements of vectors.

        Raises:
            DeployrError: one of them does not exist.
        """
        arguments = values.arguments(
            names=model.character(*names), root=_text(root), start=_number(start), length=_number(length)
        )
        async with self._projects.using(caller, project_id, reading=True) as project:
            value = await self._grid.call(project_id, "get_objects", arguments)
        return project, await values.encoded_objects(value, names, encoding)

    async def push_objects(self, caller: Caller, project_id: str, inputs: Mapping[str, RValue]) -> Project:
        """Assign objects; those of the same name are replaced."""
        arguments = values.arguments(inputs=model.named_list(inputs))
        async with self._projects.using(caller, project_id) as project:
            await self._grid.call(project_id, "assign_objects", arguments)
        return project

    async def delete_objects(self, caller: Caller, project_id: str, names: Sequence[str]) -> Project:
        """Delete objects.

        Raises:
            DeployrError: one of them does not exist; then none is deleted.
        """
        arguments = values.arguments(names=model.character(*names))
        async with self._projects.using(caller, project_id) as project:
            await self._grid.call(project_id, "delete_objects", arguments)
        return project


def _summaries(value: bytes) -> list[Record]:
    columns = values.members(value)
    try:
        names, types, rclasses = (model.as_texts(columns[name]) for name in ("name", "type", "rclass"))
        branches = model.as_flags(columns["branch"])
        rows = zip(names, types, rclasses, branches, strict=True)
    except (KeyError, TypeError) as ex:
        raise InternalError("The R session sent a listing that cannot be read.") from ex
    return [
        {"name": name, "type": kind, "rclass": rclass, "branch": bool(branch), "xdf": None}
        for name, kind, rclass, branch in rows
    ]


def _text(text: str | None) -> RValue | None:
    return None if text is None else model.character(text)


def _number(number: int | None) -> RValue | None:
    return None if number is None else model.double(number)
