"""Models of ONNX: which are taken, what they get of a data frame, what comes back."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deployr.grid.python.onnx_models import OnnxModel
from tests.onnx_models import linear, model, named, summing

FLOAT, DOUBLE, INT64, TEXT, BOOL = ("FLOAT", "DOUBLE", "INT64", "STRING", "BOOL")


def test_a_matrix_is_all_columns_in_their_order() -> None:
    rows = pd.DataFrame({"wt": [1, 2], "hp": [10.5, None]})
    scored = OnnxModel(linear(weights=[2, 10], bias=1)).predict(rows)
    assert [*scored.columns] == ["y"]
    assert scored["y"][0] == 108
    assert np.isnan(scored["y"][1])


def test_inputs_of_one_column_are_found_by_name() -> None:
    rows = pd.DataFrame({"more": [9], "b": [2], "a": [1]})
    assert OnnxModel(summing("a", "b")).predict(rows).to_dict("list") == {"sum": [3]}
    with pytest.raises(ValueError, match="lacks the column 'b'"):
        OnnxModel(summing("a", "b")).predict(rows[["a"]])


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (FLOAT, [1, 2.5], [1, 2.5]),
        (DOUBLE, [0.1, 1e300], [0.1, 1e300]),
        (INT64, [1.0, 2**53], [1, 2**53]),
        (TEXT, ["é", ""], ["é", ""]),
        (BOOL, [True, False], [True, False]),
        (INT64, [], []),
    ],
)
def test_values_go_through(kind: str, given: list[Any], expected: list[Any]) -> None:
    assert OnnxModel(named(kind)).predict(pd.DataFrame({"x": given}))["same"].tolist() == expected


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (FLOAT, ["1"], "numbers"),
        (FLOAT, [1, "1", None], "numbers"),
        (INT64, [1.5], "int64"),
        (INT64, [1, None], "int64"),
        (BOOL, [2], "bool"),
        (TEXT, ["a", None], "texts"),
        (TEXT, [1], "texts"),
    ],
)
def test_values_are_not_bent(kind: str, given: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"'x' is to hold {message}"):
        OnnxModel(named(kind)).predict(pd.DataFrame({"x": given}))


def test_outputs_of_several_columns_are_numbered_and_those_of_classifiers_labelled() -> None:
    rows = pd.DataFrame({"a": [0.25, 0.5], "b": [0.75, 0.5]})
    wide = model([("Identity", ["x"], ["p"], {})], {"x": (FLOAT, ["n", 2])}, {"p": (FLOAT, ["n", 2])})
    assert OnnxModel(wide).predict(rows).to_dict("list") == {"p.1": [0.25, 0.5], "p.2": [0.75, 0.5]}
    zipped = model(
        [("ZipMap", ["x"], ["p"], {"classlabels_strings": ["no", "yes"]})], {"x": (FLOAT, ["n", 2])}, {"p": None}
    )
    assert OnnxModel(zipped).predict(rows).to_dict("list") == {"p.no": [0.25, 0.5], "p.yes": [0.75, 0.5]}


def test_a_matrix_of_other_width_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 columns, the model takes 2"):
        OnnxModel(linear(weights=[1, 2], bias=0)).predict(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    "inputs",
    [{"x": (FLOAT, ["n", 3, 8, 8])}, {"x": ("BFLOAT16", ["n", 1])}, {"a": (FLOAT, ["n", 2]), "x": (FLOAT, ["n", 1])}],
)
def test_what_takes_no_rows_is_refused_when_it_is_loaded(inputs: dict[str, Any]) -> None:
    content = model([("Shape", ["x"], ["y"], {})], inputs, {"y": (INT64, ["k"])})
    with pytest.raises(ValueError, match=r"rows of a data frame|more than one column"):
        OnnxModel(content)


def test_a_model_can_be_saved() -> None:
    again = pickle.loads(pickle.dumps(OnnxModel(summing("a", "b"))))
    assert again.predict(pd.DataFrame({"a": [1], "b": [2]}))["sum"].tolist() == [3]
