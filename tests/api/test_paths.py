"""URLs as old clients write them."""

from __future__ import annotations

from typing import Any

import pytest

from deployr.api.paths import PATH_SESSION, PathsMiddleware, normalised


def normalise(raw_path: str, query: str = "") -> tuple[str, str, str | None]:
    scope = {"type": "http", "path": "", "raw_path": raw_path.encode(), "query_string": query.encode()}
    result = normalised(scope)
    return result["path"], result["query_string"].decode(), result[PATH_SESSION]


@pytest.mark.parametrize(
    ("raw_path", "query", "expected"),
    [
        ("/deployr/r/user/about", "format=json", ("/deployr/r/user/about", "format=json", None)),
        ("/deployr/r/a;jsessionid=X", "b=c", ("/deployr/r/a", "b=c", "X")),
        (
            "/deployr/r/repository/script/render/jsessionid=X",
            "b=c",
            ("/deployr/r/repository/script/render", "b=c", "X"),
        ),
        ("/deployr/r/a", "b=c&author=u;jsessionid=X", ("/deployr/r/a", "b=c&author=u", "X")),
        ("/deployr/r/event/stream&project=P", "", ("/deployr/r/event/stream", "project=P", None)),
        ("/deployr/r//user/about//", "", ("/deployr/r/user/about", "", None)),
        ("/deployr/r/download/u/my+own%20file%2B.txt", "", ("/deployr/r/download/u/my own file+.txt", "", None)),
        ("/deployr/r/download/u/%C3%A9.txt", "", ("/deployr/r/download/u/é.txt", "", None)),
        ("/deployr/r/download/u/a%26b=c.txt", "", ("/deployr/r/download/u/a&b=c.txt", "", None)),
        ("/", "", ("/", "", None)),
    ],
)
def test_path_query_and_session_are_taken_apart(raw_path: str, query: str, expected: Any) -> None:
    assert normalise(raw_path, query) == expected


def test_a_session_inside_of_a_value_is_left_alone() -> None:
    query = "externalsource=http%3A%2F%2Fh%2Fa%3Bjsessionid%3DX"
    assert normalise("/deployr/r/a", query) == ("/deployr/r/a", query, None)


async def test_header_names_are_spelled_as_clients_expect() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"x-xsrf-token", b"t"), (b"set-cookie", b"c"), (b"content-type", b"k")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {}

    scope = {"type": "http", "path": "/", "raw_path": b"/", "query_string": b""}
    await PathsMiddleware(app)(scope, receive, send)
    assert [name for name, _ in sent[0]["headers"]] == [b"X-XSRF-TOKEN", b"Set-Cookie", b"Content-Type"]
