"""Console text: streamed, in order, as R itself prints it, and never more than the limit."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from deployr.grid.client import SocketGrid
from deployr.grid.protocol import Execution
from tests.grid.grid_support import Talk, encode_arguments

LIMIT = 524288
CUT = "[console output limit reached]"


async def test_output_arrives_while_code_runs(session: Talk) -> None:
    go = Path(await session.text("getwd()"), "go")
    task = await session.starts("repeat if (file.exists('go')) break")
    go.touch()
    assert (await task).console == "<begun>\n"


async def test_an_unfinished_line_arrives_after_its_expression(session: Talk) -> None:
    go = Path(await session.text("getwd()"), "go")
    heard = asyncio.Event()
    code = "cat('unfinished')\nrepeat if (file.exists('go')) break"
    task = asyncio.create_task(session.run(code, console=lambda _: heard.set()))
    await heard.wait()
    go.touch()
    assert (await task).console == "unfinished"


async def test_output_of_system_arrives_while_it_runs(session: Talk) -> None:
    go = Path(await session.text("getwd()"), "go")
    heard = asyncio.Event()
    code = "system('echo first; while [ ! -e go ]; do sleep 0.02; done; echo second')"
    task = asyncio.create_task(session.run(code, console=lambda _: heard.set()))
    await heard.wait()
    go.touch()
    assert (await task).console == "first\nsecond\n"


async def test_output_of_system_stands_in_order_with_the_output_of_r(session: Talk) -> None:
    code = "cat('a\\n')\nx <- system('echo b; echo c >&2; exit 3')\nmessage('d')\nsystem2('echo', 'e')\ncat(x, '\\n')"
    assert (await session.run(code)).console == "a\nb\nc\nd\ne\n3 \n"


async def test_system_does_not_wait_for_its_background_children(session: Talk) -> None:
    assert await session.number("system.time(system('sleep 300 &'))[['elapsed']]") < 60


async def test_system_keeps_unfinished_lines_unfinished(session: Talk) -> None:
    assert (await session.run("system('printf abc')\ncat('def\\n')")).console == "abcdef\n"


async def test_system_takes_input_and_redirections(session: Talk) -> None:
    code = """
    system("cat", input = c("one", "two"))
    system("ls /no/such/file", ignore.stderr = TRUE)
    system2("sh", c("-c", shQuote("echo unseen; echo seen too >&2")), stdout = FALSE)
    cat(system("echo caught", intern = TRUE), "\\n")
    """
    assert (await session.run(code)).console == "one\ntwo\nseen too\ncaught \n"


async def test_system_says_how_its_command_ended(session: Talk) -> None:
    code = "x <- c(system('true'), system('exit 7'), system('kill -9 $$; :'))"
    assert (await session.run(code, "x")).objects["x"] == await session.evaluate("c(0L, 7L, 9L)")


async def test_latin1_output_of_a_command_becomes_utf8(session: Talk) -> None:
    assert (await session.run(r"system('printf \"caf\\351\\n\"')")).console == "café\n"


async def test_output_errors_and_messages_stay_in_order(session: Talk) -> None:
    code = "cat('1\\n')\nmessage('2')\ncat('3\\n', file = stderr())\nprint(4)\nwarning('5')\ncat('6\\n')"
    expected = "1\n2\n3\n[1] 4\nWarning message:\n5 \n6\n"
    assert (await session.run(code)).console == expected


async def test_warnings_are_deferred_to_the_end_of_their_expression(session: Talk) -> None:
    code = "f <- function() { warning('later'); cat('first\\n') }\nf()"
    outcome = await session.run(code)
    assert outcome.console == "first\nWarning message:\nIn f() : later\n"
    assert outcome.record.warnings == ["later"]


async def test_a_fresh_session_has_no_warnings_of_others(session: Talk) -> None:
    assert (await session.run("warnings()")).console == ""


async def test_s4_values_are_shown_by_their_show_method(session: Talk) -> None:
    code = """
    invisible(setClass("P", representation(a = "numeric")))
    invisible(setMethod("show", "P", function(object) cat("<P ", object@a, ">\\n", sep = "")))
    new("P", a = 1)
    """
    assert (await session.run(code)).console == "<P 1>\n"


async def test_print_methods_of_the_user_are_used(session: Talk) -> None:
    code = "print.mine <- function(x, ...) cat('mine\\n')\nstructure(1, class = 'mine')"
    assert (await session.run(code)).console == "mine\n"


async def test_a_parse_error_names_its_position_and_nothing_runs(session: Talk) -> None:
    outcome = await session.run("ran <- TRUE\nx <- 2 y", "ran")
    assert outcome.objects == {}
    assert outcome.error is not None
    assert outcome.error.startswith("line 2:8: unexpected symbol")
    assert outcome.console.startswith("Error: line 2:8: unexpected symbol\n1: ran <- TRUE\n2: x <- 2 y\n")
    assert outcome.record.error_code == 900


async def test_messages_show_none_of_the_code_when_that_is_hidden(session: Talk) -> None:
    code = "f <- function(x) { warning('careful'); stop('broken') }\nf(secret <- 1)"
    assert "Error in f(secret <- 1) : broken" in (await session.run(code)).console
    outcome = await session.run(code, blackbox=True)
    assert (outcome.error, outcome.console) == ("broken", "Error: broken\nIn addition: Warning message:\ncareful \n")


@pytest.mark.parametrize(
    ("code", "error"),
    [("1\nsecret <- (1", "line 3:0: unexpected end of input"), ("x <- 'secret \\q'", "syntax error")],
)
async def test_syntax_errors_show_none_of_the_code_when_that_is_hidden(session: Talk, code: str, error: str) -> None:
    outcome = await session.run(code, blackbox=True)
    assert (outcome.error, outcome.console, outcome.record.code) == (error, f"Error: {error}\n", "")


async def test_echo_shows_prompts_continuations_and_comments(session: Talk) -> None:
    code = "# about x\nx <-\n  1\n\ny <- 2; x\n# end"
    expected = "\n> # about x\n> x <-\n+   1\n\n> y <- 2; x\n[1] 1\n\n> # end\n"
    assert (await session.run(code, echo=True)).console == expected


async def test_carriage_returns_are_line_breaks(session: Talk) -> None:
    assert (await session.run("x <- 1\rx + 1\r\nx + 2")).console == "[1] 2\n[1] 3\n"


async def test_browser_is_answered_with_empty_lines(session: Talk) -> None:
    outcome = await session.run("browser()\nx <- 1", "x")
    assert outcome.number("x") == 1


async def test_a_function_under_debug_runs_to_its_end(session: Talk) -> None:
    outcome = await session.run("f <- function() { a <- 1; a + 1 }\ndebug(f)\nx <- f()", "x")
    assert outcome.number("x") == 2


@pytest.mark.parametrize("code", ["readline('name? ')", "scan(n = 1)", "readLines(stdin(), 1)", "menu(c('a', 'b'))"])
async def test_reading_from_the_console_finds_nothing(session: Talk, code: str) -> None:
    outcome = await session.run(f"x <- try({code}, silent = TRUE)\ny <- 1", "y")
    assert outcome.number("y") == 1


async def test_two_megabytes_are_drained_and_cut_at_the_limit(session: Talk) -> None:
    code = "line <- paste0(strrep('0123456789', 10), '\\n')\nfor (i in 1:2e4) cat(line)\nx <- 1"
    outcome = await session.run(code, "x")
    assert outcome.number("x") == 1
    assert LIMIT <= len(outcome.console) < LIMIT + 100
    assert outcome.console.endswith(f"{CUT}\n")


async def test_one_line_of_two_megabytes_is_cut_at_the_limit(session: Talk) -> None:
    outcome = await session.run("cat(strrep('é', 1e6))\nx <- 1", "x")
    assert outcome.number("x") == 1
    assert len(outcome.console.encode()) <= LIMIT + len(CUT) + 2


async def test_a_line_beyond_the_largest_message_is_left_out(session: Talk) -> None:
    outcome = await session.run("cat(strrep('x', 2e7))\ncat('after\\n')")
    assert outcome.console == "[output of 20000044 bytes left out]\nafter\n"


async def test_a_console_flood_does_not_hold_up_other_sessions(session: Talk, other_session: Talk) -> None:
    flood = await session.starts("repeat cat('x\\n')")
    for _ in range(20):
        await other_session.run("1")
    await session.grid.interrupt(session.id)
    assert (await flood).record.interrupted


async def test_console_text_can_be_left_out(grid: SocketGrid, session: Talk) -> None:
    request = Execution(execution="EXEC-quiet", code="cat('a')", console=False)
    record, _ = await grid.execute(session.id, request, encode_arguments())
    assert record.console == ""


SCRIPTS = [
    "1:30",
    "x <- c(a = 1.5, b = NA)\nx",
    "print(matrix(1:6, 2))\nlist(1, b = 'x')",
    "data.frame(a = 1:3, b = c('u', 'v', NA))",
    "factor(c('a', 'b'))\nas.Date('2024-02-29')",
    "summary(lm(dist ~ speed, cars))",
    "invisible(3)\n(invisible(4))",
    "f <- function(x, ...) UseMethod('f')\nf.default <- function(x, ...) 'default'\nf(1)\nf",
    "for (i in 1:2) print(i)\nNULL\nif (FALSE) 1",
    "message('to stderr')\ncat('to stdout\\n')",
    "as.integer('a')",
    "f <- function() warning('careful')\nf()",
    "for (i in 1:3) warning('w', i)",
    "for (i in 1:12) warning('w', i)",
    "for (i in 1:60) warning('w', i)",
    "warning('top')\nwarnings()",
    "options(warn = 1)\nf <- function() warning('now')\nf()\ncat('x\\n')",
    "f <- function(x) warning(strrep('long ', 20))\nf(1)",
    "warning('two\\nlines')",
    "stop('bad')",
    "f <- function(x) stop('bad in f')\nf(1)",
    "f <- function(argument) stop(strrep('very long message ', 5))\nf(1)",
    "f <- function() { warning('w'); stop('e') }\nf()",
    "nothing_here",
    "log(-1)\nsqrt('a')",
    "1 + 'a'",
    "stopifnot('x must be one' = 1 == 2)",
    "tryCatch(stop('a'), finally = cat('finally\\n'))",
    "f <- function() { on.exit(cat('left\\n')); warning('w'); stop('e') }\nf()",
    "try(log('x'))\ncat('goes on\\n')",
    "quote(a + b)\nexpression(x^2)",
    "Sys.setlocale('LC_ALL', 'C.UTF-8')\n'é'\ncat('é\\n')",
    "str(list(a = 1, b = 'c'))",
    "x <- 1:10; x[x > 5]; rev(x)",
    "suppressWarnings(as.integer('a'))\nsuppressMessages(message('a'))",
    "print(environment())\nemptyenv()",
    "capture.output(print(1))\ninvisible(capture.output(message('m'), type = 'message'))",
]


@pytest.fixture(scope="module")
def shown_by_r(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What R shows of each script: one runs all of them, and goes on after errors."""
    script = tmp_path_factory.mktemp("console") / "script.R"
    # A console keeps the source of functions.
    lines = ["options(keep.source = TRUE, error = expression(NULL))"]
    for code in SCRIPTS:
        lines += [r"cat('<next>\n')", code, "rm(list = ls()); options(warn = 0)"]
    script.write_text("\n".join(lines) + "\n")
    command = ["R", "--no-save", "--slave", "--no-init-file", "-f", str(script)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        command, cwd=script.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=True
    )
    # Of an error outside of a console R also says the calls it was in.
    said = [line for line in done.stdout.decode().splitlines(keepends=True) if not line.startswith("Calls: ")]
    return dict(zip(SCRIPTS, "".join(said).split("<next>\n")[1:], strict=True))


@pytest.mark.parametrize("code", SCRIPTS)
async def test_the_console_reads_as_in_r_itself(session: Talk, shown_by_r: dict[str, str], code: str) -> None:
    assert (await session.run(code)).console == shown_by_r[code]
