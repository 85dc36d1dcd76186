"""Archives of repositories: written, merged, and refused when they are not what an export writes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deployr.errors import DeployrError, InvalidParameter, NotFound
from deployr.repository import exchange, exporting
from deployr.repository.blobs import Blobs
from deployr.repository.check import RepositoryCheck
from deployr.repository.directories import RepositoryDirectories
from deployr.repository.exchange import ArchivedDirectory, ArchivedFile, ArchivedVersion, Manifest
from deployr.repository.file_changes import FileChanges
from deployr.repository.files import RepositoryFiles
from deployr.repository.importing import Imported, RepositoryImport
from deployr.repository.records import FileProperties, RepositoryFile, RepositoryName
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.store.schema import users
from deployr.users.caller import Caller
from tests.databases import make_tables

SHA256 = hashlib.sha256(b"content").hexdigest()
FILE = ArchivedFile(
    author="george", authors=["george"], directory="root", filename="a.txt", descr="d", tags=None, restricted=None,
    shared=False, published=True, inputs=None, outputs=None, created=5,
    versions=[ArchivedVersion(sha256=SHA256, length=7, message=None, latestby="george", lastmodified=9)],
)  # fmt: skip
MANIFEST = Manifest(directories=[], files=[FILE])


@dataclasses.dataclass
class Repository:
    """A repository with its users."""

    database: Database
    blobs: Blobs
    files: RepositoryFiles

    def export(self, username: str | None = None) -> bytes:
        archive = io.BytesIO()
        exporting.export(self.database, self.blobs, archive, username=username)
        return archive.getvalue()

    def load(self, archive: bytes) -> Imported:
        return RepositoryImport(self.database, self.blobs).load(io.BytesIO(archive))

    def faults(self) -> list[str]:
        return [fault.text for fault in RepositoryCheck(self.database, self.blobs).faults()]


@pytest.fixture
def here(database: Database, blobs: Blobs, repository: RepositoryFiles) -> Repository:
    return Repository(database, blobs, repository)


@pytest.fixture
def there(tmp_path: Path) -> Repository:
    """Another server's repository, which holds nothing; it has no user admin."""
    settings = Settings.load(flags={"home": tmp_path / "there"})
    settings.prepare_home()
    make_tables(settings.database_url)
    database = Database(settings.database_url)
    with database.transaction() as connection:
        for name in ("george", "susan"):
            values = {"username": name, "displayname": name, "password_hash": "", "last_modified": 0}
            connection.execute(users.insert().values(values))
    return Repository(database, Blobs(settings.blobs_directory), RepositoryFiles(database, settings))


@pytest.fixture
def george(caller: Callable[[str | None], Caller]) -> Caller:
    return caller("george")


@pytest.fixture
def susan(caller: Callable[[str | None], Caller]) -> Caller:
    return caller("susan")


@pytest.fixture
def filled(here: Repository, george: Caller, susan: Caller, settings: Settings) -> Repository:
    """With versions, properties, two owners of a file, an archive and an empty directory."""
    directories, changes = RepositoryDirectories(here.database), FileChanges(here.database, settings)
    for name in ("empty", "größe", "old"):
        directories.create(george, name)
    store(here, george, "a.txt", b"one")
    store(here, george, "a.txt", b"two", message="second")
    store(here, george, "ä b.R", b"", directory="größe", properties=FileProperties(descr="d", restricted="A,B"))
    changes.grant(george, "ä b.R", directory="größe", newauthors=["susan"], revokeauthors=[])
    store(here, george, "x.csv", b"one", directory="old", properties=FileProperties(published=True, inputs="n"))
    directories.archive(george, "old", "past")
    store(here, susan, "own.txt", b"susan's")
    return here


def store(
    repository: Repository, caller: Caller, filename: str, content: bytes, *, message: str | None = None, **given: Any
) -> RepositoryFile:
    blob = repository.blobs.put([content])
    return repository.files.upload(caller, filename, blob, newversion=True, newversionmsg=message, **given)


def everything(repository: Repository, *callers: Caller) -> list[Any]:
    """All that callers see: directories, files, versions."""
    found: list[Any] = []
    for caller in callers:
        listing = RepositoryDirectories(repository.database).list_directories(caller, archived=True, userfiles=True)
        found.append(listing)
        for file in (file for entry in listing.user for file in entry.files):
            found += repository.files.list_files(caller, directory=file.directory, filename=file.filename)
    return found


def test_what_is_exported_is_imported_whole(
    filled: Repository, there: Repository, george: Caller, susan: Caller
) -> None:
    archive = filled.export()
    assert there.load(archive) == Imported(added=4)
    assert everything(there, george, susan) == everything(filled, george, susan)
    assert there.blobs.read(hashlib.sha256(b"two").hexdigest()) == b"two"
    assert there.faults() == []
    assert there.export() == archive


def test_an_import_made_again_finds_all_there(filled: Repository, there: Repository, george: Caller) -> None:
    archive = filled.export()
    there.load(archive)
    before = everything(there, george)
    assert there.load(archive) == Imported(known=4)
    assert everything(there, george) == before


def test_one_users_files_are_exported(filled: Repository, there: Repository, susan: Caller) -> None:
    assert there.load(filled.export("susan")) == Imported(added=2)
    assert [file.filename for file in there.files.list_files(susan)] == ["ä b.R", "own.txt"]
    with pytest.raises(NotFound):
        filled.export("nobody")


def test_other_content_of_a_file_becomes_newer_versions_and_is_reported(
    filled: Repository, there: Repository, george: Caller
) -> None:
    store(there, george, "a.txt", b"mine", properties=FileProperties(descr="mine"))
    imported = there.load(filled.export())
    assert (imported.added, imported.extended, len(imported.notes)) == (3, 1, 1)
    assert "george root/a.txt has other content here" in imported.notes[0]
    history = there.files.list_files(george, filename="a.txt")
    assert [there.blobs.read(file.sha256) for file in history] == [b"two", b"one", b"mine"]
    assert [(file.version, file.descr) for file in history] == [(None, "mine"), ("2.0", "mine"), ("1.0", "mine")]
    store(there, george, "a.txt", b"newer")
    assert there.load(filled.export()) == Imported(known=4)


def test_the_same_content_stored_at_another_time_is_known(here: Repository, there: Repository, george: Caller) -> None:
    store(here, george, "a.txt", b"same")
    store(there, george, "a.txt", b"same")
    assert there.load(here.export()) == Imported(known=1)


def test_files_of_users_who_are_not_here_are_left_out(
    here: Repository, there: Repository, george: Caller, settings: Settings, caller: Callable[[str | None], Caller]
) -> None:
    store(here, caller("admin"), "admins.txt", b"1")
    store(here, george, "a.txt", b"2")
    FileChanges(here.database, settings).grant(george, "a.txt", newauthors=["admin"], revokeauthors=[])
    imported = there.load(here.export())
    assert (imported.added, imported.left_out) == (1, 1)
    assert imported.notes == [
        "there is no user admin, whose files were left out",
        "george root/a.txt cannot be owned by admin, who is no user",
    ]
    assert there.files.find(george, RepositoryName("a.txt")).authors == ("george",)


def test_a_damaged_content_is_not_exported(filled: Repository) -> None:
    filled.blobs.path(hashlib.sha256(b"two").hexdigest()).write_bytes(b"tw0")
    with pytest.raises(DeployrError, match="missing or damaged"):
        filled.export()


# -- hostile archives -------------------------------------------------------------------------------------


def archive(*entries: tuple[tarfile.TarInfo | str, bytes], manifest: Manifest | bytes = MANIFEST) -> bytes:
    """An archive with entries of any kind."""
    encoded = manifest if isinstance(manifest, bytes) else msgspec.json.encode(manifest)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for named, data in [("repository.json", encoded), *entries]:
            entry = named if isinstance(named, tarfile.TarInfo) else tarfile.TarInfo(named)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def entry(kind: bytes, name: str = f"contents/{SHA256}") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def file_like(**changes: Any) -> Manifest:
    return Manifest(directories=[], files=[msgspec.structs.replace(FILE, **changes)])


CONTENT = (f"contents/{SHA256}", b"content")


HOSTILE = {
    "nothing": b"",
    "junk": b"junk" * 1000,
    "a zip": b"PK\x03\x04" + bytes(1000),
    "an end at once": bytes(2048),
    "an early end": archive(CONTENT)[:1500],
    "no contents": archive(),
    "a damaged content": archive((f"contents/{SHA256}", b"c0ntent")),
    "a content of another length": archive((f"contents/{SHA256}", b"content and more")),
    "a content of no file": archive(CONTENT, (f"contents/{'0' * 64}", b"extra")),
    "a content twice": archive(CONTENT, CONTENT),
    "a path out of the archive": archive(("../../etc/cron.d/x", b"content")),
    "an absolute path": archive((f"/contents/{SHA256}", b"content")),
    "a path with dots": archive((f"contents/../{SHA256}", b"content")),
    "a symbolic link": archive((entry(tarfile.SYMTYPE), b"")),
    "a hard link": archive((entry(tarfile.LNKTYPE), b"")),
    "a pipe": archive((entry(tarfile.FIFOTYPE), b"")),
    "a device": archive((entry(tarfile.CHRTYPE), b"")),
    "a directory": archive((entry(tarfile.DIRTYPE), b"")),
    "a sparse file": archive((entry(tarfile.GNUTYPE_SPARSE), b"content")),
    "a long name": archive((entry(tarfile.GNUTYPE_LONGNAME), b"x" * 600), CONTENT),
    "extended headers": archive((entry(tarfile.XHDTYPE), b"30 path=../../outside\n"), CONTENT),
    "an empty list": archive(CONTENT, manifest=b"{}"),
    "a deeply nested list": archive(CONTENT, manifest=b"[" * 100_000),
    "a list in no encoding": archive(CONTENT, manifest=b"\xff"),
    "another format": archive(CONTENT, manifest=msgspec.structs.replace(MANIFEST, format=2)),
    "a file name with a path": archive(CONTENT, manifest=file_like(filename="../x")),
    "a file name with a line break": archive(CONTENT, manifest=file_like(filename="a\nb")),
    "a directory with a path": archive(CONTENT, manifest=file_like(directory="a/b")),
    "a reserved directory": archive(CONTENT, manifest=file_like(directory="public")),
    "a file without versions": archive(CONTENT, manifest=file_like(versions=[])),
    "a moment far away": archive(CONTENT, manifest=file_like(created=2**70)),
    "a content named by a path": archive(
        CONTENT, manifest=file_like(versions=[msgspec.structs.replace(FILE.versions[0], sha256="../../x")])
    ),
    "a length told wrongly": archive(
        CONTENT, manifest=file_like(versions=[msgspec.structs.replace(FILE.versions[0], length=8)])
    ),
    "a directory named by dots": archive(
        CONTENT, manifest=Manifest(directories=[ArchivedDirectory(owner="george", name="..")], files=[FILE])
    ),
    "a file twice": archive(CONTENT, manifest=Manifest(directories=[], files=[FILE, FILE])),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_archive_of_an_export_is_refused_and_changes_nothing(
    there: Repository, george: Caller, data: bytes
) -> None:
    with pytest.raises(InvalidParameter):
        there.load(data)
    assert there.files.list_files(george) == []
    assert there.faults() == []


def test_the_archive_that_the_refused_ones_are_made_from_is_taken(there: Repository, george: Caller) -> None:
    assert there.load(archive(CONTENT)) == Imported(added=1)
    assert there.blobs.read(there.files.find(george, RepositoryName("a.txt")).sha256) == b"content"


def test_an_archive_that_claims_to_be_huge_takes_no_memory(there: Repository) -> None:
    header = tarfile.TarInfo("repository.json")
    header.size = exchange.LARGEST_MANIFEST
    claims = [header.tobuf(tarfile.GNU_FORMAT)]
    header.size = 2**60
    claims.append(header.tobuf(tarfile.GNU_FORMAT))
    tracemalloc.start()
    for claim in claims:
        with pytest.raises(InvalidParameter):
            there.load(claim + b"{}")
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
