"""Random calls of three users and of nobody in particular, to a server and to the model side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.repository_model.live import LiveRepository
from tests.repository_model.model import ANONYMOUS, BLACKLISTED, ROOT, File, Refused, Repository, Shown

ROLES = {"alice": {"ADMINISTRATOR"}, "bob": {"POWER_USER"}, "carol": {"BASIC_USER"}}
"""The users: an administrator, a power user and a basic one."""

_EXAMPLE_STEPS = 50
_NO_VERSION = 99

_user = st.sampled_from(list(ROLES))
_caller = st.sampled_from([*ROLES, *ROLES, *ROLES, ANONYMOUS])
_filename = st.sampled_from(["a.R", "a.R", "a.R", "b.txt", "b.txt", "ü c.csv", f"d.{BLACKLISTED}"])
_filenames = st.lists(_filename, min_size=1, max_size=2)
_some_filenames = st.lists(_filename, max_size=2)
_directory = st.sampled_from([*[ROOT, "one"] * 4, "two", "two", "neu ü", "old.archive", "none"])
_new_directory = st.sampled_from([*["neu ü", "3rd", "4th", "5th"] * 3, "one", "Shared", "a/b", "x.y", "old.archive"])
_content = st.sampled_from([b"1", b"22", b"three\n", b""])
_text = st.sampled_from(["d", "é <&>"])
_number = st.sampled_from([0, 0, 0, 1, 1, 2, _NO_VERSION])
_some_number = st.one_of(st.none(), _number)
_category = st.sampled_from(["", "", "script", "data", "text", "other"])
_restricted = st.sampled_from(["POWER_USER", "BASIC_USER,ADMINISTRATOR", "NOBODY"])
_flags: dict[str, st.SearchStrategy[Any]] = {"shared": st.booleans(), "published": st.booleans()}
_access = _flags | {"restricted": st.one_of(st.just(""), _restricted)}
_texts: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(("descr", "tags", "inputs", "outputs"), _text)
_version: dict[str, st.SearchStrategy[Any]] = {"newversion": st.booleans(), "newversionmsg": _text}
_written = _texts | _flags | _version | {"restricted": _restricted}


def _sent(
    needed: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=optional or {})


_write = _sent({"filename": _filename, "content": _content, "directory": _directory}, _written)
_read = {"filename": _filename, "author": _user, "directory": _directory}
_list = {"directory": st.one_of(st.just(""), _directory), "category": _category}
_selection = {"directory": _directory, "filenames": _some_filenames}

CALLS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "file_upload": _write,
    "file_write": _write,
    "file_update": _sent({"filename": _filename, "directory": _directory}, _texts | _access),
    "file_delete": _sent({"filenames": _filenames}, {"directory": _directory}),
    "file_grant": _sent(
        {
            "filename": _filename,
            "directory": _directory,
            "newauthors": st.lists(st.sampled_from([*[*ROLES] * 5, "nobody"]), max_size=2),
            "revokeauthors": st.one_of(st.just([]), st.just([]), st.lists(_user, max_size=1)),
        }
    ),
    "file_revert": _sent(
        {"filename": _filename, "directory": _directory, "number": _number},
        _texts | _access | {"newversionmsg": _text},
    ),
    "file_copy": _sent(
        {
            "copied": st.lists(
                st.tuples(_filename, _directory, _some_number, st.sampled_from(["", "", "r.R", "a.R", "r.exe"])),
                min_size=1,
                max_size=2,
            ),
            "destination": _directory,
        }
    ),
    "file_move": _sent(
        {"moved": st.lists(st.tuples(_filename, _directory), min_size=1, max_size=2), "destination": _directory}
    ),
    "file_fetch": _sent(_read | {"number": _some_number}),
    "file_download": _sent(_read | {"number": _some_number}),
    "file_diff": _sent(_read | {"number": _number}),
    "file_list": _sent(_list, _flags | {"archived": st.booleans(), "filename": _filename}),
    "script_list": _sent(
        {"directory": st.one_of(st.just(""), _directory)}, _flags | {"archived": st.booleans(), "filename": _filename}
    ),
    "directory_list": _sent(
        {"directory": st.sampled_from(["", "", ROOT, "one", "old.archive", "none", "Shared", "Restricted", "Public"])},
        _flags | {"category": _category, "archived": st.booleans(), "userfiles": st.booleans()},
    ),
    "directory_create": _sent({"directory": _new_directory}),
    "directory_rename": _sent(
        {
            "directory": st.sampled_from([*["one", "two"] * 3, "neu ü", "old.archive", ROOT, "none"]),
            "destination": _new_directory,
        }
    ),
    "directory_copy": _sent(_selection | {"destination": _directory}),
    "directory_move": _sent(_selection | {"destination": _directory}),
    "directory_update": _sent(_selection, _access),
    "directory_archive": _sent(_selection | {"archive": st.sampled_from(["old", "old.archive", "new", "root"])}),
    "directory_upload": _sent(
        {"directory": _directory, "contents": st.dictionaries(_filename, _content, min_size=1, max_size=2)}, _written
    ),
    "directory_download": _sent(_selection),
    "directory_delete": _sent({"directory": _directory}),
}
"""What is sent with each call."""

_OFTEN = (
    *("file_upload", "file_write", "file_grant") * 2,
    *("file_revert", "file_update", "directory_rename", "directory_archive"),
)
"""Calls without which there is little for the others to find."""


class RepositoryMachine(RuleBasedStateMachine):
    """Both must answer alike, and everybody must see the same everywhere."""

    live: LiveRepository
    counts: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self._model = Repository(ROLES)

    @initialize()
    def begin(self) -> None:
        """Everybody has two directories, and a script in two versions that others see."""
        for user in ROLES:
            for directory in ("one", "two"):
                self._step("directory_create", user, directory=directory)
            for content in (b"1", b"22"):
                sent = {"filename": "a.R", "directory": "one", "newversion": True, "shared": True}
                self._step("file_upload", user, content=content, **sent)

    @rule(
        user=_caller,
        call=st.one_of(*(st.tuples(st.just(name), CALLS[name]) for name in (*CALLS, *_OFTEN))),
        aim=st.one_of(st.none(), st.integers(0, 99), st.integers(0, 99)),
    )
    def call(self, user: str, call: tuple[str, dict[str, Any]], aim: int | None) -> None:
        """Any call; with an aim by an owner of a file that is there, and on that file."""
        name, sent = call
        files = self._model.files()
        if aim is not None and files:
            file = files[aim % len(files)]
            reads = name in ("file_fetch", "file_download", "file_diff", "file_list", "script_list")
            user = user if reads else sorted(file.authors)[aim % len(file.authors)]
            sent = sent | {key: value for key, value in _aimed(file, aim).items() if key in sent}
        self._step(name, user, **sent)

    @invariant()
    def all_see_the_same(self) -> None:
        """Own directories and files, and what others have opened."""
        everything = dict.fromkeys(("archived", "userfiles", "shared", "published"), True)
        for user in ROLES:
            self._compare("directory_list", user, **everything)

    def teardown(self) -> None:
        """Histories are alike too; then all goes."""
        try:
            for file in self._model.files():
                self._compare("file_list", file.author, filename=file.name, directory=file.directory)
        finally:
            self.live.clear()

    def _step(self, call: str, user: str, **sent: Any) -> None:
        answer = self._compare(call, user, **sent)
        self.counts[f"{call.replace('_', '/', 1)} {'refused' if isinstance(answer, Refused) else 'done'}"] += 1

    def _compare(self, call: str, user: str, **sent: Any) -> Any:
        expected = _answer(self._model, call, user, sent)
        seen = _answer(self.live, call, user, sent)
        assert _comparable(seen) == _comparable(expected), (call, user, sent)
        return expected


def run_machine(live: LiveRepository, steps: int) -> Counter[str]:
    """Make so many calls at least; returns how many there were of each, done and refused.

    Raises:
        AssertionError: server and model disagree.
    """
    machine: type[RepositoryMachine] = type("Machine", (RepositoryMachine,), {"live": live, "counts": Counter()})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=steps // _EXAMPLE_STEPS + 2,
            stateful_step_count=_EXAMPLE_STEPS,
            # Each call takes its time, and the calls before a failure are few enough to read.
            phases=(Phase.generate,),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return machine.counts


def _aimed(file: File, aim: int) -> dict[str, Any]:
    """What names a file and one of its former versions in a request."""
    number = aim % max(len(file.versions) - 1, 1)
    return {
        "filename": file.name,
        "directory": file.directory,
        "author": file.author,
        "number": number,
        "filenames": [file.name],
        "copied": [(file.name, file.directory, number if aim % 2 else None, "")],
        "moved": [(file.name, file.directory)],
    }


def _answer(repository: Repository | LiveRepository, call: str, user: str, sent: dict[str, Any]) -> Any:
    try:
        return repository.attempt(call, user, **sent)
    except Refused as ex:
        return ex


def _comparable(answer: Any) -> Any:
    """Refusals by status; files in one order, in which the versions of each stay as they are."""
    if isinstance(answer, Refused):
        return ("refused", answer.status)
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return _ordered(answer)
    if isinstance(answer, dict):
        return {key: _comparable(value) for key, value in answer.items()}
    return answer


def _ordered(files: Sequence[Shown]) -> list[Shown]:
    return sorted(files, key=lambda file: (file["directory"], file["filename"], file["author"]))
