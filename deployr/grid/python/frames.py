"""pandas in R's terms; see the table in :mod:`.portable`. pandas may not be installed."""

from __future__ import annotations

import sys
from typing import Any

from . import arrays
from .elements import of_elements, zone_name
from .vectors import Portable, of_columns, of_factor, of_list, of_row, of_seconds


def is_frame(value: object) -> bool:
    """Whether it is a data frame."""
    pd = sys.modules.get("pandas")
    return pd is not None and isinstance(value, pd.DataFrame)


def portable(value: Any) -> Portable | None:
    """A data frame, series, index or categorical in R's terms; ``None`` for other values."""
    pd = sys.modules.get("pandas")
    if pd is None:
        return None
    if isinstance(value, pd.DataFrame):
        return _of_frame(pd, value)
    if isinstance(value, pd.Series):
        vector = _of_column(pd, value)
        vector.names = _labels(pd, value.index)
        return vector if vector.names else of_row(vector)
    if isinstance(value, (pd.Index, pd.Categorical, pd.api.extensions.ExtensionArray)):
        return _of_column(pd, pd.Series(value))
    return None


def _of_frame(pd: Any, frame: Any) -> Portable:
    columns = [_of_column(pd, frame.iloc[:, number]) for number in range(frame.shape[1])]
    return of_columns(columns, map(str, frame.columns), len(frame), _labels(pd, frame.index))


def _labels(pd: Any, index: Any) -> list[str] | None:
    """``None`` for an index that just counts."""
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return None
    return [str(label) for label in index]


def _of_column(pd: Any, column: Any) -> Portable:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = [str(level) for level in dtype.categories]
        return of_factor(column.cat.codes.tolist(), levels, ordered=bool(dtype.ordered))
    if isinstance(dtype, pd.DatetimeTZDtype):
        vector = arrays.of_array(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        if vector is not None:
            return of_seconds(vector, zone_name(dtype.tz))
    if arrays.numpy() and isinstance(dtype, arrays.numpy().dtype) and dtype.kind != "O":
        vector = arrays.of_array(column.to_numpy())
        if vector is not None:
            return vector
    return _of_objects(column)


def _of_objects(column: Any) -> Portable:
    """Also pandas' own types, which know missing values."""
    gone = column.isna().tolist()
    values = [None if missing else value for value, missing in zip(column.tolist(), gone, strict=True)]
    return of_elements(values) or of_list(values)
