"""The pages that ``/r/repository/script/render`` (7x-facts 14.2) and the printing of results answer with.

Each stands for itself: no script, nothing from elsewhere, and all that came from R is text. The source of the R script
is not on them, but for what the console echoed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from falcon.asgi import Response
from lxml import html
from lxml.html import builder as E

from deployr.api import records
from deployr.api.call import Call
from deployr.api.paths import PATH_SESSION
from deployr.api.urls import CONTEXT, Urls
from deployr.encodings import deployr_json
from deployr.encodings.objects import Record
from deployr.projects.records import Outcome

Element = Any
"""An ``lxml`` element."""

_STYLE = """
body { font-family: sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222; }
pre { background: #f4f4f4; padding: 1em; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
img { max-width: 100%; border: 1px solid #ddd; margin: 0 0 1em; }
small { color: #666; font-weight: normal; }
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


class Links:
    """URLs on the page: of the site that it came from, and good for whoever opened it.

    A page that was opened by a URL with the session id in it comes without a cookie, so its links hold the id too
    (client-wire-facts 11).
    """

    def __init__(self, call: Call) -> None:
        by_url = call.scope.get(PATH_SESSION) == call.session_id
        self.urls = Urls(urlsplit(call.settings.server.context_url or CONTEXT).path)
        self._session = f";jsessionid={call.session_id}" if by_url else ""

    def __call__(self, record: Record) -> str:
        """The URL of a result, artifact or stored file."""
        return f"{record['url']}{self._session}"


def outcome_page(title: str, outcome: Outcome, links: Links) -> bytes:
    """What a script did; of one that failed the error and the console."""
    record = outcome.record
    if record.error is not None:
        return _page(title, _error(record.error), *_console(record.console))
    shown = records.execution(record, outcome.project.project, links.urls)
    stored = [records.repository_file(file, links.urls) for file in outcome.stored]
    return _page(
        title,
        *_console(record.console),
        *_section("Warnings", [E.P(_text(warning)) for warning in record.warnings]),
        *_section("Objects", [part for entry in outcome.objects for part in _object(entry)]),
        *_section("Plots", [E.IMG(src=links(plot), alt=_text(plot["filename"])) for plot in shown["results"]]),
        *_section("Files", [_file(artifact, links) for artifact in shown["artifacts"]]),
        *_section("Stored files", [_file(file, links) for file in stored]),
    )


def results_page(title: str, results: Sequence[Record], links: Links) -> bytes:
    """Unnamed plots, to be printed."""
    return _page(title, *[E.IMG(src=links(plot), alt=_text(plot["filename"])) for plot in results])


def failure_page(title: str, error: str) -> bytes:
    """A script that could not be run."""
    return _page(title, _error(error))


def send(response: Response, page: bytes) -> None:
    """Answer with the page."""
    response.content_type = "text/html;charset=UTF-8"
    response.set_headers(_HEADERS)
    response.data = page


def _page(title: str, *parts: Element) -> bytes:
    head = E.HEAD(E.META(charset="utf-8"), E.TITLE(_text(title)), E.STYLE(_STYLE))
    page = E.HTML(head, E.BODY(E.H1(_text(title)), *parts), lang="en")
    written: bytes = html.tostring(page, encoding="utf-8", doctype="<!DOCTYPE html>")
    return written


def _section(title: str, parts: list[Element]) -> list[Element]:
    """Parts under a heading, which is left out with them."""
    return [E.H2(title), *parts] if parts else []


def _error(text: str) -> Element:
    return E.P(E.STRONG("Error: "), _text(text), E.CLASS("error"))


def _console(text: str) -> list[Element]:
    return _section("Console", [E.PRE(_text(text.strip("\n")))] if text else [])


def _object(entry: Record) -> Iterator[Element]:
    """An object as it is encoded in replies; those without an encoding have no value."""
    yield E.H3(_text(entry["name"]), " ", E.SMALL(_text(f"{entry['type']}, {entry['rclass']}")))
    if "value" in entry:
        yield E.PRE(_text(deployr_json.dumps(entry["value"]).decode()))


def _file(file: Record, links: Links) -> Element:
    link = E.A(_text(file["filename"]), href=links(file))
    return E.P(link, " ", E.SMALL(f"{file['length']} bytes"))


def _text(text: str) -> str:
    """A text without the control characters that markup cannot hold."""
    return _NOT_IN_MARKUP.sub("\ufffd", text)
