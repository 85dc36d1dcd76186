"""The recorded requests of real clients, see ``data/``.

Each file is the conversation of one client with a placeholder server that said yes to everything, as gzipped JSON
lines: ``n`` number, ``call`` without context and path-style ids, ``conn`` number of the TCP connection, ``note`` what
the client was asked to do, ``raw_b64`` the request's bytes. The placeholder's N-th project, execution and job is
``PROJECT-0000000N-...``, ``EXEC-...``, ``JOB-...``, its N-th session id is ``A0...0N`` in hex. Files that begin with
``ml-`` are of 9.x clients.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from pathlib import Path

from tests.recordings.message import Message

_DATA = Path(__file__).parent / "data"
_SUFFIX = ".jsonl.gz"
_OF_9X = "ml-"


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A recorded request."""

    n: int
    call: str
    conn: int
    note: str
    raw: bytes

    @property
    def message(self) -> Message:
        """The request, taken apart."""
        return Message.parse(self.raw)


def clients() -> list[str]:
    """Names of all recorded clients."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in _DATA.iterdir())


def legacy_clients() -> list[str]:
    """Names of the recorded DeployR clients."""
    return [client for client in clients() if not client.startswith(_OF_9X)]


def ml_clients() -> list[str]:
    """Names of the recorded clients of the 9.x API."""
    return [client for client in clients() if client.startswith(_OF_9X)]


def requests_of(client: str) -> list[Recorded]:
    """A client's requests in their order."""
    lines = gzip.decompress((_DATA / (client + _SUFFIX)).read_bytes()).splitlines()
    return [_recorded(json.loads(line)) for line in lines]


def _recorded(entry: dict[str, object]) -> Recorded:
    kept = {key: entry[key] for key in ("n", "call", "conn", "note")}
    return Recorded(**kept, raw=base64.b64decode(str(entry["raw_b64"])))  # type: ignore[arg-type]
