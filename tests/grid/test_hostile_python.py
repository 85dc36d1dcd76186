"""Hostile code in Python sessions: it harms its own session at most, and nothing of it is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployr.encodings import model
from deployr.errors import DeployrError, SessionLost
from deployr.grid.client import SocketGrid
from tests.grid.conftest import needs_root
from tests.grid.grid_support import GridProcess, Talk, is_alive, opened
from tests.waiting import eventually

FIND_CONNECTION = """
import os
found = [int(fd) for fd in os.listdir('/proc/self/fd') if int(fd) > 2 and os.path.exists('/proc/self/fd/' + fd)
         and os.readlink('/proc/self/fd/' + fd).startswith('socket:')]
"""


@pytest.fixture
async def other(grid: SocketGrid) -> AsyncIterator[Talk]:
    async with opened(grid, runtime="python", owner="user:other") as talk:
        await talk.run("import os; open('private.txt', 'w').write('secret')")
        yield talk


async def loses(python: Talk, code: str) -> None:
    """The code costs the session, which is noticed."""
    with pytest.raises(SessionLost):
        await python.run(code)
    assert await python.grid.sessions(sessions=[python.id]) == []


async def works(python: Talk) -> bool:
    return (await python.run("print(1 + 1)")).console == "2\n"


ENDING = {
    "exit": "import os; os._exit(0)",
    "abort": "import os; os.abort()",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "a crash": "import ctypes; ctypes.string_at(0)",
    "a stack without end": "import sys; sys.setrecursionlimit(10**9)\nf = lambda g: max([1], key=lambda _: g(g)); f(f)",
    "closed files": "import os; os.closerange(0, 100)",
}


@pytest.mark.parametrize("code", ENDING.values(), ids=ENDING.keys())
async def test_a_session_that_ends_itself_is_lost_at_once(python: Talk, other: Talk, code: str) -> None:
    await loses(python, code)
    assert await works(other)


SURVIVED = {
    "infinite recursion": "def f(): f()\nf()",
    "a deleted directory": "import os, shutil; shutil.rmtree(os.getcwd())\nos.getcwd()",
    "a deep expression": "eval('(' * 5000 + ')' * 5000)",
    "an exception that cannot be printed": "class E(Exception):\n    def __str__(self): raise E()\nraise E()",
    "an exception that exits": "class E(BaseException):\n    def __str__(self): raise SystemExit(1)\nraise E()",
    "an exception of its own making": "raise type('E', (BaseException,), {})()",
    "a huge message": "raise ValueError('x' * 10**7)",
    "an own handler of interrupts": "import signal; _ = signal.signal(signal.SIGINT, signal.SIG_IGN); 1 / 0",
    "an own display": "import sys; sys.displayhook = None\n1",
}


@pytest.mark.parametrize("code", SURVIVED.values(), ids=SURVIVED.keys())
async def test_a_failure_is_an_error_and_the_session_goes_on(python: Talk, code: str) -> None:
    outcome = await python.run(code)
    assert outcome.error
    assert len(outcome.error) <= 10_000
    assert (await python.run("import sys; sys.stdout.write('on')\nNone")).console.startswith("on")


FORGED = {
    "an outcome": "import struct\nos.write(found[0], struct.pack('<IIII8s', 0x20001, 8, 0, 0, b'\\x0a\\x04'))",
    "an outcome that is none": "import struct\nos.write(found[0], struct.pack('<IIII', 0x20001, 4, 0, 0) + b'abcd')",
    "an early reply": "import struct\nos.write(found[0], struct.pack('<IIII', 0x10001, 0, 0, 0))",
    "garbage": "os.write(found[0], b'garbage ' * 30)",
    "a huge frame": "import struct\nos.write(found[0], struct.pack('<IIII', 0x10001, 0xFFFFFFFF, 0, 0xFFFFFFFF))",
    "a shut connection": "import socket; socket.socket(fileno=found[0]).shutdown(2)",
}


@pytest.mark.parametrize("code", FORGED.values(), ids=FORGED.keys())
async def test_forged_messages_harm_only_their_session(python: Talk, other: Talk, code: str) -> None:
    try:
        await python.run(FIND_CONNECTION + code)
        await python.run("1")
    except (DeployrError, ValueError):
        # The session is lost, or sent what cannot be read.
        pass
    assert await works(other)


async def test_children_cannot_speak_for_the_session(python: Talk) -> None:
    code = f"""
import os, subprocess, sys
child = os.fork()
if child == 0:
{"".join(f"    {line}" + chr(10) for line in FIND_CONNECTION.strip().splitlines())}
    print('child has', found)
    os._exit(0)
_ = os.waitpid(child, 0)
"""
    assert (await python.run(code)).console == "child has []\n"


@pytest.mark.parametrize("escape", ["", "raise ValueError()", "import sys; sys.exit()", "raise KeyboardInterrupt"])
async def test_a_forked_child_does_not_become_a_second_session(python: Talk, escape: str) -> None:
    code = (
        f"import os\nparent = os.fork()\nif parent == 0:\n    {escape or 'pass'}\nelse:\n    _ = os.waitpid(parent, 0)"
    )
    await python.run(f"{code}\nx = os.getpid()", "x")
    assert await works(python)


async def test_workers_of_multiprocessing_work(python: Talk) -> None:
    code = "import multiprocessing\nwith multiprocessing.Pool(2) as pool: squares = pool.map(abs, range(-3, 0))"
    outcome = await python.run(code, "squares")
    assert outcome.objects["squares"] == model.integer(3, 2, 1)


async def test_threads_left_running_say_nothing_in_the_next_call(python: Talk) -> None:
    code = """
import threading, time
heard = threading.Event()
def work():
    while True:
        print('noise'); heard.set(); time.sleep(0.001)
threading.Thread(target=work).start()
_ = heard.wait()
"""
    assert "noise" in (await python.run(code)).console
    outcome = await python.run("x = 1", "x")
    assert outcome.number("x") == 1
    assert await works_among_noise(python)


async def works_among_noise(python: Talk) -> bool:
    return "2\n" in (await python.run("print(1 + 1)")).console


async def test_output_without_end_is_cut_and_holds_up_nobody(grid: SocketGrid, python: Talk, other: Talk) -> None:
    task = await python.starts_python("import sys\nwhile True: sys.stdout.write('x' * 1000)")
    await eventually(lambda: _is_cut(python))
    for _ in range(5):
        assert await works(other)
    await grid.interrupt(python.id)
    outcome = await task
    assert outcome.record.interrupted
    assert len(outcome.console) < 600_000


async def _is_cut(python: Talk) -> bool:
    return (await python.grid.console(python.id)).endswith("[console output limit reached]\n")


async def test_bytes_that_are_no_text_are_console_text_all_the_same(python: Talk) -> None:
    code = "import os\n_ = os.write(1, b'\\xff\\xfe a \\xc3')\nprint('\\ud800')"
    assert (await python.run(code)).console == "\ufffd\ufffd a \ufffd\\ud800\n"


BACKGROUND = {
    "a child": "import subprocess; p = subprocess.Popen(['sleep', '300'])\npid = p.pid",
    "a group of its own": "import os; pid = os.spawnlp(os.P_NOWAIT, 'setsid', 'setsid', 'sleep', '300')",
    "a fork": "import os, time\npid = os.fork()\nif pid == 0: os.setsid(); time.sleep(300)",
    "a daemon": """
import os, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(w, str(os.getpid()).encode()); time.sleep(300)
    os._exit(0)
pid = int(os.read(r, 20))
""",
    "a daemon without environment": """
import os, subprocess
command = ['env', '-i', 'setsid', 'sh', '-c', 'echo $$ > pid; exec sleep 300']
p = subprocess.Popen(command, start_new_session=True)
while not os.path.exists('pid') or not open('pid').read(): pass
pid = int(open('pid').read())
""",
}


@pytest.mark.parametrize("code", BACKGROUND.values(), ids=BACKGROUND.keys())
async def test_what_a_session_leaves_behind_ends_with_it(grid: SocketGrid, code: str) -> None:
    async with opened(grid, runtime="python") as python:
        pid = int((await python.run(code, "pid")).number("pid") or 0)
        assert is_alive(pid)
        assert await works(python)
    await eventually(lambda: not is_alive(pid))


async def test_random_numbers_differ_between_sessions(grid: SocketGrid) -> None:
    drawn: list[str] = []
    for _ in range(4):
        async with opened(grid, runtime="python") as python:
            code = "import random, numpy, uuid\n[random.random(), numpy.random.rand(), uuid.uuid4().hex]"
            drawn += (await python.run(code)).console.strip("[]\n").split(", ")
    assert len(set(drawn)) == 12


async def test_nothing_of_the_server_is_inherited(python: Talk, grid_process: GridProcess) -> None:
    outcome = await python.run(
        "import os, sys\nenvironment, path, argv = dict(os.environ), sys.path, sys.argv", "environment", "argv"
    )
    environment = {name: model.as_text(text) for name, text in model.as_members(outcome.objects["environment"]).items()}
    assert "hidden-from-r" not in str(environment)
    assert {name for name in environment if name.startswith("DEPLOYR_")} == {
        "DEPLOYR_GRID", "DEPLOYR_PUBLIC_DATA", "DEPLOYR_SESSION",
    }  # fmt: skip
    assert environment["HOME"] == environment["PWD"]
    [pid] = [(await python.run("x = os.getpid()", "x")).number("x")]
    links = sorted(str(link.readlink()).split(":")[0] for link in Path(f"/proc/{int(pid or 0)}/fd").iterdir())
    # The connection; the pipe of the console, three times, one of them to mend the others.
    assert links == ["/dev/null", "pipe", "pipe", "pipe", "socket"]
    assert (
        await python.run("print(sorted(os.listdir('.')), [n for n in dir() if not n.startswith('__')])")
    ).console == ("[] ['argv', 'environment', 'os', 'path', 'sys', 'x']\n")


async def test_children_inherit_the_streams_only(python: Talk) -> None:
    code = """
import subprocess
subprocess.run(['ls', '/proc/self/fd'], capture_output=True, text=True, close_fds=False).stdout.split()
"""
    # The last is the one that `ls` reads the directory by.
    assert (await python.run(code)).console == "['0', '1', '2', '3']\n"


async def test_files_are_closed_to_others(python: Talk) -> None:
    code = """
import os, tempfile
_ = open('f', 'w')
os.mkdir('d')
[oct(os.stat(n).st_mode)[-3:] for n in ('f', 'd')], tempfile.gettempdir() == os.environ['TMPDIR']
"""
    assert (await python.run(code)).console == "(['600', '700'], True)\n"


# -- with root ------------------------------------------------------------------------------------------------


@needs_root
async def test_user_and_group_ids_are_the_sessions_own_and_cannot_be_changed_back(python: Talk, other: Talk) -> None:
    code = "import os\nids = [*os.getresuid(), *os.getresgid(), *os.getgroups()]"
    ids = [model.as_numbers((await talk.run(code, "ids")).objects["ids"]) for talk in (python, other)]
    assert len(set(ids[0])) == len(set(ids[1])) == 1
    assert ids[0][0] != ids[1][0]
    assert int(ids[0][0] or 0) >= 200000
    for attempt in ("os.setuid(0)", "os.setgid(0)", "os.setgroups([0])"):
        assert "PermissionError" in str((await python.run(attempt)).error)


@needs_root
async def test_nothing_of_the_server_or_another_session_can_be_read(
    python: Talk, other: Talk, grid_process: GridProcess
) -> None:
    work = Path(str((await other.run("work, me = os.getcwd(), os.getpid()", "work")).text("work")))
    pid = int((await other.run("", "me")).number("me") or 0)
    node = work.parent.parent.parent
    [parent] = [path.parent for path in node.glob("parent-*/python.log")]
    (grid_process.settings.home / "deployr.db").write_text("secret")
    places = [
        work, work / "private.txt", work.parent, node / "sessions", node / "tmp", parent, parent / "tmp",
        parent / "socket", parent / "python.log", grid_process.settings.home, grid_process.settings.home / "deployr.db",
        grid_process.settings.grid_socket, Path(f"/proc/{pid}/environ"), Path(f"/proc/{pid}/fd"),
        Path(f"/proc/{grid_process.pid}/environ"), Path(f"/proc/{pid}/mem"),
    ]  # fmt: skip
    await python.run(f"import json, os\nplaces = json.loads({json.dumps(json.dumps([*map(str, places)]))})")
    code = """
def reads(place):
    for look in (os.listdir, lambda place: open(place, 'rb').read(1), os.remove, lambda place: open(place, 'ab')):
        try: look(place)
        except OSError: continue
        return True
    return False
print([place for place in places if reads(place)])
"""
    assert (await python.run(code)).console == "[]\n"
    for socket in (grid_process.settings.grid_socket, parent / "socket"):
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(socket)!r})"
        assert "PermissionError" in str((await python.run(code)).error)


@needs_root
async def test_no_other_process_can_be_signalled(python: Talk, other: Talk, grid_process: GridProcess) -> None:
    targets = [int((await other.run("x = os.getpid()", "x")).number("x") or 0), grid_process.pid]
    for pid in (*targets, *grid_process.python_parents()):
        assert "PermissionError" in str((await python.run(f"import os; os.kill({pid}, 9)")).error)
    await loses(python, "os.system('kill -9 -1')")
    assert await works(other)
