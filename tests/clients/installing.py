"""Clients of other ecosystems, installed below pytest's cache directory once for all runs and processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

INSTALL_SECONDS = 240


def installed_once(config: pytest.Config, name: str, stamp: str, install: Callable[[Path], None]) -> Path:
    """The directory that ``install`` fills; again when the stamp, which says what is installed, has changed."""
    assert config.cache is not None
    home = config.cache.mkdir(name)
    with (home / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        written = home / "installed"
        if not written.exists() or written.read_text() != stamp:
            install(home)
            written.write_text(stamp)
    return home


def npm_packages(config: pytest.Config, name: str, source: Path) -> Path:
    """The ``node_modules`` of a ``package-lock.json``."""
    lock = (source / "package-lock.json").read_text()

    def install(home: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, home)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], home)

    return installed_once(config, name, lock, install) / "node_modules"


def python_packages(config: pytest.Config, name: str, python: str, requirements: Path) -> Path:
    """The ``bin`` of a virtual environment of an interpreter, with what the file of requirements names."""

    def install(home: Path) -> None:
        _run([python, "-m", "venv", "--clear", "venv"], home)
        _run(["venv/bin/pip", "install", "--quiet", "--requirement", str(requirements)], home)

    return installed_once(config, name, python + requirements.read_text(), install) / "venv" / "bin"


def find_python(versions: Sequence[str]) -> str | None:
    """An interpreter of one of these versions, the first that there is: of pyenv, or on the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for version in versions:
        candidates = [*sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True), shutil.which(f"python{version}")]
        for candidate in filter(None, candidates):
            asked = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
            if asked.stdout.startswith(f"Python {version}."):
                return str(candidate)
    return None


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
