"""What every back end must do: the contract of ``Node`` and ``Session``, run against each that exists."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deployr.encodings import model, qap1
from deployr.encodings.model import RValue
from deployr.errors import DeployrError, NodeNotResponding, NotFound, ProjectBusy, SessionLost
from deployr.grid import processes
from deployr.grid.files import reading
from deployr.grid.node import LocalNode, Node, NodeOptions
from deployr.grid.parent import ParentOptions, RserveParent
from deployr.grid.protocol import Execution, ExecutionRecord, Runtime
from deployr.grid.session import Session, SessionLimits
from tests.grid.conftest import needs_root
from tests.grid.grid_support import (
    PATIENCE,
    PYTHON_PROGRAM,
    encode_arguments,
    is_alive,
    make_home,
    make_settings,
    python_has,
    remove_home,
    stream,
    unique,
)
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MakeNode = Callable[..., Node]


def local_node(home: Any, **parent: Any) -> LocalNode:
    settings = make_settings(home)
    options = NodeOptions(
        name="node",
        description="under test",
        purposes=("authenticated",),
        cluster="Tag",
        slots=3,
        warm_min=0,
        warm_max=0,
        parent=ParentOptions(
            directory=settings.sessions_directory / "nodes" / "1",
            library=settings.library_directory,
            grid=str(settings.sessions_directory),
            uid_base=settings.grid.uid_base if os.geteuid() == 0 else None,
            max_value=2**30,
            **({"python": PYTHON_PROGRAM} | parent),
        ),
        limits=SessionLimits(console=100, interrupt_grace=PATIENCE, history_depth=2),
    )
    return LocalNode(options, processes.Orphans())


@dataclass(frozen=True)
class Language:
    """The same code in the language of each runtime."""

    runtime: Runtime
    set_x: str
    x: RValue
    next: str
    loop: str
    begin_and_loop: str
    die: str
    leave_traces: str
    plot: str
    say: str
    fill: str
    count_what_is_left: str
    is_module_loaded: str
    what_exists: str
    too_much: str
    read: str


R = Language(
    runtime="r",
    set_x="x <- 6 * 7\ncat('seen')",
    x=model.double(42),
    next="cat('next')",
    loop="repeat {}",
    begin_and_loop="cat('a\\n')\nrepeat {}",
    die="quit()",
    leave_traces="writeLines('kept', 'f'); pid <- Sys.getpid()",
    plot="plot({})",
    say="cat('{}')",
    fill="x <- .hidden <- runif(1); library(splines); dir.create('d'); file.create('f', '.g', 'd/h')",
    count_what_is_left="cat(length(ls(all.names = TRUE)), length(dir(all.files = TRUE, no.. = TRUE)))",
    is_module_loaded="cat('package:splines' %in% search())",
    what_exists="cat(exists('x'), file.exists('f'))",
    too_much="cat(strrep('é', 60))\ncat('more')",
    read="cat(readLines('f', warn = FALSE))",
)
PYTHON = Language(
    runtime="python",
    set_x="x = 6 * 7\nprint('seen', end='')",
    x=model.integer(42),
    next="print('next', end='')",
    loop="while True: pass",
    begin_and_loop="print('a')\nwhile True: pass",
    die="import os; os._exit(0)",
    leave_traces="import os; pid = os.getpid(); _ = open('f', 'w').close()",
    plot="import matplotlib.pyplot as plt; _ = plt.figure(); _ = plt.plot([{}])",
    say="print('{}', end='')",
    fill="import os, wave; x = _hidden = 1; os.mkdir('d'); [open(n, 'w').close() for n in ('f', '.g', 'd/h')]",
    count_what_is_left="print(sum(not n.startswith('__') for n in dir()), len(__import__('os').listdir()), end='')",
    is_module_loaded="import sys; print(str('wave' in sys.modules).upper(), end='')",
    what_exists="import os; print(*(str(v).upper() for v in ('x' in dir(), os.path.exists('f'))), end='')",
    too_much="print('é' * 60, end='')\nprint('more')",
    read="print(open('f').read(), end='')",
)

BACK_ENDS: list[tuple[MakeNode, Language]] = [(local_node, R), (local_node, PYTHON)]
"""A later back end adds its maker here."""


@pytest.fixture(scope="module", params=BACK_ENDS, ids=lambda back_end: f"{back_end[0].__name__}-{back_end[1].runtime}")
def back_end(request: pytest.FixtureRequest) -> tuple[MakeNode, Language]:
    found: tuple[MakeNode, Language] = request.param
    return found


@pytest.fixture
def language(back_end: tuple[MakeNode, Language]) -> Language:
    return back_end[1]


@pytest.fixture
def plots(language: Language) -> str:
    """Code that draws a number."""
    if language.runtime == "python" and not python_has("matplotlib"):
        pytest.skip("the interpreter of Python sessions has no matplotlib")
    return language.plot


@contextlib.asynccontextmanager
async def running(make: MakeNode, **parent: Any) -> AsyncIterator[Any]:
    """A node of that kind."""
    home = make_home()
    node = make(home, **parent)
    await node.start()
    yield node
    await node.stop()
    remove_home(home)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(back_end: tuple[MakeNode, Language]) -> AsyncGenerator[Node]:
    """The node that the tests of a back end share."""
    async with running(back_end[0]) as node:
        yield node


@pytest_asyncio.fixture(loop_scope="module")
async def session(node: Node, language: Language) -> AsyncGenerator[Session]:
    session = await node.take(lambda: None, language.runtime)
    yield session
    session.close()
    node.release(session)


async def run(session: Session, code: str, *robjects: str, **options: Any) -> tuple[ExecutionRecord, bytes]:
    execution = Execution(execution=unique("EXEC"), code=code, echo=False, **options)
    async with session.execute(execution, encode_arguments(robjects), None) as (record, value):
        return record, b"".join([chunk async for chunk in value.chunks()])


async def test_a_session_serves_one_call_after_the_other(node: Node, language: Language) -> None:
    assert (node.used, node.healthy) == (0, True)
    session = await node.take(lambda: None, language.runtime)
    assert (node.used, session.state) == (1, "idle")
    record, value = await run(session, language.set_x, "x")
    assert (record.console, record.error) == ("seen", None)
    assert qap1.decode(value) == model.named_list({"x": language.x})
    assert session.state == "idle"
    session.close()
    node.release(session)
    assert (node.used, session.state) == (0, "ended")


async def test_a_node_tells_what_it_is(node: Node) -> None:
    status = node.status()
    assert (status.name, status.cluster, status.slots, status.used) == ("node", "Tag", 3, 0)
    assert (status.healthy, status.description, status.purposes) == (True, "under test", ["authenticated"])


async def test_a_session_is_busy_until_its_value_was_taken(session: Session, language: Language) -> None:
    execution = Execution(execution="EXEC-1", code=language.set_x)
    async with session.execute(execution, encode_arguments(["x"]), None):
        assert session.state == "busy"
        with pytest.raises(ProjectBusy):
            await run(session, language.next)
        with pytest.raises(ProjectBusy):
            async with session.call("list_objects", qap1.encode(model.named_list({}))):
                pass
    # It was not taken at all: the next call is in step all the same.
    assert (await run(session, language.next))[0].console == "next"


async def test_a_failing_function_raises_with_its_message(session: Session) -> None:
    for function, message in (("get_objects", "object 'x' not found"), ("system", "no such function: system")):
        with pytest.raises(DeployrError, match=message):
            async with session.call(function, qap1.encode(model.named_list({"names": model.character("x")}))):
                pass
    assert session.state == "idle"


async def test_death_is_told_once_and_the_session_is_lost(node: Node, language: Language) -> None:
    deaths: list[str] = []
    session = await node.take(lambda: deaths.append("died"), language.runtime)
    with pytest.raises(SessionLost):
        await run(session, language.die)
    assert (deaths, session.state) == (["died"], "ended")
    with pytest.raises(SessionLost):
        await run(session, language.next)
    session.close()
    node.release(session)
    assert deaths == ["died"]


async def test_ending_is_not_dying(node: Node, language: Language, plots: str) -> None:
    deaths: list[str] = []
    session = await node.take(lambda: deaths.append("died"), language.runtime)
    _, value = await run(session, f"{language.leave_traces}\n{plots.format(1)}", "pid")
    pid = int(model.as_number(model.as_members(qap1.decode(value))["pid"]) or 0)
    session.end()
    await eventually(lambda: not is_alive(pid))
    assert (deaths, session.state) == ([], "ended")
    assert [info.filename for info in session.files.directory.files()] == ["f"]
    info, fd = session.files.open_plot(None, "unnamedplot001.png")
    with reading(fd, info.length) as chunks:
        assert len(b"".join([chunk async for chunk in chunks])) == info.length
    session.close()
    node.release(session)
    with pytest.raises((SessionLost, NotFound)):
        session.files.directory.open("f")


async def test_a_call_left_in_the_middle_ends_the_session(session: Session, language: Language) -> None:
    """Cancelled: whatever runs would be out of step with the next call."""
    task = asyncio.create_task(run(session, language.loop))
    await eventually(lambda: session.state == "busy")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: session.state == "ended")


async def test_an_interrupt_is_for_what_runs(session: Session, language: Language) -> None:
    assert not session.interrupt()
    begun = asyncio.Event()
    execution = Execution(execution="EXEC-1", code=language.begin_and_loop, echo=False)

    async def wait() -> ExecutionRecord:
        async with session.execute(execution, encode_arguments(), lambda text: begun.set()) as (record, _):
            return record

    task = asyncio.create_task(wait())
    await begun.wait()
    assert session.console == "a\n"
    assert session.interrupt()
    assert (await task).interrupted
    assert (await run(session, language.next))[0].console == "next"


async def test_the_history_is_bounded_and_forgets_plots(session: Session, plots: str, language: Language) -> None:
    for number in range(3):
        await run(session, plots.format(number))
    await run(session, language.next, phantom=True)
    assert [record.code for record in session.history] == [plots.format(1), plots.format(2)]
    assert session.codes == [plots.format(number) for number in range(3)]
    assert len(session.files.plots()) == 2
    assert [info.execution for info in session.files.plots()] == [record.execution for record in session.history]
    with pytest.raises(NotFound):
        session.files.open_plot("EXEC-none", "unnamedplot001.png")


async def test_plots_of_phantom_executions_are_bounded_and_none_keeps_a_file_open(session: Session, plots: str) -> None:
    recorded, _ = await run(session, plots.format(0))
    phantoms = [(await run(session, plots.format(number), phantom=True))[0] for number in range(3)]
    kept = [recorded, *phantoms[1:]]
    assert [info.execution for info in session.files.plots()] == [record.execution for record in kept]
    # The plots that were forgotten are removed by a thread.
    await eventually(lambda: _opened_below(session.files.path) == {session.files.path, session.files.work_path})


def _opened_below(path: Path) -> set[Path]:
    """What this process has open of a directory."""
    opened = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            opened.add(link.readlink())
    return {found for found in opened if found.is_relative_to(path)}


async def test_flushing_leaves_records_without_console_and_plots(
    session: Session, language: Language, plots: str
) -> None:
    first, _ = await run(session, f"{language.say.format('one')}\n{plots.format(1)}")
    second, _ = await run(session, f"{language.say.format('two')}\n{plots.format(2)}")
    session.flush([first.execution])
    assert [(record.console, len(record.results), record.results_generated) for record in session.history] == [
        ("", 0, 1),
        ("two", 1, 1),
    ]
    with pytest.raises(NotFound):
        session.flush(["EXEC-none", second.execution])
    assert session.history[1].console == "two"
    session.flush([])
    assert (session.history[1].console, session.files.plots()) == ("", [])


async def test_plots_are_deleted_by_name_execution_or_all(session: Session, plots: str) -> None:
    first, _ = await run(session, f"{plots.format(1)}\n{plots.format(2)}")
    second, _ = await run(session, plots.format(3))
    session.delete_results([], "unnamedplot001.png")
    left = [(info.execution, info.filename) for info in session.files.plots()]
    assert left == [(first.execution, "unnamedplot001.png"), (first.execution, "unnamedplot002.png")]
    for executions, filename in (([second.execution], "unnamedplot001.png"), ([], "../work"), (["EXEC-none"], None)):
        with pytest.raises(NotFound):
            session.delete_results(executions, filename)
    session.delete_results([first.execution], "unnamedplot002.png")
    assert [(len(record.results), record.results_generated) for record in session.history] == [(1, 2), (0, 1)]
    session.delete_results([], None)
    assert session.files.plots() == []


async def test_a_recycled_session_is_empty_and_keeps_its_history(session: Session, language: Language) -> None:
    await run(session, language.fill)
    await session.recycle(workspace=True, directory=True)
    record, _ = await run(session, language.count_what_is_left)
    assert record.console == "0 0"
    assert (await run(session, language.is_module_loaded))[0].console == "TRUE"
    assert len(session.history) == 2


@pytest.mark.parametrize("kept", ["workspace", "directory"])
async def test_recycling_may_keep_one_part(session: Session, language: Language, kept: str) -> None:
    await run(session, language.fill)
    await session.recycle(workspace=kept != "workspace", directory=kept != "directory")
    record, _ = await run(session, language.what_exists)
    assert record.console == ("TRUE FALSE" if kept == "workspace" else "FALSE TRUE")


async def test_a_busy_session_is_not_recycled(session: Session, language: Language) -> None:
    async with session.execute(Execution(execution="EXEC-1", code=language.set_x), encode_arguments(), None):
        with pytest.raises(ProjectBusy):
            await session.recycle(workspace=True, directory=True)


async def test_console_text_is_cut_at_its_limit_in_bytes(session: Session, language: Language) -> None:
    record, _ = await run(session, language.too_much)
    assert record.console == "é" * 50 + "\n[console output limit reached]\n"


async def test_files_written_are_the_sessions(session: Session, language: Language) -> None:
    await session.files.directory.write("f", stream(b"a", b"b"))
    assert (await run(session, language.read))[0].console == "ab"
    await session.files.state.write("g", stream(b"s"))
    assert [info.filename for info in session.files.state.files()] == ["g"]


async def test_stopping_the_node_ends_all_sessions(back_end: tuple[MakeNode, Language]) -> None:
    make, language = back_end
    async with running(make) as node:
        sessions = [await node.take(lambda: None, language.runtime) for _ in range(2)]
        task = asyncio.create_task(run(sessions[0], language.loop))
        await eventually(lambda: sessions[0].state == "busy")
    with pytest.raises(SessionLost):
        await task
    assert [session.state for session in sessions] == ["ended", "ended"]


# -- the local node -----------------------------------------------------------------------------------------


@needs_root
async def test_live_sessions_never_share_a_user_id_when_the_range_wraps() -> None:
    async with running(local_node, uids=5) as node:
        held = [await node.take(lambda: None) for _ in range(2)]
        seen = set()
        for _ in range(9):
            session = await node.take(lambda: None)
            seen.add(session.uid)
            session.close()
            node.release(session)
        assert len(seen) == 3
        assert not seen & {session.uid for session in held}


async def test_a_parent_that_cannot_start_is_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    home = make_home()
    node = local_node(home)
    monkeypatch.setattr("deployr.grid.parent.SOURCES", home / "nowhere")
    await node.start()
    assert not node.healthy
    assert "did not start" in caplog.text
    with pytest.raises(DeployrError) as caught:
        await node.take(lambda: None)
    assert caught.value.code == 915
    monkeypatch.undo()
    await eventually(lambda: node.healthy)
    assert (await node.take(lambda: None)).state == "idle"
    await node.stop()
    remove_home(home)


async def test_a_cold_parent_serves_too() -> None:
    """The fallback when what the parent runs to warm up makes its forks hang."""
    home = make_home()
    options = local_node(home)._options.parent
    parent = RserveParent(options, 1, warm=False)
    await parent.start()
    connection, process = await parent.fork()
    await connection.check()
    assert is_alive(process.pid)
    connection.close()
    parent.stop()
    await parent.wait()
    parent.dispose()
    assert not options.directory.joinpath("parent-1").exists()
    remove_home(home)


async def test_a_parent_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(local_node) as node:
        hanging = node._r._parent
        os.kill(hanging.pid, signal.SIGSTOP)
        monkeypatch.setattr("deployr.grid.parent._FORK_SECONDS", 0.3)
        with pytest.raises(NodeNotResponding):
            await node.take(lambda: None)
        monkeypatch.undo()
        await eventually(lambda: node.healthy and node._r._parent is not hanging)
        assert hanging.pid is None
        assert (await run(await node.take(lambda: None), "cat('alive')"))[0].console == "alive"


async def test_sessions_outlive_their_parent_and_its_directory_goes_with_the_last_one() -> None:
    async with running(local_node) as node:
        session = await node.take(lambda: None)
        os.kill(node._r._parent.pid, signal.SIGKILL)
        first = node._options.parent.directory / "parent-1"
        await eventually(lambda: node.healthy and len([*first.parent.glob("parent-*")]) == 2)
        assert (await run(session, "cat('alive')"))[0].console == "alive"
        assert first.exists()
        # Its own parent cannot tell any more that it has died.
        os.kill(session.pid, signal.SIGKILL)
        await eventually(lambda: session.state == "ended")
        session.close()
        node.release(session)
        assert not first.exists()
