"""Replies beside the documented samples: other than in the listed places they look alike."""

from __future__ import annotations

import pytest

from tests.conformance.case_files import read_cases
from tests.conformance.case_runs import Callers, Run, Variant
from tests.conformance.reply_nodes import JsonNode
from tests.conformance.sample_files import Listed, Sample, applies, read_differences, read_samples
from tests.conformance.sample_shapes import differences, places


@pytest.mark.parametrize("sample", read_samples(), ids=str)
def test_the_reply_differs_from_the_sample_as_listed_and_not_otherwise(sample: Sample, callers: Callers) -> None:
    documented, here = places(sample.response), places(reply_like(sample, callers))
    listed = set().union(*(entry.beside(sample, documented, here) for entry in read_differences()))
    found = differences(documented, here)
    assert not found - listed, "these differences are not listed"
    assert not listed - found, "these differences are listed, but no longer there"


@pytest.mark.parametrize("listed", read_differences(), ids=lambda listed: listed.places[0])
def test_listed_differences_have_a_reason_and_a_place_in_some_sample(listed: Listed) -> None:
    assert listed.reason
    assert [place for place in listed.places if not applies(listed, place)] == []


def reply_like(sample: Sample, callers: Callers) -> object:
    """The reply of the case that is made like the sample."""
    [case] = [case for case in read_cases() if (case.call, case.sample) == (sample.call, sample.name)]
    reply = Run(Variant(case, case.methods[0], "json"), callers).run()
    assert isinstance(reply, JsonNode)
    return reply.value
