"""A session: settles in its directory and serves the grid's calls, one at a time, until it is ended."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import figures, incoming, interrupts, sexp
from .console import Console
from .evaluate import Evaluator
from .messages import Call, Connection
from .portable import Writer
from .workspace import Refusal, Workspace

_CALLABLE = (
    "list_objects", "get_objects", "assign_objects", "delete_objects", "dump_object", "undump_object",
    "undump_onnx", "save_objects", "load_objects", "save_workspace", "load_workspace", "configure", "recycle",
)  # fmt: skip


class Session:
    """The process's only one.

    Args:
        most: bytes of values that the grid relays.
    """

    def __init__(self, connection: Connection, console: Console, workspace: Workspace, most: int) -> None:
        self._connection = connection
        self._console = console
        self._workspace = workspace
        self._evaluator = Evaluator(workspace.namespace, console)
        self._most = most
        self._directory = Path()

    def serve(self) -> None:
        """Never returns: the process ends with the connection."""
        self._connection.greet()
        while True:
            call = self._connection.receive()
            interrupts.listen()
            self._console.restore()
            if call.name == "execute":
                self._execute(incoming.named_values(call.options), call.arguments)
            elif call.name in ("enter", "nothing", "check"):
                self._prepare(call)
            else:
                self._call(call)

    # -- executions ---------------------------------------------------------------------------------------

    def _execute(self, options: Mapping[str, Any], arguments: sexp.Sexp) -> None:
        """Run code; options and arguments are those of ``evaluate.R``.

        The outcome travels out of band, the objects are the value.
        """
        asked = _members(arguments)
        robjects = [name or "" for name in asked["robjects"].texts()] if "robjects" in asked else []
        started = time.perf_counter()
        outcome = self._guarded(lambda: self._run(options, asked))
        elapsed = (time.perf_counter() - started) * 1000
        self._console.restore()
        drawn = self._guarded(lambda: self._draw(options))
        written: list[bytes] = []
        objects = self._guarded(lambda: written.append(self._write(robjects)))
        if "error" not in outcome:
            outcome |= {name: text for name, text in (drawn | objects).items() if name == "error"}
        self._console.flush()
        self._connection.send_outcome(_outcome(outcome, elapsed, self._evaluator))
        self._connection.reply(written[0] if written else sexp.members([]))

    def _run(self, options: Mapping[str, Any], asked: Mapping[str, sexp.Sexp]) -> None:
        figures.forget()
        if "inputs" in asked:
            self._workspace.assign_objects({"inputs": incoming.named_values(asked["inputs"])})
        self._evaluator.run(options["code"], echo=bool(options["echo"]), hidden=bool(options["hidden"]))

    def _draw(self, options: Mapping[str, Any]) -> None:
        figures.save(options["results"], options["graphics"], int(options["width"]), int(options["height"]))

    def _write(self, names: list[str]) -> bytes:
        found = self._workspace.existing(names)
        writer = Writer(self._most)
        return sexp.named_list({name: writer.write(value) for name, value in found.items()})

    def _guarded(self, action: Callable[[], None]) -> dict[str, object]:
        return interrupts.guarded(action, self._evaluator.report)

    # -- functions ----------------------------------------------------------------------------------------

    def _call(self, call: Call) -> None:
        """A function by name; its refusal is the outcome."""
        written: list[bytes] = []
        outcome = interrupts.guarded(lambda: written.append(self._value(call)), _refusal)
        if not written:
            self._connection.send_outcome({"error": sexp.texts(str(outcome.get("error", "interrupted")))})
        self._connection.reply(written[0] if written else sexp.null())

    def _value(self, call: Call) -> bytes:
        if call.name not in _CALLABLE:
            raise Refusal(f"no such function: {call.name}")
        function = getattr(self, f"_{call.name}", None) or getattr(self._workspace, call.name)
        return Writer(self._most).write(function(incoming.named_values(call.arguments)))

    def _configure(self, arguments: Mapping[str, Any]) -> None:
        """Where the user's external data lies (7x-facts 19); the public directory is the same for all."""
        os.environ["DEPLOYR_PRIVATE_DATA"] = arguments["private_data"]

    def _recycle(self, arguments: Mapping[str, Any]) -> None:
        """Clears the workspace, and leaves a directory that is about to be removed."""
        if arguments["directory"]:
            os.chdir(self._directory / "work")
        if arguments["workspace"]:
            self._workspace.clear()

    # -- the process --------------------------------------------------------------------------------------

    def _prepare(self, call: Call) -> None:
        if call.name == "enter":
            self._enter(**incoming.named_values(call.options))
        elif call.name == "check":
            _compute()
        else:
            interrupts.drop()
        self._connection.reply(sexp.null())

    def _enter(self, directory: str, marker: str) -> None:
        """Settles in a directory of its own, below which the working directory exists."""
        self._directory = Path(directory)
        self._workspace.state = self._directory / "state"
        work = self._directory / "work"
        os.chdir(work)
        with contextlib.suppress(OSError):
            os.chdir(self._workspace.begin)
        for name in ("MPLCONFIGDIR", "GLIBC_TUNABLES", "LD_BIND_NOW"):
            os.environ.pop(name, None)
        os.environ |= {"TMPDIR": directory, "HOME": str(work), "PWD": str(work), "DEPLOYR_SESSION": marker}
        tempfile.tempdir = None
        # Modules in the working directory can be imported, as in the interactive interpreter.
        sys.path.insert(0, "")
        # The first execution copies the pages it writes to; done here, a caller of a warm fork does not wait for it.
        self._evaluator.run("None", echo=False, hidden=True)


def _members(found: sexp.Sexp) -> dict[str, sexp.Sexp]:
    return dict(zip(found.names or [], found.members(), strict=False))


def _outcome(outcome: Mapping[str, object], elapsed: float, evaluator: Evaluator) -> dict[str, bytes]:
    written = {"elapsed": sexp.doubles(elapsed), "warnings": sexp.texts(*evaluator.warnings)}
    if "error" in outcome:
        written["error"] = sexp.texts(str(outcome["error"]))
    flags = {"interrupted": "interrupted" in outcome, "syntax": evaluator.is_unreadable}
    written |= {name: sexp.logicals(True) for name, holds in flags.items() if holds}
    return written


def _refusal(exception: BaseException) -> str:
    return str(exception) if isinstance(exception, Refusal) else f"{type(exception).__name__}: {exception}"


def _compute() -> None:
    """What would hang in a fork of a parent that ran threads."""
    np = sys.modules.get("numpy")
    if np is not None:
        np.ones((200, 200)) @ np.ones((200, 200))
