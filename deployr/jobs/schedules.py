"""When a repeating job starts next: the first start and multiples of the interval after it are its starts."""

from __future__ import annotations

DEFAULT_INTERVAL = 60_000
"""Milliseconds between the starts of a scheduled job that names none (sample of ``/r/job/list``)."""


def next_start(first: int, interval: int, former: int, now: int) -> int:
    """The start that follows a former one, in milliseconds since 1970.

    Starts that were missed meanwhile, because the server was down or the run took longer than the interval, are made up
    for by one run at once: its start is the last of them.

    Args:
        first: the first start of the schedule.
        interval: milliseconds between two starts.
        former: the start that the run that has just ended was for.
    """
    latest = first + (now - first) // interval * interval
    return latest if latest > former else former + interval
