"""Code in Python sessions: echo, auto-print, tracebacks, warnings, plots, interrupts, and what stays between calls."""

from __future__ import annotations

import asyncio

import pytest

from deployr.errors import BoundaryExceeded, DeployrError
from deployr.grid.client import SocketGrid
from tests.grid.grid_support import Talk, opened, python_has

needs_matplotlib = pytest.mark.skipif(not python_has("matplotlib"), reason="the interpreter has no matplotlib")

ECHOED = """# a comment

x = 1
def f(a):
    # inside
    return a

f(x); f(2)
@staticmethod
def g(): pass
# the end"""


async def test_code_is_echoed_as_the_interpreter_shows_it(python: Talk) -> None:
    outcome = await python.run(ECHOED, echo=True)
    assert outcome.console == (
        ">>> # a comment\n>>> x = 1\n>>> def f(a):\n...     # inside\n...     return a\n"
        ">>> f(x); f(2)\n1\n2\n>>> @staticmethod\n... def g(): pass\n"
    )


async def test_values_of_expressions_are_printed_but_none(python: Talk) -> None:
    assert (await python.run("1 + 1\nNone\n'text'\nx = 3\n_")).console == "2\n'text'\n'text'\n"


async def test_the_code_may_have_any_line_breaks(python: Talk) -> None:
    assert (await python.run("x = 1\r\ny = 2\rx + y")).console == "3\n"


async def test_futures_hold_from_call_to_call(python: Talk) -> None:
    await python.run("from __future__ import annotations\ndef f(a: not_there): pass")
    assert (await python.run("def g(a: not_there): pass\ng.__annotations__['a']")).console == "'not_there'\n"


async def test_a_traceback_begins_in_the_code(python: Talk) -> None:
    await python.run("def f():\n    return 1 / 0")
    outcome = await python.run("x = 1\nf()\ny = 2", "y")
    assert outcome.console == (
        "Traceback (most recent call last):\n"
        '  File "<execution 2>", line 2, in <module>\n    f()\n'
        '  File "<execution 1>", line 2, in f\n    return 1 / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert (outcome.error, outcome.record.error_code, outcome.objects) == (
        "ZeroDivisionError: division by zero",
        900,
        {},
    )


async def test_code_with_a_syntax_error_does_not_run_at_all(python: Talk) -> None:
    outcome = await python.run("print('ran')\nx = (1,\n")
    assert outcome.error == "line 2, column 5: SyntaxError: '(' was never closed"
    assert 'File "<execution 1>", line 2' in outcome.console
    assert "ran\n" not in outcome.console
    assert outcome.record.syntax_error


async def test_hidden_code_is_in_no_message(python: Talk) -> None:
    for code in ("def f(): raise ValueError('told')  # secret\nf()", "secret = ("):
        outcome = await python.run(code, blackbox=True)
        assert outcome.error
        assert "secret" not in outcome.console + outcome.error + outcome.record.code
        assert "<execution" in outcome.console


@pytest.mark.parametrize("code", ["import sys\nsys.exit()", "raise SystemExit(0)", "exit()"])
async def test_exiting_well_ends_the_code_and_not_the_session(python: Talk, code: str) -> None:
    outcome = await python.run(f"x = 1\n{code}\nx = 2", "x")
    assert (outcome.error, outcome.number("x"), outcome.console) == (None, 1, "")


async def test_exiting_with_a_status_is_an_error(python: Talk) -> None:
    assert (await python.run("import sys; sys.exit(3)")).error == "The code exited with status 3."


async def test_warnings_are_told_each_time(python: Talk) -> None:
    for _ in range(2):
        outcome = await python.run("import warnings\nwarnings.warn('careful')")
        assert outcome.record.warnings == ["careful"]
        assert "UserWarning: careful" in outcome.console


async def test_console_text_of_children_and_c_code_comes_in_order(python: Talk) -> None:
    code = """
import ctypes, os, subprocess, sys
print('one')
os.system('echo two; echo three >&2')
_ = subprocess.run(['echo', 'four'])
libc = ctypes.CDLL(None)
_ = libc.puts(b'five'), libc.fflush(None)
print('six', file=sys.stderr)
print('seven', end='')
"""
    assert (await python.run(code)).console == "one\ntwo\nthree\n0\nfour\nfive\nsix\nseven"


async def test_console_text_can_be_read_while_code_runs(python: Talk) -> None:
    task = await python.starts_python("import time\nwhile True: time.sleep(0.01)")
    assert await python.grid.console(python.id) == "<begun>\n"
    await python.grid.interrupt(python.id)
    await task
    assert await python.grid.console(python.id) == "<begun>\n"


async def test_reading_input_finds_its_end(python: Talk) -> None:
    assert (await python.run("input('name? ')")).error == "EOFError: EOF when reading a line"
    assert (await python.run("breakpoint()\n1")).console == "1\n"


async def test_streams_that_the_code_replaced_or_closed_are_mended(python: Talk) -> None:
    for code in (
        "import io, sys; sys.stdout = io.StringIO()",
        "import sys; sys.stdout.close()",
        "exit()",
        "import os; os.close(1); os.close(2)",
    ):
        await python.run(code)
        assert (await python.run("print('heard')")).console == "heard\n"


async def test_modules_of_the_working_directory_are_imported(python: Talk) -> None:
    await python.write("mine.py", b"x = 5")
    assert (await python.run("import mine\nmine.x")).console == "5\n"


async def test_artifacts_are_what_the_code_made(python: Talk) -> None:
    record = (await python.run("_ = open('made.txt', 'w').write('x')")).record
    assert [info.filename for info in record.artifacts] == ["made.txt"]


@needs_matplotlib
@pytest.mark.parametrize(("graphics", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
async def test_open_figures_are_unnamed_plots(python: Talk, graphics: str, magic: bytes) -> None:
    code = "import matplotlib.pyplot as plt\nfor n in (1, 2):\n    _ = plt.figure()\n    _ = plt.plot([n])\nplt.show()"
    outcome = await python.run(code, graphics=graphics, width=300, height=200)
    assert [info.filename for info in outcome.record.results] == [f"unnamedplot00{n}.{graphics}" for n in (1, 2)]
    content = await python.read(f"unnamedplot001.{graphics}", area="results")
    assert content.startswith(magic)
    if graphics == "png":
        assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (300, 200)
    else:
        assert b'width="300pt" height="200pt"' in content
    assert (await python.run("plt.get_fignums()")).console == "[]\n"


# -- interrupts and limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["while True: pass", "import time\ntime.sleep(600)", "import os\nos.system('sleep 600')"]
)
async def test_code_is_interrupted_and_the_session_goes_on(python: Talk, code: str) -> None:
    task = await python.starts_python(code)
    assert await python.grid.interrupt(python.id)
    outcome = await task
    assert outcome.record.interrupted or "KeyboardInterrupt" in (outcome.error or "") or "os.system" in code
    assert (await python.run("1 + 1")).console == "2\n"


async def test_late_interrupts_hit_nothing(python: Talk) -> None:
    for _ in range(20):
        task = asyncio.create_task(python.run("x = 1"))
        await asyncio.sleep(0)
        await python.grid.interrupt(python.id)
        await task
        assert (await python.run("import time; time.sleep(0.001)\n1")).console == "1\n"


async def test_code_that_takes_no_interrupt_is_killed_after_the_grace(impatient: SocketGrid) -> None:
    async with opened(impatient, runtime="python") as python:
        await python.run("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})")
        task = await python.starts_python("while True: pass")
        await impatient.interrupt(python.id)
        with pytest.raises(DeployrError) as caught:
            await task
        assert caught.value.code == 916
        assert "Python" in caught.value.message


async def test_time_is_limited(python: Talk) -> None:
    with pytest.raises(BoundaryExceeded):
        await python.run("import time; time.sleep(60)", time_limit=0.3)
