"""Addresses to listen on."""

from __future__ import annotations

import socket

from deployr.settings import split_address


def check_free(address: str) -> None:
    """See whether this machine could listen on ``host:port``.

    Raises:
        OSError: it could not.
    """
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
