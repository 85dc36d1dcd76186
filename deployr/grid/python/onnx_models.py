"""Models of ONNX as objects that predict: data frames in, data frames out. onnxruntime may not be installed."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

_INPUT_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
    **{f"tensor({name})": name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}
"""What numpy calls the types of inputs."""

_ERRORS_ONLY = 3


class OnnxModel:
    """A model.

    Args:
        content: a serialized ``ModelProto``.

    Raises:
        ImportError: there is no onnxruntime.
        ValueError: rows of a data frame cannot be what it takes.
        Exception: onnxruntime cannot load it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._session = _opened(content)
        self._inputs = [_Input(found) for found in self._session.get_inputs()]
        wide = [found.name for found in self._inputs if found.is_matrix]
        if wide and len(self._inputs) > 1:
            raise ValueError(f"it has several inputs, of which {wide[0]!r} takes more than one column")

    def __reduce__(self) -> tuple[type[OnnxModel], tuple[bytes]]:
        return OnnxModel, (self._content,)

    def predict(self, rows: Any) -> Any:
        """A data frame of what the model says of each row.

        A model that takes a matrix gets all columns as they come, others the columns that are named as their inputs.
        An output of one value a row is a column of its name; the others are ``name.1``, ``name.2`` and so on, and
        ``name.label`` where the model names them.

        Raises:
            ValueError: the columns are not what the model takes.
        """
        pandas = importlib.import_module("pandas")
        names = [found.name for found in self._session.get_outputs()]
        values = self._session.run(names, {found.name: found.of(rows) for found in self._inputs})
        columns: dict[str, Any] = {}
        for name, value in zip(names, values, strict=True):
            columns |= _columns(name, value, len(rows))
        return pandas.DataFrame(columns)


class _Input:
    """An input of a model: one value a row, or a matrix of all columns."""

    def __init__(self, found: Any) -> None:
        self.name: str = found.name
        if found.type not in _INPUT_TYPES or len(found.shape) not in (1, 2):
            shape = " x ".join(map(str, found.shape))
            raise ValueError(f"rows of a data frame cannot be its input {self.name!r}, {found.type} of {shape}")
        self._dtype = _INPUT_TYPES[found.type]
        self._shape = found.shape

    @property
    def is_matrix(self) -> bool:
        """It takes so many columns, not one; the number may be open."""
        return len(self._shape) == 2 and self._shape[1] != 1

    def of(self, rows: Any) -> Any:
        """The array that the model takes of a data frame."""
        columns = [_cast(rows[name], self._dtype) for name in self._chosen([*rows.columns])]
        return columns[0] if len(self._shape) == 1 else importlib.import_module("numpy").stack(columns, axis=1)

    def _chosen(self, names: Sequence[str]) -> Sequence[str]:
        if not self.is_matrix:
            if self.name not in names:
                raise ValueError(f"inputData lacks the column {self.name!r}")
            return [self.name]
        wanted = self._shape[1]
        if not names or (isinstance(wanted, int) and len(names) != wanted):
            raise ValueError(f"inputData has {len(names)} columns, the model takes {wanted}, in the order of training")
        return names


def _opened(content: bytes) -> Any:
    """One thread, the caller's: others would not survive in the forks of a warm parent."""
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _cast(column: Any, dtype: str) -> Any:
    """A column as the model takes it."""
    if dtype == "object":
        return _texts(column)
    numpy = importlib.import_module("numpy")
    numbers = _numbers(numpy, column)
    with numpy.errstate(all="ignore"):
        cast = numbers.astype(dtype)
    if cast.dtype.kind != "f" and not numpy.array_equal(cast, numbers):
        raise ValueError(f"column {column.name!r} is to hold {dtype} values, and none missing")
    return cast


def _texts(column: Any) -> Any:
    values = column.to_numpy(dtype="object")
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"column {column.name!r} is to hold texts, and none missing")
    return values


def _numbers(numpy: Any, column: Any) -> Any:
    """Missing ones are NaN."""
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind != "O" or any(isinstance(value, str) for value in values):
        raise ValueError(f"column {column.name!r} is to hold numbers")
    return column.to_numpy(dtype="float64", na_value=numpy.nan)


def _columns(name: str, value: Any, count: int) -> Mapping[str, Any]:
    """An output as columns, by name."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {f"{name}.{label}": [row[label] for row in value] for label in value[0]}
    values = importlib.import_module("numpy").asarray(value)
    if not values.ndim or len(values) != count:
        raise ValueError(f"the output {name!r} has not a value for each row")
    flat = values.reshape(count, math.prod(values.shape[1:]))
    if flat.shape[1] == 1:
        return {name: flat[:, 0]}
    return {f"{name}.{number}": column for number, column in enumerate(flat.T, start=1)}
