"""Removes the blobs that no row refers to, and what uploads left behind when a process was killed.

A blob goes when a round finds it unreferenced that an earlier round, a day ago, found so too, and when its content was
not stored again since. So nobody needs to say that it is about to refer to a blob: what was stored, or read from a row,
may be written to another row within a day. A file in ``unreferenced/`` notes since when a blob is unreferenced.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from pathlib import Path

from deployr.repository import references
from deployr.repository.blobs import PREFIXES, Blobs, is_older
from deployr.store.database import Database

log = logging.getLogger(__name__)

GRACE = 24 * 60 * 60
"""Seconds."""


@dataclasses.dataclass(slots=True)
class Collected:
    """What a round removed: how many blobs and how many drafts."""

    blobs: int = 0
    drafts: int = 0


class BlobCollector:
    """Makes the rounds; several processes may do so at once.

    Args:
        grace: seconds that a blob is kept unreferenced.
    """

    def __init__(self, database: Database, blobs: Blobs, *, grace: float = GRACE) -> None:
        self._database = database
        self._blobs = blobs
        self._grace = grace
        self._notes = blobs.unreferenced

    def collect(self) -> Collected:
        """One round; it may run while the server stores and reads."""
        collected = Collected()
        self._notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        noted = {path.name for path in self._notes.iterdir()}
        for prefix in PREFIXES:
            collected.blobs += self._collect(prefix, {sha256 for sha256 in noted if sha256.startswith(prefix)})
        collected.drafts = sum(self._remove_draft(path) for path in old_drafts(self._blobs, self._grace))
        return collected

    def _collect(self, prefix: str, noted: set[str]) -> int:
        """The blobs of a prefix; how many were removed."""
        # Listed first: what is stored after that is none of this round's business.
        stored = set(self._blobs.stored(prefix))
        if not stored and not noted:
            return 0
        with self._database.reading() as connection:
            unused = stored - references.used(connection, prefix)
        for sha256 in noted - unused:
            (self._notes / sha256).unlink(missing_ok=True)
        for sha256 in unused - noted:
            (self._notes / sha256).touch()
        return sum(self._remove(sha256) for sha256 in unused & noted)

    def _remove(self, sha256: str) -> bool:
        note = self._notes / sha256
        try:
            if not is_older(note, self._grace) or not self._blobs.remove_older(sha256, self._grace):
                return False
        except OSError as ex:
            # One that cannot be removed must not keep the others.
            log.warning("an unreferenced blob cannot be removed: %s", ex)
            return False
        note.unlink(missing_ok=True)
        return True

    def _remove_draft(self, path: Path) -> bool:
        path.unlink(missing_ok=True)
        return True


def old_drafts(blobs: Blobs, age: float = GRACE) -> list[Path]:
    """Blobs whose writing broke off: nobody has written to them for ``age`` seconds."""
    with contextlib.suppress(FileNotFoundError):
        return [path for path in blobs.drafts.iterdir() if is_older(path, age)]
    return []
