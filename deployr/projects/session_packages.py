"""The R packages of a session: which are installed, which are attached; R is asked."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence

from deployr.encodings import model
from deployr.encodings.model import RValue
from deployr.errors import DeployrError, InternalError
from deployr.grid.client import Grid
from deployr.grid.protocol import Execution
from deployr.projects import values

_OBJECT = ".deployr.packages"
"""Hidden object of the workspace that carries the request to R and the answer back, and is gone after that."""

# What the workspace defines cannot get in the way: the code sees the base package only.
_CODE = """
base::local({
  request <- get(".deployr.packages", globalenv())
  attached <- function() sub("^package:", "", grep("^package:", search(), value = TRUE))
  attach <- function(name) suppressPackageStartupMessages(library(name, character.only = TRUE))
  detach_all <- function(names) for (name in names) detach(paste0("package:", name), character.only = TRUE)
  missing <- function(names) Filter(function(name) !nzchar(system.file(package = name)), names)
  no_package <- function(names) stop("there is no package called '", names[1L], "'", call. = FALSE)
  describe <- function(names) {
    fields <- c("Version", "Title", "Repository")
    rows <- lapply(names, function(name) suppressWarnings(utils::packageDescription(name, fields = fields)))
    column <- function(field) vapply(rows, function(row) as.character(as.list(row)[[field]])[1L], "")
    list(name = names, version = column("Version"), descr = column("Title"), repo = column("Repository"),
         attached = names %in% attached())
  }
  answer <- {@BODY@}
  assign(".deployr.packages", answer, globalenv())
}, base::new.env(parent = base::baseenv()))
"""

_LIST = "describe(if (isTRUE(request$installed)) sort(unique(.packages(all.available = TRUE))) else sort(attached()))"

_ATTACH = """
  absent <- missing(request$names)
  if (length(absent) > 0L) {
    if (is.null(request$repo)) no_package(absent)
    own <- file.path(tempdir(), "library")
    dir.create(own, showWarnings = FALSE)
    .libPaths(c(own, .libPaths()))
    utils::install.packages(absent, own, repos = request$repo, quiet = TRUE)
    if (length(missing(absent)) > 0L) no_package(missing(absent))
  }
  for (name in request$names) attach(name)
  describe(request$names)
"""

_DETACH = """
  if (length(missing(request$names)) > 0L) no_package(missing(request$names))
  known <- intersect(request$names, attached())
  if (length(known) == 0L) stop("package '", request$names[1L], "' is not attached", call. = FALSE)
  detach_all(known)
  describe(request$names)
"""

# The last one attached comes first on the search path. Answers which could not be attached.
_SETTLE = """
  detach_all(setdiff(attached(), c(request$names, "base", "methods")))
  for (name in rev(setdiff(request$names, attached()))) try(attach(name), silent = TRUE)
  list(name = setdiff(request$names, attached()))
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An R package.

    Attributes:
        descr: its title.
        repo: where it was installed from, e.g. ``CRAN``.
    """

    name: str
    version: str | None
    descr: str | None
    repo: str | None
    attached: bool


async def listed(grid: Grid, session: str, *, installed: bool) -> list[Package]:
    """All installed packages, or those that are attached, by name."""
    return _packages(await _ask(grid, session, _LIST, installed=model.logical(installed)))


async def attach(grid: Grid, session: str, names: Sequence[str], repo: str | None) -> list[Package]:
    """Attach packages.

    Args:
        repo: URL of a repository that missing ones are installed from, for this session.

    Raises:
        DeployrError: one is missing; then none is attached.
    """
    parts = {"repo": model.character(repo)} if repo else {}
    return _packages(await _ask(grid, session, _ATTACH, names=model.character(*names), **parts))


async def detach(grid: Grid, session: str, names: Sequence[str]) -> list[Package]:
    """Detach packages; clients name some that are not attached beside one that is.

    Raises:
        DeployrError: one is not installed, or none is attached; then none is detached. Or one cannot be, as ``base``.
    """
    return _packages(await _ask(grid, session, _DETACH, names=model.character(*names)))


async def attached(grid: Grid, session: str) -> list[str]:
    """Names of the attached packages, in the order of the search path."""
    return _texts(await _ask(grid, session, "list(name = attached())"), "name")


async def settle(grid: Grid, session: str, names: Sequence[str]) -> list[str]:
    """Have these packages attached and no others; returns those that are no longer there."""
    return _texts(await _ask(grid, session, _SETTLE, names=model.character(*names)), "name")


async def _ask(grid: Grid, session: str, body: str, **request: RValue) -> dict[str, RValue]:
    """Run code that computes on ``request``, and have its value.

    Raises:
        ProjectBusy: another call runs in the session.
        DeployrError: R's error.
    """
    execution = Execution(
        execution=f"EXEC-{uuid.uuid4()}",
        code=_CODE.replace("@BODY@", body),
        phantom=True,
        echo=False,
        console=False,
        artifacts=False,
        blackbox=True,
    )
    arguments = values.execution_arguments({_OBJECT: model.named_list(request)}, [_OBJECT])
    async with grid.hold(session):
        record, value = await grid.execute(session, execution, arguments)
        await grid.call(session, "delete_objects", values.arguments(names=model.character(_OBJECT)))
    if record.error is not None:
        raise DeployrError(record.error)
    return _members(values.members(value).get(_OBJECT))


def _members(value: RValue | None) -> dict[str, RValue]:
    try:
        return model.as_members(value or model.unnamed_list())
    except (TypeError, ValueError) as ex:
        raise InternalError("The R session sent a list of packages that cannot be read.") from ex


def _texts(answer: dict[str, RValue], column: str) -> list[str]:
    try:
        return [text for text in model.as_texts(answer[column]) if text]
    except (KeyError, TypeError) as ex:
        raise InternalError("The R session sent a list of packages that cannot be read.") from ex


def _packages(answer: dict[str, RValue]) -> list[Package]:
    try:
        columns = [model.as_texts(answer[name]) for name in ("name", "version", "descr", "repo")]
        rows = list(zip(*columns, model.as_flags(answer["attached"]), strict=True))
    except (KeyError, TypeError, ValueError) as ex:
        raise InternalError("The R session sent a list of packages that cannot be read.") from ex
    return [
        Package(name=name or "", version=version, descr=descr, repo=repo, attached=bool(flag))
        for name, version, descr, repo, flag in rows
    ]
