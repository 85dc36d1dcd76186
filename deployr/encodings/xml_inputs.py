"""The ``inputs`` parameter in XML, read as what it would be in JSON (7x-facts 2.8).

Clients that write it do so by hand: types may be class names, classes may be missing or wrong. So texts become numbers
and logicals where all values of a vector are, unless the object says that they are texts. A missing value is an empty
element; an empty text is an empty CDATA section.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Any

from lxml import etree

from deployr.encodings import xml_literals, xml_rows
from deployr.encodings.errors import EncodingError
from deployr.encodings.objects import Record
from deployr.encodings.scalars import class_name

MAX_TAGS = 10_000_000
"""Tags in a document. Each element takes far more memory than text; five million values take more than a gigabyte."""

Element = Any
"""An ``lxml`` element."""

_TEXT_KEYS = ("name", "type", "rclass", "format")
_ORDERED = {"": False, "false": False, "true": True}
_LISTS = ("list", "dataframe", "data.frame")
_FACTORS = ("factor", "ordered")
_DATES = ("date", "posixct", "posixlt")


def loads_inputs(text: bytes | str) -> dict[str, Record]:
    """The records by name, as :func:`~deployr.encodings.inputs.decode_inputs` takes them.

    Raises:
        EncodingError: it is not XML, not the ``inputs`` element, or has what inputs have no use for: document types,
            entities of its own, processing instructions, elements in namespaces.
    """
    root = _parsed(text)
    if root.tag != "inputs" or any(element.tag != "object" for element in root):
        raise EncodingError("The inputs are not an 'inputs' element with 'object' elements.")
    records = [_record(element) for element in root]
    if not all("name" in record for record in records):
        raise EncodingError("An object of the inputs has no name.")
    return {record["name"]: record for record in records}


def _parsed(text: bytes | str) -> Element:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if content.count(b"<") > MAX_TAGS:
        raise EncodingError(f"The XML has more than {MAX_TAGS} tags.")
    try:
        # A declaration says nothing of a text that the HTTP layer has already decoded.
        root = etree.fromstring(content, _parser("utf-8" if isinstance(text, str) else None))
        is_plain = not root.xpath("boolean(//processing-instruction() | //*[namespace-uri()])")
    except etree.LxmlError as ex:
        raise EncodingError(f"This is not XML: {ex}.") from ex
    if not is_plain or root.getroottree().docinfo.doctype:
        raise EncodingError("The XML has a document type, a processing instruction or a namespace.")
    return root


def _parser(encoding: str | None) -> Any:
    """A parser with its limits on (10 MB a text, 256 levels, little growth by entities): they are what stops bombs."""
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )


def _record(element: Element) -> Record:
    record = {key: text for key in _TEXT_KEYS if (text := element.findtext(key, "").strip())}
    ordered, values, value = element.findtext("ordered"), element.find("values"), element.find("value")
    if ordered is not None:
        record["ordered"] = _ORDERED.get(ordered.strip().lower(), ordered)
    if values is not None:
        record["value"] = _array(record, values)
    elif value is not None:
        record["value"] = _array(record, [value])[0]
    return record | _factor_parts(record, element)


def _array(record: Record, elements: Collection[Element]) -> list[Any]:
    """The elements of a vector, rows of a matrix or members of a list."""
    kind, hint = record.get("type", "").lower(), class_name(record.get("rclass"))
    if kind in _LISTS:
        return [_record(element) if len(element) else element.text for element in elements]
    texts = _texts(record, elements)
    if kind == "matrix":
        return _matrix(record, texts, hint)
    if kind in _FACTORS or class_name(kind) or _is_date(record):
        return texts
    return xml_literals.typed(texts, hint)


def _is_date(record: Record) -> bool:
    """Dates stay texts, though some look like numbers."""
    return "format" in record or any(record.get(key, "").lower() in _DATES for key in ("type", "rclass"))


def _texts(record: Record, elements: Collection[Element]) -> xml_literals.Texts:
    # Two passes, as each element costs memory for as long as it is held.
    if any(map(len, elements)):
        raise EncodingError(f"Input '{record.get('name')}' has elements in the place of a single value.")
    return [element.text for element in elements]


def _matrix(record: Record, texts: xml_literals.Texts, hint: str | None) -> list[list[Any]]:
    """Rows of cells; quotes mark cells as texts, unless the matrix says that it has none."""
    rows = [xml_rows.row_cells(text or "", record.get("name")) for text in texts]
    is_quoted = any(quoted for _, quoted in rows)
    cells = [cell for row, _ in rows for cell in row]
    typed = iter(xml_literals.typed(cells, hint or ("character" if is_quoted else None)))
    return [list(islice(typed, len(row))) for row, _ in rows]


def _factor_parts(record: Record, element: Element) -> Record:
    """Levels and labels. Values without either that are numbers have levels in the order of numbers, as in JSON."""
    plurals = {key: element.find(key) for key in ("levels", "labels")}
    parts = {key: _texts(record, plural) for key, plural in plurals.items() if plural is not None and len(plural)}
    values = record.get("value")
    if parts or not isinstance(values, list) or record.get("type", "").lower() not in _FACTORS:
        return parts
    distinct = dict.fromkeys(value for value in values if value is not None)
    order = xml_literals.numbers(list(distinct))
    if order is None:
        return {}
    return {"levels": sorted(distinct, key=dict(zip(distinct, order, strict=True)).__getitem__)}
