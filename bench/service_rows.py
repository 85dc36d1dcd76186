"""The row of services: one that holds a model of 20 MB predicts, warm and with its snapshot loaded for each call.

Two kinds of model: what loading costs depends on how many parts R has to make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bench.deployr_client import AUTHOR, PASSWORD
from bench.http_client import HttpClient
from bench.load import Caller, Contestant, WrongAnswer, compete, ratio_of_medians
from bench.report import Number
from bench.rows import Bench


@dataclass(frozen=True)
class _Model:
    """A model that takes 20 MB of memory.

    Attributes:
        version: of the services that hold it.
        make: code that makes it; ``@`` stands for the assignment to ``model``.
        predict: code that makes ``answer`` from ``x1`` and ``x2``.
    """

    version: str
    name: str
    make: str
    predict: str


_FEW_VECTORS = _Model(
    "1",
    "few vectors",
    """
set.seed(1); n <- 80000L
rows <- data.frame(x1 = rnorm(n), x2 = rnorm(n)); rows$y <- rows$x1 + 2 * rows$x2 + rnorm(n)
@ lm(y ~ x1 + x2, rows); rm(rows)
""",
    "answer <- unname(predict(model, data.frame(x1 = x1, x2 = x2)))",
)
_MANY_PARTS = _Model(
    "2",
    "many parts",
    """
grow <- function(depth) {
  if (depth == 0L) return(list(value = 6.5))
  list(variable = 1L + depth %% 2L, cut = depth / 10, left = grow(depth - 1L), right = grow(depth - 1L))
}
@ lapply(1:200, function(number) grow(7L)); rm(grow)
""",
    """
walk <- function(node, x) {
  while (is.null(node$value)) node <- if (x[node$variable] < node$cut) node$left else node$right
  node$value
}
answer <- mean(vapply(model, walk, 0, c(x1, x2)))
""",
)
"""200 trees of 255 nodes each, as ensembles are kept: R makes each part anew when it loads them."""

_BODY = orjson.dumps({"x1": 1.5, "x2": 2.5})
_EXPECTED = 1.5 + 2 * 2.5
_PARAMETERS = {
    "inputParameterDefinitions": [{"name": "x1", "type": "numeric"}, {"name": "x2", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "answer", "type": "numeric"}],
}
_PAUSE = 0.05
"""Seconds between calls that come now and then: enough to have the next session ready."""

_NO_PARENT = "if (grepl('/services/', getwd(), fixed = TRUE)) stop('no parent')"
"""Init code that fails in a warm parent only."""


async def service_calls(bench: Bench) -> None:
    """The same service in forks of its warm parent, in plain sessions, and the same model in plumber."""
    client, plumber = await _logged_in(bench.server.port), HttpClient(bench.plumber.port)
    warm, plain, *_, warm_paced, plain_paced = await _compared(bench, client, plumber, _FEW_VECTORS)
    warm_parts, plain_parts, *_ = await _compared(bench, client, plumber, _MANY_PARTS)
    bench.report.numbers += [
        Number("k", "p50 of a warm service", warm.p50 * 1e3, "ms", 15),
        # A caller who leaves no pause waits for forks to be made as well.
        Number(
            "k", "p50 to a snapshot loaded, now and then", ratio_of_medians(plain_paced, warm_paced), "x", 8, "at least"
        ),
        Number("k", "p50 to a snapshot loaded, without a pause", ratio_of_medians(plain, warm), "x"),
        Number("k", "p50 to a snapshot loaded, many parts", ratio_of_medians(plain_parts, warm_parts), "x"),
    ]
    client.close()
    plumber.close()


async def _compared(bench: Bench, client: HttpClient, plumber: HttpClient, model: _Model) -> list[Contestant]:
    await _publish(client, model)
    # The one gets its parent meanwhile, and the other loses it.
    await asyncio.sleep(10)
    await plumber.post("/run", {"code": model.make.replace("@", "model <<-")})
    # As save.image() writes it: R's default is to compress.
    await plumber.post("/run", {"code": "saved <<- tempfile(); save(model, file = saved)"})
    contestants = [
        Contestant(f"deployr service, warm, {model.name}", [_service_caller(client, "warm", model)], bench.calls(100)),
        Contestant(
            f"deployr service, snapshot loaded, {model.name}",
            [_service_caller(client, "plain", model)],
            bench.calls(10),
        ),
        Contestant(f"plumber (one process), {model.name}", [_plumber_caller(plumber, model.predict)], bench.calls(100)),
        Contestant(
            f"plumber, load() of a saved image, {model.name}",
            [_plumber_caller(plumber, f"load(saved); {model.predict}")],
            bench.calls(10),
        ),
        Contestant(
            f"deployr service, warm, {model.name}, now and then",
            [_service_caller(client, "warm", model)],
            bench.calls(100),
            pause=_PAUSE,
        ),
        Contestant(
            f"deployr service, snapshot loaded, {model.name}, now and then",
            [_service_caller(client, "plain", model)],
            bench.calls(30),
            pause=_PAUSE,
        ),
    ]
    await compete(contestants, bench.rounds)
    bench.report.add_timings("k", contestants)
    return contestants


async def _publish(client: HttpClient, model: _Model) -> None:
    """The services ``bench-warm`` and ``bench-plain``, of a version of their own."""
    session = (await _ask(client, "POST", "/sessions", {}))["sessionId"]
    await _ask(client, "POST", f"/sessions/{session}/execute", {"code": model.make.replace("@", "model <-")})
    snapshot = (await _ask(client, "POST", f"/sessions/{session}/snapshot", {}))["snapshotId"]
    for name, init in (("warm", ""), ("plain", _NO_PARENT)):
        said = {"code": model.predict, "initCode": init, "snapshotId": snapshot, **_PARAMETERS}
        await _ask(client, "POST", f"/services/bench-{name}/{model.version}", said)
        await _ask(client, "POST", f"/api/bench-{name}/{model.version}", orjson.loads(_BODY))


async def _logged_in(port: int) -> HttpClient:
    client = HttpClient(port)
    tokens = await _ask(client, "POST", "/login", {"username": AUTHOR, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return client


async def _ask(client: HttpClient, method: str, path: str, body: object) -> Any:
    answer = await client.request(method, path, orjson.dumps(body), "application/json")
    if answer.status >= 300:
        raise WrongAnswer(f"{path}: HTTP {answer.status} {answer.body!r}")
    return orjson.loads(answer.body) if answer.body else None


def _service_caller(client: HttpClient, name: str, model: _Model) -> Caller:
    async def call() -> bytes:
        return (await client.request("POST", f"/api/bench-{name}/{model.version}", _BODY, "application/json")).body

    return Caller(call, lambda body: _check(orjson.loads(body)["outputParameters"]["answer"]))


def _plumber_caller(client: HttpClient, predict: str) -> Caller:
    code = f"x1 <- 1.5; x2 <- 2.5; {predict}"

    async def call() -> bytes:
        return (await client.post("/run", {"code": code})).body

    return Caller(call, lambda body: _check(orjson.loads(body)[0]))


def _check(value: float) -> None:
    if abs(value - _EXPECTED) > 0.1:
        raise WrongAnswer(f"{value} in the place of {_EXPECTED}")


ROWS: dict[str, Callable[[Bench], Awaitable[None]]] = {"k": service_calls}
