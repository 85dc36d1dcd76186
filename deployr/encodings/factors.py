"""Factors from what clients send: values, levels and labels (7x-facts 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deployr.encodings import model, scalars
from deployr.encodings.errors import EncodingError


def decode(values: Sequence[Any], levels: object, labels: object, ordered: object, where: str) -> model.Factor:
    """A factor as R's ``factor(values, levels, labels, ordered = ordered)`` makes it.

    Args:
        values: JSON scalars, matched against the levels; null and what matches none is NA.
        levels: array of the distinct values, or ``None``.
        labels: array of what to show for each level, or ``None``; without levels they are the levels.
        ordered: true, false or ``None``.
        where: the input's name for messages.

    Raises:
        EncodingError: one of them is of the wrong type, levels repeat, or there is not one label a level.
    """
    if not isinstance(ordered, bool | None):
        raise EncodingError(f"Input '{where}' is a factor whose 'ordered' is neither true nor false.")
    label_texts = None if labels is None else _texts(labels, where)
    level_texts = label_texts if levels is None else _texts(levels, where)
    if level_texts is None:
        level_texts = _distinct(values, where)
    if label_texts is None:
        label_texts = level_texts
    if len(set(level_texts)) != len(level_texts) or len(label_texts) != len(level_texts):
        raise EncodingError(f"Input '{where}' is a factor whose levels and labels do not fit.")
    return _matched(_texts(values, where), level_texts, label_texts, bool(ordered))


def _matched(values: model.Texts, levels: model.Texts, labels: model.Texts, ordered: bool) -> model.Factor:
    """Levels that share a label become one."""
    shown = list(dict.fromkeys(label for label in labels if label is not None))
    codes = {level: shown.index(label) + 1 for level, label in zip(levels, labels, strict=True) if label is not None}
    return model.factor([codes.get(value) for value in values], shown, ordered=ordered)


def _texts(elements: object, where: str) -> model.Texts:
    if not isinstance(elements, list):
        raise EncodingError(f"Input '{where}' is a factor with something else in the place of an array.")
    return model.as_texts(scalars.coerced(elements, "character", where))


def _distinct(values: Sequence[Any], where: str) -> model.Texts:
    """The distinct values in order, numbers by size and texts by character."""
    numbers = all(isinstance(value, int | float | None) for value in values)
    distinct = {value for value in values if value is not None} if numbers else set(_texts(values, where)) - {None}
    return _texts(sorted(distinct), where)  # type: ignore[type-var]
