"""The row of services: one that holds a model of 20 MB predicts, warm and with its snapshot loaded for each call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from bench.deployr_client import AUTHOR, PASSWORD
from bench.http_client import HttpClient
from bench.load import Caller, Contestant, WrongAnswer, compete, ratio_of_medians
from bench.report import Number
from bench.rows import Bench

_MODEL = """
set.seed(1); n <- 80000L
rows <- data.frame(x1 = rnorm(n), x2 = rnorm(n)); rows$y <- rows$x1 + 2 * rows$x2 + rnorm(n)
@ lm(y ~ x1 + x2, rows); rm(rows)
"""
_PREDICT = "answer <- unname(predict(model, data.frame(x1 = x1, x2 = x2)))"
_BODY = orjson.dumps({"x1": 1.5, "x2": 2.5})
_EXPECTED = 1.5 + 2 * 2.5
_PARAMETERS = {
    "inputParameterDefinitions": [{"name": "x1", "type": "numeric"}, {"name": "x2", "type": "numeric"}],
    "outputParameterDefinitions": [{"name": "answer", "type": "numeric"}],
}
_NO_PARENT = "if (grepl('/services/', getwd(), fixed = TRUE)) stop('no parent')"
"""Init code that fails in a warm parent only."""


async def service_calls(bench: Bench) -> None:
    """The same service in forks of its warm parent, in plain sessions, and the same model in plumber."""
    client = await _logged_in(bench.server.port)
    session = (await _ask(client, "POST", "/sessions", {}))["sessionId"]
    await _ask(client, "POST", f"/sessions/{session}/execute", {"code": _MODEL.replace("@", "model <-")})
    snapshot = (await _ask(client, "POST", f"/sessions/{session}/snapshot", {}))["snapshotId"]
    for name, init in (("warm", ""), ("plain", _NO_PARENT)):
        said = {"code": _PREDICT, "initCode": init, "snapshotId": snapshot, **_PARAMETERS}
        await _ask(client, "POST", f"/services/bench-{name}/1", said)
        await _ask(client, "POST", f"/api/bench-{name}/1", orjson.loads(_BODY))
    # The one gets its parent meanwhile, and the other loses it.
    await asyncio.sleep(10)
    plumber = HttpClient(bench.plumber.port)
    await plumber.post("/run", {"code": _MODEL.replace("@", "model <<-")})
    contestants = [
        Contestant("deployr service, warm", [_service_caller(client, "warm")], bench.calls(100)),
        Contestant("deployr service, snapshot loaded", [_service_caller(client, "plain")], bench.calls(10)),
        Contestant("plumber (one process)", [_plumber_caller(plumber)], bench.calls(100)),
    ]
    await compete(contestants, bench.rounds)
    bench.report.add_timings("k", contestants)
    warm, plain, _ = contestants
    bench.report.numbers += [
        Number("k", "p50 of a warm service", warm.p50 * 1e3, "ms", 15),
        Number("k", "p50 to a snapshot loaded", ratio_of_medians(plain, warm), "x", 8, "at least"),
    ]
    client.close()
    plumber.close()


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


def _service_caller(client: HttpClient, name: str) -> Caller:
    async def call() -> bytes:
        return (await client.request("POST", f"/api/bench-{name}/1", _BODY, "application/json")).body

    return Caller(call, lambda body: _check(orjson.loads(body)["outputParameters"]["answer"]))


def _plumber_caller(client: HttpClient) -> Caller:
    code = f"x1 <- 1.5; x2 <- 2.5; {_PREDICT}"

    async def call() -> bytes:
        return (await client.post("/run", {"code": code})).body

    return Caller(call, lambda body: _check(orjson.loads(body)[0]))


def _check(value: float) -> None:
    if abs(value - _EXPECTED) > 0.1:
        raise WrongAnswer(f"{value} in the place of {_EXPECTED}")


ROWS: dict[str, Callable[[Bench], Awaitable[None]]] = {"k": service_calls}
