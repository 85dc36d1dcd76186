"""Processes of the grid: watching, signalling and removing sessions with everything they started.

R's children outlive it: background commands, `mclapply` workers, daemons. The grid is a child subreaper, so
orphans come back to it; each is told to its session by the user id (root), or by the marker in its environment,
and one that belongs to no live session is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_PROC = Path("/proc")
_MOST_OPEN_FILES = 65_536
_OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
_END_SECONDS = 5.0
"""Longest time that the end of a killed process is waited for; one may hang in the kernel."""
_ROUNDS = 10

GRID_MARKER = "DEPLOYR_GRID"
"""Environment variable that every process of a grid's Rserve parents starts with; its value names the grid."""
SESSION_MARKER = "DEPLOYR_SESSION"
"""Environment variable that a session sets for the programs it starts."""


def become_subreaper() -> None:
    """Make orphans of this process's descendants its children."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(signum: int = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when its parent dies (for ``preexec_fn``)."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What ``/proc/<pid>/stat`` says: parent, process group and CPU time in seconds."""

    state: str
    parent: int
    group: int
    cpu: float


def stat(pid: int) -> ProcessStat | None:
    """State of a process, ``None`` when it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return ProcessStat(
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        cpu=(int(fields[11]) + int(fields[12])) / ticks,
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a process is: its id, its parent's, and its real user and group ids."""

    pid: int
    parent: int
    uid: int
    gid: int


def identity(pid: int) -> Identity | None:
    """Who a process is, by the kernel; ``None`` when it is gone."""
    try:
        text = (_PROC / str(pid) / "status").read_text(errors="replace")
    except OSError:
        return None
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in text.splitlines())}
    return Identity(pid, int(fields["PPid"][0]), int(fields["Uid"][0]), int(fields["Gid"][0]))


def all_pids() -> Iterator[int]:
    """Ids of all processes visible here."""
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with; empty when it cannot be read."""
    try:
        raw = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in raw.split(b"\0") if b"=" in entry)
    return {name: value for name, _, value in pairs}


def owner(pid: int) -> int:
    """User id of a process, -1 when it is gone."""
    try:
        return (_PROC / str(pid)).stat().st_uid
    except OSError:
        return -1


def children(pid: int) -> list[int]:
    """Direct children of a process, those of all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_bytes().split())
    return found


def descendants(pid: int) -> list[int]:
    """All living descendants of a process, parents before children."""
    found: list[int] = []
    queue = [pid]
    while queue:
        below = children(queue.pop())
        found += below
        queue += below
    return found


def send_signal(pids: Iterable[int], signum: int) -> None:
    """Signal processes; those that are gone are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)


def send_signal_by_pidfd(pidfd: int, signum: int) -> bool:
    """Signal a process that somebody else reaps, whose id may be another's then; false when it is gone."""
    with contextlib.suppress(PermissionError):
        try:
            signal.pidfd_send_signal(pidfd, signum)
        except ProcessLookupError:
            return False
    return True


def kill_tree(pid: int, pidfd: int | None = None) -> None:
    """Kill a process and its descendants; stopped first, so that none can start others meanwhile.

    Args:
        pidfd: of the process, when somebody else reaps it: it has no descendants and its id may be another's then.
    """
    if pidfd is None:
        send_signal([pid], signal.SIGSTOP)
    elif not send_signal_by_pidfd(pidfd, signal.SIGSTOP):
        return
    send_signal(descendants(pid), signal.SIGSTOP)
    send_signal([*descendants(pid), pid], signal.SIGKILL)


def kill_users(uids: Container[int]) -> None:
    """Kill every process of these user ids; repeated until none is left, since they may fork meanwhile.

    Processes of the server's own user are spared, whatever is asked: as root these would be all of the machine's.
    """
    ours = os.geteuid()
    for _ in range(_ROUNDS):
        pids = [pid for pid in all_pids() if (uid := owner(pid)) != ours and uid in uids and not is_zombie(pid)]
        if not pids:
            return
        send_signal(pids, signal.SIGSTOP)
        send_signal(pids, signal.SIGKILL)


def is_zombie(pid: int) -> bool:
    """True for a process that is dead and not yet reaped, or gone."""
    found = stat(pid)
    return found is None or found.state == "Z"


def kill_and_wait(pids: Collection[int]) -> None:
    """Kill processes and return when they are dead: a signal is taken no sooner than the process is scheduled."""
    send_signal(pids, signal.SIGKILL)
    deadline = time.monotonic() + _END_SECONDS
    while not all(map(is_zombie, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)


def kill_children() -> None:
    """Kill all children of this process, and theirs, which become its own when it is a subreaper."""
    _kill_until_none(lambda: {pid for pid in children(os.getpid()) if not is_zombie(pid)})


def kill_grid(name: str) -> int:
    """Kill everything that a grid of this name left, until nothing of it runs; the number of processes killed."""
    return len(_kill_until_none(lambda: _left_by_grid(name)))


def _kill_until_none(find: Callable[[], set[int]]) -> set[int]:
    """Kill what is found, again and again, as the dying may leave others; all that were killed."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        left = find()
        if not left:
            break
        kill_and_wait(left)
        killed |= left
    return killed


def _left_by_grid(name: str) -> set[int]:
    """Processes with the mark of a grid, and all that are in a group with one."""
    marked = [pid for pid in all_pids() if environment(pid).get(GRID_MARKER) == name]
    groups = {found.group for pid in marked if (found := stat(pid)) is not None}
    members = [pid for pid in all_pids() if (found := stat(pid)) is not None and found.group in groups]
    return {*marked, *members} - {os.getpid()}


class Living(Protocol):
    """What :class:`Orphans` must know of a live session; when it is isolated no other one has its user id."""

    pid: int
    marker: str
    uid: int
    isolated: bool


class Orphans:
    """The children of the grid process: those somebody waits for, and those that came to it as orphans.

    Attributes:
        managed: process ids that somebody else waits for.
        sessions: live sessions; what they started in the background is theirs.
    """

    def __init__(self) -> None:
        self.managed: set[int] = set()
        self.sessions: set[Living] = set()
        self._holds = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Leave all children alone meanwhile: one is being started and is not known as managed yet."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def reap(self) -> int:
        """Reap dead orphans and kill those that belong to no live session; how many were killed."""
        managed = self.managed | {session.pid for session in self.sessions}
        killed = 0
        for pid in children(os.getpid()) if not self._holds else []:
            if pid in managed or _reaped(pid) or self._is_owned(pid):
                continue
            kill_tree(pid)
            killed += 1
        return killed

    def _is_owned(self, pid: int) -> bool:
        """By user id, and by marker among sessions that share one; a marker alone could be a stranger's."""
        uid = owner(pid)
        of_user = [session for session in self.sessions if session.uid == uid]
        if not of_user or any(session.isolated for session in of_user):
            return bool(of_user)
        marker = environment(pid).get(SESSION_MARKER)
        return any(session.marker == marker for session in of_user)


def _reaped(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False


def allow_open_files() -> None:
    """Let this process open as many files as it may: a session takes about five."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def limit_resources(*, memory: int, cpu: int, processes: int) -> None:
    """Limit this process and all it will fork; 0 for no limit. It may open as many files as programs expect.

    Args:
        memory: address space of each process in bytes.
        cpu: CPU seconds of each process.
        processes: processes and threads of a user id.
    """
    # As many as before the grid allowed itself more: select() takes none beyond 1023, some close all there can be.
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if processes:
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpu:
        # For children of sessions, and for what the grid's own watch misses: it comes first.
        resource.setrlimit(resource.RLIMIT_CPU, (cpu + 5, cpu + 10))


class UserIds:
    """A range of user ids that no other parent on this machine uses, kept by a file lock.

    The lock file is empty while the range is free. One that is not belongs to a grid that was killed: what still
    runs under its user ids is killed.

    Args:
        base: first id of the first range.
        size: ids in a range.
        locks: directory of the lock files.
    """

    def __init__(self, base: int, size: int, locks: Path = Path("/run/lock/deployr")) -> None:
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        for start in range(base, base + 1000 * size, size):
            self._lock = os.open(locks / f"uids-{start}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(self._lock)
                continue
            self.first, self.last = start, start + size - 1
            if os.fstat(self._lock).st_size:
                kill_users(range(start, start + size))
            os.pwrite(self._lock, b"used\n", 0)
            return
        raise OSError(f"no free range of user ids from {base} on")

    def release(self) -> None:
        """Give the range back; nothing runs under it any more."""
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
