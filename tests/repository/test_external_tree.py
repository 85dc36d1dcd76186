"""The tree of the external repository on a real disk, as hostile as it may be."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
from pathlib import Path

import pytest

from deployr.repository.external_tree import ExternalTree

SECRET = b"secret"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tree with a file and a directory in it, and something secret beside it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file.txt").write_bytes(SECRET)
    base = tmp_path / "base"
    (base / "demo/deep").mkdir(parents=True)
    (base / "demo/a.txt").write_bytes(b"hello")
    return base


@pytest.fixture
def tree(base: Path) -> ExternalTree:
    return ExternalTree(base)


def read(tree: ExternalTree, *names: str) -> bytes:
    with os.fdopen(tree.open(tree.look_up(names).real), "rb") as content:
        return content.read()


def absent(tree: ExternalTree, *names: str) -> bool:
    try:
        tree.look_up(names)
    except OSError:
        return True
    return False


def test_files_and_directories_are_found_listed_and_read(tree: ExternalTree) -> None:
    entries = tree.entries(["demo"])
    assert [(name, entry.is_directory) for name, entry in entries.items()] == [("a.txt", False), ("deep", True)]
    assert (entries["a.txt"].real, entries["a.txt"].length) == (("demo", "a.txt"), 5)
    assert tree.look_up(["demo", "a.txt"]) == entries["a.txt"]
    assert read(tree, "demo", "a.txt") == b"hello"


def test_changes_show_at_once(tree: ExternalTree, base: Path) -> None:
    (base / "demo/a.txt").write_bytes(b"changed")
    (base / "demo/b.txt").touch()
    assert read(tree, "demo", "a.txt") == b"changed"
    (base / "demo/deep").rmdir()
    assert list(tree.entries(["demo"])) == ["a.txt", "b.txt"]


def test_a_base_that_is_a_link_is_the_place_it_leads_to(base: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(base)
    assert read(ExternalTree(tmp_path / "current"), "demo", "a.txt") == b"hello"


def test_without_a_base_nothing_is_there(tmp_path: Path) -> None:
    assert absent(ExternalTree(tmp_path / "none"), "demo")


@pytest.mark.parametrize("target", ["a.txt", "../demo/a.txt", "deep/../a.txt", "{base}/demo/a.txt"])
def test_links_inside_of_the_tree_are_followed_to_where_they_lead(tree: ExternalTree, base: Path, target: str) -> None:
    (base / "demo/link").symlink_to(target.format(base=base))
    assert read(tree, "demo", "link") == b"hello"
    assert tree.entries(["demo"])["link"].real == ("demo", "a.txt")


@pytest.mark.parametrize(
    "target", ["{out}/file.txt", "../../secret/file.txt", "{out}", "../..", "link", "/proc/self/environ"]
)
def test_links_that_lead_out_of_the_tree_are_not_there(
    tree: ExternalTree, base: Path, tmp_path: Path, target: str
) -> None:
    (base / "demo/link").symlink_to(target.format(out=tmp_path / "secret"))
    assert absent(tree, "demo", "link")
    assert absent(tree, "demo", "link", "file.txt")
    assert "link" not in tree.entries(["demo"])


def test_a_chain_of_links_is_judged_by_its_end(tree: ExternalTree, base: Path, tmp_path: Path) -> None:
    (base / "demo/first").symlink_to("second")
    (base / "demo/second").symlink_to(tmp_path / "secret/file.txt")
    assert absent(tree, "demo", "first")
    (tmp_path / "secret/back").symlink_to(base / "demo/a.txt")
    (base / "demo/round").symlink_to(tmp_path / "secret/back")
    assert read(tree, "demo", "round") == b"hello"


def test_paths_do_not_climb_out(tree: ExternalTree) -> None:
    assert absent(tree, "..", "secret", "file.txt")
    assert absent(tree, "demo", "..", "..", "secret", "file.txt")


def test_what_is_hidden_is_not_there_however_it_is_reached(tree: ExternalTree, base: Path) -> None:
    (base / ".git").mkdir()
    (base / ".git/config").write_bytes(SECRET)
    (base / "demo/.hidden").write_bytes(SECRET)
    (base / "demo/link").symlink_to("../.git/config")
    assert all(absent(tree, *names) for names in [(".git",), ("demo", ".hidden"), ("demo", "link")])
    assert tree.names([]) == ["demo"]
    assert list(tree.entries(["demo"])) == ["a.txt", "deep"]


def test_fifos_and_sockets_are_neither_shown_nor_opened(tree: ExternalTree, base: Path) -> None:
    os.mkfifo(base / "demo/fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(base / "demo/socket"))
        assert absent(tree, "demo", "fifo")
        assert absent(tree, "demo", "socket")
        assert list(tree.entries(["demo"])) == ["a.txt", "deep"]
    with pytest.raises(FileNotFoundError):
        tree.open(("demo", "fifo"))


def test_directories_are_not_opened_as_files(tree: ExternalTree) -> None:
    with pytest.raises(FileNotFoundError):
        tree.open(("demo", "deep"))


def test_names_that_are_no_text_are_left_out(tree: ExternalTree, base: Path) -> None:
    for name in (b"\xff.R", b"a\nb.R", b"a\\b.R"):
        Path(os.fsdecode(os.fsencode(base) + b"/demo/" + name)).touch()
    assert list(tree.entries(["demo"])) == ["a.txt", "deep"]


@pytest.mark.parametrize("name", ["größe 漢字.R", "with  blanks .R", "ideographic　space.R", "a:b.R"])
def test_names_may_hold_any_text(tree: ExternalTree, base: Path, name: str) -> None:
    (base / "demo" / name).write_bytes(b"x")
    assert read(tree, "demo", name) == b"x"
    assert name in tree.entries(["demo"])


def test_a_file_that_became_a_link_since_it_was_found_is_not_opened(
    tree: ExternalTree, base: Path, tmp_path: Path
) -> None:
    real = tree.look_up(["demo", "a.txt"]).real
    (base / "demo/a.txt").unlink()
    (base / "demo/a.txt").symlink_to(tmp_path / "secret/file.txt")
    with pytest.raises(FileNotFoundError):
        tree.open(real)


def test_whoever_swaps_files_and_directories_for_links_meanwhile_gets_nothing_else_read(
    tree: ExternalTree, base: Path, tmp_path: Path
) -> None:
    """Links to the inside and to the outside take turns at one name."""
    (base / "demo/file.txt").write_bytes(b"hello")
    (base / "turns").symlink_to(tmp_path / "secret")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for target in (base / "demo", tmp_path / "secret"):
                (base / "draft").symlink_to(target)
                (base / "draft").rename(base / "turns")

    swapping = threading.Thread(target=swap)
    swapping.start()
    found: set[bytes] = set()
    try:
        for number in itertools.count():
            if number >= 2000 and b"hello" in found:
                break
            try:
                found.add(read(tree, "turns", "file.txt"))
            except OSError:
                found.add(b"nothing")
    finally:
        over.set()
        swapping.join()
    assert found <= {b"hello", b"nothing"}


def test_no_descriptor_stays_open(tree: ExternalTree, base: Path, tmp_path: Path) -> None:
    (base / "demo/link").symlink_to(tmp_path / "secret")
    before = opened_below(tmp_path)
    tree.entries(["demo"])
    absent(tree, "demo", "link")
    absent(tree, "demo", "none")
    with pytest.raises(OSError):
        tree.names(["demo", "a.txt"])
    assert opened_below(tmp_path) == before


def opened_below(directory: Path) -> list[str]:
    """What this process has open below a directory."""
    targets = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            targets.append(str(descriptor.readlink()))
    return sorted(target for target in targets if target.startswith(str(directory)))
