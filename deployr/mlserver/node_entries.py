"""Entries of the list of compute nodes: URIs, or ranges of URIs (9x-facts 12)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from deployr.errors import InvalidParameter

DEFAULT_PORT = 12805
"""Port of compute nodes."""

MAX_NODES = 65536
"""Most nodes that one entry may stand for."""

_ENTRY = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::(\d{1,5}(?:-\d{1,5})?))?/?", re.ASCII | re.IGNORECASE)
_OCTETS = re.compile(r"\d{1,3}(?:-\d{1,3})?(?:\.\d{1,3}(?:-\d{1,3})?){3}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)


def expand(entry: str) -> Iterator[str]:
    """The URIs that an entry stands for, each ``scheme://host:port``, in order.

    A range may stand in each octet of an IPv4 address and in the port; its ends come in any order.

    Raises:
        InvalidParameter: it is no such entry, a number is too large, or it stands for too many nodes.
    """
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise InvalidParameter(f"Entry {entry!r} is no URI of a compute node.")
    scheme, host, port = match[1].lower(), match[2].lower(), match[3] or str(DEFAULT_PORT)
    parts = [_numbers(part, 255, entry) for part in host.split(".")] if _OCTETS.fullmatch(host) else []
    ports = _numbers(port, 65535, entry)
    if not parts and not _HOST.fullmatch(host):
        raise InvalidParameter(f"Entry {entry!r} names no host.")
    _check_size([*parts, ports], entry)
    hosts = (".".join(map(str, octets)) for octets in itertools.product(*parts)) if parts else iter([host])
    return (f"{scheme}://{name}:{number}" for name, number in itertools.product(hosts, ports))


def _numbers(text: str, most: int, entry: str) -> range:
    ends = sorted(int(end) for end in text.split("-"))
    if ends[-1] > most:
        raise InvalidParameter(f"Entry {entry!r} has a number beyond {most}.")
    return range(ends[0], ends[-1] + 1)


def _check_size(ranges: list[range], entry: str) -> None:
    size = 1
    for numbers in ranges:
        size *= len(numbers)
    if size > MAX_NODES:
        raise InvalidParameter(f"Entry {entry!r} stands for more than {MAX_NODES} nodes.")
