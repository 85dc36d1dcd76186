"""Runs a block of code as the interactive interpreter would: statement by statement, echo, auto-print, tracebacks."""

from __future__ import annotations
import __future__

import ast
import itertools
import linecache
import traceback
import warnings
from collections.abc import Iterator
from types import CodeType, TracebackType
from typing import Any, TextIO

from .console import Console

_FUTURES = [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names]
_LONGEST_TEXT = 10_000
_MOST_WARNINGS = 1_000


class Evaluator:
    """Runs code in a workspace, which is the namespace of ``__main__``.

    Attributes:
        warnings: texts of the warnings of the running or last execution.
        is_unreadable: its code could not be parsed.
    """

    def __init__(self, workspace: dict[str, Any], console: Console) -> None:
        self._workspace = workspace
        self._console = console
        self._flags = 0
        self._numbers = itertools.count()
        self._name = ""
        self._hidden = False
        self.warnings: list[str] = []
        self.is_unreadable = False
        self._show = warnings.showwarning
        warnings.showwarning = self._note_warning

    def run(self, code: str, *, echo: bool, hidden: bool) -> None:
        """Run code; what goes wrong is raised, to be told with :meth:`report`.

        Args:
            echo: show the code on the console.
            hidden: messages show none of it.

        Raises:
            SyntaxError: somewhere in the code; then none of it was run.
            BaseException: what the code raises. ``sys.exit()`` without a status or with 0 just ends it.
        """
        self._begin(code, hidden)
        lines = _lines(code)
        statements = self._parsed("\n".join(lines) + "\n")
        shown = 0
        for node, compiled in statements:
            shown = self._echo(lines, node, shown) if echo else shown
            try:
                exec(compiled, self._workspace)  # noqa: S102
            except SystemExit as ex:
                if ex.code:
                    raise
                break
            finally:
                self._console.flush()

    def report(self, exception: BaseException) -> str:
        """Print an exception with a traceback that begins in the user's code; returns its text."""
        self._console.flush()
        try:
            text = self._text(exception)
            if not isinstance(exception, SystemExit):
                self._print(exception)
        except Exception:
            text = type(exception).__name__
        self._console.flush()
        return text[:_LONGEST_TEXT]

    def _begin(self, code: str, hidden: bool) -> None:
        self._hidden = hidden
        self._name = f"<execution {next(self._numbers)}>"
        self.warnings = []
        self.is_unreadable = False
        # Else a warning would be shown once for all executions.
        self._workspace.pop("__warningregistry__", None)
        if not hidden:
            # What tracebacks and ``inspect`` show of the code.
            linecache.cache[self._name] = (len(code), None, [f"{line}\n" for line in _lines(code)], self._name)

    def _parsed(self, code: str) -> list[tuple[ast.stmt, CodeType]]:
        """All statements, so that nothing runs of code that has errors."""
        try:
            return [*self._compiled(code)]
        except Exception:
            self.is_unreadable = True
            raise

    def _compiled(self, code: str) -> Iterator[tuple[ast.stmt, CodeType]]:
        """Statements, with what ``from __future__`` asks for from there on."""
        tree = compile(code, self._name, "exec", ast.PyCF_ONLY_AST | self._flags, dont_inherit=True)
        for node in tree.body:
            single = ast.Interactive(body=[node])
            compiled = compile(single, self._name, "single", self._flags, dont_inherit=True)
            for flag in _FUTURES:
                self._flags |= compiled.co_flags & flag
            yield node, compiled

    def _echo(self, lines: list[str], node: ast.stmt, shown: int) -> int:
        """Show the lines from the last shown one to the end of a statement; returns the new last one."""
        last = node.end_lineno or node.lineno
        if last <= shown:
            return shown  # a second statement on the same line
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        for number, line in enumerate(lines[shown:last], start=shown + 1):
            if number >= first or line.strip():
                print(">>> " if number <= first else "... ", line, sep="", file=self._console.out)
        return last

    def _text(self, exception: BaseException) -> str:
        if isinstance(exception, SystemExit):
            return f"The code exited with status {exception.code}."
        if isinstance(exception, SyntaxError) and exception.filename == self._name:
            return f"line {exception.lineno}, column {exception.offset}: {type(exception).__name__}: {exception.msg}"
        return "".join(traceback.format_exception_only(type(exception), exception)).strip()

    def _print(self, exception: BaseException) -> None:
        if self._hidden and isinstance(exception, SyntaxError):
            exception.text = None
        begin = _of_user(exception.__traceback__)
        traceback.print_exception(type(exception), exception, begin, file=self._console.error)

    def _note_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(str(message)[:_LONGEST_TEXT])
        self._show(message, category, filename, lineno, file, line)


def _lines(code: str) -> list[str]:
    """CR alone is a line break too: clients send it (7x-facts 7.4)."""
    return code.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _of_user(found: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins in the user's code; nothing of it for what has not come to run."""
    while found is not None and not found.tb_frame.f_code.co_filename.startswith("<execution "):
        found = found.tb_next
    return found
