"""Forks: randomness, threads, children of children, and messages that user code forges."""

from __future__ import annotations

import pytest

from deployr.encodings import model
from deployr.errors import SessionLost
from deployr.grid.client import SocketGrid
from tests.grid.grid_support import Talk, opened


async def test_random_numbers_differ_between_sessions(grid: SocketGrid) -> None:
    drawn = []
    for _ in range(4):
        async with opened(grid) as session:
            drawn.append(await session.number("runif(1)"))
    assert len(set(drawn)) == 4


async def test_a_seed_of_the_user_makes_equal_numbers(session: Talk, other_session: Talk) -> None:
    draws = [await talk.number("set.seed(1); runif(1)") for talk in (session, other_session)]
    assert draws[0] == draws[1]


async def test_temporary_names_differ_between_sessions(session: Talk, other_session: Talk) -> None:
    names = [await talk.text("basename(tempfile())") for talk in (session, other_session)]
    assert names[0] != names[1]


async def test_linear_algebra_does_not_hang_in_a_fork(session: Talk) -> None:
    code = "set.seed(1); m <- matrix(runif(1e6), 1000); x <- sum(abs(solve(crossprod(m) + diag(1000))))"
    outcome = await session.run(code, "x")
    assert (outcome.number("x") or 0) > 0


async def test_threaded_sums_do_not_hang_in_a_fork(session: Talk) -> None:
    assert await session.number("sum(colSums(matrix(1, 5000, 500)))") == 2_500_000


async def test_mclapply_gives_right_results_and_its_output_corrupts_nothing(session: Talk) -> None:
    code = """
    work <- function(i) {
      cat("child", i, "\\n"); message("child ", i); print(i); system("echo grandchild"); flush.console()
      i^2
    }
    x <- unlist(parallel::mclapply(1:20, work, mc.cores = 4))
    cat("parent\\n")
    """
    outcome = await session.run(code, "x")
    assert outcome.objects["x"] == model.double(*(number**2 for number in range(1, 21)))
    assert outcome.console == "parent\n"


async def test_errors_and_warnings_in_mclapply_reach_the_parent(session: Talk) -> None:
    code = "x <- parallel::mclapply(1:2, function(i) stop('in child'), mc.cores = 2)"
    outcome = await session.run(f"{code}\nx <- inherits(x[[1]], 'try-error')", "x")
    assert outcome.flag("x") is True
    assert outcome.record.warnings == ["all scheduled cores encountered errors in user code"]


async def test_a_child_that_quits_harms_nothing(session: Talk) -> None:
    await session.run("p <- parallel::mcparallel(q()); x <- parallel::mccollect(p)")
    assert await session.number("1") == 1


@pytest.mark.parametrize("escape", ["invokeRestart('abort')", "tools::pskill(Sys.getpid(), 2); Sys.sleep(5)"])
async def test_a_child_that_leaves_its_frame_does_not_become_a_second_session(session: Talk, escape: str) -> None:
    code = f"x <- parallel::mclapply(1:4, function(i) {{ {escape} }}, mc.cores = 2)\ncat('parent')"
    assert (await session.run(code)).console.endswith("parent")
    assert await session.number("1 + 1") == 2


async def test_a_cluster_of_processes_works(session: Talk) -> None:
    code = """
    cluster <- parallel::makePSOCKcluster(1)
    x <- unlist(parallel::parLapply(cluster, 1:3, function(i) i + 1))
    parallel::stopCluster(cluster)
    """
    outcome = await session.run(code, "x")
    assert outcome.objects["x"] == model.double(2, 3, 4)


# -- forged messages ----------------------------------------------------------------------------------------

FORGED = {
    "an outcome that is none": "Rserve::self.oobSend('garbage', 1L)",
    "an outcome of the wrong types": "Rserve::self.oobSend(list(error = 1L, warnings = sum, elapsed = 'x'), 1L)",
    "an outcome nested deeply": "x <- 1; for (i in 1:500) x <- list(x); Rserve::self.oobSend(x, 1L)",
    "console text that is none": "Rserve::self.oobSend(list(1, 2), 0L); Rserve::self.oobSend(NULL, 0L)",
    "console text nested deeply": (
        "x <- 1; for (i in 1:500) x <- list(x); Rserve::self.oobSend(list('console.out', x), 0L)"
    ),
    "unknown codes": "for (code in c(2L, 3L, 77L, 4095L)) Rserve::self.oobSend(1:3, code)",
    "a question": "Rserve::self.oobMessage(list('console.in', '?'), 0L)",
    "functions and environments": "Rserve::self.oobSend(list(sum, globalenv(), function() 1), 1L)",
    "a large event": "Rserve::self.oobSend(raw(3e6), 2L)",
    "a huge event": "Rserve::self.oobSend(raw(2e7), 2L)",
}


@pytest.mark.parametrize("code", FORGED.values(), ids=FORGED.keys())
async def test_forged_messages_harm_only_their_session(session: Talk, other_session: Talk, code: str) -> None:
    try:
        outcome = await session.run(f"{code}\ny <- 2", "y")
        assert outcome.number("y") == 2
    except SessionLost:
        assert await session.grid.sessions(sessions=[session.id]) == []
    assert await other_session.number("1 + 1") == 2


async def test_a_forged_outcome_is_replaced_by_the_real_one(session: Talk) -> None:
    outcome = await session.run("Rserve::self.oobSend(list(error = 'forged'), 1L)\nx <- 1", "x")
    assert outcome.error is None


async def test_a_forged_console_frame_is_console_text(session: Talk) -> None:
    assert (await session.run("Rserve::self.oobSend(list('console.out', 'forged'), 0L)")).console == "forged"


async def test_bytes_that_are_no_protocol_lose_the_session(session: Talk, other_session: Talk) -> None:
    """A child writes to the inherited connection itself."""
    script = (
        "import os\nfor fd in range(3, 64):\n  try:\n"
        "    if os.readlink(f'/proc/self/fd/{fd}').startswith('socket:'): os.write(fd, b'garbage ' * 30)\n"
        "  except OSError: pass\n"
    )
    await session.write("forge.py", script.encode())
    with pytest.raises(SessionLost):
        await session.run("system('python3 forge.py'); Sys.sleep(5)")
    assert await other_session.number("1 + 1") == 2
