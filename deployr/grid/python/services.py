"""What the parent of a service loads: its snapshot and its init code, once for all sessions."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from .workspace import WORKSPACE_FILE, Workspace

_INIT_CODE = "init_code"


def load(workspace: Workspace, state: Path) -> None:
    """Load them into the workspace, in the directory ``work`` of ``state``; what goes wrong is raised."""
    left = Path.cwd()
    os.chdir(state / "work")
    sys.path.insert(0, "")
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        _load(workspace, state)
    with contextlib.suppress(ValueError):
        sys.path.remove("")
    os.chdir(left)


def _load(workspace: Workspace, state: Path) -> None:
    workspace.state = state
    if (state / WORKSPACE_FILE).exists():
        workspace.load_workspace({})
    code = (state / _INIT_CODE).read_text("utf-8")
    exec(compile(code, "<init code>", "exec", dont_inherit=True), workspace.namespace)  # noqa: S102
