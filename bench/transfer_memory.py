"""What large files cost the server in memory, on their way in and out of the repository and of a working directory."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bench.deployr_client import AUTHOR, DeployrClient
from bench.load import WrongAnswer
from bench.memory import peak_memory, resident_memory
from bench.server import Server
from deployr.grid import processes

_FILENAME = "large.bin"
_FORGET_PEAK = "5"
"""Written to ``clear_refs``: the peak begins anew."""


async def transfer_memory(server: Server, mebibytes: int) -> dict[str, float]:
    """By how many MiB the peak of all processes together grew, by call.

    Each process counts with its own peak, so that the sum is an upper bound.

    Raises:
        WrongAnswer: what comes back is not what was sent.
    """
    client = DeployrClient(server.port)
    await client.login()
    project = await client.create_project()
    # A first, small round loads what is loaded once.
    await _all_calls(server, client, project, os.urandom(2**20))
    grown = await _all_calls(server, client, project, os.urandom(mebibytes * 2**20))
    await client.call("project/close", project=project)
    client.close()
    return grown


async def _all_calls(server: Server, client: DeployrClient, project: str, content: bytes) -> dict[str, float]:
    stored = {"filename": _FILENAME, "author": AUTHOR}
    place = {"filename": _FILENAME, "project": project}
    into_project = client.upload("project/directory/upload", content, **place, overwrite="true")
    calls: dict[str, Coroutine[Any, Any, object]] = {
        "repository/file/upload": client.upload("repository/file/upload", content, filename=_FILENAME),
        "repository/file/download": _download(client, "repository/file/download", stored, content),
        "project/directory/upload": into_project,
        "project/directory/download": _download(client, "project/directory/download", place, content),
        "project/directory/store": client.call("project/directory/store", **place),
        "project/directory/load": client.call("project/directory/load", **place, author=AUTHOR),
    }
    return {name: await _growth(server, call) for name, call in calls.items()}


async def _download(client: DeployrClient, call: str, fields: dict[str, str], content: bytes) -> None:
    answer = await client.get(f"/deployr/r/{call}", fields)
    if answer.status != 200 or await asyncio.to_thread(_digest, answer.body) != _digest(content):
        raise WrongAnswer(f"{call}: {len(answer.body)} bytes, HTTP {answer.status}")


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


async def _growth(server: Server, call: Coroutine[Any, Any, object]) -> float:
    before: dict[int, float] = {}
    for pid in (server.pid, *processes.descendants(server.pid)):
        # Warm sessions come and go at any time.
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK)
            before[pid] = resident_memory(pid)
    await call
    grown = 0.0
    for pid, memory in before.items():
        with contextlib.suppress(OSError):
            grown += 0 if processes.is_zombie(pid) else peak_memory(pid) - memory
    return grown
