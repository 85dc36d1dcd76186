"""Small models of ONNX, made with onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx import TensorProto, helper

Shape = tuple[str, Sequence[int | str]]
"""Type of the elements, and extents; the first is that of the rows."""

_OPERATORS = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)]
_FORMAT = 8
_FLOATS = helper.make_tensor_type_proto(TensorProto.FLOAT, None)


def model(
    nodes: Sequence[tuple[str, Sequence[str], Sequence[str], Mapping[str, Any]]],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape | None],
    constants: Mapping[str, Sequence[float]] | None = None,
) -> bytes:
    """A model.

    Args:
        nodes: operator, inputs, outputs, attributes.
        outputs: ``None`` is one of maps from labels to numbers.
        constants: columns of numbers.
    """
    made = [
        helper.make_node(name, given, made, domain="ai.onnx.ml" if name == "ZipMap" else "", **attributes)
        for name, given, made, attributes in nodes
    ]
    tensors = [
        helper.make_tensor(name, TensorProto.FLOAT, [len(values), 1], values)
        for name, values in (constants or {}).items()
    ]
    graph = helper.make_graph(
        made,
        "sample",
        [_value(name, shape) for name, shape in inputs.items()],
        [_value(name, shape) for name, shape in outputs.items()],
        tensors,
    )
    whole = helper.make_model(graph, opset_imports=_OPERATORS, ir_version=_FORMAT)
    return bytes(whole.SerializeToString())


def linear(weights: Sequence[float], bias: float) -> bytes:
    """``y`` from a matrix ``x``."""
    return model(
        [("MatMul", ["x", "weights"], ["weighted"], {}), ("Add", ["weighted", "bias"], ["y"], {})],
        {"x": ("FLOAT", ["rows", len(weights)])},
        {"y": ("FLOAT", ["rows", 1])},
        {"weights": weights, "bias": [bias]},
    )


def summing(first: str, second: str) -> bytes:
    """``sum`` of two columns."""
    inputs: dict[str, Shape] = {first: ("FLOAT", ["rows", 1]), second: ("FLOAT", ["rows"])}
    flat = ("Flatten", [second], ["flat"], {"axis": 1})
    return model([flat, ("Add", [first, "flat"], ["sum"], {})], inputs, {"sum": ("FLOAT", ["rows", 1])})


def named(kind: str) -> bytes:
    """The column ``x``, of elements of a kind, as ``same``."""
    return model([("Identity", ["x"], ["same"], {})], {"x": (kind, ["rows"])}, {"same": (kind, ["rows"])})


def _value(name: str, shape: Shape | None) -> Any:
    if shape is None:
        labelled = helper.make_map_type_proto(TensorProto.STRING, _FLOATS)
        return helper.make_value_info(name, helper.make_sequence_type_proto(labelled))
    return helper.make_tensor_value_info(name, TensorProto.DataType.Value(shape[0]), shape[1])
