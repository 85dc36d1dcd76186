"""The reply of all calls that run R code."""

from __future__ import annotations

from falcon.asgi import Response

from deployr.api import envelope, records
from deployr.api.call import Call
from deployr.projects.records import Outcome


def reply(call: Call, response: Response, outcome: Outcome) -> None:
    """Tell the outcome; a failure of the R code tells all it did until then (7x-facts 2.3, 7.4).

    An interrupted execution is a failure, as the suite of the JavaScript broker has it, and says ``interrupted`` beside
    and inside of ``execution``. ``workspace`` and ``repository`` are there even when empty.
    """
    record = outcome.record
    parts = {
        "project": records.project(outcome.project),
        "interrupted": record.interrupted,
        "execution": records.execution(record, outcome.project.project, call.urls),
        "workspace": {"objects": outcome.objects},
        "repository": {"files": [records.repository_file(file, call.urls) for file in outcome.stored]},
    }
    if record.error is None:
        envelope.succeed(call, response, **parts)
    else:
        envelope.fail(call, response, record.error, record.error_code or 900, **parts)
