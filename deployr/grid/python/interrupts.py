"""SIGINT: a ``KeyboardInterrupt`` in the user's code.

One that comes before that code has begun is kept for it; one that comes after it is dropped by the call that the grid
makes for this (``nothing``).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

_allowed = False
_pending = False


def _handle(signum: int, frame: FrameType | None) -> None:
    global _pending
    if _allowed:
        raise KeyboardInterrupt
    _pending = True


def drop() -> None:
    """Forget a signal that came too late for its call."""
    global _pending
    _pending = False


def listen() -> None:
    """Take the signal (again: the code before may have had its own mind)."""
    signal.signal(signal.SIGINT, _handle)


def guarded(action: Callable[[], None], report: Callable[[BaseException], str]) -> dict[str, object]:
    """Do what may run user code; whatever that does, it comes back here.

    Args:
        report: tells of an exception on the console, and returns the text of the error.

    Returns:
        Nothing, ``error`` with its text, or ``interrupted``.
    """
    global _allowed
    process = os.getpid()
    outcome: dict[str, object] = {}
    try:
        try:
            _allowed = True
            try:
                if _pending:
                    raise KeyboardInterrupt
                action()
            except KeyboardInterrupt:
                raise
            except BaseException as ex:
                outcome["error"] = report(ex)
        finally:
            _allowed = False
    except KeyboardInterrupt:
        _allowed = False
        drop()
        outcome["interrupted"] = True
    if os.getpid() != process:
        # A child that the code forked, and that came out of it: it must not go on as a second session.
        os._exit(0)
    return outcome
