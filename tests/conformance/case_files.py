"""Conformance cases as files: one folder a call, each file an object of cases by name (see docs/conformance.md).

Files are read strictly: a misspelt key is told. Texts may hold ``{{name}}``, which stands for a captured value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

_HERE = Path(__file__).parent
CALLS = _HERE / "calls"
"""Folders of cases: ``project/execute/code/`` is of the call ``/r/project/execute/code``."""

Method = Literal["GET", "POST", "PUT", "HEAD"]
Reply = dict[str, Any]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reply that is a file must be.

    Attributes:
        text: exactly this.
        starts: begins with these characters, one a byte.
        endless: never ends; only its beginning is looked at.
        contains: holds these texts.
        lacks: holds none of these texts.
        zip: an archive of exactly these files with these contents; null for any content.
    """

    text: str | None = None
    starts: str = ""
    endless: bool = False
    contains: list[str] = []
    lacks: list[str] = []
    zip: dict[str, str | None] | None = None


class Step(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One call and what is expected of it.

    Attributes:
        call: e.g. ``/r/project/create``.
        path: appended to the call, for path-style URLs.
        user: who calls; empty for the user of the case.
        params: texts, or JSON that is sent as text.
        upload: content of the file sent along, one character a byte.
        status: of HTTP.
        success: of the envelope.
        reply: what the envelope holds besides what every reply has, see :mod:`matching`; null: not looked at.
        body: of a reply that is a file.
        headers: of the reply, by name in lower case.
        capture: places in the reply, such as ``project.project``, by the name that later texts know the value by;
            of a reply that is a file, the place does not matter and the value is the file.
        background: send it and go on; a ``reply`` is waited for and looked at when the case ends.
        repeated: call again until the reply is as expected.
    """

    call: str = ""
    path: str = ""
    user: str = ""
    params: dict[str, Any] = {}
    upload: str | None = None
    status: int = 200
    success: bool = True
    reply: Reply | None = None
    body: Body | None = None
    headers: dict[str, Any] = {}
    capture: dict[str, str] = {}
    background: bool = False
    repeated: bool = False


class Case(Step, kw_only=True, forbid_unknown_fields=True):
    """A call in a situation.

    Attributes:
        source: where the expectation comes from.
        user: ``testuser``, ``admin``, ``basic`` or ``anonymous``.
        own_session: log in for this case alone.
        methods: each is tried.
        given: names in ``given.json`` of what is there before.
        setup: calls before.
        then: calls after, which show the effects.
        after: calls that clear up; what they answer does not matter.
        sample: name of the documented sample of the call that the reply is compared with; empty for none.
        name: what the case says: its key in the file.
    """

    source: str
    user: str = "testuser"
    own_session: bool = False
    methods: tuple[Method, ...] = ("POST",)
    given: list[str] = []
    setup: list[Step] = []
    then: list[Step] = []
    after: list[Step] = []
    sample: str = ""
    name: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that many cases begin with."""

    setup: list[Step]
    after: list[Step] = []


def read_cases() -> Iterator[Case]:
    """All cases."""
    for path in sorted(CALLS.rglob("*.json")):
        call = f"/r/{path.parent.relative_to(CALLS).as_posix()}"
        for name, case in msgspec.json.decode(path.read_bytes(), type=dict[str, Case]).items():
            yield msgspec.structs.replace(case, call=call, name=name)


def read_given() -> dict[str, Given]:
    """Situations by name."""
    return msgspec.json.decode((_HERE / "given.json").read_bytes(), type=dict[str, Given])
