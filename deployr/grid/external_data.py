"""The directories of external data, and who may enter them (admin facts 24).

Of a server run as root every session has a user id of its own, and a user's next session another one. So a private
directory is closed to all but the sessions of its user: its access list names their ids for as long as they live. What
is made in it is open to whoever got in, by a default access list, in whose presence the kernel ignores the umask.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Collection
from pathlib import Path

from deployr.settings import Settings

log = logging.getLogger(__name__)

_CLOSED, _TRAVERSABLE, _READABLE = 0o700, 0o711, 0o755

# Linux keeps a list as little-endian bytes, linux/posix_acl_xattr.h: a version, then tag, rights and id of each entry.
_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_NONE, _READ, _ALL = 0, 5, 7


def prepare(settings: Settings) -> None:
    """Make the directories; those that exist stay as they are.

    Run as root, all sessions can read what is public; code can write there once the directory's mode lets it, and what
    it then makes can be read by all.
    """
    as_root = os.geteuid() == 0
    public, private = settings.public_data_directory, settings.private_data_directory
    if not public.exists():
        _make(public, _READABLE if as_root else _CLOSED)
        if as_root:
            _set_list(public, _DEFAULT, _entries(group=_READ, others=_READ))
    if not private.exists():
        _make(private, _TRAVERSABLE if as_root else _CLOSED)


class PrivateDirectories:
    """Lets sessions that have user ids of their own into private directories; the grid process alone does so."""

    def __init__(self) -> None:
        self._admitted: dict[Path, set[int]] = {}

    def shut(self, base: Path) -> None:
        """Close all directories below to all: a former process may have left ids that others will have."""
        for directory in base.iterdir() if base.exists() else ():
            if directory.is_dir() and not directory.is_symlink():
                self._write(directory, set())

    def admit(self, directory: Path, uid: int) -> None:
        """Let processes of this user id in."""
        admitted = self._admitted.setdefault(directory, set())
        admitted.add(uid)
        _set_list(directory, _DEFAULT, _entries(group=_ALL, others=_ALL))
        self._write(directory, admitted)

    def dismiss(self, directory: Path, uid: int) -> None:
        """No longer do so; no effect when it was not let in."""
        admitted = self._admitted.get(directory, set())
        if uid in admitted:
            admitted.remove(uid)
            self._write(directory, admitted)
        if not admitted:
            self._admitted.pop(directory, None)

    def _write(self, directory: Path, uids: Collection[int]) -> None:
        _set_list(directory, _ACCESS, _entries(uids=uids))


def _make(directory: Path, mode: int) -> None:
    """Make a directory; those above it that are missing too can be traversed as it can."""
    if not directory.parent.exists():
        _make(directory.parent, mode & _TRAVERSABLE)
    directory.mkdir(exist_ok=True)
    directory.chmod(mode)


def _entries(*, uids: Collection[int] = (), group: int = _NONE, others: int = _NONE) -> bytes:
    """An access list with all rights for the owner and these user ids."""
    users = [_ENTRY.pack(_USER, _ALL, uid) for uid in sorted(uids)]
    ends = [_ENTRY.pack(tag, rights, _NOBODY) for tag, rights in ((_GROUP, group), (_MASK, _ALL), (_OTHERS, others))]
    return b"".join([_VERSION, _ENTRY.pack(_OWNER, _ALL, _NOBODY), *users, *ends])


def _set_list(directory: Path, kind: str, entries: bytes) -> None:
    try:
        os.setxattr(directory, kind, entries)
    except OSError as ex:
        # Then the directory stays as closed as its mode says.
        log.warning("access lists of external data cannot be set: %s", ex)
