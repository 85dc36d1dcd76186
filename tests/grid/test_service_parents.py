"""Warm parents of services: sessions that begin as forks of a state that was loaded once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployr.encodings import model, qap1
from deployr.errors import NoFreeSlot, NotWarm, SessionLost
from deployr.grid.client import SocketGrid
from deployr.grid.protocol import Execution, ServiceSpec, SessionSpec
from tests.grid.conftest import GridFactory, needs_root, needs_user_namespaces, running_grid
from tests.grid.grid_support import GridProcess, Outcome, Talk, command_line, encode_arguments, is_alive, opened, unique
from tests.waiting import eventually

R_INIT = "base <- 40; add <- function(x) base + x; options(mine = 'set'); library(stats4)"
PYTHON = {"runtime": "python", "init_code": "base = 40\ndef add(x):\n    return base + x\n"}
R_PID, PYTHON_PID = "p <- Sys.getpid()", "import os; p = os.getpid()"
DAEMON = "p <- as.integer(system('setsid sleep 300 > /dev/null 2>&1 & echo $!', intern = TRUE))"
PYTHON_DAEMON = "import subprocess\np = subprocess.Popen(['sleep', '300'], start_new_session=True).pid"

both_ways = pytest.mark.parametrize("namespaces", [pytest.param(True, marks=needs_user_namespaces), False])


def _service(init_code: str = R_INIT, **said: Any) -> ServiceSpec:
    return ServiceSpec(**{"service": unique("S"), "revision": "1", "runtime": "r", "init_code": init_code, **said})


async def _run(grid: SocketGrid, service: ServiceSpec, code: str, *robjects: str) -> Outcome:
    """One call of a service that is warm."""
    spec = SessionSpec(session=unique("CALL"), owner="user:test", runtime=service.runtime, service=service)
    request = Execution(execution=unique("EXEC"), code=code, echo=False)
    record, value = await grid.execute_stateless(spec, request, encode_arguments(robjects))
    return Outcome(record, model.as_members(qap1.decode(value)))


async def _is_warm(grid: SocketGrid, service: ServiceSpec) -> bool:
    try:
        await _run(grid, service, "1")
    except NotWarm:
        return False
    return True


async def _warm(grid: SocketGrid, **said: Any) -> ServiceSpec:
    service = _service(**said)
    await eventually(lambda: _is_warm(grid, service))
    return service


@contextlib.asynccontextmanager
async def _opened(grid: SocketGrid, service: ServiceSpec) -> AsyncIterator[Talk]:
    talk = Talk(grid, unique("CALL"))
    spec = SessionSpec(session=talk.id, owner="user:test", runtime=service.runtime, service=service)
    await grid.open(spec)
    yield talk
    await grid.close(talk.id)


def _parents(process: GridProcess) -> list[int]:
    """Those of services, by the programs they were given."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if "/services/" in command_line(int(pid))]


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def without_namespaces() -> Iterator[GridProcess]:
    """A grid on a system that denies user namespaces."""
    with running_grid(namespaces=False) as process:
        yield process


@pytest.fixture
async def services(request: pytest.FixtureRequest, namespaces: bool) -> AsyncGenerator[SocketGrid]:
    """A client of a shared grid, which uses user namespaces where they are to be had, or of one that does not."""
    process: GridProcess = request.getfixturevalue("grid_process" if namespaces else "without_namespaces")
    client = process.client()
    yield client
    await client.aclose()


async def _parent(grid: SocketGrid, service: ServiceSpec) -> int:
    """The parent of a service that is warm."""
    async with _opened(grid, service) as talk:
        return _parent_of(await talk.pid())


async def test_a_session_begins_with_what_the_init_code_made(grid: SocketGrid) -> None:
    service = await _warm(grid)
    outcome = await _run(
        grid, service, "y <- add(2); o <- getOption('mine'); p <- 'stats4' %in% .packages()", "y", "o", "p"
    )
    assert (outcome.number("y"), outcome.text("o"), outcome.flag("p")) == (42, "set", True)


@pytest.mark.parametrize("code", ["f <- function(a) a  # kept\nprint(f)\nf(1, 2)", "x <-\r1 +", "é <- 'ü'; cat(é)"])
async def test_code_that_the_parent_has_prepared_runs_as_any_other(grid: SocketGrid, session: Talk, code: str) -> None:
    prepared = await _warm(grid, code=code)
    said = [(await _run(grid, prepared, code)).record, (await session.run(code)).record]
    assert len({(record.console, record.error, record.syntax_error) for record in said}) == 1


async def test_so_does_one_of_python(grid: SocketGrid) -> None:
    service = await _warm(grid, **PYTHON)
    assert (await _run(grid, service, "y = add(2)", "y")).number("y") == 42


@pytest.mark.parametrize(
    ("runtime", "init_code", "code"),
    [
        (
            "r",
            "dir.create('d'); cat(1, file = 'd/a'); setwd('d'); f <- function() {\n  # kept\n}",
            "x <- paste(c(basename(getwd()), capture.output(print(f))), collapse = '\n')",
        ),
        (
            "python",
            "import os\nos.mkdir('d')\nopen('d/a', 'w').close()\nos.chdir('d')\ndef f():\n    pass  # kept\nexit()",
            "import inspect; x = os.path.basename(os.getcwd()) + '\\n' + inspect.getsource(f)",
        ),
    ],
)
async def test_code_begins_where_the_init_code_has_gone_and_knows_its_source(
    grid: SocketGrid, runtime: str, init_code: str, code: str
) -> None:
    service = await _warm(grid, runtime=runtime, init_code=init_code)
    directory, source = (await _run(grid, service, code, "x")).text("x").split("\n", 1)
    assert directory == "d"
    assert "# kept" in source


@pytest.mark.parametrize(
    ("runtime", "seed", "draw"),
    [
        ("r", "set.seed(1)", "x <- runif(1)"),
        ("python", "import random, numpy; random.seed(1)", "x = random.random()"),
        ("python", "import random, numpy; numpy.random.seed(1)", "x = numpy.random.rand()"),
    ],
)
async def test_a_seed_that_the_init_code_sets_holds_for_each_call_and_without_one_all_draw_anew(
    grid: SocketGrid, runtime: str, seed: str, draw: str
) -> None:
    async with opened(grid, runtime=runtime) as plain:
        drawn = {(await plain.run(f"{seed}\n{draw}", "x")).number("x")}
    for init_code, values in ((seed, 1), (seed.rpartition(";")[0], 3)):
        service = await _warm(grid, runtime=runtime, init_code=init_code)
        drawn |= {(await _run(grid, service, draw, "x")).number("x") for _ in range(2)}
        assert len(drawn) == values


async def test_the_first_call_is_told_that_the_service_is_not_warm_yet(grid: SocketGrid) -> None:
    with pytest.raises(NotWarm):
        await _run(grid, _service(), "1")


def _zip(path: Path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


async def test_a_session_begins_with_the_files_of_the_snapshot_and_of_the_init_code(
    grid: SocketGrid, tmp_path: Path
) -> None:
    snapshot = _zip(tmp_path / "s.zip", {"a.txt": b"from the snapshot", ".in/all/a.txt": b"from below"})
    init = "text <- readLines('.in/all/a.txt', warn = FALSE); cat('made', file = 'b.txt'); file.copy('b.txt', '.in')"
    init += "; .libPaths('.in')"
    service = await _warm(grid, init_code=init, snapshot=snapshot)
    async with _opened(grid, service) as talk:
        assert await talk.text("text") == "from below"
        assert await talk.files() == ["a.txt", "b.txt"]
        assert await talk.text("paste(basename(.libPaths()[1:2]), collapse = ';')") == ".in;work"
        assert await talk.text("paste(list.files('.in', recursive = TRUE), collapse = ';')") == "all/a.txt;b.txt"
        outcome = await talk.run("cat('changed', file = 'a.txt')")
        assert [info.filename for info in outcome.record.artifacts] == ["a.txt"]
    async with _opened(grid, service) as talk:
        assert await talk.read("a.txt") == b"from the snapshot"


@needs_root
@both_ways
async def test_users_of_services_differ_and_those_of_their_sessions_where_namespaces_are_to_be_had(
    services: SocketGrid, namespaces: bool
) -> None:
    used = [0]
    for service, pid in ((await _warm(services), R_PID), (await _warm(services, **PYTHON), PYTHON_PID)):
        async with _opened(services, service) as one, _opened(services, service) as other:
            pids = [int((await talk.run(pid, "p")).number("p") or 0) for talk in (one, other)]
            uids = {_uid(pid) for pid in (*pids, _parent_of(pids[0]))}
            assert len(uids) == (3 if namespaces else 1)
            used += uids
    assert len(set(used)) == len(used)


def _uid(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Uid:")).split()[1])


@needs_root
@both_ways
async def test_init_code_is_not_root_of_the_machine(services: SocketGrid, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    secret.chmod(0o600)
    init = (
        f"seen <- suppressWarnings(try(readLines('{secret}'), silent = TRUE))\n"
        "became <- system('setpriv --reuid 1 --clear-groups true 2>/dev/null')"
    )
    service = await _warm(services, init_code=init)
    outcome = await _run(services, service, "s <- inherits(seen, 'try-error'); b <- became != 0", "s", "b")
    assert (outcome.flag("s"), outcome.flag("b")) == (True, True)


@both_ways
async def test_what_a_call_left_running_is_killed_and_what_another_runs_is_not(services: SocketGrid) -> None:
    for service, daemon in ((await _warm(services), DAEMON), (await _warm(services, **PYTHON), PYTHON_DAEMON)):
        async with _opened(services, service) as talk:
            wanted = int((await talk.run(daemon, "p")).number("p") or 0)
            left = int((await _run(services, service, daemon, "p")).number("p") or 0)
            await eventually(lambda pid=left: not is_alive(pid))
            assert is_alive(wanted)
        await eventually(lambda pid=wanted: not is_alive(pid))


@pytest.mark.parametrize("namespaces", [False])
async def test_what_init_code_left_running_ends_with_the_service(services: SocketGrid) -> None:
    service = await _warm(services, **PYTHON | {"init_code": PYTHON_DAEMON})
    left = int((await _run(services, service, "", "p")).number("p") or 0)
    assert is_alive(left)
    await _warm(services, service=service.service, revision="2", **PYTHON)
    await eventually(lambda: not is_alive(left))


@pytest.fixture
def bystander() -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


async def test_a_process_that_is_no_fork_of_the_parent_is_not_taken_for_a_session(
    grid_process: GridProcess, grid: SocketGrid, bystander: subprocess.Popen[bytes]
) -> None:
    lies = _service(f"import os\nos.getpid = lambda: {bystander.pid}", runtime="python")
    assert not await _is_warm(grid, lies)
    await _is_unfit(grid_process, lies)
    assert bystander.poll() is None


async def test_a_killed_parent_is_started_again(grid_process: GridProcess, grid: SocketGrid) -> None:
    service = await _warm(grid)
    parent = await _parent(grid, service)
    async with _opened(grid, service) as talk:
        os.kill(parent, signal.SIGKILL)
        assert await talk.number("add(1)") == 41
    await eventually(lambda: not is_alive(parent))

    async def is_forked_from_another() -> bool:
        try:
            found = await _parent(grid, service)
        except NotWarm:
            return False
        # What the killed one left waiting is the grid's own now.
        return found not in (parent, grid_process.pid)

    await eventually(is_forked_from_another)


async def test_what_fails_when_it_is_loaded_or_forked_is_left_to_plain_sessions(
    grid_process: GridProcess, grid: SocketGrid
) -> None:
    former = {*_parents(grid_process)}
    # Deeper than what sessions are furnished with: the parent comes up, and no session of it does.
    deep = _service(f"dir.create('{'d/' * 20}', recursive = TRUE)")
    # What forks would share, or lack.
    left = [
        _service("con <- file('a.txt', 'w')"),
        _service("file = open('a.txt', 'w')", runtime="python"),
        _service(
            "import socket\na = socket.create_server(('127.0.0.1', 0))\nb = socket.create_connection(a.getsockname())",
            runtime="python",
        ),
        _service("import threading\nthreading.Thread(target=threading.Event().wait).start()", runtime="python"),
    ]
    for service in (_service("stop('no')"), _service("raise ValueError", runtime="python"), deep, *left):
        assert not await _is_warm(grid, service)
        await _is_unfit(grid_process, service)
        assert not await _is_warm(grid, service)
    await eventually(lambda: {*_parents(grid_process)} <= former)


async def _is_unfit(process: GridProcess, service: ServiceSpec) -> None:
    await eventually(lambda: f"service {service.service} cannot be kept warm" in process.log())


async def test_a_pool_stays_while_there_can_be_none_of_the_services_next_state(
    grid_process: GridProcess, grid: SocketGrid
) -> None:
    changed = _service("stop('no')", revision="2")
    assert not await _is_warm(grid, changed)
    await _is_unfit(grid_process, changed)
    await grid.warm_service(_service(service=changed.service), initial=1, most=1)
    assert not await _is_warm(grid, changed)
    assert changed.service in [pool.service for pool in await grid.pools()]
    await grid.drop_pool(changed.service)


async def test_init_code_cannot_pass_a_session_off_as_another_process(
    grid_process: GridProcess, grid: SocketGrid, bystander: subprocess.Popen[bytes]
) -> None:
    claim = f"structure(Rserve::ocap(function(...) NULL), process = {bystander.pid}L)"
    lies = _service(f"oc.init <- function() {claim}")
    assert not await _is_warm(grid, lies)
    await _is_unfit(grid_process, lies)
    assert bystander.poll() is None


async def test_a_service_whose_sessions_die_is_left_to_plain_ones(grid: SocketGrid) -> None:
    service = await _warm(grid)
    parent = await _parent(grid, service)
    for _ in range(3):
        with pytest.raises(SessionLost):
            await _run(grid, service, "tools::pskill(Sys.getpid(), 9)")
    await eventually(lambda: not is_alive(parent))
    assert not await _is_warm(grid, service)


async def test_a_new_revision_takes_the_place_of_the_old_one(grid: SocketGrid) -> None:
    service = await _warm(grid)
    parent = await _parent(grid, service)
    changed = await _warm(grid, service=service.service, revision="2", init_code="base <- 1")
    assert (await _run(grid, changed, "1", "base")).number("base") == 1
    await eventually(lambda: not is_alive(parent))


async def test_the_one_used_the_longest_ago_makes_room(new_grid: GridFactory) -> None:
    with new_grid(**{"mlserver.warm_services": 1}) as process:
        grid = process.client()
        first = await _warm(grid)
        second = await _warm(grid)
        await eventually(lambda: len(_parents(process)) == 1)
        assert await _is_warm(grid, second)
        assert not await _is_warm(grid, first)
        await grid.aclose()


async def test_no_parent_is_kept_when_memory_is_short(new_grid: GridFactory) -> None:
    with new_grid(**{"mlserver.service_memory_reserve": 1 << 60}) as process:
        grid = process.client()
        with pytest.raises(NotWarm, match="room"):
            await _run(grid, _service(), "1")
        await grid.aclose()


async def test_a_pool_is_made_ahead_and_stays_when_nobody_uses_it_until_it_is_dropped(
    impatient_process: GridProcess, impatient: SocketGrid
) -> None:
    service = _service()
    assert await impatient.pools() == []
    await impatient.warm_service(service, initial=2, most=2)
    await eventually(lambda: _has_pool(impatient, service))
    async with _opened(impatient, service), _opened(impatient, service):
        with pytest.raises(NoFreeSlot):
            await _run(impatient, service, "1")
    await _warm(impatient)
    # The other one, which has no pool and was used later.
    await eventually(lambda: len(_parents(impatient_process)) == 1)
    await eventually(lambda: _has_pool(impatient, service))
    assert await impatient.drop_pool(service.service)
    assert not await impatient.drop_pool(service.service)
    assert await impatient.pools() == []
    await eventually(lambda: _parents(impatient_process) == [])


async def _has_pool(grid: SocketGrid, service: ServiceSpec) -> bool:
    [pool] = await grid.pools()
    assert (pool.service, pool.revision, pool.initial, pool.most) == (service.service, service.revision, 2, 2)
    return pool.is_filled
