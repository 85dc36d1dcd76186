"""The program of a warm parent: loads this package, whatever the interpreter knows of the server, and serves.

Run as ``python -I launch.py SOCKET FIRST_UID LAST_UID MAX_VALUE WARM``; see :func:`deployr.grid.python.parent.serve`.
This module becomes the workspace of the sessions, which is emptied first.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _load() -> ModuleType:
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "deployr_session", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec  # noqa: S101
    package = sys.modules["deployr_session"] = importlib.util.module_from_spec(spec)
    assert spec.loader  # noqa: S101
    spec.loader.exec_module(package)
    return importlib.import_module("deployr_session.parent")


if __name__ == "__main__":
    _load().serve(*sys.argv[1:])
