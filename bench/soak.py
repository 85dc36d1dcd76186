"""``python -m bench.soak [--minutes N] [--rounds N] [--markdown FILE] [SCENARIO ...]``: long runs.

Each scenario runs against a real server of its own.

The exit status is 0 when every answer was right or a documented error, and nothing was left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import server_processes
from bench.anonymous_batches import anonymous_batches
from bench.crash_loop import crash_loop
from bench.job_crashes import job_crashes
from bench.large_value import large_value
from bench.repository_crashes import repository_crashes
from bench.save_crashes import save_crashes
from bench.server import Server
from bench.transfer_memory import transfer_memory
from bench.waiting import until
from deployr.settings import Settings
from tests.repository_model.accounts import live_repository
from tests.repository_model.machine import run_machine

_GROWTH_MOST = 1.25
"""Most that memory and open files may grow from the first quarter of the batches to the last."""

_CRASH_GROWTH_MOST = 1.5
"""Most that memory may grow in a crash loop, whose restarted processes begin anew."""

_TRANSFERRED = 256
_TRANSFER_GROWTH_MOST = 32
"""MiB: of a file, and that memory may grow by for it."""

Lines = tuple[list[str], bool]
"""What a run found, a line each, and whether that is good."""


@dataclass(frozen=True)
class Size:
    """How long scenarios run: seconds of those that take time, rounds of those that count, jobs, calls."""

    seconds: float
    rounds: int
    jobs: int
    steps: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scenarios asked for and print what they found."""
    parser = argparse.ArgumentParser(prog="soak", description="Runs the server for long under crashes and load.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {' '.join(SCENARIOS)}; default: all")
    parser.add_argument("--minutes", type=float, default=10, help="time of `crash` and of `anonymous`; default 10")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of `saves` and of `repository`; default 200")
    parser.add_argument("--jobs", type=int, default=300, help="jobs of `jobs`; default 300")
    parser.add_argument("--steps", type=int, default=5000, help="calls of `rules`; default 5000")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="file that the lines are added to")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {' '.join(sorted(unknown))}")
    size = Size(arguments.minutes * 60, arguments.rounds, arguments.jobs, arguments.steps)
    good = True
    for scenario in arguments.scenarios or list(SCENARIOS):
        lines, passed = uvloop.run(_run(scenario, size))
        good = good and passed
        text = "\n".join([f"### {scenario}: {'passed' if passed else 'FAILED'}", "", *(f"* {line}" for line in lines)])
        print(text + "\n", flush=True)
        if arguments.markdown:
            with arguments.markdown.open("a") as file:
                file.write(text + "\n\n")
    return 0 if good else 1


async def _run(scenario: str, size: Size) -> Lines:
    """A scenario with a server of its own; R processes that outlive the server are a failure of any."""
    server = Server()
    try:
        await server.start()
        await server.publish_script()
        lines, passed = await SCENARIOS[scenario](server, size)
    finally:
        await server.stop()
        left = await _left_behind(server)
        if not left:
            server.remove()
    lines.append(f"R processes left after the server's end: {left}")
    return lines, passed and not left


async def _left_behind(server: Server) -> int:
    async def none_left() -> bool:
        return not server_processes.r_processes(server)

    try:
        await until(none_left, seconds=5)
    except TimeoutError:
        return len(server_processes.r_processes(server))
    return 0


# -- scenarios --------------------------------------------------------------------------------------------


async def _crash(server: Server, size: Size) -> Lines:
    result = await crash_loop(server, size.seconds)
    lines = [
        f"{size.seconds / 60:g} minutes, 20 callers, half of them anonymous, half counting in projects of their own",
        f"killed: {_counts(result.killed)}",
        f"calls: {_counts(result.outcomes)}",
        *(
            f"recovery after a killed {kind}: median {statistics.median(times):.2f} s, longest {max(times):.2f} s"
            for kind, times in result.recovery.items()
        ),
        f"scripts stored meanwhile and run afterwards: {len(result.stored)}",
        f"memory of grid and web workers: {result.memory[0]:.0f} MiB before, {result.memory[1]:.0f} MiB afterwards",
        f"wrong answers and undocumented errors: {len(result.faults)}",
        *result.faults[:5],
    ]
    return lines, not result.faults and result.memory[1] < result.memory[0] * _CRASH_GROWTH_MOST


async def _saves(server: Server, size: Size) -> Lines:
    result = await save_crashes(server, size.rounds)
    return [
        f"{size.rounds} saves of a project with 50 MiB of files, each cut short at a random moment "
        f"(an uncut one took {result.uncut:.2f} s)",
        f"killed: {_counts(result.killed)}",
        f"afterwards the project was as saved before: {result.states['old']}; as saved now: {result.states['new']}",
        f"saves acknowledged before the kill: {result.acknowledged}",
        f"mixtures, lost saves, servers that did not come back: {len(result.faults)}",
        *result.faults[:5],
    ], not result.faults


async def _repository(server: Server, size: Size) -> Lines:
    result = await repository_crashes(server, size.rounds)
    return [
        f"{size.rounds} uploads, moves and deletions of files and directories, each cut short at a random moment",
        f"killed: {_counts(result.killed)}",
        f"repository afterwards as before the call: {result.states['old']}; as after it: {result.states['new']}",
        f"calls acknowledged before the kill: {result.acknowledged}",
        f"mixtures, lost changes, faults found by the check: {len(result.faults)}",
        *result.faults[:5],
    ], not result.faults


async def _rules(server: Server, size: Size) -> Lines:
    def run() -> Lines:
        settings = Settings.load(flags={"home": server.home})
        with live_repository(settings, f"http://127.0.0.1:{server.port}/deployr") as live:
            try:
                counts = run_machine(live, size.steps)
            except AssertionError as ex:
                return [f"the server and the rules disagree: {ex}"], False
        done = {name.removesuffix(" done"): count for name, count in counts.items() if name.endswith(" done")}
        return [
            f"{counts.total()} random repository calls by three users and anonymous callers, each answer and all lists "
            "after it as the model of the rules says",
            f"calls that succeeded: {_counts(dict(sorted(done.items())))}",
            f"calls that were refused: {counts.total() - sum(done.values())}",
        ], True

    return await asyncio.to_thread(run)


async def _generated(_server: Server, _size: Size) -> Lines:
    """The full size of a test, which has a server of its own."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-m", "soak", "tests/clients/test_ml_generated_requests.py"]
    asked = await asyncio.create_subprocess_exec(*command, cwd=root, stdout=asyncio.subprocess.PIPE)
    said, _ = await asked.communicate()
    if asked.returncode:
        return [said.decode()[-20_000:]], False
    return ["5,000 requests and more, generated from the core document of 9.3, all answered as documented"], True


async def _transfer(server: Server, _size: Size) -> Lines:
    grown = await transfer_memory(server, _TRANSFERRED)
    lines = [f"{call}: the peak of all processes grew by {growth:.1f} MiB" for call, growth in grown.items()]
    return [f"a file of {_TRANSFERRED} MiB", *lines], max(grown.values()) < _TRANSFER_GROWTH_MOST


async def _jobs(server: Server, size: Size) -> Lines:
    result = await job_crashes(server, size.jobs, kills=size.jobs // 5)
    return [
        f"{size.jobs} jobs of mixed length, ended after {result.seconds:.0f} s",
        f"killed: {_counts(result.killed)}",
        f"jobs by kind and end: {_counts(result.ends)}",
        f"completed jobs whose stored files are there exactly once: {result.stored}",
        f"wrong ends, ends without a reason, files lost or stored twice, runs at a time: {len(result.faults)}",
        *result.faults[:5],
    ], not result.faults


async def _value(server: Server, _size: Size) -> Lines:
    result = await large_value(server)
    before, highest, after = result.memory
    return [
        f"1 GB fetched from R through the grid in {result.seconds:.1f} s",
        f"memory of the grid: {before:.0f} MiB before, {highest:.0f} MiB at most, {after:.0f} MiB after",
        f"{len(result.others)} calls of another session meanwhile: "
        f"median {statistics.median(result.others) * 1e3:.1f} ms, longest {max(result.others) * 1e3:.0f} ms",
    ], highest - before < 100


async def _anonymous(server: Server, size: Size) -> Lines:
    result = await anonymous_batches(server, size.seconds)
    memory, files = _growth(result.memory), _growth([float(count) for count in result.files])
    return [
        f"{result.batches} batches of 200 executions by 20 callers, all answers right",
        f"calls a second: median {statistics.median(result.rates):.0f}, least {min(result.rates):.0f}",
        f"memory of grid and web workers: {result.memory[0]:.0f} MiB first, {result.memory[-1]:.0f} MiB last, "
        f"{memory:.2f} times from first to last quarter",
        f"open files of the same: {result.files[0]} first, {result.files[-1]} last, {files:.2f} times",
    ], max(memory, files) < _GROWTH_MOST


def _growth(values: Sequence[float]) -> float:
    quarter = max(1, len(values) // 4)
    return statistics.fmean(values[-quarter:]) / statistics.fmean(values[:quarter])


def _counts(counts: dict[str, int]) -> str:
    return "; ".join(f"{name}: {count}" for name, count in sorted(counts.items())) or "none"


SCENARIOS: dict[str, Callable[[Server, Size], Awaitable[Lines]]] = {
    "crash": _crash,
    "saves": _saves,
    "repository": _repository,
    "rules": _rules,
    "generated": _generated,
    "transfer": _transfer,
    "jobs": _jobs,
    "value": _value,
    "anonymous": _anonymous,
}


if __name__ == "__main__":
    sys.exit(main())
