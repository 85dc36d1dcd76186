"""What the operating system says about a server's processes, which this one has started."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from deployr.grid.processes import GRID_MARKER
from tests.server import Server


def web_workers() -> list[Path]:
    """The web processes, as directories of ``/proc``."""
    return [process for process in _descendants(os.getpid()) if b"deployr.api.asgi" in _read(process / "cmdline")]


def r_processes(server: Server) -> int:
    """How many R processes a server has: sessions, forks kept ready, and the parent of them all."""
    mark = f"{GRID_MARKER}={server.settings.sessions_directory}\0".encode()
    ours = (process for process in _descendants(os.getpid()) if mark in _read(process / "environ"))
    return sum(b"Rserve" in _read(process / "cmdline") for process in ours)


def forget_peak() -> None:
    """Measure :func:`peak` anew."""
    for worker in web_workers():
        (worker / "clear_refs").write_text("5")


def peak() -> int:
    """The most memory that a web process has held, in bytes."""
    return max(_peak_of(worker) for worker in web_workers())


def cpu_seconds() -> float:
    """Processor time that the web processes have used together."""
    ticks = [_read(worker / "stat").rpartition(b")")[2].split()[11:13] for worker in web_workers()]
    return sum(map(int, itertools.chain(*ticks))) / os.sysconf("SC_CLK_TCK")


def _peak_of(process: Path) -> int:
    [line] = [line for line in _read(process / "status").splitlines() if line.startswith(b"VmHWM:")]
    return int(line.split()[1]) * 1024


def _descendants(pid: int) -> list[Path]:
    process = Path(f"/proc/{pid}")
    children = [int(child) for task in (process / "task").glob("*") for child in _read(task / "children").split()]
    return [process, *(found for child in children for found in _descendants(child))]


def _read(path: Path) -> bytes:
    """Nothing of a process that has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
