"""The processes of a running server, told by what they are: for killing them, and for counting what is left."""

from __future__ import annotations

from pathlib import Path

from bench.memory import resident_memory
from bench.server import Server
from deployr.grid import processes


def grid(server: Server) -> int | None:
    """The grid process; ``None`` while there is none."""
    return part(server, "deployr.grid")


def web_workers(server: Server) -> list[int]:
    """The web workers, without their gunicorn master."""
    master = part(server, "gunicorn")
    return processes.children(master) if master else []


def r_processes(server: Server) -> list[int]:
    """Every living process that stems from an R process of this server, also one that has left the tree."""
    marker = str(server.sessions_directory)
    return [
        pid
        for pid in processes.all_pids()
        if processes.environment(pid).get(processes.GRID_MARKER) == marker and not processes.is_zombie(pid)
    ]


def rserve_parents(server: Server) -> list[int]:
    """The warm parents: each leads a process group."""
    return [pid for pid in r_processes(server) if _leads_group(pid)]


def sessions(server: Server) -> list[int]:
    """R sessions, warm ones included."""
    return [pid for pid in r_processes(server) if not _leads_group(pid)]


def footprint(server: Server) -> tuple[float, int]:
    """Resident memory in MiB and open files of the grid and the web workers together."""
    pids = [pid for pid in (grid(server), *web_workers(server)) if pid]
    return sum(map(resident_memory, pids)), sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)


def part(server: Server, name: str) -> int | None:
    """A child of the supervisor by what is in its command line; ``None`` while there is none."""
    for pid in processes.children(server.pid):
        if name in _command(pid) and not processes.is_zombie(pid):
            return pid
    return None


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _leads_group(pid: int) -> bool:
    found = processes.stat(pid)
    return found is not None and found.group == pid
