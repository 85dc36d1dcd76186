"""User code that masks, removes and breaks what it can: its session goes on, and other sessions do not notice."""

from __future__ import annotations

import pytest

from tests.grid.grid_support import Talk

HOSTILE = {
    "masked functions": (
        "print <- cat <- eval <- tryCatch <- list <- get <- exists <- function(...) stop('masked');"
        "c <- 1; eval <- NULL; T <- FALSE; withVisible <- 3"
    ),
    "operators masked": "`{` <- function(...) stop('masked'); `<-` <- function(...) 1",
    "a removed workspace": "rm(list = ls(all.names = TRUE))",
    "a detached deployr": "detach('deployr')",
    "everything detached": (
        "for (name in setdiff(search(), c('.GlobalEnv', 'package:base'))) try(detach(name, character.only = TRUE))"
    ),
    "no device": "options(device = NULL)",
    "no options": (
        "options(warn = 2, error = quote(q()), digits = 22, width = 10000, expressions = 25, keep.source = FALSE)"
    ),
    "bad options": "options(warn = 'x', pager = NULL, browser = NULL, warning.length = 100, OutDec = ',')",
    "sinks left open": "sink('a'); sink('b'); sink(file('m', 'w'), type = 'message')",
    "all connections closed": "closeAllConnections()",
    "all connections used up": "for (i in 1:200) try(file('f', 'w'), silent = TRUE)",
    "another directory": "setwd('/')",
    "its directories removed": "unlink(c(tempdir(), getwd()), recursive = TRUE)",
    "an aborted execution": "invokeRestart('abort')",
    "endless recursion": "f <- function() f(); f()",
    "endless recursion in C": "options(expressions = 500000); f <- function(x) sapply(x, f); f(1)",
    "endless recursion of promises": "f <- function(x = x) x; f()",
    "finalisers": "for (i in 1:100) reg.finalizer(new.env(), function(e) stop('finaliser'), TRUE); invisible(gc())",
    "a cycle of environments": "a <- new.env(); b <- new.env(); a$b <- b; b$a <- a; c(a, b)",
    "a locked workspace": "lockEnvironment(globalenv())",
    "a failing active binding": "makeActiveBinding('active', function() stop('active'), globalenv())",
    "a failing task callback": "addTaskCallback(function(...) stop('callback'))",
    "a failing exit hook": "f <- function() { on.exit(stop('exit')); 1 }; f()",
    "errors in conditions": (
        "conditionMessage.bad <- function(c) stop('message');"
        "stop(structure(list(message = 'm', call = NULL), class = c('bad', 'error', 'condition')))"
    ),
    "a condition without message": "stop(structure(list(), class = c('error', 'condition')))",
    "a warning that fails": (
        "conditionMessage.bad <- function(c) stop('message');"
        "warning(structure(list(message = 'm', call = NULL), class = c('bad', 'warning', 'condition')))"
    ),
    "a signalled interrupt": "signalCondition(structure(class = c('interrupt', 'condition'), list()))",
    "a time limit": "setTimeLimit(elapsed = 0.05, transient = TRUE); repeat {}",
    "masked internals": "trace(cat, quote(stop('traced')), print = FALSE)",
    "base overwritten": (
        "unlockBinding('nchar', baseenv()); assign('nchar', function(...) stop('gone'), envir = baseenv())"
    ),
    "strings that are no text": r"x <- '\xff\xfe'; cat(x); print(x); stop(x)",
    "a null byte": "writeBin(as.raw(c(97, 0, 98)), stdout())",
    "a huge error": "stop(strrep('long ', 1e5))",
    "a changed locale": "Sys.setlocale('LC_ALL', 'C'); cat('é')",
    "a cleared environment": "Sys.unsetenv(names(Sys.getenv()))",
    "signals": "tools::pskill(Sys.getpid(), tools::SIGUSR2 * 0)",
    "a stopped profile": "Rprof('prof.out'); Rprof(NULL)",
    "a new seed": "RNGkind('user') ",
    "a deep parse": "eval(parse(text = strrep('(', 5000)))",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
async def test_the_session_goes_on(session: Talk, other_session: Talk, code: str) -> None:
    await session.run(code)
    outcome = await session.run("plot(1)\n1 + 1\nx <- 'fine'", "x", echo=True)
    assert "> 1 + 1" in outcome.console or outcome.error is not None
    cured = await session.run("base::rm(list = base::ls(base::globalenv(), all.names = TRUE))")
    assert cured.record.error_code in (None, 900)
    assert await other_session.number("1 + 1") == 2


@pytest.mark.parametrize(
    "what",
    ["masked functions", "sinks left open", "all connections closed", "another directory", "endless recursion",
     "a failing active binding", "finalisers", "an aborted execution", "a failing exit hook", "a detached deployr"],
)  # fmt: skip
async def test_the_next_execution_is_whole(session: Talk, what: str) -> None:
    await session.run(HOSTILE[what])
    outcome = await session.run("y <- 6 * 7\ny\nmessage('seen')", "y")
    assert outcome.number("y") == 42
    assert outcome.console == "[1] 42\nseen\n"


async def test_the_runtime_is_not_on_the_search_path(session: Talk) -> None:
    for name in ("execute", "dispatch", "portable", "run_code", "plots", "settled"):
        assert not await session.flag(f"exists('{name}')"), name


async def test_errors_in_the_error_handler_are_still_reported(session: Talk) -> None:
    outcome = await session.run(HOSTILE["errors in conditions"])
    assert outcome.error == "message"


async def test_an_aborted_execution_is_not_an_error(session: Talk) -> None:
    outcome = await session.run("cat('before')\ninvokeRestart('abort')\ncat('after')")
    assert (outcome.console, outcome.error) == ("before", None)


async def test_warnings_as_errors_stop_the_code(session: Talk) -> None:
    outcome = await session.run("options(warn = 2)\nas.integer('a')\ncat('never')")
    assert outcome.error == "(converted from warning) NAs introduced by coercion"
