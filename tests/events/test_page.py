"""The page of the event stream has a real example of every event."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from deployr.events import records
from tests.events.page import MEANINGS, PAGE, page

OWN = {"streamConnectEvent", "streamDisconnectEvent"}


def examples() -> dict[str, Any]:
    """The examples on the page, by type."""
    blocks = re.findall(r"```json\n(.*?)\n```", PAGE.read_text(), re.DOTALL)
    found = [json.loads(block) for block in blocks]
    return {example["deployr"]["response"]["event"]["type"]: example for example in found}


def test_every_event_is_explained() -> None:
    assert MEANINGS.keys() == OWN | {kind.__struct_config__.tag for kind in get_args(records.Event)}


def test_the_page_is_up_to_date_but_for_its_examples() -> None:
    assert page(examples()) == PAGE.read_text(), "run python -m tests.events.page > docs/events.md"
