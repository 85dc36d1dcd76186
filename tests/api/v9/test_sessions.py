"""``/sessions``: opened, closed, and code in them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from deployr.grid.client import SocketGrid
from tests.api.v9.conftest import Api
from tests.server import PASSWORD, Server, beside
from tests.waiting import eventually, wait_until

EVERY = [
    ("POST", "/execute"),
    ("POST", "/cancel"),
    ("GET", "/console-output"),
    ("GET", "/history"),
    ("GET", "/workspace"),
    ("GET", "/workspace/x"),
    ("POST", "/workspace/x"),
    ("DELETE", "/workspace/x"),
    ("GET", "/files"),
    ("POST", "/files"),
    ("GET", "/files/x"),
    ("DELETE", "/files/x"),
    ("DELETE", ""),
    ("DELETE", "/force"),
]
"""All calls on one session."""


@pytest.fixture(params=["R", "Python"])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def session(api: Api) -> Iterator[str]:
    """Path of an R session."""
    yield from _session(api, "R")


@pytest.fixture
def python(api: Api) -> Iterator[str]:
    """Path of a Python session."""
    yield from _session(api, "Python")


def _session(api: Api, runtime: str) -> Iterator[str]:
    path = f"/sessions/{api.expect(201, 'POST', '/sessions', json={'runtimeType': runtime})['sessionId']}"
    yield path
    api.http.delete(path)


def _run(api: Api, session: str, code: str, **request: Any) -> dict[str, Any]:
    reply: dict[str, Any] = api.expect(200, "POST", f"{session}/execute", json={"code": code, **request})
    return reply


def test_a_session_is_listed_until_it_is_closed(api: Api, runtime: str) -> None:
    created = api.expect(201, "POST", "/sessions", json={"name": "é", "runtimeType": runtime})["sessionId"]
    record = {"id": created, "name": "é", "owner": "testuser", "runtimeType": runtime}
    assert record in api.expect(200, "GET", "/sessions")
    assert api.expect(200, "DELETE", f"/sessions/{created}") == created
    assert record not in api.expect(200, "GET", "/sessions")
    api.expect(404, "DELETE", f"/sessions/{created}")


@pytest.mark.parametrize("body", [{"runtimeType": "r"}, {"name": None, "runtimeType": None, "snapshotId": None}])
def test_all_that_is_asked_of_a_session_is_optional(api: Api, body: dict[str, Any]) -> None:
    created = api.expect(201, "POST", "/sessions", json=body)["sessionId"]
    record = next(item for item in api.expect(200, "GET", "/sessions") if item["id"] == created)
    assert (record["runtimeType"], len(record["name"])) == ("R", 15)
    api.expect(200, "DELETE", f"/sessions/{created}/force")


def test_a_session_that_cannot_be_is_refused(api: Api) -> None:
    api.expect(400, "POST", "/sessions", json={"runtimeType": "Julia"})
    api.expect(404, "POST", "/sessions", json={"snapshotId": str(uuid.uuid4())})


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "x" * 201])
def test_names_of_sessions_are_short_and_of_one_line(api: Api, name: str) -> None:
    assert "name" in api.expect(400, "POST", "/sessions", json={"name": name})["message"]


def test_readers_open_no_sessions(reader: Api) -> None:
    reader.expect(403, "POST", "/sessions", json={})
    reader.expect(403, "GET", "/sessions")


@pytest.mark.parametrize(("method", "call"), EVERY)
def test_sessions_of_others_are_absent(owner: Api, session: str, method: str, call: str) -> None:
    request = {"json": {"code": "1"}} if call == "/execute" else {"files": {"file": b"x"}} if call == "/files" else {}
    given = request if method == "POST" else {}
    theirs = owner.expect(404, method, session + call, **given)
    nobody_s = owner.expect(404, method, f"/sessions/{uuid.UUID(int=0)}{call}", **given)
    assert theirs["message"].split()[-2:] == nobody_s["message"].split()[-2:] == ["not", "found."]


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (2.5, "numeric TRUE"),
        (2, "numeric TRUE"),
        ("é", "character TRUE"),
        (True, "logical TRUE"),
        ([1.5, None], "numeric FALSE"),
        ([[1, 2], [3, 4]], "matrix,array FALSE"),
        ({"n": [1, 2], "s": ["a", "b"]}, "data.frame FALSE"),
        (None, "NULL FALSE"),
    ],
)
def test_values_go_into_r_and_come_back(api: Api, session: str, value: Any, seen: str) -> None:
    code = "kind <- paste(paste(class(x), collapse = ','), length(x) == 1)"
    reply = _run(
        api, session, code, inputParameters=[{"name": "x", "value": value}], outputParameters=["x", "kind", "none"]
    )
    assert (reply["success"], reply["errorMessage"]) == (True, "")
    assert reply["outputParameters"] == [{"name": "x", "value": value}, {"name": "kind", "value": seen}]


@pytest.mark.parametrize(
    ("value", "seen"),
    [(2.5, "float"), (2, "int"), ("é", "str"), (True, "bool"), (None, "NoneType")],
)
def test_values_go_into_python_and_come_back(api: Api, python: str, value: Any, seen: str) -> None:
    reply = _run(
        api,
        python,
        "kind = type(x).__name__",
        inputParameters=[{"name": "x", "value": value}],
        outputParameters=["x", "kind"],
    )
    assert reply["outputParameters"] == [{"name": "x", "value": value}, {"name": "kind", "value": seen}]


def test_code_that_fails_is_no_failure_of_the_call(api: Api, session: str) -> None:
    reply = _run(api, session, "cat('before\\n'); stop('mist')")
    assert (reply["success"], reply["errorMessage"]) == (False, "mist")
    assert "before" in reply["consoleOutput"]
    assert not _run(api, session, "x <-")["success"]


def test_the_console_shows_values_and_no_commands(api: Api, session: str, python: str) -> None:
    assert _run(api, session, "x <- 1\nx + 1")["consoleOutput"] == "[1] 2\n"
    assert _run(api, python, "x = 1\nx + 1")["consoleOutput"] == "2\n"


@pytest.mark.parametrize(
    "code",
    ["q()", "quit('no')", "f <- function() q(); f()", "help('mean')", "?mean", "browser()", "x <- readline('name? ')"],
)
def test_interactive_code_neither_ends_nor_hangs_the_session(api: Api, session: str, code: str) -> None:
    _run(api, session, "kept <- 1")
    assert _run(api, session, code)["success"]
    assert _run(api, session, "cat(kept)")["consoleOutput"] == "1"


def test_help_is_plain_text_and_no_file_is_chosen(api: Api, session: str) -> None:
    assert "\b" not in _run(api, session, "help('mean')")["consoleOutput"]
    assert "cancelled" in _run(api, session, "read.csv(file.choose())")["errorMessage"]


def test_code_ends_where_it_quits_and_fails_with_a_status(api: Api, session: str) -> None:
    assert _run(api, session, "cat('a')\nq()\ncat('b')")["consoleOutput"] == "a"
    failed = _run(api, session, "q(status = 3)")
    assert (failed["success"], failed["errorMessage"]) == (False, "the code quit with status 3")


def test_execution_needs_code_and_inputs_that_are_values(api: Api, session: str) -> None:
    assert "code" in api.expect(400, "POST", f"{session}/execute", json={})["message"]
    bad = {"code": "1", "inputParameters": [{"value": 1}]}
    assert "name" in api.expect(400, "POST", f"{session}/execute", json=bad)["message"]
    _run(api, session, "1", input_parameters=None, output_parameters=None)


def test_plots_and_changed_files_lie_in_the_directory(api: Api, session: str) -> None:
    first = _run(api, session, "plot(1); cat('x', file = 'a.txt')")["changedFiles"]
    second = _run(api, session, "plot(2)")["changedFiles"]
    assert "a.txt" in first
    assert (len(first), len(second)) == (2, 1)
    assert not set(first) & set(second)
    for name in {*first, *second} - {"a.txt"}:
        content = api.http.get(f"{session}/files/{name}").content
        assert content.startswith(b"\x89PNG")
        assert content[16:24] == (400).to_bytes(4, "big") * 2


def test_the_history_is_the_code_of_all_executions_as_it_was_sent(api: Api, session: str) -> None:
    codes = ["x <- 1 # é", "stop()", *map(str, range(250))]
    for code in codes:
        _run(api, session, code)
    assert api.expect(200, "GET", f"{session}/history") == codes


def test_console_output_is_there_while_code_runs_and_cancel_leaves_the_session_usable(api: Api, session: str) -> None:
    done: list[dict[str, Any]] = []
    code = "kept <- 1; cat('started\\n'); repeat Sys.sleep(0.01)"
    running = threading.Thread(target=lambda: done.append(_run(api, session, code)))
    running.start()
    wait_until(lambda: "started" in api.expect(200, "GET", f"{session}/console-output")["consoleOutput"])
    refused = api.expect(409, "POST", f"{session}/execute", json={"code": "1"})
    assert refused["message"] == "The session is busy with another call."
    api.expect(200, "POST", f"{session}/cancel")
    running.join(60)
    assert (done[0]["success"], done[0]["errorMessage"]) == (False, "The execution was cancelled.")
    reply = _run(api, session, "kept <- kept + 1", outputParameters=["kept"])
    assert reply["outputParameters"] == [{"name": "kept", "value": 2.0}]


def test_cancelling_nothing_does_nothing(api: Api, session: str) -> None:
    api.expect(200, "POST", f"{session}/cancel")
    assert _run(api, session, "1")["success"]


def test_force_ends_a_session_whatever_runs_in_it(api: Api, session: str) -> None:
    running = threading.Thread(
        target=lambda: api.http.post(f"{session}/execute", json={"code": "cat('on'); repeat {}"}), daemon=True
    )
    running.start()
    wait_until(lambda: api.expect(200, "GET", f"{session}/console-output")["consoleOutput"] == "on")
    api.expect(200, "DELETE", f"{session}/force")
    running.join(60)
    assert not running.is_alive()
    api.expect(404, "GET", f"{session}/history")


def test_a_session_that_has_died_is_gone_from_the_workspace_and_absent_elsewhere(api: Api, session: str) -> None:
    api.expect(404, "POST", f"{session}/execute", json={"code": "tools::pskill(Sys.getpid(), 9)"})
    api.expect(410, "GET", f"{session}/workspace")
    api.expect(404, "GET", f"{session}/files")
    assert not _is_live(api, session.rpartition("/")[2])


@pytest.mark.parametrize("call", ["console-output", "history", "files"])
async def test_looking_at_a_session_keeps_it(server: Server, api: Api, session: str, call: str) -> None:
    grid = SocketGrid(server.settings.grid_socket)

    async def last_use() -> int:
        [info] = await grid.sessions(sessions=[session.rpartition("/")[2]])
        return info.used

    before = await last_use()

    async def is_used() -> bool:
        api.expect(200, "GET", f"{session}/{call}")
        return await last_use() > before

    await eventually(is_used)
    await grid.aclose()


def test_a_session_that_is_left_alone_ends(server: Server) -> None:
    with beside(server, mlserver__session_timeout=1) as hasty:
        api = Api(hasty, "testuser", PASSWORD)
        left = api.expect(201, "POST", "/sessions", json={})["sessionId"]
        wait_until(lambda: not _is_live(api, left))
        api.http.close()


def test_a_session_ends_at_its_own_cpu_limit(server: Server) -> None:
    with beside(server, mlserver__cpu_limit=1) as limited:
        api = Api(limited, "testuser", PASSWORD)
        session = api.expect(201, "POST", "/sessions", json={})["sessionId"]
        reply = api.expect(404, "POST", f"/sessions/{session}/execute", json={"code": "repeat {}"})
        assert "boundary" in reply["message"]
        api.expect(410, "GET", f"/sessions/{session}/workspace")
        api.http.close()


def _is_live(api: Api, session: str) -> bool:
    return session in {item["id"] for item in api.expect(200, "GET", "/sessions")}
