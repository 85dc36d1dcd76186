import math
import time
import timeit

import numpy as np
import pytest

from deployr.encodings import deployr_json, model, objects
from deployr.encodings.errors import EncodingError


def test_floats_keep_their_point_and_integers_have_none():
    record = {"f": 5.0, "i": 5, "a": np.array([1.0, 2.5]), "m": np.array([[1.0], [2.0]]), "b": np.array([True])}
    assert deployr_json.dumps(record) == b'{"f":5.0,"i":5,"a":[1.0,2.5],"m":[[1.0],[2.0]],"b":[true]}'


def test_matrices_without_cells_are_written():
    assert deployr_json.dumps(np.empty((2, 0))) == b"[[],[]]"
    assert deployr_json.dumps(np.empty((0, 2))) == b"[]"


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", '{"a":1}x', "{'a':1}", "nul", '"\\ud800"', b"\xff", "[NaN,]", "NaNN", "+Infinity"]
)
def test_what_is_not_json_is_refused(text):
    with pytest.raises(EncodingError):
        deployr_json.loads(text)


def test_nesting_without_end_is_refused():
    with pytest.raises(EncodingError):
        deployr_json.loads("[" * 100_000)
    with pytest.raises(EncodingError):
        deployr_json.loads("[" * 100_000 + "NaN")


def test_json_of_too_many_parts_is_refused() -> None:
    with pytest.raises(EncodingError, match="more than 500000"):
        deployr_json.loads("[" + "{}," * 500_000 + "1]")


def test_the_bare_words_of_dotnet_are_numbers():
    read = deployr_json.loads(b'{"a": [NaN, Infinity, -Infinity, 1.0], "NaN": "NaN \\" Infinity"}')
    assert math.isnan(read["a"][0])
    assert read["a"][1:] == [math.inf, -math.inf, 1.0]
    assert read["NaN"] == 'NaN " Infinity'


def test_a_large_data_frame_is_written_in_little_time():
    rows = 100_000
    columns = {
        "d": model.Double(np.random.default_rng(1).random(rows)),
        "i": model.Integer(np.arange(rows, dtype=np.int32)),
        "c": model.Character([f"text {row}" for row in range(rows)]),
    }
    frame = model.data_frame(columns)
    taken = timeit.repeat(
        lambda: deployr_json.dumps(objects.encode_object("x", frame)), timer=time.process_time, number=1, repeat=3
    )
    # Takes about 8 ms; one Python step an element would take several times the limit.
    assert min(taken) < 0.1
