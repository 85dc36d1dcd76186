"""numpy arrays and scalars in R's terms; see the table in :mod:`.portable`. numpy may not be installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from . import sexp
from .elements import LARGEST_INTEGER, LARGEST_INTEGER64, of_elements
from .vectors import Portable, of_days, of_difference, of_integers64, of_list, of_row, of_seconds, of_texts


def numpy() -> Any:
    """The module; ``None`` when nothing has imported it, so that no value can be of it."""
    return sys.modules.get("numpy")


def portable(value: Any) -> Portable | None:
    """An array or scalar in R's terms; ``None`` for other values, and for arrays of records."""
    np = numpy()
    if np is None:
        return None
    if isinstance(value, np.generic):
        return of_array(np.asarray(value).reshape(1))
    if not isinstance(value, np.ndarray):
        return None
    # numpy loads this part when it is asked for, which takes longer than all else here.
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(value, masked.MaskedArray):
        return _shaped(_of_masked(value), value.shape)
    return _shaped(of_array(np.asarray(value).ravel(order="F")), value.shape)


def of_array(flat: Any) -> Portable | None:
    """A one-dimensional array."""
    maker = _MAKERS.get(flat.dtype.kind)
    return maker(flat) if maker else None


def _of_masked(value: Any) -> Portable | None:
    gone = numpy().ma.getmaskarray(value).ravel(order="F").tolist()
    elements = value.data.ravel(order="F").tolist()
    return of_elements([None if masked else element for element, masked in zip(elements, gone, strict=True)])


def _shaped(vector: Portable | None, shape: tuple[int, ...]) -> Portable | None:
    """With the extents of what has more dimensions than one."""
    if vector is None or not shape:
        return vector
    if len(shape) == 1:
        return of_row(vector)
    vector.attributes["dim"] = sexp.integers(*shape)
    vector.dimensions = len(shape)
    return vector


def _logicals(flat: Any) -> Portable:
    return Portable(sexp.LOGICAL, len(flat), lambda: sexp.counted(flat.astype("uint8").tobytes()))


def _integers(flat: Any) -> Portable:
    largest = max(int(flat.max()), -int(flat.min())) if len(flat) else 0
    if largest > LARGEST_INTEGER64:
        return _doubles(flat)
    if largest > LARGEST_INTEGER:
        return of_integers64(len(flat), lambda: flat.astype("<i8").tobytes())
    return Portable(sexp.INTEGER, len(flat), lambda: flat.astype("<i4").tobytes())


def _doubles(flat: Any) -> Portable:
    return Portable(sexp.DOUBLE, len(flat), lambda: flat.astype("<f8").tobytes())


def _complexes(flat: Any) -> Portable:
    return Portable(sexp.COMPLEX, len(flat), lambda: flat.astype("<c16").tobytes())


def _texts(flat: Any) -> Portable:
    texts = flat.tolist()
    return of_texts([text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts])


def _times(flat: Any) -> Portable:
    if numpy().datetime_data(flat.dtype)[0] == "D":
        return of_days(_doubles(_counts(flat, "datetime64[D]", 1)))
    return of_seconds(_doubles(_counts(flat, "datetime64[us]", 1e6)), "UTC")


def _differences(flat: Any) -> Portable:
    return of_difference(_doubles(_counts(flat, "timedelta64[us]", 1e6)))


def _counts(flat: Any, dtype: str, per: float) -> Any:
    """Units since 1970, or of a difference, as numbers; NaN where it is missing."""
    np = numpy()
    return np.where(np.isnat(flat), np.nan, flat.astype(dtype).astype("i8") / per)


def _objects(flat: Any) -> Portable:
    values = flat.tolist()
    return of_elements(values) or of_list(values)


_MAKERS: dict[str, Callable[[Any], Portable]] = {
    "b": _logicals,
    "i": _integers,
    "u": _integers,
    "f": _doubles,
    "c": _complexes,
    "U": _texts,
    "S": _texts,
    "M": _times,
    "m": _differences,
    "O": _objects,
}
