"""How much may be taken from a session: its files can be sparse, and grow while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from deployr.errors import TooLarge


class Budget:
    """Bytes that may still come.

    Args:
        most: of all contents together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    async def spent_by(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The chunks of a content.

        Raises:
            TooLarge: the contents have more bytes together.
        """
        async for chunk in chunks:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge(f"The session holds more than {self._most} bytes.")
            yield chunk
