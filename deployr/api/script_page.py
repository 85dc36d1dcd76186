"""The pages that ``/r/repository/script/render`` (7x-facts 14.2) and the printing of results answer with.

The source of the R script is not on them, but for what the console echoed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from lxml.html import builder as E

from deployr.api import records
from deployr.api.call import Call
from deployr.api.pages import Element, page, text
from deployr.api.paths import PATH_SESSION
from deployr.api.urls import CONTEXT, Urls
from deployr.encodings import deployr_json
from deployr.encodings.objects import Record
from deployr.projects.records import Outcome


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
        return page(title, _error(record.error), *_console(record.console))
    shown = records.execution(record, outcome.project.project, links.urls)
    stored = [records.repository_file(file, links.urls) for file in outcome.stored]
    return page(
        title,
        *_console(record.console),
        *_section("Warnings", [E.P(text(warning)) for warning in record.warnings]),
        *_section("Objects", [part for entry in outcome.objects for part in _object(entry)]),
        *_section("Plots", [E.IMG(src=links(plot), alt=text(plot["filename"])) for plot in shown["results"]]),
        *_section("Files", [_file(artifact, links) for artifact in shown["artifacts"]]),
        *_section("Stored files", [_file(file, links) for file in stored]),
    )


def results_page(title: str, results: Sequence[Record], links: Links) -> bytes:
    """Unnamed plots, to be printed."""
    return page(title, *[E.IMG(src=links(plot), alt=text(plot["filename"])) for plot in results])


def failure_page(title: str, error: str) -> bytes:
    """A script that could not be run."""
    return page(title, _error(error))


def _section(title: str, parts: list[Element]) -> list[Element]:
    """Parts under a heading, which is left out with them."""
    return [E.H2(title), *parts] if parts else []


def _error(error: str) -> Element:
    return E.P(E.STRONG("Error: "), text(error), E.CLASS("error"))


def _console(console: str) -> list[Element]:
    return _section("Console", [E.PRE(text(console.strip("\n")))] if console else [])


def _object(entry: Record) -> Iterator[Element]:
    """An object as it is encoded in replies; those without an encoding have no value."""
    yield E.H3(text(entry["name"]), " ", E.SMALL(text(f"{entry['type']}, {entry['rclass']}")))
    if "value" in entry:
        yield E.PRE(text(deployr_json.dumps(entry["value"]).decode()))


def _file(file: Record, links: Links) -> Element:
    link = E.A(text(file["filename"]), href=links(file))
    return E.P(link, " ", E.SMALL(f"{file['length']} bytes"))
