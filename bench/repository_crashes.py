"""Calls of the repository that are cut short: parts of the server are killed at random moments.

Whatever is killed when, the repository must be as it was before the call or as it is after it, a call that was
acknowledged must have been done, and ``deployr repository check`` must find no fault.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import io
import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.deployr_client import CallFailed, DeployrClient
from bench.save_crashes import VICTIMS
from bench.server import Server
from bench.waiting import until
from deployr.repository.blobs import Blobs
from deployr.repository.check import RepositoryCheck
from deployr.settings import Settings
from deployr.store.database import Database

_FILES = 5
_LARGE = 8 * 1024 * 1024
_SMALL = 64 * 1024
_SECONDS = 60.0
"""Longest time in which the server must serve the repository again."""

_DIRECTORIES = "source", "target"

State = dict[str, dict[str, list[str]]]
"""Directories, their files, and the SHA-256 of each version, oldest first."""


@dataclass
class RepositoryCrashes:
    """What became of the calls.

    Attributes:
        killed: rounds by what was killed.
        states: rounds by the state afterwards, ``old`` or ``new``.
        acknowledged: calls that were answered with success although something was killed.
        faults: mixtures, lost changes, faults of the check, servers that did not come back.
    """

    killed: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    faults: list[str] = field(default_factory=list)


async def repository_crashes(server: Server, rounds: int, victims: Sequence[str] = ()) -> RepositoryCrashes:
    """Run the rounds, each with the next of the calls; the server runs before and after.

    Args:
        victims: of :data:`bench.save_crashes.VICTIMS`, taken in turns; none for all but the grid, which has no part
            in these calls.
    """
    victims = victims or [name for name in VICTIMS if name != "grid"]
    result = RepositoryCrashes()
    seconds = {name: await _uncut(server, change) for name, change in CHANGES.items()}
    for number in range(rounds):
        name = list(CHANGES)[number % len(CHANGES)]
        victim = victims[number // len(CHANGES) % len(victims)]
        label = f"round {number}, {name}, {victim} killed"
        try:
            await _crash(server, CHANGES[name], seconds[name], victim, result, label)
        except Exception as ex:
            result.faults.append(f"{label}: {ex!r}")
    return result


async def _uncut(server: Server, change: Change) -> float:
    """Seconds that a call takes which nothing disturbs."""
    repository = await _Repository.prepared(server)
    started = time.perf_counter()
    await change(repository)
    seconds = time.perf_counter() - started
    if await repository.look() != repository.expected:
        raise AssertionError(f"{change.__name__} does something else than expected")
    return seconds


async def _crash(
    server: Server, change: Change, seconds: float, victim: str, result: RepositoryCrashes, label: str
) -> None:
    repository = await _Repository.prepared(server)
    before = copy.deepcopy(repository.expected)
    call = asyncio.create_task(change(repository))
    await asyncio.sleep(random.uniform(0, 1.1 * seconds))
    await VICTIMS[victim](server)
    acknowledged = (await asyncio.gather(call, return_exceptions=True))[0] is None
    result.killed[victim] += 1
    result.acknowledged += acknowledged
    await until(lambda: _serves(server), seconds=_SECONDS)
    found = await (await _Repository.opened(server)).look()
    result.states["new" if found == repository.expected else "old"] += 1
    if found not in (before, repository.expected):
        result.faults.append(f"{label}: a mixture")
    if acknowledged and found != repository.expected:
        result.faults.append(f"{label}: an acknowledged change is lost")
    result.faults += [f"{label}: {text}" for text in await asyncio.to_thread(_check, server)]


def _check(server: Server) -> list[str]:
    settings = Settings.load(flags={"home": server.home})
    database = Database(settings.database_url)
    try:
        return [fault.text for fault in RepositoryCheck(database, Blobs(settings.blobs_directory)).faults()]
    finally:
        database.close()


class _Repository:
    """A user's repository.

    Attributes:
        expected: what it looks like after the calls made so far.
    """

    def __init__(self, client: DeployrClient) -> None:
        self.client = client
        self.expected: State = {}

    @classmethod
    async def opened(cls, server: Server) -> _Repository:
        """The repository as it is."""
        client = DeployrClient(server.port)
        await client.login()
        return cls(client)

    @classmethod
    async def prepared(cls, server: Server) -> _Repository:
        """Two directories with a few files each, of two versions, and nothing else but samples."""
        repository = await cls.opened(server)
        for directory in await repository.look():
            if directory != "root":
                await repository.client.call("repository/directory/delete", directory=directory)
        for directory in _DIRECTORIES:
            await repository.client.call("repository/directory/create", directory=directory)
        for number in range(_FILES):
            for content in (os.urandom(_SMALL), os.urandom(_SMALL)):
                for directory in _DIRECTORIES[: 1 + number % 2]:
                    await repository.write(directory, f"file-{number}.bin", content)
        repository.expected = await repository.look()
        return repository

    async def write(self, directory: str, filename: str, content: bytes) -> None:
        """Add a version of a file."""
        fields = {"directory": directory, "filename": filename, "newversion": "true"}
        await self.client.upload("repository/file/upload", content, **fields)

    async def look(self) -> State:
        """What is there, archives included; of root only what the calls here make."""
        listed = await self.client.call("repository/directory/list", userfiles="true", archived="true")
        return {
            entry["directory"]: {
                file["filename"]: await self._versions(entry["directory"], file["filename"])
                for file in entry["files"]
                if entry["directory"] != "root"
            }
            for entry in listed["repository"]["directories"]["user"]
        }

    async def _versions(self, directory: str, filename: str) -> list[str]:
        listed = await self.client.call("repository/file/list", directory=directory, filename=filename)
        return [file["sha256"] for file in reversed(listed["repository"]["files"])]


# -- the calls --------------------------------------------------------------------------------------------

Change = Callable[[_Repository], Coroutine[Any, Any, None]]
"""Says what is expected, then makes its call."""


async def _upload_file(repository: _Repository) -> None:
    content = os.urandom(_LARGE)
    repository.expected["source"]["new.bin"] = [hashlib.sha256(content).hexdigest()]
    await repository.write("source", "new.bin", content)


async def _upload_version(repository: _Repository) -> None:
    content = os.urandom(_LARGE)
    repository.expected["source"]["file-0.bin"].append(hashlib.sha256(content).hexdigest())
    await repository.write("source", "file-0.bin", content)


async def _replace_version(repository: _Repository) -> None:
    content = os.urandom(_LARGE)
    repository.expected["source"]["file-0.bin"][-1] = hashlib.sha256(content).hexdigest()
    fields = {"directory": "source", "filename": "file-0.bin"}
    await repository.client.upload("repository/file/upload", content, **fields)


async def _move_files(repository: _Repository) -> None:
    filenames = sorted(repository.expected["source"])
    _expect_moved(repository.expected)
    await repository.client.call(
        "repository/file/move", filename=",".join(filenames), directory="source", destination="target"
    )


async def _delete_files(repository: _Repository) -> None:
    filenames = sorted(repository.expected["source"])
    repository.expected["source"] = {}
    await repository.client.call("repository/file/delete", filename=",".join(filenames), directory="source")


async def _upload_directory(repository: _Repository) -> None:
    contents = {f"zipped-{number}.bin": os.urandom(_LARGE // 8) for number in range(8)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for filename, content in contents.items():
            archive.writestr(filename, content)
            repository.expected["source"][filename] = [hashlib.sha256(content).hexdigest()]
    await repository.client.upload("repository/directory/upload", packed.getvalue(), directory="source")


async def _move_directory(repository: _Repository) -> None:
    _expect_moved(repository.expected)
    await repository.client.call("repository/directory/move", directory="source", destination="target")


async def _rename_directory(repository: _Repository) -> None:
    repository.expected["renamed"] = repository.expected.pop("source")
    await repository.client.call("repository/directory/rename", directory="source", destination="renamed")


async def _archive_directory(repository: _Repository) -> None:
    repository.expected["past.archive"] = repository.expected.pop("source")
    await repository.client.call("repository/directory/archive", directory="source", archive="past")


async def _delete_directory(repository: _Repository) -> None:
    del repository.expected["source"]
    await repository.client.call("repository/directory/delete", directory="source")


def _expect_moved(state: State) -> None:
    for filename, versions in state["source"].items():
        state["target"].setdefault(filename, []).extend(versions)
    state["source"] = {}


CHANGES: dict[str, Change] = {
    "file/upload": _upload_file,
    "file/upload of a version": _upload_version,
    "file/upload in the place of a version": _replace_version,
    "file/move": _move_files,
    "file/delete": _delete_files,
    "directory/upload": _upload_directory,
    "directory/move": _move_directory,
    "directory/rename": _rename_directory,
    "directory/archive": _archive_directory,
    "directory/delete": _delete_directory,
}


async def _serves(server: Server) -> bool:
    client = DeployrClient(server.port)
    try:
        await client.login()
    except (OSError, EOFError, CallFailed):
        return False
    finally:
        client.close()
    return True
