"""``python -m bench.run [--quick] [--json FILE] [a b c d e f g h i j k]``: the performance comparison.

The exit status is 0 when every answer was right and every goal reached, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import uvloop

from bench import event_rows, machine, project_rows, repository_rows, rows, service_rows
from bench.plumber import Plumber
from bench.report import Report
from bench.rows import Bench
from bench.rserve_client import PlainRserve
from bench.server import Server

ROWS = rows.ROWS | project_rows.ROWS | repository_rows.ROWS | event_rows.ROWS | service_rows.ROWS
RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rows asked for, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(prog="bench", description="Measures the server beside plumber and Rserve.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"rows to measure, of {' '.join(ROWS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer calls; the figures vary more")
    parser.add_argument(
        "--json", type=Path, default=RESULTS / "latest.json", metavar="FILE", help="where to write JSON"
    )
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.rows) - set(ROWS):
        parser.error(f"no such row: {' '.join(sorted(unknown))}")
    report = uvloop.run(run(arguments.rows or list(ROWS), quick=arguments.quick))
    report.write_json(arguments.json)
    print(report.text())
    return 0 if report.met else 1


async def run(wanted: Sequence[str], *, quick: bool) -> Report:
    """Measure the rows; raises when an answer is wrong."""
    report = Report(machine.describe())
    async with _everything_running(report, quick=quick) as bench:
        for row in wanted:
            print(f"measuring row {row}", file=sys.stderr)
            await ROWS[row](bench)
    return report


@contextlib.asynccontextmanager
async def _everything_running(report: Report, *, quick: bool) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="deployr-bench-rserve-") as directory:
        server, plumber, rserve = Server(), Plumber(), PlainRserve(Path(directory))
        try:
            await asyncio.gather(server.start(), plumber.start(), rserve.start())
            await server.publish_script()
            yield Bench(server, plumber, rserve, report, quick)
        finally:
            await asyncio.gather(server.stop(), plumber.stop(), rserve.stop())
            server.remove()


if __name__ == "__main__":
    sys.exit(main())
