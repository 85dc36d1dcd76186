"""Replays everything and prints the page of client compatibility.

``python -m tests.recordings.report > docs/client-compatibility.md``
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.api.v9.replay import STAND_INS, stand_ins
from tests.recordings.peculiarities import PECULIARITIES, Peculiarity
from tests.recordings.recorded import legacy_clients, ml_clients, requests_of
from tests.recordings.replay_server import replay_server
from tests.recordings.verdicts import Verdict, verdicts

PAGE = Path(__file__).parents[2] / "docs" / "client-compatibility.md"

_INTRODUCTION = """# Client compatibility

This page is generated: `python -m tests.recordings.report > docs/client-compatibility.md`.

Requests of real client libraries were recorded byte for byte (`tests/recordings/data/`). The tests send them to a
running server, with nothing changed but what the server makes up: session ids, tokens, ids of projects, executions and
jobs, file versions, its address, the account's name. A request is *as meant* when the call was routed, its parameters
were understood as the client encoded them, its effect is there, and the reply has all that this client reads, in the
types that it reads. *Refused* is an error that the client counts on, or the only answer to what the recording asks for.
A *client fault* is a request in which the client does not say what it means.

Numbers in parentheses are those of the recorded requests.
"""
_INTRODUCTION_9X = """## Clients of the 9.x API

These too are replayed byte for byte, and each request is answered with the success code of its operation's document;
sessions, services and the like that a recording takes for granted are made first. (A data frame of pandas is loaded by
sessions that have pandas; others refuse it.) Besides ids and tokens the uploads below are replaced: the clients were
recorded before a server that read no upload, with bytes in the place of what a user's file or a runtime would have
given. The replay sends real ones in the client's own framing. Bytes that no runtime can read stay refused (400).

| client | requests | replaced |
|---|---|---|
"""
_OUTCOMES = ("as meant", "refused", "client fault", "failed")


def section(client: str, found: Sequence[Verdict]) -> str:
    """The part of the page about one client: its calls and what came of them."""
    by_call: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in found:
        by_call[verdict.recorded.call].append(verdict)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _counts(found))
    lines = [
        f"## {client}",
        "",
        f"{len(found)} requests: {counts}.",
        "",
        "| call | requests | verdict |",
        "|---|---|---|",
    ]
    lines += [f"| `{call}` | {len(group)} | {'; '.join(_outcomes(group))} |" for call, group in sorted(by_call.items())]
    return "\n".join([*lines, *_peculiar(client), ""])


def section_9x() -> str:
    """The part of the page about clients of the 9.x API."""
    rows = [f"| {client} | {len(requests_of(client))} | {_replaced(client)} |" for client in ml_clients()]
    kinds = [f"- {kind}: {meaning}." for kind, meaning in STAND_INS.items()]
    return _INTRODUCTION_9X + "\n".join([*rows, "", *kinds, ""])


def failures(found: Sequence[Verdict]) -> list[str]:
    """What went wrong, a text each."""
    return [
        f"n {v.recorded.n} {v.recorded.call} ({v.recorded.note}): {v.reason}" for v in found if v.outcome == "failed"
    ]


def _replaced(client: str) -> str:
    """Kinds of what stood in for uploads, with the numbers of the requests."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for recorded in requests_of(client):
        for kind in stand_ins(recorded):
            numbers[kind].append(recorded.n)
    return "; ".join(f"{kind} ({', '.join(map(str, which))})" for kind, which in sorted(numbers.items()))


def _counts(found: Sequence[Verdict]) -> Iterator[tuple[str, int]]:
    for outcome in _OUTCOMES:
        count = sum(verdict.outcome == outcome for verdict in found)
        if count:
            yield outcome, count


def _outcomes(group: Sequence[Verdict]) -> Iterator[str]:
    """As meant by number, all else with reasons and the numbers of the requests."""
    as_meant = sum(verdict.outcome == "as meant" for verdict in group)
    if as_meant:
        yield "as meant" if as_meant == len(group) else f"{as_meant} as meant"
    numbers: dict[str, list[int]] = defaultdict(list)
    for verdict in group:
        if verdict.outcome == "failed":
            numbers["**failed**"].append(verdict.recorded.n)
        elif verdict.outcome != "as meant":
            numbers[f"{verdict.outcome}: {verdict.reason}"].append(verdict.recorded.n)
    for text, which in sorted(numbers.items()):
        yield f"{text} ({', '.join(map(str, which))})"


def _peculiar(client: str) -> Iterator[str]:
    """Faults of the client."""
    calls = {recorded.n: recorded.call for recorded in requests_of(client)}
    faults: dict[Peculiarity, list[str]] = defaultdict(list)
    for (name, n), peculiarity in sorted(PECULIARITIES.items()):
        if name == client and peculiarity.kind == "client fault":
            faults[peculiarity].append(f"`{calls[n]}` ({n})")
    if faults:
        yield from ("", "Faults of this client:", "")
    for peculiarity, where in faults.items():
        answer = "it succeeds as it was sent" if peculiarity.succeeds else f"HTTP {peculiarity.status}"
        yield f"- {', '.join(where)}: {peculiarity.reason}. Answer: {answer}."


def main() -> int:
    """Print the page; failures go to the standard error, and make the exit status."""
    failed: list[str] = []
    print(_INTRODUCTION)
    with tempfile.TemporaryDirectory() as home, replay_server(Path(home)) as server:
        for client in legacy_clients():
            found = list(verdicts(server, client))
            failed += failures(found)
            print(section(client, found))
    print(section_9x(), end="")
    print("\n".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
