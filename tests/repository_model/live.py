"""The calls of :class:`~tests.repository_model.model.Repository` made to a running server."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from tests.repository_model.model import ANONYMOUS, Refused, Shown
from tests.server import Client, record_of

_UNKNOWN_VERSION = "99.9"
_KEYS = (
    *("filename", "directory", "author", "authors", "versionmsg", "latestby", "descr", "tags", "restricted", "shared"),
    *("published", "inputs", "outputs", "category", "access", "length", "sha256"),
)
"""Of a file in a reply."""


class LiveRepository:
    """Makes calls and shows what they bring as the model does.

    Args:
        clients: by user, logged in; that of nobody in particular is not.
    """

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients

    def attempt(self, call: str, user: str, **sent: Any) -> Any:
        """What the call shows.

        Raises:
            Refused: it fails.
        """
        return getattr(self, call)(user, **sent)

    def clear(self) -> None:
        """Delete all that the users have."""
        for user in self._clients.keys() - {ANONYMOUS}:
            metadata = self._call(user, "directory/list")["repository"]["directories"]["metadata"]
            for directory in (*metadata["custom"], *metadata["archived"]):
                self._call(user, "directory/delete", directory=directory)

    # -- files --------------------------------------------------------------------------------------------

    def file_upload(self, user: str, content: bytes, **sent: Any) -> Shown:
        """``file/upload``."""
        return _file(self._call(user, "file/upload", files={"file": ("part", content)}, **sent))

    def file_write(self, user: str, content: bytes, **sent: Any) -> Shown:
        """``file/write``."""
        return _file(self._call(user, "file/write", text=content.decode(), **sent))

    def file_update(self, user: str, **sent: Any) -> Shown:
        """``file/update``."""
        return _file(self._call(user, "file/update", **sent))

    def file_delete(self, user: str, filenames: Sequence[str], **sent: Any) -> None:
        """``file/delete``."""
        self._call(user, "file/delete", filename=filenames, **sent)

    def file_grant(self, user: str, **sent: Any) -> Shown:
        """``file/grant``."""
        names = {"newauthor": sent.pop("newauthors"), "revokeauthor": sent.pop("revokeauthors")}
        return _file(self._call(user, "file/grant", **names, **sent))

    def file_revert(self, user: str, number: int, **sent: Any) -> Shown:
        """``file/revert``."""
        version = self._version(user, sent["filename"], sent.get("directory", ""), number)
        return _file(self._call(user, "file/revert", version=version, **sent))

    def file_copy(self, user: str, copied: Sequence[tuple[str, str, int | None, str]], destination: str) -> None:
        """``file/copy``."""
        versions = [self._version(user, filename, directory, number) for filename, directory, number, _ in copied]
        filenames, directories, _, renames = zip(*copied, strict=True)
        parallel = {"filename": filenames, "directory": directories, "version": versions, "filerename": renames}
        self._call(user, "file/copy", destination=destination, **parallel)

    def file_move(self, user: str, moved: Sequence[tuple[str, str]], destination: str) -> int:
        """``file/move``."""
        filenames, directories = zip(*moved, strict=True)
        return _staying(
            self._call(user, "file/move", filename=filenames, directory=directories, destination=destination)
        )

    def file_fetch(self, user: str, number: int | None, **sent: Any) -> Shown:
        """``file/fetch``."""
        return _file(self._call(user, "file/fetch", version=self._version_for(number, sent), **sent))

    def file_download(self, user: str, number: int | None, **sent: Any) -> bytes:
        """``file/download``."""
        return self._download(user, "file/download", version=self._version_for(number, sent), **sent).content

    def file_diff(self, user: str, number: int | None, **sent: Any) -> bool:
        """``file/diff``."""
        page = self._download(user, "file/diff", version=self._version_for(number, sent), **sent).text
        return "There are no differences." not in page

    def file_list(self, user: str, **sent: Any) -> list[Shown]:
        """``file/list``."""
        return self._listed(user, "file/list", "files", **sent)

    def script_list(self, user: str, **sent: Any) -> list[Shown]:
        """``script/list``."""
        return self._listed(user, "script/list", "scripts", **sent)

    # -- directories --------------------------------------------------------------------------------------

    def directory_list(self, user: str, category: str = "", **sent: Any) -> dict[str, Any]:
        """``directory/list``."""
        record = self._call(user, "directory/list", categoryFilter=category, **sent)
        found: dict[str, Any] = record["repository"]["directories"]
        kinds = {
            kind: {entry["directory"]: self._of_users(entry["files"]) for entry in found[kind]}
            for kind in ("user", "system")
        }
        return {**kinds, **found["metadata"]}

    def directory_create(self, user: str, **sent: Any) -> None:
        """``directory/create``."""
        self._call(user, "directory/create", **sent)

    def directory_rename(self, user: str, **sent: Any) -> int:
        """``directory/rename``."""
        return _staying(self._call(user, "directory/rename", **sent))

    def directory_copy(self, user: str, filenames: Sequence[str], **sent: Any) -> None:
        """``directory/copy``."""
        self._call(user, "directory/copy", filename=filenames, **sent)

    def directory_move(self, user: str, filenames: Sequence[str], **sent: Any) -> int:
        """``directory/move``."""
        return _staying(self._call(user, "directory/move", filename=filenames, **sent))

    def directory_update(self, user: str, filenames: Sequence[str], **sent: Any) -> None:
        """``directory/update``."""
        self._call(user, "directory/update", filename=filenames, **sent)

    def directory_archive(self, user: str, filenames: Sequence[str], **sent: Any) -> int:
        """``directory/archive``."""
        return _staying(self._call(user, "directory/archive", filename=filenames, **sent))

    def directory_upload(self, user: str, contents: dict[str, bytes], **sent: Any) -> None:
        """``directory/upload``."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for filename, content in contents.items():
                archive.writestr(filename, content)
        self._call(user, "directory/upload", files={"file": ("part", file.getvalue())}, **sent)

    def directory_download(self, user: str, filenames: Sequence[str], **sent: Any) -> dict[str, bytes]:
        """``directory/download``."""
        content = self._download(user, "directory/download", filename=filenames, **sent).content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def directory_delete(self, user: str, **sent: Any) -> None:
        """``directory/delete``."""
        self._call(user, "directory/delete", **sent)

    # -- requests -----------------------------------------------------------------------------------------

    def _call(self, user: str, call: str, files: Any = None, **sent: Any) -> dict[str, Any]:
        response = self._clients[user].post(f"/r/repository/{call}", files=files, **_texts(sent))
        record = record_of(response)
        _check(response, record)
        return record

    def _download(self, user: str, call: str, **sent: Any) -> httpx.Response:
        """A reply that is a file, or the envelope of a failure."""
        response = self._clients[user].post(f"/r/repository/{call}", **_texts(sent))
        if response.headers["content-type"].startswith("application/json"):
            _check(response, record_of(response))
        return response

    def _listed(self, user: str, call: str, key: str, category: str = "", **sent: Any) -> list[Shown]:
        return self._of_users(self._call(user, call, categoryFilter=category, **sent)["repository"][key])

    def _of_users(self, files: Sequence[Shown]) -> list[Shown]:
        """Without the samples, which others have published."""
        return [_shown(file) for file in files if file["author"] in self._clients]

    def _version_for(self, number: int | None, sent: Mapping[str, Any]) -> str:
        return self._version(sent["author"], sent["filename"], sent["directory"], number)

    def _version(self, author: str, filename: str, directory: str, number: int | None) -> str:
        """Id of a former version by its number from the oldest; the latest has none."""
        if number is None:
            return ""
        with contextlib.suppress(Refused):
            sent = {"filename": filename, "directory": directory}
            found = self._call(author, "file/list", **sent)["repository"]["files"][:0:-1]
            if number < len(found):
                return str(found[number]["version"])
        return _UNKNOWN_VERSION


def _texts(sent: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as clients write them: lists between commas, logicals as words."""
    return {name: _text(value) for name, value in sent.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else ",".join(value)


def _check(response: httpx.Response, record: Mapping[str, Any]) -> None:
    if not record["success"]:
        assert record["error"]
        assert record["errorCode"] == (900 if response.status_code == 200 else response.status_code)
        raise Refused(response.status_code)
    assert response.status_code == 200


def _file(record: Mapping[str, Any]) -> Shown:
    return _shown(record["repository"]["file"])


def _staying(record: Mapping[str, Any]) -> int:
    return len(record.get("warnings", ()))


def _shown(file: Mapping[str, Any]) -> Shown:
    return {name: file[name] for name in _KEYS if name in file} | {"is_latest": file["version"] is None}
