"""Realtime services are services whose code this server writes: it lets a model predict (9x-facts 9)."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import NamedTuple

from deployr.errors import InvalidParameter
from deployr.mlserver.records import Runtime
from deployr.mlserver.service_records import Parameter, Service

INPUTS = (Parameter("inputData", "data.frame"),)
OUTPUTS = (Parameter("outputData", "data.frame"),)

MODEL = "model"
"""Name of the object in the service's snapshot."""

PREFIX = b"blob"
"""What clients want a model to begin with; nothing of it is the model's."""

_HEAD = 16
_R = (b"X\n", b"A\n", b"B\n", b"RDX", b"RDA", b"RDB", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_PICKLE = b"\x80"
_ONNX = b"\x08"
"""Serialized messages begin with their first field: the version of the format, a number."""

_KINDS = (
    "models that serialize() or saveRDS() of R or rxSerializeModel() of this server wrote, Python's pickle or dill, "
    "and ONNX"
)

# The method for a class is in the package that has fitted the model, which often has the name of the class.
_R_INIT = """
local(for (name in unique(c(attr(class(model), "package"), class(model))))
  suppressWarnings(suppressPackageStartupMessages(requireNamespace(name, quietly = TRUE))))
"""

# A vector is one column, named after the response as the original named it.
_R_CODE = """
outputData <- local({
  # Without new data, predict() gives the fitted values: what the model was trained with.
  if (is.null(inputData)) stop("inputData is missing", call. = FALSE)
  predicted <- stats::predict(model, inputData)
  response <- tryCatch(all.vars(stats::formula(model)[[2L]])[1L], error = function(e) NULL)
  if (is.data.frame(predicted)) predicted
  else if (length(dim(predicted)) == 2L) as.data.frame(predicted)
  else structure(data.frame(unname(c(predicted)), stringsAsFactors = FALSE),
                 names = paste(c(response, "Pred"), collapse = "_"))
})
"""

_PYTHON_CODE = """
def _score(model, rows):
    import numpy
    import pandas

    if rows is None:
        raise ValueError("inputData is missing")
    predicted = model.predict(rows)
    if isinstance(predicted, pandas.DataFrame):
        return predicted
    values = numpy.asarray(predicted)
    response = getattr(model, "endog_names", None)
    name = f"{response}_Pred" if isinstance(response, str) else "Pred"
    if values.ndim < 2:
        return pandas.DataFrame({name: values.reshape(-1)})
    return pandas.DataFrame({f"{name}.{number + 1}": column for number, column in enumerate(values.T)})


outputData = _score(model, inputData)
"""


class Kind(NamedTuple):
    """What a model is.

    Attributes:
        runtime: interpreter that scores it.
        loader: function of sessions that makes an object of it, see ``objects.R`` and ``workspace.py`` of the grid.
    """

    runtime: Runtime
    loader: str


def kind_of(model: bytes) -> Kind:
    """What a model is, by its first bytes.

    Raises:
        InvalidParameter: it is of no kind that this server scores.
    """
    head = model.removeprefix(PREFIX)
    if head.startswith(_R):
        return Kind("R", "undump_object")
    if head.startswith(_PICKLE):
        return Kind("Python", "undump_object")
    if head.startswith(_ONNX):
        return Kind("Python", "undump_onnx")
    raise InvalidParameter(
        f"Parameter model: it is of an unknown kind; this server scores {_KINDS}. Models that RevoScaleR or "
        "MicrosoftML has serialized can only be read by these."
    )


def as_code(service: Service, model: Path) -> Service:
    """A realtime service as the code that it stands for.

    Args:
        model: file of its model.
    """
    runtime = _runtime(model)
    init = _R_INIT if runtime == "R" else ""
    code = _R_CODE if runtime == "R" else _PYTHON_CODE
    return dataclasses.replace(service, runtime=runtime, init_code=init, code=code)


@functools.lru_cache(maxsize=1024)
def _runtime(model: Path) -> Runtime:
    """Models are files whose content never changes."""
    with model.open("rb") as file:
        return kind_of(file.read(_HEAD)).runtime
