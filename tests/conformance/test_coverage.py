"""No call without cases, and a page that says what is checked."""

from __future__ import annotations

from pathlib import Path

from deployr.api.app import Backend, routes
from deployr.api.unbuilt import UnbuiltResource
from deployr.settings import Settings
from tests.conformance.case_files import read_cases, read_given
from tests.conformance.page import PAGE, page
from tests.conformance.sample_files import read_samples


def test_every_call_that_is_built_has_cases_of_success_and_of_refusal(tmp_path: Path) -> None:
    backend = Backend(Settings.load(flags={"home": tmp_path}))
    built = {path for path, (resource, _) in routes(backend).items() if not isinstance(resource, UnbuiltResource)}
    calls = {path.partition("/{")[0] for path in built if path.startswith("/r/")}
    assert calls - {case.call for case in read_cases() if case.success} == set()
    assert calls - {case.call for case in read_cases() if not case.success} == set()


def test_every_case_has_a_source_and_something_to_expect() -> None:
    assert [str(case.name) for case in read_cases() if not case.source or (case.reply is None and not case.body)] == []


def test_every_situation_is_used() -> None:
    assert read_given().keys() == {name for case in read_cases() for name in case.given}


def test_every_sample_has_one_case_that_is_made_like_it() -> None:
    like = [(case.call, case.sample) for case in read_cases() if case.sample]
    assert sorted(like) == sorted((sample.call, sample.name) for sample in read_samples())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.conformance.page"
