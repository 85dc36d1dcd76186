"""How the supervisor hands its settings to the processes it starts."""

from __future__ import annotations

import os

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
