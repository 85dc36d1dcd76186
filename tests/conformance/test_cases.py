"""Every case of every call, in JSON and in XML."""

from __future__ import annotations

import pytest

from tests.conformance.case_files import read_cases
from tests.conformance.case_runs import Callers, Run, Variant, variants


@pytest.mark.parametrize("variant", [each for case in read_cases() for each in variants(case)], ids=str)
def test_the_case_holds(variant: Variant, callers: Callers) -> None:
    Run(variant, callers).run()
