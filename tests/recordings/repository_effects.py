"""Whether calls that change files and directories of the repository did what their client meant."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Callable, Iterator

from deployr.repository.names import ARCHIVE, ROOT
from tests.recordings.replay import Contents, Exchange, pairs
from tests.recordings.stage import OLDEST

# -- files ------------------------------------------------------------------------------------------------


def _file_copy(exchange: Exchange) -> None:
    expected, destination = copy.deepcopy(exchange.before), _destination(exchange)
    renames = iter((exchange.params.text("filerename") or "").split(","))
    for name, directory in _sources(exchange):
        target = next(renames, "") or name
        expected[destination].setdefault(target, []).insert(0, exchange.before[directory][name][0])
    _assert_contents(exchange, expected)


def _file_move(exchange: Exchange) -> None:
    expected, destination = copy.deepcopy(exchange.before), _destination(exchange)
    for name, directory in dict.fromkeys(_sources(exchange)):
        _move(expected, directory, destination, name)
    _assert_contents(exchange, expected)
    assert "warnings" not in exchange.reply.record


def _file_grant(exchange: Exchange) -> None:
    """New authors own the file, and who is revoked does not."""
    authors = set(exchange.reply.record["repository"]["file"]["authors"])
    assert {exchange.stage.username, *exchange.params.names("newauthor")} <= authors
    assert authors.isdisjoint(exchange.params.names("revokeauthor"))


def _file_revert(exchange: Exchange) -> None:
    """The oldest version is the latest too, described as sent."""
    params, file = exchange.params, exchange.reply.record["repository"]["file"]
    name, directory = params.values["filename"], params.text("directory") or ROOT
    former = exchange.before[directory][name]
    assert exchange.stage.contents(directory)[name] == [former[-1], *former]
    assert (file["version"], file["descr"]) == (None, params.text("descr"))
    for flag in ("shared", "published"):
        assert not params.text(flag) or file[flag] == params.flag(flag), flag


def _file_diff(exchange: Exchange) -> None:
    """A page with what is in one version only; the latest version is like itself."""
    params, segments = exchange.params, exchange.segments
    name, directory = segments[-1] if segments else params.values["filename"], params.text("directory") or ROOT
    versions = [exchange.stage.read(file) for file in exchange.stage.versions(name, directory)]
    former = versions[-1] if params.text("version") == OLDEST or OLDEST in segments else versions[0]
    page = exchange.reply.body.decode()
    assert "<html" in page
    assert ("There are no differences." in page) == (former == versions[0])
    assert ("<ins>" in page) == (former != versions[0])


# -- directories ------------------------------------------------------------------------------------------


def _directory_create(exchange: Exchange) -> None:
    name = exchange.params.values["directory"]
    assert exchange.reply.record["repository"]["directory"]["directory"] == name
    assert exchange.stage.contents(name) == {}
    assert exchange.stage.has_directory(name)


def _directory_rename(exchange: Exchange) -> None:
    directory, destination = exchange.params.values["directory"], exchange.params.values["destination"]
    assert exchange.stage.contents(destination) == exchange.before[directory]
    assert not exchange.stage.has_directory(directory)


def _directory_copy(exchange: Exchange) -> None:
    expected, destination = copy.deepcopy(exchange.before), _destination(exchange)
    for name, directory in _named(exchange):
        expected[destination].setdefault(name, []).insert(0, exchange.before[directory][name][0])
    _assert_contents(exchange, expected)


def _directory_move(exchange: Exchange) -> None:
    expected = copy.deepcopy(exchange.before)
    for name, directory in _named(exchange):
        _move(expected, directory, _destination(exchange), name)
    _assert_contents(exchange, expected)
    assert "warnings" not in exchange.reply.record


def _directory_update(exchange: Exchange) -> None:
    """All files, or those named, are opened as sent."""
    params, directory = exchange.params, exchange.params.values["directory"]
    for name in params.names("filename") or exchange.stage.contents(directory):
        file = exchange.stage.versions(name, directory)[0]
        assert (file.shared, file.published) == (params.flag("shared"), params.flag("published"))
        assert file.restricted == (params.text("restricted") or file.restricted)


def _directory_archive(exchange: Exchange) -> None:
    """The files are in the archive; the directory is gone when none is left."""
    expected, archive = copy.deepcopy(exchange.before), exchange.params.values["archive"] + ARCHIVE
    for name, directory in _named(exchange):
        _move(expected, directory, archive, name)
        latest = exchange.stage.versions(name, archive)[0]
        assert latest.versionmsg == f"File archived from {directory} directory."
    _assert_contents(exchange, expected)
    directory = exchange.params.values["directory"]
    assert exchange.stage.has_directory(directory) == bool(expected[directory])


def _directory_upload(exchange: Exchange) -> None:
    """Each file of the zip is there, described as sent, and with ``newversion`` as a version more."""
    params, directory = exchange.params, exchange.params.values["directory"]
    expected = copy.deepcopy(exchange.before)
    for name, content in _unzipped(exchange.params.file or b"").items():
        former = expected[directory].get(name, [])
        expected[directory][name] = [content, *(former if params.flag("newversion") else former[1:])]
        file = exchange.stage.versions(name, directory)[0]
        assert (file.shared, file.published) == (params.flag("shared"), params.flag("published"))
        assert (file.descr, file.restricted) == (params.text("descr"), params.text("restricted"))
    _assert_contents(exchange, expected)


def _directory_download(exchange: Exchange) -> None:
    latest = {name: exchange.before[directory][name][0] for name, directory in _named(exchange)}
    assert _unzipped(exchange.reply.body) == latest


def _directory_delete(exchange: Exchange) -> None:
    assert not exchange.stage.has_directory(exchange.params.values["directory"])


# -- shell scripts ----------------------------------------------------------------------------------------


def _shell_execute(exchange: Exchange) -> None:
    """The script tells its arguments."""
    words = (exchange.params.text("args") or "").split()
    assert exchange.reply.record["repository"]["shell"]["console"] == [f"word {word}" for word in words]


# -- what they have in common -----------------------------------------------------------------------------


def _sources(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Files with their directories; .NET sends none, but the destination as ``directory``."""
    places = "directory" if exchange.params.text("destination") else "none"
    return ((name, directory or ROOT) for name, directory in pairs(exchange.params, "filename", places))


def _destination(exchange: Exchange) -> str:
    return exchange.params.text("destination", "directory") or ROOT


def _named(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """The files of a directory that are named, or all."""
    directory = exchange.params.values["directory"]
    for name in dict.fromkeys(exchange.params.names("filename") or exchange.before[directory]):
        yield name, directory


def _move(contents: Contents, directory: str, destination: str, name: str) -> None:
    """Take a file's history to another directory, as the newer one."""
    moved = contents[directory].pop(name)
    contents[destination][name] = [*moved, *contents[destination].get(name, [])]


def _assert_contents(exchange: Exchange, expected: Contents) -> None:
    assert {directory: exchange.stage.contents(directory) for directory in expected} == expected


def _unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


CHECKS: dict[str, Callable[[Exchange], None]] = {
    "/r/repository/file/copy": _file_copy,
    "/r/repository/file/move": _file_move,
    "/r/repository/file/grant": _file_grant,
    "/r/repository/file/revert": _file_revert,
    "/r/repository/file/diff": _file_diff,
    "/r/repository/directory/create": _directory_create,
    "/r/repository/directory/rename": _directory_rename,
    "/r/repository/directory/copy": _directory_copy,
    "/r/repository/directory/move": _directory_move,
    "/r/repository/directory/update": _directory_update,
    "/r/repository/directory/archive": _directory_archive,
    "/r/repository/directory/upload": _directory_upload,
    "/r/repository/directory/download": _directory_download,
    "/r/repository/directory/delete": _directory_delete,
    "/r/repository/shell/execute": _shell_execute,
}
