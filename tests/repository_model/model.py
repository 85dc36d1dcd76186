"""The rules of the default repository as plain Python over lists and sets, after 7x-facts 12 and 13.

It shares no code with the server. Methods are called as calls are, ``directory_copy`` for ``directory/copy``; they
return what a reply shows, or raise :class:`Refused` and change nothing.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

ROOT = "root"
ARCHIVE = ".archive"
ANONYMOUS = ""
BLACKLISTED = "exe"
"""Extension of files that administrators alone may bring in (7x-facts 7.2)."""

_RESERVED = (
    *("anonymous", "archived", "custom", "deployr", "granted", "metadata", "private", "public", "published"),
    *("repository", "restricted", "root", "shared"),
)
_CATEGORIES = {"r": "script", "py": "script", "rdata": "R", "csv": "data", "txt": "text", "png": "plot", "pdf": "pdf"}

Shown = dict[str, Any]
"""A version of a file as replies show it."""

Properties = dict[str, Any]
"""Those of ``descr``, ``tags``, ``restricted``, ``shared``, ``published``, ``inputs``, ``outputs`` that are given."""


class Refused(Exception):
    """The call fails; ``status`` is HTTP's, 200 for a handled failure."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(status)
        self.status = status


class SomeText(str):
    """Equal to every text but the empty one: words that are left to the server."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and bool(other)

    __hash__ = str.__hash__


@dataclasses.dataclass
class Version:
    """A content, what its writer says of it, and who that was."""

    content: bytes
    message: str | None
    by: str


@dataclasses.dataclass
class File:
    """A file of one or several owners; versions are the oldest first."""

    name: str
    directory: str
    author: str
    authors: set[str]
    versions: list[Version] = dataclasses.field(default_factory=list)
    properties: Properties = dataclasses.field(default_factory=dict)

    @property
    def access(self) -> str:
        """The label (7x-facts 13.4)."""
        if self.properties.get("published"):
            return "Public"
        if self.properties.get("restricted"):
            return "Restricted"
        return "Shared" if self.properties.get("shared") else "Private"

    @property
    def category(self) -> str:
        """By extension (7x-facts 3.4)."""
        return _CATEGORIES.get(self.name.rpartition(".")[2].lower(), "other")

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    def set(self, properties: Properties) -> None:
        """What is not given stays; an empty restriction is none."""
        self.properties |= properties
        self.properties["restricted"] = self.properties.get("restricted") or None

    def shown(self, version: Version | None = None) -> Shown:
        """A version, default the latest."""
        version = version or self.latest
        texts = {name: self.properties.get(name) for name in ("descr", "tags", "restricted", "inputs", "outputs")}
        flags = {name: bool(self.properties.get(name)) for name in ("shared", "published")}
        return texts | flags | {
            "filename": self.name,
            "directory": self.directory,
            "author": self.author,
            "authors": sorted(self.authors),
            "is_latest": version is self.latest,
            "versionmsg": version.message,
            "latestby": version.by,
            "category": self.category,
            "access": self.access,
            "length": len(version.content),
            "sha256": hashlib.sha256(version.content).hexdigest(),
        }  # fmt: skip


class Repository:
    """What all users have.

    Args:
        roles: of each user.
    """

    def __init__(self, roles: dict[str, set[str]]) -> None:
        self._roles = roles
        self._files: list[File] = []
        self.directories: dict[str, set[str]] = {user: set() for user in roles}

    def attempt(self, call: str, user: str, **sent: Any) -> Any:
        """What the call shows to the user; a call that is refused changes nothing.

        Raises:
            Refused: it fails.
        """
        before = copy.deepcopy((self._files, self.directories))
        try:
            return getattr(self, call)(user, **sent)
        except Refused:
            self._files, self.directories = before
            raise

    # -- files --------------------------------------------------------------------------------------------

    def file_upload(
        self,
        user: str,
        filename: str,
        content: bytes,
        directory: str = ROOT,
        newversion: bool = False,
        newversionmsg: str | None = None,
        **properties: Any,
    ) -> Shown:
        """Make a file, replace its latest version, or add a version."""
        self._need_user(user)
        self._check_type(user, filename)
        self._need_directory(user, directory)
        found = self._owned(user, directory, filename)
        file = found or self._new(user, directory, filename)
        if newversion or not found:
            file.versions.append(Version(content, newversionmsg, user))
        else:
            file.versions[-1] = Version(content, newversionmsg or file.latest.message, user)
        file.set(properties)
        return file.shown()

    file_write = file_upload

    def file_update(self, user: str, filename: str, directory: str = ROOT, **properties: Any) -> Shown:
        """Describe a file anew."""
        file = self._need_owned(user, directory, filename)
        file.set(properties)
        return file.shown()

    def file_delete(self, user: str, filenames: Sequence[str], directory: str = ROOT) -> None:
        """All of them or none."""
        for file in [self._need_owned(user, directory, name) for name in dict.fromkeys(filenames)]:
            self._drop(file, user)

    def file_grant(
        self, user: str, filename: str, newauthors: Sequence[str], revokeauthors: Sequence[str], directory: str = ROOT
    ) -> Shown:
        """New owners, who must not have a file of this name there, and less owners; the last one takes it along."""
        file = self._need_owned(user, directory, filename)
        if not newauthors and not revokeauthors:
            raise Refused
        for author in newauthors:
            if author not in self._roles or self._owned(author, directory, filename) not in (None, file):
                raise Refused
            file.authors.add(author)
            self.directories[author] |= {directory} - {ROOT}
        if not set(revokeauthors) <= file.authors:
            raise Refused
        shown = file.shown()
        for author in dict.fromkeys(revokeauthors):
            self._drop(file, author)
        return file.shown() if file.authors else shown

    def file_revert(
        self,
        user: str,
        filename: str,
        number: int,
        directory: str = ROOT,
        newversionmsg: str | None = None,
        **properties: Any,
    ) -> Shown:
        """A former version, counted from the oldest, becomes the latest; the history stays."""
        file = self._need_owned(user, directory, filename)
        former = self._version(file, number)
        file.versions.append(Version(former.content, newversionmsg or SomeText("?"), user))
        file.set(properties)
        return file.shown()

    def file_copy(self, user: str, copied: Sequence[tuple[str, str, int | None, str]], destination: str) -> None:
        """Copies are new versions of what has their name there, which else stays as it is."""
        self._need_user(user)
        self._need_directory(user, destination)
        for filename, directory, number, rename in copied:
            self._check_type(user, rename)
            file = self._need_owned(user, directory, filename)
            self._copy(user, file, destination, self._version(file, number), rename or filename)

    def file_move(self, user: str, moved: Sequence[tuple[str, str]], destination: str) -> int:
        """How many stay where they are, as they have several authors; all others take their history along."""
        self._need_user(user)
        self._need_directory(user, destination)
        return self._move(
            user, [self._need_owned(user, place, name) for name, place in dict.fromkeys(moved)], destination
        )

    def file_fetch(self, user: str, filename: str, author: str, directory: str, number: int | None) -> Shown:
        """A version of a file that the user sees."""
        self._need_user(user)
        file = self._need_visible(user, author, directory, filename)
        return file.shown(self._version(file, number))

    def file_download(self, user: str, filename: str, author: str, directory: str, number: int | None) -> bytes:
        """Its content, which is for users alone."""
        file = self._need_visible(user, author, directory, filename)
        version = self._version(file, number)
        self._need_user(user)
        return version.content

    def file_diff(self, user: str, filename: str, author: str, directory: str, number: int | None) -> bool:
        """Whether a version differs from the latest one."""
        self._need_user(user)
        file = self._need_visible(user, author, directory, filename)
        return self._version(file, number).content != file.latest.content

    def file_list(self, user: str, **wanted: Any) -> list[Shown]:
        """Own files, and of those of others what is asked for and seen."""
        self._need_user(user)
        return self._listed(user, **wanted)

    def script_list(self, user: str, **wanted: Any) -> list[Shown]:
        """As :meth:`file_list`, without inputs and outputs; nobody in particular sees published ones."""
        published = wanted.pop("published", False) or user == ANONYMOUS
        found = self._listed(user, category="script", published=published, **wanted)
        return [{name: value for name, value in file.items() if name not in ("inputs", "outputs")} for file in found]

    # -- directories --------------------------------------------------------------------------------------

    def directory_list(
        self,
        user: str,
        directory: str = "",
        category: str = "",
        archived: bool = False,
        userfiles: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> dict[str, Any]:
        """By kind: directories with their files; and the names of all."""
        self._need_user(user)
        mine = {ROOT} | self.directories[user]
        archives = {name for name in mine if name.endswith(ARCHIVE)}
        names = mine if archived else mine - archives
        system = [name for name, asked in (("Restricted", shared), ("Shared", shared), ("Public", published)) if asked]
        if directory:
            names = mine & {directory}
            system = [name for name in ("Restricted", "Shared", "Public") if name == directory]
            if not names and not system:
                raise Refused
        own = [file for file in self._files if user in file.authors and (userfiles or directory)]
        others = [file for file in self._files if user not in file.authors and self._sees(user, file)]
        return {
            "user": {name: _shown([file for file in own if file.directory == name], category) for name in names},
            "system": {name: _shown([file for file in others if file.access == name], category) for name in system},
            "custom": sorted(mine - archives),
            "archived": sorted(archives),
        }

    def directory_create(self, user: str, directory: str) -> None:
        """A custom directory."""
        self._need_user(user)
        self._need_free(user, directory)
        self.directories[user].add(directory)

    def directory_rename(self, user: str, directory: str, destination: str) -> int:
        """How many files of several authors stay, and the directory with them."""
        self._need_user(user)
        self._need_directory(user, directory)
        if directory == ROOT:
            raise Refused
        self._need_free(user, destination)
        self.directories[user].add(destination)
        return self._empty_into(user, self._in(user, directory), directory, destination)

    def directory_copy(self, user: str, directory: str, destination: str, filenames: Sequence[str]) -> None:
        """All files or those named."""
        sources = self._in(user, directory, filenames)
        self._need_directory(user, destination)
        for file in sources:
            self._copy(user, file, destination, file.latest, file.name)

    def directory_move(self, user: str, directory: str, destination: str, filenames: Sequence[str]) -> int:
        """How many stay."""
        sources = self._in(user, directory, filenames)
        self._need_directory(user, destination)
        return self._move(user, sources, destination)

    def directory_update(self, user: str, directory: str, filenames: Sequence[str], **properties: Any) -> None:
        """Once, for what is there now."""
        for file in self._in(user, directory, filenames):
            file.set(properties)

    def directory_archive(self, user: str, directory: str, archive: str, filenames: Sequence[str]) -> int:
        """How many stay; what goes is told so in its message."""
        sources = self._in(user, directory, filenames)
        plain = archive.removesuffix(ARCHIVE)
        if directory.endswith(ARCHIVE) or not _may_be_directory(plain):
            raise Refused
        self.directories[user].add(plain + ARCHIVE)
        message = f"File archived from {directory} directory."
        for file in sources:
            if len(file.authors) == 1:
                file.latest.message = message
        return self._empty_into(user, sources, directory, plain + ARCHIVE)

    def directory_upload(self, user: str, directory: str, contents: dict[str, bytes], **sent: Any) -> None:
        """All files of the archive or none."""
        for filename, content in contents.items():
            self.file_upload(user, filename, content, directory=directory, **sent)

    def directory_download(self, user: str, directory: str, filenames: Sequence[str]) -> dict[str, bytes]:
        """Contents by name."""
        return {file.name: file.latest.content for file in self._in(user, directory, filenames)}

    def directory_delete(self, user: str, directory: str) -> None:
        """With the files; root stays."""
        for file in self._in(user, directory):
            self._drop(file, user)
        self.directories[user].discard(directory)

    # -- what there is ------------------------------------------------------------------------------------

    def files(self) -> list[File]:
        """All of them."""
        return self._files

    def version_count(self, author: str, directory: str, filename: str) -> int:
        """Of a file of an owner; 0 when there is none."""
        file = self._owned(author, directory, filename)
        return len(file.versions) if file else 0

    # -- parts of calls -----------------------------------------------------------------------------------

    def _listed(
        self,
        user: str,
        directory: str = "",
        filename: str = "",
        category: str = "",
        archived: bool = False,
        shared: bool = False,
        published: bool = False,
    ) -> list[Shown]:
        asked = [file for file in self._files if self._is_asked_for(user, file, shared, published)]
        if filename:
            named = [file for file in asked if (file.name, file.directory) == (filename, directory or ROOT)]
            kept = [file for file in named if category in ("", file.category)]
            if not named:
                raise Refused
            return [file.shown(version) for file in kept for version in reversed(file.versions)]
        if directory:
            asked = [file for file in asked if file.directory == directory]
            if not asked:
                self._need_directory(user, directory)
        elif not archived:
            asked = [file for file in asked if not file.directory.endswith(ARCHIVE)]
        return _shown(asked, category)

    def _is_asked_for(self, user: str, file: File, shared: bool, published: bool) -> bool:
        asked = published if file.access == "Public" else shared
        return user in file.authors or (asked and self._sees(user, file))

    def _sees(self, user: str, file: File) -> bool:
        """7x-facts 13.4."""
        if user in file.authors or file.access == "Public":
            return True
        if file.access == "Restricted":
            return not self._roles.get(user, set()).isdisjoint(file.properties["restricted"].split(","))
        return file.access == "Shared" and user != ANONYMOUS

    def _need_user(self, user: str) -> None:
        if user == ANONYMOUS:
            raise Refused(401)

    def _need_directory(self, user: str, directory: str) -> None:
        if directory not in {ROOT} | self.directories.get(user, set()):
            raise Refused

    def _need_free(self, user: str, directory: str) -> None:
        if not _may_be_directory(directory) or directory in self.directories[user]:
            raise Refused

    def _check_type(self, user: str, filename: str) -> None:
        if filename.endswith(f".{BLACKLISTED}") and "ADMINISTRATOR" not in self._roles[user]:
            raise Refused

    def _owned(self, user: str, directory: str, filename: str) -> File | None:
        """An owner's file, of which there is one of a name in a directory at most."""
        found = [
            file
            for file in self._files
            if user in file.authors and (file.directory, file.name) == (directory, filename)
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def _need_owned(self, user: str, directory: str, filename: str) -> File:
        self._need_user(user)
        file = self._owned(user, directory, filename)
        if file is None:
            raise Refused
        return file

    def _need_visible(self, user: str, author: str, directory: str, filename: str) -> File:
        file = self._owned(author, directory, filename)
        if file is None or not self._sees(user, file):
            raise Refused
        return file

    def _in(self, user: str, directory: str, filenames: Sequence[str] = ()) -> list[File]:
        """Files of a user's directory: all, or those named, all of which must be there."""
        self._need_user(user)
        self._need_directory(user, directory)
        if filenames:
            return [self._need_owned(user, directory, name) for name in sorted(set(filenames))]
        return [file for file in self._files if user in file.authors and file.directory == directory]

    def _version(self, file: File, number: int | None) -> Version:
        """A former one by its number from the oldest, default the latest, which has no id."""
        if number is None:
            return file.latest
        if not 0 <= number < len(file.versions) - 1:
            raise Refused
        return file.versions[number]

    def _new(self, user: str, directory: str, filename: str) -> File:
        file = File(filename, directory, user, {user})
        self._files.append(file)
        return file

    def _copy(self, user: str, file: File, destination: str, version: Version, filename: str) -> None:
        target = self._owned(user, destination, filename)
        if target is None:
            target = self._new(user, destination, filename)
            target.set(file.properties)
        target.versions.append(Version(version.content, version.message, user))

    def _move(self, user: str, sources: Sequence[File], destination: str) -> int:
        moving = [file for file in sources if len(file.authors) == 1]
        for file in moving:
            target = self._owned(user, destination, file.name)
            if target is None:
                file.directory = destination
            elif target is not file:
                target.versions += file.versions
                self._files.remove(file)
        return len(sources) - len(moving)

    def _empty_into(self, user: str, sources: Sequence[File], directory: str, destination: str) -> int:
        """Move files; a directory without files goes."""
        staying = self._move(user, sources, destination)
        if not self._in(user, directory):
            self.directories[user].discard(directory)
        return staying

    def _drop(self, file: File, user: str) -> None:
        """One owner less; without the one who made it, the first of the others stands for it."""
        file.authors.remove(user)
        if not file.authors:
            self._files.remove(file)
        elif file.author == user:
            file.author = min(file.authors)


def _shown(files: Iterable[File], category: str) -> list[Shown]:
    return [file.shown() for file in files if category in ("", file.category)]


def _may_be_directory(name: str) -> bool:
    """7x-facts 12.1."""
    return bool(name.strip()) and not set('"*?\\/.<>') & set(name) and name.lower() not in _RESERVED
