"""Memory of processes, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path

MIB = 1024.0
"""Kilobytes in a MiB."""


def private_memory(pid: int) -> float:
    """Memory that a process shares with no other, in MiB: ``Private_Clean`` and ``Private_Dirty``."""
    return _sum(Path(f"/proc/{pid}/smaps_rollup"), "Private_Clean:", "Private_Dirty:")


def resident_memory(pid: int) -> float:
    """Resident set of a process, in MiB."""
    return _sum(Path(f"/proc/{pid}/status"), "VmRSS:")


def peak_memory(pid: int) -> float:
    """Largest resident set of a process so far, in MiB."""
    return _sum(Path(f"/proc/{pid}/status"), "VmHWM:")


def _sum(path: Path, *names: str) -> float:
    lines = (line.split() for line in path.read_text().splitlines())
    return sum(int(line[1]) for line in lines if line and line[0] in names) / MIB
