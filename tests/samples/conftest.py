"""Runs sample scripts as a session does: preloads and inputs first, plots of the default device as numbered files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import deployr
from tests.server import packages_library

SAMPLES = Path(deployr.__path__[0]) / "samples"

SESSION = """
options(device = function(...) png("unnamedplot%03d.png"))
local({
  paths <- function(variable) strsplit(Sys.getenv(variable), ":")[[1]]
  run <- function(variable) invisible(eval(parse(text = Sys.getenv(variable)), globalenv()))
  lapply(paths("PRELOAD_OBJECTS"), load, globalenv())
  run("BEFORE")
  lapply(paths("SCRIPTS"), source)
  graphics.off()
  run("AFTER")
})
"""

Execute = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The directory of the samples."""
    return SAMPLES


@pytest.fixture(scope="session")
def testuser() -> Path:
    """The sample directories of testuser."""
    return SAMPLES / "repository" / "testuser"


@pytest.fixture
def execute(testuser: Path, tmp_path: Path) -> Execute:
    """Executes sample scripts, one after the other, in a session whose working directory is ``tmp_path``.

    ``inputs`` is R code that assigns the inputs, ``after`` R code that looks at what the scripts left; ``objects`` are
    preloaded into the workspace, ``files`` into the working directory.
    """

    def run(
        *scripts: str,
        inputs: str = "",
        objects: list[str] | None = None,
        files: list[str] | None = None,
        after: str = "",
    ) -> subprocess.CompletedProcess[str]:
        for file in files or []:
            shutil.copy(testuser / file, tmp_path)
        environment = {
            "R_LIBS": str(packages_library()),
            "PRELOAD_OBJECTS": ":".join(str(testuser / name) for name in objects or []),
            "SCRIPTS": ":".join(str(testuser / name) for name in scripts),
            "BEFORE": inputs,
            "AFTER": after,
        }
        command = ["Rscript", "--vanilla", "-e", SESSION]
        return subprocess.run(
            command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, timeout=60
        )

    return run


@pytest.fixture
def succeeds(execute: Execute) -> Execute:
    """Like ``execute``, and asserts that neither the scripts nor ``after`` failed."""

    def run(*scripts: str, **session: object) -> subprocess.CompletedProcess[str]:
        done = execute(*scripts, **session)
        assert done.returncode == 0, done.stderr
        return done

    return run
