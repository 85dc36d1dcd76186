"""Parameters as clients write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import falcon.asgi
import falcon.testing
import pytest
from falcon.asgi import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from deployr.api import params as module
from deployr.api.params import MalformedParameter, Params, read_params
from deployr.errors import TooLarge
from deployr.settings import Settings


async def read(tmp_path: Path, **request: Any) -> Params:
    """The parameters of a simulated request."""
    seen: dict[str, Any] = {}

    class Resource:
        async def on_get(self, req: Request, resp: Response) -> None:
            try:
                seen["params"] = await read_params(req, Settings(home=tmp_path))
            except (MalformedParameter, TooLarge) as ex:
                seen["error"] = ex

        on_post = on_get

    app = falcon.asgi.App()
    app.add_route("/", Resource())
    async with falcon.testing.ASGIConductor(app) as conductor:
        await conductor.simulate_request(path="/", **request)
    if "error" in seen:
        raise seen["error"]
    params: Params = seen["params"]
    return params


async def test_query_and_form_are_one(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    params = await read(tmp_path, method="POST", query_string="a=1&b=2", body="b=3&c=4+5%C3%A9", headers=headers)
    assert [params.text(name) for name in "abc"] == ["1", "3", "4 5é"]


async def test_a_form_without_a_content_type_is_read(tmp_path: Path) -> None:
    params = await read(tmp_path, method="POST", body="a=1")
    assert params.text("a") == "1"


async def test_bare_keys_and_empty_values_are_not_given(tmp_path: Path) -> None:
    params = await read(tmp_path, method="GET", query_string="csvinputs&graphics&version=&nan")
    assert [params.text(name) for name in ("csvinputs", "graphics", "version", "nan", "absent")] == [None] * 5


async def test_too_long_a_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FORM", 10)
    with pytest.raises(TooLarge):
        await read(tmp_path, method="POST", body="a=" + "1" * 10)


async def test_too_many_parameters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedParameter):
        await read(tmp_path, method="POST", body="&".join(f"a{i}=1" for i in range(2000)))


async def test_a_multipart_body_without_a_boundary_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(MalformedParameter):
        await read(tmp_path, method="POST", body="x", headers={"Content-Type": "multipart/form-data"})


def test_the_first_of_several_names_counts() -> None:
    params = Params({"robject": "old", "robjects": "new"})
    assert params.text("robjects", "robject") == "new"
    assert Params({"robject": "old", "robjects": ""}).text("robjects", "robject") == "old"


@pytest.mark.parametrize(("text", "value"), [("True", True), ("true", True), ("False", False), ("FALSE", False)])
def test_booleans_are_read_in_any_case(text: str, value: bool) -> None:
    assert Params({"a": text}).flag("a") is value


def test_missing_booleans_have_a_default() -> None:
    assert not Params({}).flag("a")
    assert Params({"a": ""}).flag("a", default=True)


@pytest.mark.parametrize("call", [lambda p: p.flag("a"), lambda p: p.number("a")])
def test_malformed_values_are_told(call: Callable[[Params], object]) -> None:
    with pytest.raises(MalformedParameter, match="Parameter a"):
        call(Params({"a": "maybe"}))


@pytest.mark.parametrize("call", [lambda p: p.required("a"), lambda p: p.required_names("a"), lambda p: p.file()])
def test_missing_required_values_are_told(call: Callable[[Params], object]) -> None:
    with pytest.raises(MalformedParameter, match="Missing parameter"):
        call(Params({"a": ""}))


@pytest.mark.parametrize(
    ("text", "names", "places"),
    [
        ("x", ["x"], ["x"]),
        ("x,y,", ["x", "y"], ["x", "y"]),
        ("x,,z", ["x", "z"], ["x", "", "z"]),
        (",y", ["y"], ["", "y"]),
        ("a, b c", ["a", "b c"], ["a", "b c"]),
        ("", [], []),
    ],
)
def test_comma_lists_lose_a_trailing_comma_and_parallel_ones_keep_their_gaps(
    text: str, names: list[str], places: list[str]
) -> None:
    params = Params({"a": text})
    assert (params.names("a"), params.places("a")) == (names, places)


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=5))
def test_whatever_was_encoded_is_read_back(values: dict[str, str]) -> None:
    assert module._parse_urlencoded(urlencode(values)) == values


async def test_some_texts_may_be_given_empty(tmp_path: Path) -> None:
    params = await read(tmp_path, method="GET", query_string="bare&empty=&full=x")
    assert [params.given_text(name) for name in ("bare", "empty", "full", "absent")] == ["", "", "x", None]


def test_lists_have_an_end() -> None:
    params = Params({"a": "x," * 10_000, "b": "x," * 10_001})
    assert len(params.names("a")) == 10_000
    with pytest.raises(MalformedParameter):
        params.names("b")
