"""Python values on their way out: what each is in R's terms, and its QAP1.

| Python | R |
|---|---|
| ``None`` | NULL; inside of a list of scalars NA |
| ``bool``, ``numpy.bool_`` | logical |
| ``int`` and numpy integers | integer when all fit in 32 bits, integer64 (of bit64) in 64 bits, else numeric |
| ``float``, ``Decimal``, ``Fraction``, numpy floats | numeric |
| ``complex`` | complex |
| ``str`` | character |
| ``bytes``, ``bytearray``, ``memoryview`` | raw |
| ``date``, ``datetime64`` in days | Date |
| ``datetime``, ``Timestamp``, ``datetime64`` | POSIXct in the zone it has; without one the digits are taken for UTC |
| ``timedelta``, ``timedelta64`` | difftime in seconds |
| ``list``, ``tuple``, ``range`` of scalars of one kind | a vector of that kind; kinds of numbers mix to numeric |
| such a sequence, or array, of one element | a vector with the attribute ``dim`` |
| other lists and tuples, and empty ones | list; a named tuple is a named one |
| ``dict`` and other mappings | named list, keys as texts |
| numpy arrays | vector, matrix or array; masked elements are NA; of objects as a list of them |
| ``Series``, ``Index`` | vector, named by the index when it is not just 0 to n - 1 |
| ``Categorical`` | factor, ordered or not |
| ``DataFrame`` | data frame; the index makes the row names when it is not just 0 to n - 1 |
| everything else, and what is nested deeper than 64 | class and printed form, without a value |

Enumerations and other subclasses of scalars count as what they are built on. :mod:`.incoming` is the way back.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import arrays, frames, sexp
from .elements import of_elements
from .vectors import Portable, of_bytes, of_list, of_row, of_texts

DEEPEST = 64
LONGEST_PRINT = 10_000


class TooLarge(ValueError):
    """Values of more bytes than the grid relays."""


def portable(value: object) -> Portable:
    """What a value is in R's terms."""
    if isinstance(value, Portable):
        return value
    if value is None:
        return Portable(sexp.NULL, 0)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return of_bytes(bytes(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return of_list(value, map(str, value._fields))
    if isinstance(value, (list, tuple, range)):
        vector = of_elements(value)
        return of_row(vector) if vector else of_list(value)
    found = arrays.portable(value) or frames.portable(value)
    if found is None and isinstance(value, Mapping):
        return of_list([*value.values()], map(str, value.keys()))
    return found or of_elements([value]) or opaque(value)


def opaque(value: object) -> Portable:
    """A value that has no encoding: its class and how it prints."""
    try:
        printed = repr(value)[:LONGEST_PRINT]
    except Exception:
        printed = ""
    name = type(value).__name__
    found = of_list([of_texts([name]), of_texts([printed])], ["class", "printed"])
    found.attributes = {"class": sexp.texts("deployr.opaque")}
    found.classes, found.opaque = (name,), True
    return found


class Writer:
    """Writes values.

    Args:
        most: bytes of all that is written.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def write(self, value: object, depth: int = 0) -> bytes:
        """The QAP1 of a value.

        Raises:
            TooLarge: the values are larger than what may be written.
        """
        found = portable(value) if depth <= DEEPEST or isinstance(value, Portable) else opaque(value)
        if found.kind == sexp.VECTOR:
            content = b"".join([self.write(member, depth + 1) for member in found.members])
        else:
            content = found.content()
            self._spend(len(content))
        named = {} if found.names is None else {"names": sexp.texts(*found.names)}
        attributes = named | found.attributes
        self._spend(8 + sum(map(len, attributes.values())))
        return sexp.sexp(found.kind, content, attributes)

    def _spend(self, size: int) -> None:
        """Lists that hold one another many times are small in memory and without measure here."""
        self._left -= size
        if self._left < 0:
            raise TooLarge("the objects are too large to be returned")
