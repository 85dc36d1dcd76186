"""Sample content of a new server."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deployr.repository.blobs import Blobs
from deployr.repository.files import RepositoryFiles
from deployr.repository.samples import load_samples
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller
from tests.databases import make_tables


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    entries = [
        ("george", "root", "open.R", "public"),
        ("george", "example", "model.rData", "shared"),
        ("george", "example", "score.R", "private"),
        ("nobody", "root", "lost.R", "public"),
    ]
    for user, directory, filename, _ in entries:
        path = tmp_path / "samples" / "repository" / user / directory / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filename)
    keys = ("user", "directory", "filename", "access")
    manifest = [dict(zip(keys, entry, strict=True), descr="d") for entry in entries]
    (tmp_path / "samples" / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return tmp_path / "samples"


def test_samples_are_stored_with_their_access(
    samples: Path, database: Database, blobs: Blobs, repository: RepositoryFiles, caller: Callable[[str], Caller]
) -> None:
    assert load_samples(database, blobs, samples) == 3
    found = repository.list_files(caller("george"))
    assert [(file.directory, file.filename, file.access) for file in found] == [
        ("example", "model.rData", "Shared"),
        ("example", "score.R", "Private"),
        ("root", "open.R", "Public"),
    ]
    assert blobs.read(found[2].sha256) == b"open.R"


def test_samples_are_loaded_into_an_empty_repository_only(
    samples: Path, database: Database, blobs: Blobs, repository: RepositoryFiles, caller: Callable[[str], Caller]
) -> None:
    load_samples(database, blobs, samples)
    repository.delete(caller("george"), ["open.R"])
    assert load_samples(database, blobs, samples) == 0
    assert len(repository.list_files(caller("george"))) == 2


def test_a_failure_stores_nothing_so_that_the_next_start_begins_anew(
    samples: Path, database: Database, blobs: Blobs
) -> None:
    path = samples / "repository/george/example/score.R"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        load_samples(database, blobs, samples)
    path.write_text("back")
    assert load_samples(database, blobs, samples) == 3


def test_the_shipped_samples_belong_to_the_default_accounts(tmp_path: Path) -> None:
    settings = Settings.load(flags={"home": tmp_path})
    make_tables(settings.database_url)
    database = Database(settings.database_url)
    Accounts(database, settings).ensure_default_accounts()
    assert load_samples(database, Blobs(settings.blobs_directory)) >= 10
    testuser = Caller(http_session="abc", username="testuser")
    found = RepositoryFiles(database, settings).list_files(testuser, directory="example-fraud-score")
    assert [file.filename for file in found] == ["ccFraudScore.R", "fraudModel.rData"]
