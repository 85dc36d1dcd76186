"""No call without cases, and a page that says what is checked."""

from __future__ import annotations

import json
from pathlib import Path

from deployr.api.app import routes
from deployr.api.unbuilt import UnbuiltResource
from deployr.backend import Backend
from deployr.settings import Settings
from tests.conformance.case_files import read_cases, read_given
from tests.conformance.page import PAGE, page
from tests.conformance.sample_files import read_samples

AWAITING = Path(__file__).parent / "awaiting_cases.json"
"""Calls that were built while nobody wrote cases for them; to be emptied."""


def built_calls(home: Path) -> set[str]:
    """All calls of the application, without what path-style URLs append."""
    resources = routes(Backend(Settings.load(flags={"home": home}))).items()
    paths = {path for path, (resource, _) in resources if not isinstance(resource, UnbuiltResource)}
    return {path.partition("/{")[0] for path in paths if path.startswith("/r/")}


def test_every_call_that_is_built_has_cases_of_success_and_of_refusal_or_awaits_them(tmp_path: Path) -> None:
    cases = list(read_cases())
    covered = {case.call for case in cases if case.success} & {case.call for case in cases if not case.success}
    assert built_calls(tmp_path) - covered == set(json.loads(AWAITING.read_text()))


def test_every_case_has_a_source_and_something_to_expect() -> None:
    assert [case.name for case in read_cases() if not case.source or (case.reply is None and not case.body)] == []


def test_every_situation_is_used() -> None:
    assert read_given().keys() == {name for case in read_cases() for name in case.given}


def test_every_sample_has_one_case_that_is_made_like_it() -> None:
    like = [(case.call, case.sample) for case in read_cases() if case.sample]
    assert sorted(like) == sorted((sample.call, sample.name) for sample in read_samples())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.conformance.page"
