"""What a run found: latencies and rates of the contestants, numbers with their goals; as table and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson

from bench.load import Contestant


@dataclass(frozen=True)
class Timing:
    """A contestant's latencies in milliseconds and its calls a second."""

    row: str
    contestant: str
    callers: int
    p50: float
    p95: float
    rate: float


@dataclass(frozen=True)
class Number:
    """A single figure, with the goal it is held to, if any."""

    row: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    bound: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool:
        """True when the goal is reached, or there is none."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.bound == "at most" else self.value >= self.goal


@dataclass
class Report:
    """All figures of a run.

    Attributes:
        machine: see :func:`bench.machine.describe`.
    """

    machine: dict[str, str]
    timings: list[Timing] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)

    def add_timings(self, row: str, contestants: Sequence[Contestant]) -> None:
        """Take over what the contestants measured."""
        for one in contestants:
            self.timings.append(
                Timing(row, one.name, len(one.callers), round(one.p50 * 1e3, 2), round(one.p95 * 1e3, 2), one.rate)
            )

    @property
    def met(self) -> bool:
        """True when every goal is reached."""
        return all(number.met for number in self.numbers)

    def write_json(self, path: Path) -> None:
        """Write everything; ``met`` stands beside each number."""
        numbers = [{**dataclasses.asdict(number), "met": number.met} for number in self.numbers]
        document = {**dataclasses.asdict(self), "numbers": numbers}
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))

    def text(self) -> str:
        """The tables, in the form of Markdown."""
        timings = [
            [t.row, t.contestant, str(t.callers), f"{t.p50:.2f}", f"{t.p95:.2f}", f"{t.rate:.1f}"] for t in self.timings
        ]
        numbers = [[n.row, n.what, f"{n.value:.2f} {n.unit}".strip(), _goal(n), _verdict(n)] for n in self.numbers]
        machine = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        return "\n\n".join(
            [
                machine,
                _table(["row", "contestant", "callers", "p50 ms", "p95 ms", "calls/s"], timings),
                _table(["row", "number", "reached", "goal", ""], numbers),
            ]
        )


def _goal(number: Number) -> str:
    return "" if number.goal is None else f"{number.bound} {number.goal:g} {number.unit}".strip()


def _verdict(number: Number) -> str:
    if number.goal is None:
        return ""
    return "met" if number.met else "missed"


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])
