"""No call without cases, and pages that say what is checked."""

from __future__ import annotations

from tests.conformance import api_coverage
from tests.conformance.case_files import read_cases, read_given
from tests.conformance.page import PAGE, page
from tests.conformance.sample_files import read_samples


def test_every_call_succeeds_in_each_format_and_fails_in_two_ways_or_awaits_its_cases() -> None:
    lacking = {call for call, found in api_coverage.coverage().items() if not found.is_enough}
    assert lacking == set(api_coverage.awaiting())


def test_every_case_has_a_source_and_something_to_expect() -> None:
    assert [case.name for case in read_cases() if not case.source or (case.reply is None and not case.body)] == []


def test_every_situation_is_used() -> None:
    assert read_given().keys() == {name for case in read_cases() for name in case.given}


def test_every_sample_has_one_case_that_is_made_like_it() -> None:
    like = [(case.call, case.sample) for case in read_cases() if case.sample]
    assert sorted(like) == sorted((sample.call, sample.name) for sample in read_samples())


def test_the_pages_are_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.conformance.page"
    assert api_coverage.PAGE.read_text() == api_coverage.page(), "run python -m tests.conformance.page"
