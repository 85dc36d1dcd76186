"""The event stream over WebSocket: what arrives, at whom, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets

from deployr.store.database import Database
from deployr.store.schema import http_sessions
from deployr.users.http_sessions import digest_of
from tests.server import BASIC_USER, Client, Server, beside, running
from tests.streams import Listening, cookie_of, event_of, listening, stream_url
from tests.waiting import eventually

PRINTING = "for (i in 1:5) { cat('line', i, 'a!|!b\\n'); Sys.sleep(0.05) }"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of few streams, quick signs of life, and one slot."""
    node = {"name": "only", "slots": 1}
    settings: dict[str, Any] = {"events__heartbeat": 1.0, "events__keep_alive": 0.5, "events__streams_per_caller": 2}
    with running(tmp_path_factory.mktemp("quick"), grid__nodes=[node], **settings) as server:
        yield server


@pytest.fixture
def admin(server: Server) -> Iterator[Client]:
    client = server.login("admin")
    yield client
    client.http.post("/r/user/logout")


async def run(client: Client, project: str, code: str, **params: Any) -> dict[str, Any]:
    """Execute code while the test goes on; failures of the code are no failures of the test."""
    sent = {"project": project, "code": code, **params}
    response = await asyncio.to_thread(client.post, "/r/project/execute/code", **sent)
    record: dict[str, Any] = response.json()["deployr"]["response"]
    return record


# -- executions -----------------------------------------------------------------------------------------------


async def test_console_text_comes_while_the_code_runs_in_order(
    server: Server, testuser: Client, meeting_place: Path
) -> None:
    """The code goes on when what it has said was heard."""
    project = testuser.project()
    wait = f"while (!file.exists(file.path('{meeting_place}', i))) Sys.sleep(0.01)"
    code = f"for (i in 1:5) {{ cat('line', i, '\\n'); {wait} }}"
    async with listening(server, testuser) as stream:
        running = asyncio.create_task(run(testuser, project, code, enableConsoleEvents=True, echooff=True))
        for number in range(1, 6):
            assert (await stream.until("executionConsoleEvent"))["output"] == f"line {number} \n"
            (meeting_place / str(number)).touch()
        assert (await running)["success"]


async def test_console_events_together_are_the_console_text(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        reply = await run(testuser, project, f"{PRINTING}\ncat('the', 'end')", enableConsoleEvents=True)
        text = await stream.output("the end")
        assert text == reply["execution"]["console"]
        assert "a!|!b" in text


async def test_console_text_is_told_to_nobody_who_has_not_asked_for_it(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        await run(testuser, project, "cat('unheard')")
        await run(testuser, project, "revoEvent(1)")
        assert (await stream.next())["type"] == "executionRevoEvent"


async def test_consoleoff_leaves_the_event_stream_as_it_is(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        reply = await run(testuser, project, "cat('heard')", enableConsoleEvents=True, consoleoff=True)
        assert not reply["execution"]["console"]
        assert "heard" in await stream.output("heard")


async def test_published_objects_come_in_their_place_between_the_text(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        code = "cat('one\\n')\nx <- c(1, 2)\nrevoEvent(x)\ncat('two\\n')"
        await run(testuser, project, code, enableConsoleEvents=True, echooff=True)
        first, published, second = [await stream.next() for _ in range(3)]
        assert (first["output"], second["output"]) == ("one\n", "two\n")
        assert published["object"] == {"name": "x", "type": "vector", "rclass": "numeric", "value": [1.0, 2.0]}
        assert published["context"] == project


async def test_a_run_time_error_and_a_syntax_error_are_different_events(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        await run(testuser, project, "stop('as it should')", enableConsoleEvents=True)
        error = await stream.until("executionConsoleEvent", success=False)
        assert error["error"] == error["output"] == "as it should"
        await run(testuser, project, "x y")
        assert "unexpected symbol" in (await stream.next())["error"]


@pytest.mark.parametrize("broken", [{"inputs": "{nonsense"}, {"preloadfilename": "no such file"}])
async def test_an_execution_that_never_began_is_an_error_event(
    server: Server, testuser: Client, broken: dict[str, str]
) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        reply = await run(testuser, project, "1", **broken)
        event = await stream.next()
        assert (event["type"], event["context"], event["error"]) == ("executionErrorEvent", project, reply["error"])


async def test_a_session_that_ends_itself_is_an_error_event(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        assert (await run(testuser, project, "quit()"))["errorCode"] == 916
        assert (await stream.next())["type"] == "executionErrorEvent"


async def test_a_large_object_arrives_whole(server: Server, testuser: Client) -> None:
    project = testuser.project()
    async with listening(server, testuser) as stream:
        await run(testuser, project, "x <- as.numeric(1:100000)\nrevoEvent(x)", echooff=True)
        assert len((await stream.next())["object"]["value"]) == 100000


# -- who hears what -------------------------------------------------------------------------------------------


async def test_a_user_hears_all_own_http_sessions_and_httpeventonly_the_one(server: Server, testuser: Client) -> None:
    elsewhere = server.login()
    async with listening(server, testuser) as every, listening(server, testuser, "?httpEventOnly=true") as own:
        await run(elsewhere, elsewhere.project(), "revoEvent('elsewhere')")
        await run(testuser, testuser.project(), "revoEvent('here')")
        heard = [(await every.next())["object"]["value"] for _ in range(2)]
        assert heard == ["elsewhere", "here"]
        assert (await own.next())["object"]["value"] == "here"
    elsewhere.logout()


async def test_revoeventonly_leaves_console_text_out(server: Server, testuser: Client) -> None:
    async with listening(server, testuser, "?revoEventOnly=true") as stream:
        await run(testuser, testuser.project(), "cat('text')\nrevoEvent(2)", enableConsoleEvents=True)
        assert (await stream.next())["type"] == "executionRevoEvent"


async def test_a_project_filter_without_a_question_mark_hears_that_project(server: Server, testuser: Client) -> None:
    first, second = testuser.project(), testuser.project()
    async with listening(server, testuser, f"&project={second}") as stream:
        await run(testuser, first, "revoEvent(1)")
        await run(testuser, second, "revoEvent(2)")
        assert (await stream.next())["context"] == second


async def test_two_users_side_by_side_never_hear_each_other(server: Server, testuser: Client) -> None:
    admin, nobody = server.login("admin"), server.client()
    nobody.get("/r/server/info")
    foreign = admin.project()
    wished = f"?project={foreign}"
    async with (
        listening(server, testuser) as mine,
        listening(server, testuser, wished) as curious,
        listening(server, None, wished) as anonymous,
        listening(server, nobody, "?httpEventOnly=true") as other,
    ):
        await run(admin, foreign, f"{PRINTING}\nrevoEvent('secret')", enableConsoleEvents=True)
        await run(admin, foreign, "x y")
        await run(testuser, testuser.project(), "revoEvent('mine')")
        assert (await mine.next())["object"]["value"] == "mine"
        testuser.logout()
        assert await curious.closed() == ["streamDisconnectEvent"]
        for silent in (anonymous, other):
            assert await is_silent(silent)
    admin.logout()


async def is_silent(stream: Listening) -> bool:
    """Nothing has come so far; what was raised before has had its time."""
    try:
        return not await asyncio.wait_for(stream.next(), 0.1)
    except TimeoutError:
        return True


async def test_an_anonymous_stream_hears_the_scripts_of_its_http_session(server: Server, anonymous: Client) -> None:
    await asyncio.to_thread(publish, server)
    anonymous.get("/r/server/info")
    stranger = server.client()
    async with listening(server, anonymous) as stream:
        for client in (stranger, anonymous):
            sent = {"filename": "saying.R", "author": "testuser", "enableConsoleEvents": True}
            reply = await asyncio.to_thread(client.succeed, "/r/repository/script/execute", **sent)
        event = await stream.next()
        assert (event["type"], event["whoami"]) == ("executionConsoleEvent", "anonymous")
        assert event["context"] == reply["project"]["project"]


def publish(server: Server) -> None:
    """Make a script that says something."""
    author = server.login()
    author.succeed(
        "/r/repository/file/upload", files={"file": ("s", b"cat('hello')")}, filename="saying.R", published=True
    )
    author.logout()


async def test_an_anonymous_stream_without_a_session_is_given_one(server: Server) -> None:
    async with websockets.connect(stream_url(server), additional_headers={"Cookie": "[object Object]"}) as socket:
        assert socket.response is not None
        assert socket.response.headers["Set-Cookie"].startswith("JSESSIONID=")
        event = event_of(str(await socket.recv()))
        assert event is not None
        assert event["whoami"] == "anonymous"


async def test_the_session_may_be_in_the_url(server: Server, testuser: Client) -> None:
    session = f";jsessionid={testuser.http.cookies['JSESSIONID']}"
    async with websockets.connect(stream_url(server, session)) as socket:
        event = event_of(str(await socket.recv()))
        assert event is not None
        assert event["whoami"] == "testuser"


# -- management -----------------------------------------------------------------------------------------------


async def test_administrators_hear_slots_logins_and_logouts(server: Server, admin: Client) -> None:
    async with listening(server, admin, "?managementEventOnly=true") as stream:
        other = await asyncio.to_thread(server.login, BASIC_USER, "Password1")
        assert (await stream.until("securityLoginEvent", username=BASIC_USER))["error"] is None
        project = other.project()
        taken = await stream.until("gridActivityEvent", context=project)
        assert (taken["isLive"], taken["activity"], taken["owner"]) == (True, "Temporary Project", BASIC_USER)
        await asyncio.to_thread(other.logout)
        await stream.until("gridActivityEvent", context=project, isLive=False)
        await stream.until("securityLogoutEvent", username=BASIC_USER)


async def test_administrators_hear_of_failed_logins(server: Server, admin: Client) -> None:
    async with listening(server, admin, "?managementEventOnly=true") as stream:
        server.client().fail("/r/user/login", error_code=940, username="george", password="x")
        event = await stream.until("securityLoginEvent", username="george")
        assert (event["displayname"], event["error"]) == (None, "Bad credentials")


async def test_administrators_hear_heartbeats_and_that_no_slot_is_free(quick: Server) -> None:
    admin = quick.login("admin")
    project = admin.project()
    async with listening(quick, admin, "?managementEventOnly=true") as stream:
        admin.fail("/r/project/create", error_code=913)
        assert (await stream.until("gridWarningEvent"))["errorcode"] == "913"
        heartbeat = await stream.until("gridHeartbeatEvent")
        assert heartbeat["context"] == urlsplit(quick.url).netloc
        [node] = heartbeat["nodes"]
        assert [slot["activity"] for slot in node["slotactivity"]] == [project]
        assert (node["slotlimit"], node["slotactivity"][0]["actorip"]) == (1, "127.0.0.1")
    admin.logout()


# -- refusals -------------------------------------------------------------------------------------------------


async def refused(server: Server, client: Client | None, query: str = "", **headers: str) -> bool:
    """The handshake is answered with HTTP 403."""
    own = {"Cookie": cookie_of(client)} if client else {}
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await websockets.connect(stream_url(server, query), additional_headers=own | headers)
    return True


async def test_only_administrators_open_management_streams(server: Server, testuser: Client) -> None:
    assert await refused(server, testuser, "?managementEventOnly=true")
    assert await refused(server, None, "?managementEventOnly=true")


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1:1", "null"])
async def test_pages_of_other_sites_open_no_stream(server: Server, testuser: Client, origin: str) -> None:
    assert await refused(server, testuser, Origin=origin)


async def test_own_pages_and_clients_that_are_no_browsers_open_streams(server: Server, testuser: Client) -> None:
    address = server.settings.server.bind[0]
    for origin in (f"http://{address}", address):
        async with listening(server, testuser, Origin=origin):
            pass


async def test_a_caller_has_a_limited_number_of_streams(quick: Server) -> None:
    client = quick.login()
    opened: list[websockets.ClientConnection] = []
    while await opens_another(quick, client, opened):
        # Each of the two web workers counts its own.
        assert len(opened) <= 4
    assert len(opened) >= 2
    for socket in opened:
        await socket.close()
    client.logout()


async def opens_another(server: Server, client: Client, opened: list[websockets.ClientConnection]) -> bool:
    """False when the handshake is refused."""
    try:
        opened.append(await websockets.connect(stream_url(server), additional_headers={"Cookie": cookie_of(client)}))
    except websockets.InvalidStatus:
        return False
    return True


async def test_policies_close_streams_to_callers(server: Server) -> None:
    settings: dict[str, Any] = {"events__anonymous_streams": False, "events__authenticated_roles": ["POWER_USER"]}
    with beside(server, **settings) as strict:
        power, basic = strict.login(), strict.login(BASIC_USER, "Password1")
        assert await refused(strict, None)
        assert await refused(strict, basic)
        async with listening(strict, power):
            pass
        for client in (power, basic):
            client.http.close()


# -- the life of a stream -------------------------------------------------------------------------------------


async def test_a_logout_ends_the_streams_of_its_http_session_only(server: Server) -> None:
    leaving, staying = server.login(), server.login()
    async with listening(server, leaving) as ending, listening(server, staying) as going_on:
        await asyncio.to_thread(leaving.logout)
        assert await ending.closed() == ["streamDisconnectEvent"]
        await run(staying, staying.project(), "revoEvent(1)")
        assert (await going_on.next())["type"] == "executionRevoEvent"
    staying.logout()


async def test_a_stream_ends_with_its_http_session_and_does_not_keep_it(server: Server) -> None:
    settings: dict[str, Any] = {"events__keep_alive": 0.3}
    with beside(server, **settings) as looking:
        idle = looking.login()
        async with listening(looking, idle) as stream:
            closed = asyncio.create_task(stream.closed())
            # Again and again: the use that the opening was is written down later.
            await eventually(lambda: closed.done() or age(server, idle))
            assert await closed == ["streamDisconnectEvent"]


def age(server: Server, client: Client) -> None:
    """Let the client's HTTP session look as if it had not been used for a long time."""
    database = Database(server.settings.database_url)
    of_client = http_sessions.c.digest == digest_of(client.http.cookies["JSESSIONID"])
    with database.transaction() as connection:
        connection.execute(http_sessions.update().where(of_client).values(used=1))
    database.close()


async def test_a_silent_stream_gets_signs_of_life(quick: Server) -> None:
    async with websockets.connect(stream_url(quick)) as socket:
        await socket.recv()
        assert await socket.recv() == "0!|!"


async def test_the_subprotocol_that_old_clients_name_is_accepted(server: Server) -> None:
    async with websockets.connect(stream_url(server), subprotocols=[websockets.Subprotocol("http")]) as socket:
        assert socket.subprotocol == "http"


async def test_what_a_client_says_is_thrown_away(server: Server, testuser: Client) -> None:
    async with listening(server, testuser) as stream:
        for _ in range(20):
            await stream.socket.send("chatter")
        await run(testuser, testuser.project(), "revoEvent(1)")
        assert (await stream.next())["type"] == "executionRevoEvent"


async def test_a_client_that_says_too_much_at_once_is_hung_up_on(server: Server) -> None:
    async with listening(server) as stream:
        await stream.socket.send("x" * 100_000)
        with pytest.raises(websockets.ConnectionClosed):
            await stream.socket.recv()


async def test_a_subscriber_that_does_not_read_slows_nobody(server: Server, testuser: Client) -> None:
    flooding, other = testuser.project(), testuser.project()
    async with listening(server, testuser) as deaf, listening(server, testuser, f"&project={other}") as stream:
        deaf.socket.transport.pause_reading()
        flood = "for (i in 1:100) { revoEvent(rep(0.5, 10000)); cat(strrep('x', 1000), '\\n') }"
        assert (await run(testuser, flooding, flood, echooff=True, enableConsoleEvents=True))["success"]
        await run(testuser, other, "revoEvent('after')")
        assert (await stream.next())["object"]["value"] == "after"
        deaf.socket.transport.abort()
