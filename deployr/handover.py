"""How the supervisor hands its settings to the processes it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from deployr.settings import Settings

VARIABLE = "DEPLOYR_SETTINGS_JSON"
"""Environment variable that holds the settings; never passed on to R."""


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the settings added."""
    return {**os.environ, VARIABLE: settings.to_json().decode()}


def receive() -> Settings:
    """The settings that the supervisor handed over.

    Raises:
        KeyError: this process was not started by a supervisor.
    """
    return Settings.from_json(os.environ[VARIABLE].encode())


def belongs_to(environ: Mapping[str, str], home: Path) -> bool:
    """Whether a process with that environment was started by a supervisor of the home directory.

    Only the home is looked at: a supervisor of another version may have handed over other settings.
    """
    with contextlib.suppress(KeyError, msgspec.DecodeError):
        handed_over = msgspec.json.decode(environ[VARIABLE], type=dict[str, Any])
        return handed_over.get("home") == str(home)
    return False
