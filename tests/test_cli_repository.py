"""``deployr repository ...``."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from deployr.cli import main
from deployr.prepare import prepare
from deployr.repository.blobs import Blobs
from deployr.settings import Settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a home with the sample files."""
    settings = Settings.load(flags={"home": tmp_path / "home"})
    prepare(settings)
    return settings


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit status, output and errors."""

    def call(*arguments: str, home: Path = settings.home) -> tuple[int, str, str]:
        status = main(["repository", *arguments, "--home", str(home)])
        return status, *capsys.readouterr()

    return call


def test_a_check_says_what_it_went_through(run: Run) -> None:
    status, out, _ = run("check")
    assert status == 0
    assert "contents checked" in out
    assert out.endswith("no faults\n")


def test_a_check_tells_faults_by_its_exit_status_until_they_are_repaired(run: Run, settings: Settings) -> None:
    blobs = Blobs(settings.blobs_directory)
    victim = next(path for path in blobs.directory.glob("??/*"))
    victim.write_bytes(b"damaged")
    status, out, _ = run("check")
    assert status == 1
    assert "is damaged\n    --repair: removes the version" in out
    status, out, _ = run("check", "--repair")
    assert status == 0
    assert "repair: removes the version" in out
    assert run("check")[0] == 0


def test_an_export_is_imported_by_another_server(run: Run, tmp_path: Path) -> None:
    archive, other = tmp_path / "files.tar", Settings.load(flags={"home": tmp_path / "other"})
    status, out, _ = run("export", str(archive))
    assert (status, out.startswith("exported ")) == (0, True)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    prepare(other)
    status, imported, _ = run("import", str(archive), home=other.home)
    assert (status, imported) == (0, f"0 files added, 0 got versions, {out.split()[1]} were there already\n")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["files.tar"]


def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path) -> None:
    existing = tmp_path / "exists"
    existing.write_bytes(b"junk")
    assert run("export", str(existing))[0] == 1
    assert existing.read_bytes() == b"junk"
    assert run("export", str(tmp_path / "x.tar"), "--user", "nobody") == (1, "", "deployr: There is no user nobody.\n")
    status, _, errors = run("import", str(existing))
    assert (status, "archive cannot be read" in errors) == (1, True)
    assert not (tmp_path / "x.tar").exists()
