"""User namespaces: who runs user code and must become other users all the same is root there, and nobody elsewhere.

This module is also a program, ``python -I user_namespaces.py FIRST LAST COMMAND ...``, which runs the command so.

A service's parent runs its author's code before it forks, and gives each fork a user id of its own. Only root may do
that; so it is root of a namespace in which no ids exist but those of its own range.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_KEPT_CAPABILITIES = (0, 6, 7)
"""To give files away, and to become a group and a user; nothing else."""

_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter(first: int, last: int) -> None:
    """Become root of a new namespace; outside of it this process is the first id of the range.

    Args:
        first, last: ids that exist in it; but for the first they are called there as they are outside.

    Raises:
        OSError: the system does not allow it.
    """
    unshared, tell = os.pipe()
    writer = os.fork()
    if writer == 0:
        _write_maps(unshared, tell, f"0 {first} 1\n{first + 1} {first + 1} {last - first}\n")
    os.close(unshared)
    result = _LIBC.unshare(_CLONE_NEWUSER)
    failure = ctypes.get_errno()
    os.write(tell, b"x" if result == 0 else b"")
    os.close(tell)
    if os.waitpid(writer, 0)[1] != 0 or result != 0:
        raise OSError(failure, "a user namespace cannot be made")
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    for capability in range(int(_LAST_CAPABILITY.read_text()) + 1):
        if capability not in _KEPT_CAPABILITIES:
            _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


@cache
def available() -> bool:
    """Whether this process may make namespaces; containers are often denied it."""
    return subprocess.run(command(1, 2, ["true"]), capture_output=True).returncode == 0  # noqa: S603


def command(first: int, last: int, arguments: Sequence[str]) -> tuple[str, ...]:
    """The command that runs a command in a namespace; see :func:`enter`."""
    return sys.executable, "-I", __file__, str(first), str(last), *arguments


def _write_maps(unshared: int, tell: int, ids: str) -> None:
    """In a child that stays outside: map the ids of its parent's namespace once that is made; never returns."""
    try:
        os.close(tell)
        if os.read(unshared, 1):
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{os.getppid()}/{name}").write_text(ids)
            os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    enter(int(sys.argv[1]), int(sys.argv[2]))
    # Who becomes another user forgets this.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606
