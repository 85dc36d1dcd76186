"""Standard input, output and error of a session. Output is a pipe that the grid reads while code runs."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class Console:
    """The session's own streams, which user code may close or replace as it likes.

    Args:
        pipe: descriptor of the pipe's end to write to.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._open()
        self.restore()

    def restore(self) -> None:
        """Mend what the code before may have done to the streams."""
        for descriptor in (1, 2):
            os.dup2(self._pipe, descriptor)
        streams = (self.input, sys.stdin), (self.out, sys.stdout), (self.error, sys.stderr)
        # ``exit()`` closes standard input.
        if any(own is not used or own.closed for own, used in streams):
            self._open()

    def flush(self) -> None:
        """Let the grid have everything, an unfinished line too, also what was written to a stream of the user's."""
        for stream in {sys.stdout, self.out, self.error}:
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue

    def _open(self) -> None:
        self.out, self.error = _stream(1, "<stdout>"), _stream(2, "<stderr>")
        self.input = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdin, sys.stdout, sys.stderr = self.input, self.out, self.error


def _stream(descriptor: int, name: str) -> TextIO:
    raw = io.FileIO(descriptor, "w", closefd=False)
    raw.name = name
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)
