"""What the parent of a service loads: its snapshot and its init code, once for all sessions."""

from __future__ import annotations

import contextlib
import gc
import linecache
import os
import sys
import threading
import traceback
from pathlib import Path

from .workspace import WORKSPACE_FILE, Workspace

_INIT_CODE = "init_code"
_FILE = "<init code>"
_ESTABLISHED = "01"


def load(workspace: Workspace, state: Path) -> None:
    """Load them into the workspace, in the directory ``work`` of ``state``; the process ends when that goes wrong."""
    try:
        _load_all(workspace, state)
    except BaseException:
        try:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            # Threads that the code has started would keep the process.
            os._exit(1)


def _load_all(workspace: Workspace, state: Path) -> None:
    """Load them.

    Raises:
        RuntimeError: something is left that forks would share with one another, or lack.
    """
    left = Path.cwd()
    os.chdir(state / "work")
    work, before = Path.cwd(), _open_files()
    sys.path.insert(0, "")
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        _load(workspace, state)
    with contextlib.suppress(ValueError):
        sys.path.remove("")
    _check(work, before)
    begin = Path.cwd()
    workspace.begin = begin.relative_to(work) if begin.is_relative_to(work) else begin
    os.chdir(left)


def _load(workspace: Workspace, state: Path) -> None:
    workspace.state = state
    if (state / WORKSPACE_FILE).exists():
        workspace.load_workspace({})
    code = (state / _INIT_CODE).read_text("utf-8")
    # What tracebacks and ``inspect`` show of the code.
    linecache.cache[_FILE] = (len(code), None, code.splitlines(keepends=True), _FILE)
    try:
        exec(compile(code, _FILE, "exec", dont_inherit=True), workspace.namespace)  # noqa: S102
    except SystemExit as ex:
        if ex.code:
            raise


def _check(work: Path, before: set[str]) -> None:
    """Forks share positions in files, and both ends of connections; threads are in none of them.

    What libraries have open for themselves, elsewhere, is their affair.
    """
    gc.collect()
    linked = _linked()
    left = _open_files() - before
    shared = {name for name in left if name in linked or Path(name).is_relative_to(work)}
    if shared:
        raise RuntimeError(f"the init code leaves open: {', '.join(sorted(shared))}")
    if threading.active_count() > 1:
        raise RuntimeError("the init code leaves threads that run")


def _open_files() -> set[str]:
    """What descriptors stand for: paths, and names such as ``socket:[123]``."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        # That of the directory itself is gone by now.
        with contextlib.suppress(OSError):
            found.add(str(descriptor.readlink()))
    return found


def _linked() -> set[str]:
    """Sockets of TCP connections, by the same names."""
    lines: list[str] = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            lines += Path("/proc/self/net", table).read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {f"socket:[{line[9]}]" for line in fields if line[3] == _ESTABLISHED}
