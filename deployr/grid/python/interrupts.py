"""SIGINT: a ``KeyboardInterrupt`` in the user's code, and nothing outside of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

_allowed = False


def _handle(signum: int, frame: FrameType | None) -> None:
    if _allowed:
        raise KeyboardInterrupt


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
                action()
            except KeyboardInterrupt:
                raise
            except BaseException as ex:
                outcome["error"] = report(ex)
        finally:
            _allowed = False
    except KeyboardInterrupt:
        _allowed = False
        outcome["interrupted"] = True
    if os.getpid() != process:
        # A child that the code forked, and that came out of it: it must not go on as a second session.
        os._exit(0)
    return outcome
