"""The documented samples, and the reviewed list of differences between them and this server's replies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.conformance.sample_shapes import Difference, Places, is_comparable, kinds, places

_HERE = Path(__file__).parent


class Sample(msgspec.Struct, frozen=True):
    """A documented reply of a call; ``name`` is ``success`` or says what else it shows."""

    call: str
    name: str
    response: dict[str, Any]

    def __str__(self) -> str:
        return self.call if self.name == "success" else f"{self.call} {self.name}"


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Differences of one reason.

    Attributes:
        places: see :mod:`tests.conformance.sample_shapes`.
        sample, here: the kinds there.
        reason: why this server's reply is different.
        samples: the only ones that it is so beside; none for all that show those kinds at the place.
    """

    places: list[str]
    sample: str
    here: str
    reason: str
    samples: list[str] = []

    def beside(self, sample: Sample, documented: Places, here: Places) -> set[Difference]:
        """Those that a reply must show beside a sample."""
        if self.samples and str(sample) not in self.samples:
            return set()
        there = [place for place in self.places if is_comparable(place, documented, here)]
        alike = [place for place in there if kinds(documented, place) == self.sample]
        return {Difference(place, self.sample, self.here) for place in alike}


def read_samples() -> list[Sample]:
    """All samples."""
    content = (_HERE / "samples.json").read_bytes()
    by_call = msgspec.json.decode(content, type=dict[str, dict[str, dict[str, Any]]])
    return [Sample(call, name, response) for call, named in by_call.items() for name, response in named.items()]


def read_differences() -> list[Listed]:
    """The deliberate differences."""
    return msgspec.json.decode((_HERE / "differences.json").read_bytes(), type=list[Listed])


def applies(listed: Listed, place: str) -> bool:
    """Whether a place can be in a reply beside one of the samples that it is listed for."""
    documented = [(sample, places(sample.response)) for sample in read_samples()]
    return any(
        place in {each.place for each in listed.beside(sample, found, found | {place: set()})}
        for sample, found in documented
    )
