"""Objects of the workspace: the functions that the grid's callers know of R sessions, for Python.

Arguments and results are as those of ``objects.R`` and ``session.R``. Hidden are names that begin with an underscore,
and modules, which are no objects of the workspace in R either. Objects are saved with dill.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from . import frames, vectors
from .onnx_models import OnnxModel
from .portable import portable
from .vectors import Portable

WORKSPACE_FILE = "workspace.dill"
_KEPT = ("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__builtins__")
_ENCODED = ("primitive", "vector", "matrix", "list", "dataframe", "factor", "date")

Arguments = Mapping[str, Any]


class Refusal(Exception):
    """A function cannot do what was asked; the text is for the caller."""


class Workspace:
    """The namespace of ``__main__``, where code runs.

    Attributes:
        state: directory beside the working directory, in which objects come and go.
        begin: directory in which code begins, from the working directory.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.state = Path()
        self.begin = Path()
        self.clear()

    def clear(self) -> None:
        """Forget all but what Python itself keeps there."""
        for name in [name for name in self.namespace if name not in _KEPT]:
            del self.namespace[name]

    def existing(self, names: list[str]) -> dict[str, object]:
        """Those of the names that exist."""
        return {name: self.namespace[name] for name in names if name in self.namespace}

    # -- functions ----------------------------------------------------------------------------------------

    def list_objects(self, arguments: Arguments) -> object:
        """``root``, ``clazz``, ``filter`` (prefix), ``hidden``, ``restrict``, ``pagesize``, ``pageoffset``; columns."""
        where = self._container(arguments.get("root"))
        names = self._names(hidden=bool(arguments.get("hidden"))) if where is self.namespace else [*where]
        names = [name for name in names if name.startswith(arguments.get("filter") or "")]
        seen = [(name, *portable(where[name]).described()) for name in names if _is_of(where[name], arguments)]
        if arguments.get("restrict"):
            seen = [row for row in seen if row[1] in _ENCODED]
        size, offset = int(arguments.get("pagesize") or 0), int(arguments.get("pageoffset") or 0)
        return _listing(seen[offset : offset + size] if size > 0 else seen)

    def get_objects(self, arguments: Arguments) -> object:
        """``names``, ``root``, ``start`` (from 1), ``length``; the values in the order asked."""
        where = self._container(arguments.get("root"))
        names = _texts(arguments["names"])
        found = [_segment(_member(where, name), arguments) for name in names]
        return vectors.of_list(found, names)

    def assign_objects(self, arguments: Arguments) -> None:
        """``inputs`` by name."""
        self.namespace.update(arguments["inputs"] or {})

    def delete_objects(self, arguments: Arguments) -> None:
        """``names``; all must exist, then all go."""
        names = _texts(arguments["names"])
        for name in names:
            _member(self.namespace, name)
        for name in names:
            self.namespace.pop(name, None)

    def dump_object(self, arguments: Arguments) -> object:
        """``name``; the bytes that dill writes."""
        found = _member(self.namespace, arguments["name"])
        try:
            content: bytes = _dill().dumps(found)
        except Exception as ex:
            raise Refusal(f"object '{arguments['name']}' cannot be saved: {_said(ex)}") from ex
        return content

    def undump_object(self, arguments: Arguments) -> None:
        """``name``, ``content``: bytes that dill wrote."""
        self.namespace[arguments["name"]] = _loaded(lambda: _dill().loads(arguments["content"]))

    def undump_onnx(self, arguments: Arguments) -> None:
        """``name``, ``content``: a model of ONNX, which becomes an object that predicts."""
        try:
            self.namespace[arguments["name"]] = OnnxModel(arguments["content"])
        except ImportError as ex:
            raise Refusal("onnxruntime, which scores models of ONNX, is not installed for Python sessions") from ex
        except Exception as ex:
            raise Refusal(f"the model cannot be loaded with onnxruntime: {_said(ex)}") from ex

    def save_objects(self, arguments: Arguments) -> None:
        """``file``, ``names`` (all without)."""
        names = _texts(arguments.get("names"))
        for name in names:
            _member(self.namespace, name)
        self._save(arguments["file"], self.existing(names) if names else self._own())

    def load_objects(self, arguments: Arguments) -> None:
        """``file``; objects keep the names that they have in it."""
        path = self.state / arguments["file"]
        self.namespace.update(_named(_loaded(lambda: _dill().loads(path.read_bytes()))))

    def save_workspace(self, arguments: Arguments) -> None:
        """To ``workspace.dill``."""
        self._save(WORKSPACE_FILE, self._own())

    def load_workspace(self, arguments: Arguments) -> None:
        """From there; modules and classes that cannot be had do not keep the rest from it."""
        path = self.state / WORKSPACE_FILE
        found = _named(_loaded(lambda: _read_state(path)))
        self.namespace.update({name: value for name, value in found.items() if not _is_gone(value)})

    # -- parts --------------------------------------------------------------------------------------------

    def _container(self, root: str | None) -> Mapping[str, Any]:
        """The workspace, or the object whose members are meant."""
        if root is None:
            return self.namespace
        found = _member(self.namespace, root)
        if isinstance(found, Mapping):
            return {str(name): value for name, value in found.items()}
        if frames.is_frame(found):
            return {str(name): found.iloc[:, number] for number, name in enumerate(found.columns)}
        raise Refusal(f"object '{root}' has no members")

    def _names(self, *, hidden: bool) -> list[str]:
        return sorted(name for name, value in self._own().items() if hidden or _is_shown(name, value))

    def _own(self) -> dict[str, object]:
        return {name: value for name, value in self.namespace.items() if name not in (*_KEPT, "__warningregistry__")}

    def _save(self, file: str, objects: dict[str, object]) -> None:
        self.state.mkdir(exist_ok=True)
        (self.state / file).write_bytes(_dumped(objects))


def _dumped(objects: dict[str, object]) -> bytes:
    """All at once, so that what they share stays shared; what cannot be saved must not keep the rest from it."""
    dill = _dill()
    try:
        content: bytes = dill.dumps(objects)
    except Exception:
        content = dill.dumps({name: value for name, value in objects.items() if _is_savable(dill, value)})
    return content


def _is_savable(dill: ModuleType, value: object) -> bool:
    try:
        dill.dumps(value)
    except Exception:
        return False
    return True


class _GoneType(type):
    """Members of what is not here are not here either."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class _Gone(metaclass=_GoneType):
    """Stands for what a saved workspace refers to and is not here: modules, and classes that dill cannot make again."""

    def __new__(cls, *arguments: object, **options: object) -> _Gone:
        return super().__new__(cls)

    @staticmethod
    def __setstate__(state: object) -> None:
        """Neither the class nor what is made of it has a state."""


def _is_gone(value: object) -> bool:
    return value is _Gone or type(value) is _Gone


def _read_state(path: Path) -> object:
    """What was saved in a file."""

    class Reader(_dill().Unpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            try:
                found = super().find_class(module, name)
            except (ImportError, AttributeError):
                return _Gone
            return _lenient(found) if module == "dill._dill" and isinstance(found, FunctionType) else found

    with path.open("rb") as file:
        return Reader(file).load()


def _lenient(make: FunctionType) -> Callable[..., object]:
    """What imports a module, or makes a class or something else, or says that it cannot."""

    def made(*arguments: object, **options: object) -> object:
        try:
            return make(*arguments, **options)
        except Exception:
            return _Gone

    return made


def _loaded(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Refusal:
        raise
    except Exception as ex:
        raise Refusal(f"the object cannot be loaded with dill: {_said(ex)}") from ex


def _named(found: object) -> dict[str, object]:
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise Refusal("the file cannot be loaded: it does not hold named objects")
    return found


def _said(exception: Exception) -> str:
    return f"{type(exception).__name__}: {exception}"


def _dill() -> ModuleType:
    try:
        return importlib.import_module("dill")
    except ImportError as ex:
        raise Refusal("dill, which saves objects, is not installed for Python sessions") from ex


def _member(where: Mapping[str, Any], name: str) -> Any:
    if name not in where:
        raise Refusal(f"object '{name}' not found")
    return where[name]


def _is_shown(name: str, value: object) -> bool:
    return not name.startswith("_") and not isinstance(value, ModuleType)


def _is_of(value: object, arguments: Arguments) -> bool:
    """Of the class asked for, by R's name for it or Python's."""
    wanted = arguments.get("clazz")
    return wanted is None or wanted in (type(value).__name__, *portable(value).classes, portable(value).described()[1])


def _listing(rows: list[tuple[str, str, str]]) -> Portable:
    names, types, rclasses = ([row[column] for row in rows] for column in range(3))
    columns = {"name": names, "type": types, "rclass": rclasses}
    branch = [kind in ("list", "dataframe") for kind in types]
    written = [vectors.of_texts(column) for column in columns.values()]
    return vectors.of_list([*written, vectors.of_flags(branch)], [*columns, "branch"])


def _segment(value: Any, arguments: Arguments) -> Any:
    """Elements of a vector; other values whole."""
    start, length = arguments.get("start"), arguments.get("length")
    if (start is None and length is None) or portable(value).described()[0] != "vector":
        return value
    first = max(int(start or 1), 1) - 1
    return value[first:] if length is None else value[first : first + int(length)]


def _texts(value: object) -> list[str]:
    """A character vector as it comes in: one text, or a list of them."""
    return [] if value is None else [value] if isinstance(value, str) else [*map(str, value)]  # type: ignore[call-overload]
