"""The generators that code draws from without naming one: those of the modules ``random`` and ``numpy.random``.

Forks would all draw the same numbers, so each is seeded anew, unless a service's code was there before: where it sets
a seed, each call draws what follows, as if it had run the code itself, and as R's sessions do.
"""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Mapping


class Generators:
    """What a parent knows of them, of those that it has loaded."""

    def __init__(self) -> None:
        self._before = _states()
        self._kept: Mapping[str, bytes] = {}

    def keep_changed(self) -> None:
        """Let forks go on with those that have changed since this was made."""
        now = _states()
        self._kept = {name: state for name, state in now.items() if state != self._before.get(name, state)}

    def begin(self) -> None:
        """Call in a fork, where the module ``random`` has seeded itself anew."""
        if "random" in self._kept:
            random.setstate(pickle.loads(self._kept["random"]))  # noqa: S301 -- of this process
        if "numpy" not in self._kept and "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()


def _states() -> dict[str, bytes]:
    """Compared as bytes, since arrays are part of them."""
    found = {"random": pickle.dumps(random.getstate())}
    if "numpy.random" in sys.modules:
        found["numpy"] = pickle.dumps(sys.modules["numpy.random"].get_state())
    return found
