"""What code a session has run: more of it than of what came of it, which is large."""

from __future__ import annotations

from collections import deque

_MOST = 8 * 1024 * 1024
"""Characters that are remembered."""

_EACH = 100
"""What a text costs beyond its characters."""


class PastCode:
    """The code of the latest executions whose records are gone."""

    def __init__(self, most: int = _MOST) -> None:
        self._texts: deque[str] = deque()
        self._left = most

    def add(self, code: str) -> None:
        """Remember the code of a record that goes; the oldest makes room for it."""
        self._texts.append(code)
        self._left -= len(code) + _EACH
        while self._left < 0:
            self._left += len(self._texts.popleft()) + _EACH

    @property
    def texts(self) -> list[str]:
        """Oldest first."""
        return [*self._texts]
