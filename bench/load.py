"""Callers, rounds and what is said of them: contestants take turns, so that a disturbance hits all alike."""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Caller:
    """One caller: a call that is timed, and a check of its answer that is not.

    ``check`` raises :class:`WrongAnswer`.
    """

    call: Callable[[], Awaitable[bytes]]
    check: Callable[[bytes], None]


class WrongAnswer(Exception):
    """A contestant answered something else than what it was asked for."""


@dataclass
class Round:
    """Latencies in seconds of one round, and the seconds that the round took."""

    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0

    @property
    def median(self) -> float:
        """Median latency, in seconds."""
        return statistics.median(self.latencies)

    @property
    def rate(self) -> float:
        """Calls a second, of all callers together."""
        return len(self.latencies) / self.elapsed


@dataclass
class Contestant:
    """What is measured: its callers, who call at the same time, and how often each calls in a round.

    Attributes:
        pause: seconds that a caller waits before it calls again.
    """

    name: str
    callers: Sequence[Caller]
    calls: int
    pause: float = 0
    rounds: list[Round] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Median latency over all rounds, in seconds."""
        return self._percentile(50)

    @property
    def p95(self) -> float:
        """95th percentile of the latency over all rounds, in seconds."""
        return self._percentile(95)

    @property
    def rate(self) -> float:
        """Median of the rounds' calls a second."""
        return statistics.median(turn.rate for turn in self.rounds)

    def _percentile(self, percent: int) -> float:
        latencies = [latency for turn in self.rounds for latency in turn.latencies]
        return statistics.quantiles(latencies, n=100, method="inclusive")[percent - 1]


async def compete(contestants: Sequence[Contestant], rounds: int) -> None:
    """Each caller calls once unmeasured; then the contestants take turns, a round each, ``rounds`` times."""
    for contestant in contestants:
        await _run_round(dataclasses.replace(contestant, calls=1))
    for _ in range(rounds):
        for contestant in contestants:
            contestant.rounds.append(await _run_round(contestant))


def ratio_of_medians(one: Contestant, other: Contestant) -> float:
    """How many times as long a call of ``one`` takes: the median over the rounds run side by side."""
    return statistics.median(a.median / b.median for a, b in zip(one.rounds, other.rounds, strict=True))


def ratio_of_rates(one: Contestant, other: Contestant) -> float:
    """How many times as many calls ``one`` answers: the median over the rounds run side by side."""
    return statistics.median(a.rate / b.rate for a, b in zip(one.rounds, other.rounds, strict=True))


async def _run_round(contestant: Contestant) -> Round:
    turn = Round()
    started = time.perf_counter()
    answers = await asyncio.gather(*(_call(caller, contestant, turn) for caller in contestant.callers))
    turn.elapsed = time.perf_counter() - started
    for caller, given in zip(contestant.callers, answers, strict=True):
        for answer in given:
            caller.check(answer)
    return turn


async def _call(caller: Caller, contestant: Contestant, turn: Round) -> list[bytes]:
    answers = []
    for _ in range(contestant.calls):
        started = time.perf_counter()
        answers.append(await caller.call())
        turn.latencies.append(time.perf_counter() - started)
        await asyncio.sleep(contestant.pause)
    return answers
