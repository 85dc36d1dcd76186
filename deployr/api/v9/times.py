"""Times as the 9.x API writes them."""

from __future__ import annotations

import datetime


def creation_time(milliseconds: int) -> str:
    """A time as servers of 9.2 wrote it: seven decimals and no zone (9x-facts 6); here it is UTC."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="microseconds") + "0"
