"""How the server's R packages come into the sessions' library; what they do is in ``tests/grid/r``."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployr.grid import rpackages


def test_a_library_appears_whole_in_the_place_of_a_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []

    def install(library: Path) -> None:
        (library / "package").mkdir()
        filled.append(library.stat().st_ino)

    monkeypatch.setattr(rpackages, "_install_into", install)
    library = tmp_path / "library"
    (library / "former").mkdir(parents=True)
    assert rpackages.install(library)
    # Not a copy of it, during which it could be cut short.
    assert [library.stat().st_ino] == filled
    assert {path.name for path in library.iterdir()} == {"package", ".sources"}
    assert [path.name for path in tmp_path.iterdir()] == ["library"]
    assert not rpackages.install(library)
