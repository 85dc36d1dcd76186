"""Strategies for requests: any call, with parameters it knows and does not know, in any body."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from deployr.api.app import routes
from deployr.backend import Backend
from deployr.settings import Settings
from tests.badinput.wire import FORM, field, file, multipart

ENDING = ("/r/project/close", "/r/project/delete", "/r/user/logout", "/r/user/release", "/r/project/recycle")
"""Calls that end what the other requests aim at; strangers make these."""

_NAMES = """
    project projectname projectdescr projectcookie name descr longdescr filename directory author version
    newauthor revokeauthor desrc tags restricted shared published newversion newversionmsg inputs outputs
    csvinputs code robjects robject tag phantom echooff consoleoff artifactsoff graphics graphicswidth
    graphicsheight nan infinity blackbox recycle cluster encodeDataFramePrimitiveAsVector execution filterdepth
    filtertag reversed root clazz filter restrict pagesize pageoffset start length overwrite categoryFilter
    external inline format text url save destination filerename preservedirectory preserveworkspace
    dropworkspace disableautosave isordered usercookie job enable preloadobjectname preloadbydirectory
    adoptworkspace storefile storeobject storeworkspace rename priority sharedprojectsalso username password
"""
_KNOWN = """
    @target@ @foreign@ @stateless@ @execution@ @plot@ target.R target.txt target nobody basic root true false
    True 0 1 -1 1.0 json xml png svg script ../kept {} [] <inputs/> a,1 , %s 'OR+1=1
"""
"""What ids and values of parameters are drawn from; others are drawn as well."""


@dataclasses.dataclass(frozen=True)
class Generated:
    """A request; ids are still names.

    Attributes:
        target: path and query below the context.
        kind: content type.
        caller: who sends it.
    """

    method: str
    target: str
    kind: str
    body: bytes
    caller: str


def _calls() -> list[str]:
    """All calls that the server routes, as URI templates, but the event stream: its replies do not end."""
    with tempfile.TemporaryDirectory() as home:
        return sorted(routes(Backend(Settings.load(flags={"home": home}))).keys() - {"/r/event/stream"})


json_values: SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
records = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["primitive", "vector", "matrix", "list", "dataframe", "factor", "date", "logical", "x"]
        ),
        "value": json_values,
    },
    optional={
        "rclass": st.sampled_from(["numeric", "integer", "character", "Date", "POSIXct", "ordered", "x"]),
        "format": st.sampled_from(["yyyy-MM-dd", "HH"]) | st.text(max_size=8),
        "name": st.text(max_size=4),
        "levels": json_values,
    },
)
inputs = st.dictionaries(st.text(max_size=4), records | json_values, max_size=3).map(json.dumps)
tags = st.sampled_from(
    ["<object>", "</object>", "<value>", "</value>", "<name>", "</name>", "<type>list</type>", "&#0;"]
)
xml_inputs = st.lists(tags | st.text(max_size=3), max_size=8).map(lambda parts: f"<inputs>{''.join(parts)}</inputs>")
texts = st.sampled_from(_KNOWN.split()) | st.text(max_size=12) | inputs | xml_inputs
encoded = texts.map(lambda text: quote(text, safe="@")) | st.binary(max_size=8).map(quote_from_bytes)
names = st.sampled_from(_NAMES.split()) | st.text(max_size=4)
params = st.dictionaries(names, texts, max_size=4)
forms = st.lists(st.tuples(names.map(quote), encoded), max_size=4).map(lambda pairs: "&".join(map("=".join, pairs)))
AIMED = "project=@target@&filename=target.R&author=testuser&name=target&"
queries = forms | forms.map(lambda form: AIMED + form)
kinds = st.sampled_from(
    [FORM, "multipart/form-data; boundary=B", "application/json", "text/xml", "", "multipart/form-data"]
)
templates = st.sampled_from(_calls())


@st.composite
def targets(draw: st.DrawFn) -> str:
    """A call with something in the places of its path, or a path of no call."""
    template = draw(templates)
    while "{" in template:
        before, _, rest = template.partition("{")
        template = before + draw(encoded) + rest.partition("}")[2]
    return template + draw(st.just("") | st.sampled_from(["/", "//x", ";jsessionid=X", "&project=@target@", "/%2e%2e"]))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """Content type and body: a form, a multipart body, either cut short, or noise."""
    kind = draw(kinds)
    if kind.startswith("multipart"):
        parts = [field(quote(name), text) for name, text in draw(params).items()]
        body = multipart("B", *parts, *draw(st.sampled_from([[], [file(b"x")]])))
    else:
        body = draw(queries).encode()
    shorter = draw(st.none() | st.integers(0, len(body)))
    return kind, draw(st.sampled_from([body, body[:shorter]]) | st.binary(max_size=30))


@st.composite
def requests(draw: st.DrawFn) -> Generated:
    """Any request."""
    target = draw(targets())
    caller = draw(st.sampled_from(["testuser", "testuser", "other", "anonymous"]))
    if target.startswith(ENDING):
        caller = "anonymous"
    if draw(st.booleans()):
        return Generated("GET", f"{target}?{draw(queries)}", FORM, b"", caller)
    kind, body = draw(bodies())
    return Generated("POST", target, kind, body, caller)
