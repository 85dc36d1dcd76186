"""The external repository on a real disk: addresses, who sees what, lists, contents."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployr.errors import DeployrError, InvalidParameter, NotAuthenticated, NotFound, PermissionDenied, TooLarge
from deployr.repository import addresses
from deployr.repository.addresses import Address
from deployr.repository.blobs import Blobs
from deployr.repository.directories import DirectoryFiles, RepositoryDirectories
from deployr.repository.external import ExternalRepository
from deployr.repository.files import RepositoryFiles
from deployr.repository.records import RepositoryName
from deployr.repository.repositories import Repositories
from deployr.repository.shell import ShellScripts
from deployr.settings import Settings
from deployr.store.database import Database
from deployr.users.accounts import Accounts
from deployr.users.caller import Caller

Make = Callable[[str | None], Caller]
Write = Callable[..., Path]

PLACES = {
    "george": "external:root",
    "george/demo": "external:root:demo",
    "george/demo/deep er": "external:root:demo:deep er",
    "shared/george": "external:shared:george",
    "shared/george/demo": "external:shared:george:demo",
    "public/george": "external:public:george",
    "public/george/demo": "external:public:george:demo",
}
"""Addresses of directories on disk, as george writes them."""


@pytest.fixture
def base(settings: Settings) -> Path:
    settings.external_repository.mkdir(parents=True)
    return settings.external_repository


@pytest.fixture
def external(settings: Settings) -> ExternalRepository:
    return ExternalRepository(settings)


@pytest.fixture
def write(base: Path) -> Write:
    def store(path: str, content: bytes = b"x") -> Path:
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_bytes(content)
        return base / path

    return store


@pytest.fixture
def george(caller: Make) -> Caller:
    return caller("george")


@pytest.fixture
def everywhere(write: Write) -> None:
    """A file of george in each place."""
    for path in PLACES:
        write(f"{path}/a.R", path.encode())


def names(found: list[DirectoryFiles]) -> dict[str, list[str]]:
    return {entry.directory: [file.filename for file in entry.files] for entry in found}


# -- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "address"), PLACES.items())
def test_addresses_stand_for_places_on_disk(path: str, address: str) -> None:
    parsed = addresses.parse(address, "george")
    assert parsed is not None
    assert ("/".join(parsed.names), str(parsed), parsed.owner) == (path, address, "george")


@pytest.mark.parametrize(
    "text",
    [
        "", "external", "external:", "external:root:", "external:root::a", "external:root:..", "external:root:.git",
        "external:root:a/b", "external:root:a\\b", "external:shared", "external:public", "external:public:",
        "external:public:..:george", "external:public:george:", "external:other:george", "External:root", "root",
        "demo", "external:root:a\nb", "external:public:/etc", "external:root:\x00",
    ],
)  # fmt: skip
def test_other_texts_are_no_addresses(text: str) -> None:
    assert addresses.parse(text, "george") is None


@pytest.mark.parametrize("username", [None, "shared", "public", "Shared", "PUBLIC", "..", "a/b", ".git", ""])
def test_nobody_and_users_whose_names_are_taken_have_no_private_place(username: str | None) -> None:
    assert addresses.parse("external:root:demo", username) is None


@given(st.sampled_from(["root", "shared", "public"]), st.lists(st.text(min_size=1), max_size=4))
def test_an_address_reads_as_it_was_written(place: str, below: list[str]) -> None:
    owner = "" if place == "root" else ":susan"
    text = f"external:{place}{owner}" + "".join(f":{name}" for name in below)
    parsed = addresses.parse(text, "george")
    assert parsed is None or str(parsed) == text
    assert parsed is None or not {"", ".", ".."} & set(parsed.names)


# -- who sees what ----------------------------------------------------------------------------------------

VIEWS = list(itertools.product(PLACES, ["george", "susan", "admin", None]))


@pytest.mark.parametrize(("path", "username"), VIEWS)
@pytest.mark.usefixtures("everywhere")
def test_who_sees_a_file(external: ExternalRepository, caller: Make, path: str, username: str | None) -> None:
    """What is not seen is, in all respects, what does not exist."""
    seen = username == "george" or path.startswith("public/") or (path.startswith("shared/") and username is not None)
    viewer, address = caller(username), PLACES[path]
    private = address.startswith("external:root")

    def told(directory: str) -> list[str]:
        calls: list[Callable[[], object]] = [
            lambda: external.find(viewer, RepositoryName("a.R", directory=directory, author="george")).filename,
            lambda: [file.filename for file in external.list_files(viewer, directory=directory)],
        ]
        texts = []
        for call in calls:
            try:
                texts.append(str(call()))
            except NotFound as ex:
                texts.append(ex.message.replace(directory, "X"))
        return texts

    if seen:
        assert told(address) == ["a.R", "['a.R']"]
    elif private and username and ":" not in address.removeprefix("external:root"):
        assert told(address)[0] == "There is no file 'a.R'."
    else:
        assert told(address) == told(address + ":none") == ["There is no file 'a.R'.", "There is no directory 'X'."]


@pytest.mark.usefixtures("everywhere")
def test_private_addresses_mean_the_callers_own_place(external: ExternalRepository, caller: Make, write: Write) -> None:
    write("susan/mine.R")
    assert external.find(caller("susan"), RepositoryName("mine.R", directory="external:root")).author == "susan"
    for username in ("george", "admin", None):
        with pytest.raises(NotFound):
            external.find(caller(username), RepositoryName("mine.R", directory="external:root", author="susan"))


def test_the_access_of_a_file_is_that_of_its_place(external: ExternalRepository, george: Caller, write: Write) -> None:
    for path in ("george", "shared/george", "public/george"):
        write(f"{path}/a.R", b"12345")
    places = ("external:root", "external:shared:george", "external:public:george")
    found = [file for place in places for file in external.list_files(george, directory=place)]
    assert [(file.directory, file.access) for file in found] == [
        ("external:root", "Private"), ("external:shared:george", "Shared"), ("external:public:george", "Public"),
    ]  # fmt: skip
    file = found[0]
    assert (file.author, file.authors, file.version, file.length, file.category) == (
        "george", ("george",), None, 5, "script",
    )  # fmt: skip


@pytest.mark.parametrize("place", ["public/susan", "shared/susan"])
def test_a_link_opens_no_more_than_the_place_it_leads_to(
    external: ExternalRepository, caller: Make, write: Write, base: Path, place: str
) -> None:
    secret = write("george/secret.R")
    (base / place).mkdir(parents=True)
    (base / place / "link.R").symlink_to(secret)
    (base / place / "all").symlink_to(secret.parent)
    address = f"external:{place.replace('/', ':')}"
    assert external.list_files(caller("susan"), directory=address) == []
    for username, directory in itertools.product(("susan", "admin", None), (address, f"{address}:all")):
        with pytest.raises(NotFound):
            external.find(
                caller(username),
                RepositoryName("secret.R" if directory.endswith("all") else "link.R", directory=directory),
            )
    shown = external.find(caller("george"), RepositoryName("link.R", directory=address))
    assert (shown.author, shown.latestby) == ("susan", "george")


def test_a_private_link_to_ones_own_public_file_is_private(
    external: ExternalRepository, george: Caller, write: Write, base: Path
) -> None:
    public = write("public/george/a.R")
    (base / "george").mkdir()
    (base / "george/b.R").symlink_to(public)
    assert external.find(george, RepositoryName("b.R", directory="external:root")).access == "Private"


def test_the_owner_is_spelled_as_on_disk(external: ExternalRepository, caller: Make, write: Write) -> None:
    write("George/a.R")
    write("public/George/a.R")
    with pytest.raises(NotFound):
        external.find(caller("george"), RepositoryName("a.R", directory="external:root"))
    with pytest.raises(NotFound):
        external.find(caller("george"), RepositoryName("a.R", directory="external:public:george"))
    assert external.find(caller("george"), RepositoryName("a.R", directory="external:public:George")).author == "George"


def test_the_other_places_are_nobodys_private_place(external: ExternalRepository, write: Write) -> None:
    write("shared/george/a.R")
    user = Caller(http_session="abc", username="shared")
    assert external.list_files(user) == []
    for directory in ("external:root", "external:root:george"):
        with pytest.raises(NotFound):
            external.list_files(user, directory=directory)


# -- lists ------------------------------------------------------------------------------------------------


def test_the_private_place_is_there_even_when_nothing_is_on_disk(external: ExternalRepository, george: Caller) -> None:
    assert names([*external.list_directories(george).user]) == {"external:root": []}
    assert external.list_files(george, directory="external:root") == []


@pytest.mark.usefixtures("everywhere")
def test_directories_are_listed_without_files_unless_asked_for(external: ExternalRepository, george: Caller) -> None:
    private = [address for address in PLACES.values() if "root" in address]
    listing = external.list_directories(george)
    assert names([*listing.user]) == {address: [] for address in private}
    listing = external.list_directories(george, userfiles=True)
    assert names([*listing.user]) == {address: ["a.R"] for address in private}
    assert (listing.system, list(listing.custom), listing.archived) == ([], list(PLACES.values()), [])


@pytest.mark.usefixtures("everywhere")
def test_files_of_others_are_in_system_directories_as_in_the_default_repository(
    external: ExternalRepository, caller: Make, write: Write
) -> None:
    write("shared/susan/own.R")
    listing = external.list_directories(caller("susan"), shared=True, published=True)
    assert [(entry.directory, {file.directory for file in entry.files}) for entry in listing.system] == [
        ("Shared", {"external:shared:george", "external:shared:george:demo"}),
        ("Public", {"external:public:george", "external:public:george:demo"}),
    ]
    assert names([*listing.user]) == {"external:root": [], "external:shared:susan": []}


@pytest.mark.usefixtures("everywhere")
def test_own_directories_in_the_other_places_are_listed_when_these_are_asked_for(
    external: ExternalRepository, george: Caller
) -> None:
    listing = external.list_directories(george, shared=True, published=True)
    assert names([*listing.user]) == {address: [] for address in PLACES.values()}


@pytest.mark.usefixtures("everywhere")
def test_the_files_of_others_are_all_that_the_flags_add_to_own_files(
    external: ExternalRepository, george: Caller
) -> None:
    own = external.list_files(george)
    assert {file.access for file in own} == {"Private"}
    assert external.list_files(george, shared=True, published=True) == own


@pytest.mark.usefixtures("everywhere")
def test_one_directory_is_listed_with_its_files_and_by_its_address(external: ExternalRepository, caller: Make) -> None:
    address = "external:public:george:demo"
    assert names([*external.list_directories(caller("george"), directory=address).user]) == {address: ["a.R"]}
    assert names([*external.list_directories(caller("susan"), directory=address).system]) == {address: ["a.R"]}


def test_directories_are_listed_for_users_only(external: ExternalRepository, caller: Make) -> None:
    with pytest.raises(NotAuthenticated):
        external.list_directories(caller(None))


@pytest.mark.usefixtures("everywhere")
def test_lists_of_files_hold_those_of_others_when_asked_for(external: ExternalRepository, caller: Make) -> None:
    susan = caller("susan")

    def count(**flags: Any) -> int:
        return len(external.list_files(susan, **flags))

    assert (count(), count(shared=True), count(published=True), count(shared=True, published=True)) == (0, 2, 2, 4)
    assert {file.directory for file in external.list_scripts(caller(None))} == {
        "external:public:george", "external:public:george:demo",
    }  # fmt: skip
    assert external.list_files(caller(None), shared=False) == []


def test_files_are_filtered_by_category(external: ExternalRepository, george: Caller, write: Write) -> None:
    for name in ("a.R", "b.csv", "c.rData", "d.txt"):
        write(f"george/demo/{name}")
    for category, found in {"script": "a.R", "data": "b.csv", "R": "c.rData"}.items():
        for directory in (None, "external:root:demo"):
            files = external.list_files(george, directory=directory, category=category)
            assert [file.filename for file in files] == [found]
    [listed] = external.list_directories(george, directory="external:root:demo", category="data").user
    assert names([listed]) == {"external:root:demo": ["b.csv"]}
    assert [file.filename for file in external.list_scripts(george)] == ["a.R"]
    with pytest.raises(InvalidParameter):
        external.list_files(george, category="none")


def test_what_git_keeps_and_what_cannot_be_addressed_is_left_out(
    external: ExternalRepository, george: Caller, write: Write
) -> None:
    for path in ("george/.git/config", "george/.gitignore", "george/a:b/c.R", "george/demo/a:b.R", "george/demo/a.R"):
        write(path)
    assert [(file.directory, file.filename) for file in external.list_files(george)] == [
        ("external:root:demo", "a.R"), ("external:root:demo", "a:b.R"),
    ]  # fmt: skip


def test_links_to_directories_are_listed_but_loops_are_not_followed(
    external: ExternalRepository, george: Caller, write: Write, base: Path
) -> None:
    write("george/demo/a.R")
    (base / "george/demo/loop").symlink_to("..")
    (base / "george/again").symlink_to("demo")
    assert [str(name) for name in external.list_directories(george).custom] == [
        "external:root", "external:root:again", "external:root:demo", "external:root:demo:loop",
    ]  # fmt: skip
    assert [file.filename for file in external.list_files(george, directory="external:root:again:loop:demo")] == ["a.R"]


def test_directories_of_any_depth_are_listed(external: ExternalRepository, george: Caller, base: Path) -> None:
    (base / "george" / "/".join(["d"] * 300)).mkdir(parents=True)
    assert len(external.list_directories(george).custom) == 301


def test_a_file_is_listed_by_its_name(external: ExternalRepository, george: Caller, write: Write) -> None:
    write("george/a.R")
    write("george/demo/b.R")
    assert [file.directory for file in external.list_files(george, filename="a.R")] == ["external:root"]
    assert len(external.list_files(george, filename="b.R", directory="external:root:demo")) == 1
    with pytest.raises(NotFound):
        external.list_files(george, filename="b.R")


def test_a_policy_asks_for_login_before_scripts_are_listed(tmp_path: Path, caller: Make) -> None:
    settings = Settings.load(flags={"home": tmp_path, "repository.script_list_authenticate": True})
    with pytest.raises(NotAuthenticated):
        ExternalRepository(settings).list_scripts(caller(None))


# -- finding and reading ----------------------------------------------------------------------------------


def test_scripts_are_found_without_their_extension(external: ExternalRepository, george: Caller, write: Write) -> None:
    for name in ("a.R", "b.r", "c", "c.R"):
        write(f"george/{name}")
    for wanted, found in {"a": "a.R", "a.R": "a.R", "b": "b.r", "c": "c"}.items():
        assert external.find(george, RepositoryName(wanted, directory="external:root"), script=True).filename == found
    with pytest.raises(NotFound):
        external.find(george, RepositoryName("a", directory="external:root"))


@pytest.mark.parametrize(
    "wanted",
    [
        {"filename": "none.R"}, {"filename": "demo"}, {"filename": "../susan/a.R"}, {"filename": ".hidden"},
        {"filename": ""}, {"filename": "a.R", "author": "susan"}, {"filename": "a.R", "version": "1.0"},
        {"filename": "a.R", "directory": "external:root:a.R"}, {"filename": "a.R", "directory": "external:root:none"},
        {"filename": "a.R\x00"}, {"filename": "a" * 5000},
    ],
)  # fmt: skip
def test_what_is_no_file_is_not_found(
    external: ExternalRepository, george: Caller, write: Write, wanted: dict[str, Any]
) -> None:
    for path in ("george/a.R", "george/.hidden", "george/demo/b.R", "susan/a.R"):
        write(path)
    with pytest.raises(NotFound):
        external.find(george, RepositoryName(**{"directory": "external:root", **wanted}))


async def test_contents_come_in_chunks(external: ExternalRepository, george: Caller, write: Write) -> None:
    content = os.urandom(1_000_000)
    write("george/large.dat", content)
    file = external.find(george, RepositoryName("large.dat", directory="external:root"))
    chunks = [chunk async for chunk in external.stream(file)]
    assert b"".join(chunks) == content == external.read(file)
    assert len(chunks) > 2


async def test_a_file_that_is_gone_meanwhile_is_not_found(
    external: ExternalRepository, george: Caller, write: Write
) -> None:
    path = write("george/a.R")
    file = external.find(george, RepositoryName("a.R", directory="external:root"))
    path.unlink()
    with pytest.raises(NotFound):
        external.read(file)
    with pytest.raises(NotFound):
        await anext(external.stream(file))


def test_code_is_not_larger_than_an_upload_may_be(tmp_path: Path, caller: Make) -> None:
    settings = Settings.load(flags={"home": tmp_path, "limits.max_upload": 10})
    (settings.external_repository / "george").mkdir(parents=True)
    (settings.external_repository / "george/a.R").write_bytes(b"x" * 11)
    external = ExternalRepository(settings)
    with pytest.raises(TooLarge):
        external.read(external.find(caller("george"), RepositoryName("a.R", directory="external:root")))


@pytest.fixture
def shell(
    tmp_path: Path, database: Database, repository: RepositoryFiles, blobs: Blobs, external: ExternalRepository
) -> ShellScripts:
    enabled = Settings.load(flags={"home": tmp_path, "shell.enabled": True})
    return ShellScripts(Accounts(database, enabled), Repositories(repository, blobs, external), enabled)


async def test_shell_scripts_of_administrators_run_from_it(shell: ShellScripts, george: Caller, write: Write) -> None:
    write("public/admin/echo.sh", b'echo "$1"')
    lines = await shell.execute(
        george, RepositoryName("echo.sh", directory="external:public:admin", author="admin"), args="'Hello World!'"
    )
    assert lines == ["Hello World!"]


async def test_shell_scripts_of_others_do_not_run_even_behind_a_link_of_an_administrator(
    shell: ShellScripts, george: Caller, write: Write, base: Path
) -> None:
    own = write("public/george/own.sh", b"echo own")
    (base / "public/admin").mkdir()
    (base / "public/admin/link.sh").symlink_to(own)
    for username, filename in {"george": "own.sh", "admin": "link.sh"}.items():
        with pytest.raises(PermissionDenied):
            await shell.execute(george, RepositoryName(filename, directory=f"external:public:{username}"))


# -- the default repository beside it ---------------------------------------------------------------------


def test_directories_of_the_default_repository_cannot_be_named_like_addresses(
    repository: RepositoryFiles, directories: RepositoryDirectories, george: Caller
) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: directories.create(george, "external:root"),
        lambda: directories.rename(george, "demo", "external:root:demo"),
        lambda: directories.rename(george, "external:root:demo", "other"),
        lambda: directories.copy(george, "demo", "external:root"),
        lambda: directories.delete(george, "external:root"),
        lambda: directories.archive(george, "demo", "external:root"),
        lambda: repository.check_upload(george, ["a.R"], directory="external:root"),
        lambda: repository.delete(george, ["a.R"], directory="external:root"),
    ]
    for attempt in attempts:
        with pytest.raises(DeployrError, match="can be read, but not changed"):
            attempt()


@pytest.fixture
def directories(database: Database, george: Caller) -> RepositoryDirectories:
    directories = RepositoryDirectories(database)
    directories.create(george, "demo")
    return directories


def test_addresses_say_where_they_are(george: Caller) -> None:
    assert Address("root", "george").is_root
    assert not Address("root", "george", ("demo",)).is_root
    assert not Address("public", "george").is_root
