"""The parameters of jobs: those of the standard execution model, and where the code comes from (7x-facts 17.1)."""

from __future__ import annotations

import dataclasses
import re

from deployr.api.call import Call
from deployr.api.execution_params import read_job_scripts, read_options
from deployr.api.own_urls import local_places
from deployr.api.params import MalformedParameter, Params
from deployr.errors import InvalidParameter
from deployr.jobs.records import PRIORITIES, Parameters, Priority, Request, Schedule, Submission
from deployr.jobs.schedules import DEFAULT_INTERVAL
from deployr.store.database import now_ms

_NOT_KEPT = ("format", "X-XSRF-TOKEN")
_SESSION_ID = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
_SPELLINGS: dict[str, Priority] = {
    **{spelling: priority for priority in PRIORITIES for spelling in (priority, f"{priority}_priority")},
    "mediium_priority": "medium",
}
"""Priorities as clients spell them: the broker of .NET sends names of constants, one misspelt in its documentation."""

_LATEST = 2**53
"""Greatest number of a schedule: clients compute with doubles."""


async def read_request(parameters: Parameters) -> Request:
    """What a job runs.

    Raises:
        MalformedParameter: there is nothing to run, or a parameter cannot be read.
        DeployrError: the inputs do not describe R values.
    """
    params = Params(parameters)
    request = Request(
        scripts=read_job_scripts(params),
        external=params.names("externalsource"),
        code=params.text("code"),
        options=await read_options(params),
        cluster=params.text("cluster"),
        store_project=not params.flag("storenoproject"),
    )
    if not (request.scripts or request.external or request.code):
        raise MalformedParameter("Missing parameter: code, rscriptname or externalsource.")
    return request


async def read_submission(call: Call, params: Params) -> Submission:
    """A job that runs at once; raises as :func:`read_request`."""
    parameters = _kept(call, params)
    return Submission(
        name=params.required("name"),
        descr=params.text("descr", "desrc"),
        priority=_priority(params),
        request=await read_request(parameters),
        parameters=parameters,
    )


async def read_scheduled(call: Call, params: Params) -> Submission:
    """A job that runs on a schedule; one that names none runs once, now.

    Raises:
        InvalidParameter: a number of the schedule is negative or too large.
    """
    schedule = Schedule(
        start=_number(params, "schedstart") or now_ms(),
        repeat=_number(params, "schedrepeat"),
        interval=_number(params, "schedinterval") or DEFAULT_INTERVAL,
    )
    return dataclasses.replace(await read_submission(call, params), schedule=schedule)


def _kept(call: Call, params: Params) -> dict[str, str]:
    """The parameters as they were sent, but for session ids in this server's own URLs: these are secrets."""
    kept = {name: text for name, text in params.sent.items() if text and name not in _NOT_KEPT}
    if places := params.names("externalsource"):
        kept["externalsource"] = ",".join(_SESSION_ID.sub("", place) for place in local_places(call, places))
    return kept


def _priority(params: Params) -> Priority:
    wanted = (params.text("priority") or "low").lower()
    if wanted not in _SPELLINGS:
        raise MalformedParameter("Parameter priority is none of low, medium, high.")
    return _SPELLINGS[wanted]


def _number(params: Params, name: str) -> int:
    """Zero means "not given" to .NET."""
    number = params.number(name) or 0
    if not 0 <= number <= _LATEST:
        raise InvalidParameter(f"Parameter {name} is negative or too large.")
    return number
