"""The HTML pages that some calls answer with.

Each stands for itself: no script, nothing from elsewhere, and all that came from R or from files is text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from falcon.asgi import Response
from lxml import html
from lxml.html import builder as E

Element = Any
"""An ``lxml`` element."""

_STYLE = """
body { font-family: sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222; }
pre { background: #f4f4f4; padding: 1em; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
img { max-width: 100%; border: 1px solid #ddd; margin: 0 0 1em; }
small { color: #666; font-weight: normal; }
ins { background: #cfc; text-decoration: none; }
del { background: #fcc; text-decoration: none; }
.error { border-left: 4px solid #b00; padding-left: 1em; white-space: pre-wrap; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    # The page's own URL may hold the session id.
    "Referrer-Policy": "no-referrer",
}
_NOT_IN_MARKUP = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def page(title: str, *parts: Element) -> bytes:
    """A page of its title and these parts."""
    head = E.HEAD(E.META(charset="utf-8"), E.TITLE(text(title)), E.STYLE(_STYLE))
    whole = E.HTML(head, E.BODY(E.H1(text(title)), *parts), lang="en")
    written: bytes = html.tostring(whole, encoding="utf-8", doctype="<!DOCTYPE html>")
    return written


def text(text: str) -> str:
    """A text without the control characters that markup cannot hold."""
    return _NOT_IN_MARKUP.sub("\ufffd", text)


def send(response: Response, page: bytes) -> None:
    """Answer with a page."""
    response.content_type = "text/html;charset=UTF-8"
    response.set_headers(_HEADERS)
    response.data = page
