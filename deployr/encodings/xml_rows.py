"""Rows of matrices as XML has them: cells between commas, quoted as in CSV files (7x-facts 2.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from deployr.encodings import xml_literals
from deployr.encodings.errors import EncodingError

_QUOTED = re.compile(r'[,"\r\n]|^\s|\s$|^$')
_CELL = re.compile(r'\s*+(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"\s*+|(?P<bare>(?!")[^,]*+))(?P<end>,|\Z)')


def row_text(cells: Iterable[Any]) -> str:
    """The text of one row; a missing cell is empty.

    Texts are quoted where they hold a comma, quote or line break, and where they would be read as something else:
    blanks around them, nothing at all, a number, a logical. The class ``matrix`` says nothing of the cells.
    """
    return ", ".join(map(_cell_text, cells))


def _cell_text(cell: Any) -> str:
    if not isinstance(cell, str):
        return xml_literals.text_of(cell)
    if _QUOTED.search(cell) or xml_literals.is_literal(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def row_cells(row: str, where: str | None) -> tuple[xml_literals.Texts, bool]:
    """The cells of one row, ``None`` where nothing stands between commas, and whether one was quoted.

    Args:
        row: what stands between the tags.
        where: the input's name for messages.

    Raises:
        EncodingError: a quote is not closed, or something follows it.
    """
    if '"' not in row:
        return [cell.strip() or None for cell in row.split(",")], False
    cells: xml_literals.Texts = []
    is_quoted, position, end = False, 0, ","
    while end == ",":
        match = _CELL.match(row, position)
        if match is None:
            raise EncodingError(f"Input '{where}' is a matrix with a quote that does not enclose a cell.")
        position, end = match.end(), match["end"]
        is_quoted |= match["quoted"] is not None
        cells.append(_cell(match))
    return cells, is_quoted


def _cell(match: re.Match[str]) -> str | None:
    if match["quoted"] is not None:
        return match["quoted"].replace('""', '"')
    return match["bare"].strip() or None
