"""Whether the repository is whole: rows fit together, each has its content, each content is what its name says.

A check may run beside the server: it sees one state of the rows at a time, and blobs that rows name are not removed.
Contents that no row names are no fault, any crash may leave them; :mod:`deployr.repository.collection` removes them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from deployr.repository import content_faults, references, row_faults
from deployr.repository.blobs import PREFIXES, BadBlob, Blobs, is_blob_name
from deployr.repository.collection import old_drafts
from deployr.repository.faults import Fault, Repair
from deployr.store.database import Database


@dataclasses.dataclass(slots=True)
class Checked:
    """What a check went through: contents that rows name, bytes of the good ones, contents that no row names."""

    contents: int = 0
    length: int = 0
    unreferenced: int = 0


class RepositoryCheck:
    """Checks rows, blobs, and what else lies where the blobs are.

    Attributes:
        checked: counts along.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self.checked = Checked()

    def faults(self) -> Iterator[Fault]:
        """All faults; those found were not repaired yet."""
        with self._database.reading() as connection:
            found = list(row_faults.find(connection))
        yield from found
        for prefix in PREFIXES:
            yield from self._contents(prefix)
        yield from self._strays()

    def repair(self, fault: Fault) -> bool:
        """Do what the fault's remedy says, in a transaction of its own; returns whether there is something to do."""
        if fault.repair is None:
            return False
        with self._database.transaction() as connection:
            fault.repair(connection)
        return True

    def _contents(self, prefix: str) -> Iterator[Fault]:
        with self._database.reading() as connection:
            used = references.used(connection, prefix)
            told = content_faults.lengths(connection, prefix)
        for sha256 in sorted(used):
            yield from self._content(sha256, told.get(sha256, set()))
        self.checked.unreferenced += len(set(self._blobs.stored(prefix)) - used)

    def _content(self, sha256: str, told: set[int]) -> list[Fault]:
        """Faults of a content, of which versions tell these lengths."""
        self.checked.contents += 1
        try:
            length = self._blobs.verify(sha256)
        except BadBlob as ex:
            with self._database.reading() as connection:
                return list(content_faults.of_bad(connection, self._blobs, sha256, str(ex)))
        self.checked.length += length
        if told <= {length}:
            return []
        with self._database.reading() as connection:
            return list(content_faults.of_length(connection, sha256, length))

    def _strays(self) -> Iterator[Fault]:
        for path in old_drafts(self._blobs):
            yield Fault(f"{path}: an upload that broke off", "removes it", _unlinking(path))
        for path in sorted(self._unknown()):
            if path.is_file() or path.is_symlink():
                yield Fault(f"{path}: is no content", "removes it", _unlinking(path))
            else:
                yield Fault(f"{path}: is no content", "is left as it is", None)

    def _unknown(self) -> Iterator[Path]:
        """What the blob store did not put where it is."""
        blobs = self._blobs
        own = {blobs.drafts, blobs.damaged, blobs.unreferenced}
        for path in blobs.directory.iterdir() if blobs.directory.exists() else ():
            if path.name in PREFIXES and path.is_dir():
                yield from (child for child in path.iterdir() if not _is_blob(child))
            elif path not in own:
                yield path


def _is_blob(path: Path) -> bool:
    return is_blob_name(path.name) and path.is_file() and not path.is_symlink()


def _unlinking(path: Path) -> Repair:
    return lambda _: path.unlink(missing_ok=True)
