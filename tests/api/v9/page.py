"""Prints ``docs/mlserver-9x.md``: what is supported, by operation and release.

``python -m tests.api.v9.page > docs/mlserver-9x.md``
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from deployr.api.v9.definitions import RELEASES
from deployr.api.v9.operations import OPERATIONS, TAGS, Operation
from tests.api.v9.replay import operation_of
from tests.api.v9.walk import WALKED
from tests.recordings.recorded import ml_clients, requests_of

PAGE = Path(__file__).parents[3] / "docs" / "mlserver-9x.md"

_INTRODUCTION = """# The API of R Server and Machine Learning Server 9.x

This page is generated: `python -m tests.api.v9.page > docs/mlserver-9x.md`.

Clients of R Server 9.0 and 9.1 and of Machine Learning Server 9.2 and 9.3 find their API at the root of the same
ports that serve the legacy API below `/deployr`. It is a second application on the same users, grid and database;
nothing of the legacy API, its cookies for instance, touches its calls.

## Releases

The API of 9.3.0 is spoken; `mlserver.compat` chooses an older release, which then lacks the later operations (404),
and of which 9.0.1 has other words in its status document. `GET /swagger.json` is the core document of what runs,
without the operations that are not built; the documents of all releases are below `/swagger/` under the names that
they were published under, such as `/swagger/mlserver-swagger-9.3.0.json`. They are made from the definitions that
this server reads and writes by, and differ from the original ones where these say otherwise than servers did:
`expires_on` is a number, the value of a workspace object is of any type, errors have `code` and `fields` too.

## Logins and tokens

`POST /login` gives a bearer token for name and password of an account; failures count for the account's lock as those
of the legacy login do. The access token is a JWT, signed (RS256) by a key that the first start makes in `keys/` of
the home directory; the public keys are at `/.well-known/jwks.json`. `deployr token rotate-key` makes a new key, with
which all web workers sign at once; tokens of the old one stay valid until they expire. A refresh token is used once:
it ends with its access token when it is renewed or revoked (query or path), and a refresh token that comes a second
time ends all that came of its login. A new password and disabling an account end all its tokens. Lifetimes are the
settings `[tokens]`.

With `[ldap]` users of a directory log in too, with roles by their groups: see
[administration.md](administration.md#users-of-a-directory-ldap-active-directory). Unlike the original,
`admin` can still log in then.

With `oidc.issuer` and `oidc.audience` tokens of an OpenID Connect issuer, such as Azure Active Directory, are
accepted too: signature (keys are found by discovery and kept for an hour), issuer, audience and times are checked,
`oidc.username_claim` names the user, and `oidc.roles` maps values of `oidc.roles_claim` to roles. A user who comes
for the first time gets an account without a password; names of accounts of this server's own are refused.

## Roles

Administrators are Owners, power users Contributors, all others Readers; `mlserver.owner`, `contributor` and `reader`
name other roles. Owners change what anybody published, and the list of compute nodes. Unlike the original, Readers
open no sessions, since basic users may not run code of their own: `mlserver.reader_sessions` lets them.

## Sessions

Sessions are processes of the grid, R or Python, private to their user and ended after `mlserver.session_timeout`
without a call, or when one of their processes has used the CPU time `mlserver.cpu_limit` (0: no limit).
Numbers in inputs are numeric in R; in Python they are integers when they are written without a
fraction, exact in 64 bits as those of bit64 are in R, and arrays of one element are arrays there, on the way out too.
NaN, Infinity and -Infinity are read as Python writes them, and "NA" among numbers as null, since jsonlite means that.
NA, NaN and infinities come out as null, factors as labels, dates as ISO 8601 texts, complex numbers as R prints them,
raw vectors in base64, and as arrays of numbers in columns of data frames and where a vector is declared.

Plots whose code opened no device become files of the working directory, 400 pixels wide and high, and are among the
changed files. An execution while another one runs is refused (409), `console-output` and `cancel` are served
meanwhile. Objects are taken as `serialize`, `saveRDS` or `save` of R wrote them, compressed or not, and given as
rData files; of Python as dill writes them. A session that has died is absent (404), and gone (410) where its objects
are listed. `q()` and `quit()` end the code that calls them, not the session, in services, too; with a status other
than 0 the code has failed. `install.packages` installs into the working directory, and `library` finds it there.
The history has the code of all executions, of very many the last 8 million characters. `help` is console text, and
`browser`, `readline` and the like find that nobody answers.

## Services

A service is published by name and version under whatever fits in a path; a version of the server's choice is a GUID.
A name belongs to who used it first: other Contributors publish no versions of it, and only the publisher of a version
and Owners change or delete it and see its code. A second publication of a version is refused (409). A change leaves
what it does not name, and what is null; an empty list or text voids, but `code` cannot be empty. Runtime, name,
version, publisher and time of creation never change. A snapshot that a service was published with can be deleted: the
service keeps its content.

Inputs and outputs are variables: a name comes once, is no word of the language, and in Python an identifier. Names
of output files are those of files of the working directory itself. Code and descriptions have up to 1,048,576
characters, names up to 200, lists up to 1,000 items. A request that does not keep to this is refused (400), and the
message names the parameter. Types may be said in the words of other languages and in any case, such as `string`,
`Double`, `int`, `boolean` or `dataframe`; they are kept and listed as documented.

Instead of `code`, publications and changes can have `repositoryScript`, `author/directory/filename` of a script of the
legacy repository, with `/version` after it for a former version. The service gets the code that the script has then,
and its language; a change takes it anew. Scripts whose code the publisher may run but not see are refused (403).
Jobs of the legacy API run R services as scripts of the name `service:NAME/VERSION`, see [jobs.md](jobs.md).

`/api/{name}/{version}/swagger.json` is the document of one service, made anew from what it is now. The operation that
runs the service is called by the service's `operationId`, and `ConsumeWebService` when it has none or one that the
document has already.

## Snapshots

A snapshot holds the workspace and the files of the working directory and of all directories below it, hidden ones
included: links, empty directories and a file of the name that the workspace has in the zip stay out. It is a zip of
these files and of `.RData` (R) or `workspace.dill` (Python), goes
into sessions of its own runtime only (else 400), and is private: for others it is absent. Loading replaces what has the
same name and leaves the rest. A service whose snapshot is of the other runtime has its files only. A session that holds
more than four times the largest upload, 100,000 files and directories, or 16 levels of these, is not kept (413).

Lists of files and changed files name the files of the working directory itself: the calls that fetch and delete files
know these only, as a slash ends a name in a path. Changed files leave out those whose names begin with a dot.

## Consumption

The body is an object of the declared inputs: one of another type is refused (400) by name, one that is missing is
left to the code as null is, which is NULL in R and None in Python, and what was not declared is ignored. Numbers may
be the texts "NA", "NaN", "Infinity" and "-Infinity". A matrix is numpy's matrix in Python. An output that is declared
a scalar is bare when it has one element, of a matrix too, and a whole number declared an integer has no fraction.
Each call is a session of its own that begins with the service's snapshot and init code and ends with the call; nothing
of it is left for the next one. Where the server runs as root it has a user id of its own, or its service's where the
system denies user namespaces ([architecture](architecture.md)). Code that fails answers 200 with `success` false, a
process that died 503, output files that are larger than an upload 413. Plots are changed files, and output files when
they are named so.

The first call of a service starts a warm parent, which loads snapshot and init code once; from then on each call is a
fork of that state. Until it is there, and where there can be none (init code that fails, or leaves files of the working
directory or TCP connections open, or threads of Python running; code that does not survive a fork; no room or memory),
a plain session loads all for the one call. A state that is forked is the same to the last
bit: random numbers of R go on from a seed that the snapshot or the init code has left.

## Realtime services

A model is published without code. What R's `serialize`, `saveRDS` or `save` wrote, compressed or not, is scored by
`predict` in R; what Python's pickle or dill wrote, by the object's `predict` in Python; models of ONNX by onnxruntime
(below); the four bytes `blob` may stand before each, as the Python client insists on. A session loads the model when it
is published, and 400 says why when that fails; later calls find it loaded. A vector becomes one column,
`<response>_Pred` where the model names its response (a formula of R, `endog_names` of Python), else `Pred`. Models that
RevoScaleR or MicrosoftML has serialized can be read by nothing else and are refused (400).

Models of ONNX need onnxruntime and pandas in the interpreter of Python sessions: `pip install deployr-server[onnx]`;
without, they are refused (400), and `deployr doctor` says so. A model that takes one matrix gets all columns of
`inputData`, in their order; one whose inputs are of one column each gets the columns of these names. Missing numbers
are NaN, whole numbers fit where fractions are wanted, and nothing else is cast. Each output is a column of its name;
those of several columns are `name.1`, `name.2` and so on, maps of a classifier `name.label`. Models with other inputs,
such as images, are refused when they are published.

R sessions have `rxLogit`, `rxLinMod` and `rxSerializeModel` of a package `rxStandIns` of this server's own: stand-ins
that fit with `glm` and `lm` of R, print so, and write what `serialize` writes behind `blob`. Scripts that fit,
serialize and publish run with them; arguments that they have no meaning for are errors.

## Batches

`…/batch` runs a service on a list of inputs, `parallelCount` of them at a time (10 unless said, at most
`mlserver.batch_parallel` of all batches together). The process that runs jobs runs batches; they are kept in the
database, private to who started them, until they are deleted or `mlserver.batch_kept` is over. An item that fails, or
whose inputs do not fit, has a result that says so; one that finds no room, or no grid, waits. A batch whose process
died or was stopped goes on when such a process runs again, about ten seconds later where it was killed: what had been
run keeps its results, and an item whose processes (its own, the grid, or the one that runs batches) died meanwhile is
run again, three times in all before it has failed. So code may run more than once, and each item has one result.
Items run the service as it is by then; a service that is deleted takes its batches with it, and one that is published
under its name later has nothing of them.
Results come in the order of the inputs, items are counted from 0, and files of items are sent as they are.

## Pools

`…/pool` starts the warm parent of a service ahead of its first call and keeps so many forks ready; all compute nodes of
this machine share it. Those who may change the service make and drop its pool. A pool is kept in the database: it is
filled again when the service has changed, and after restarts of the grid and of the server, and goes with its service.
It is `Pending` while it is filled, and while it cannot be: the process that runs jobs asks the grid every two seconds.

## Compute nodes

The nodes are those of the grid (`[[grid.nodes]]`), the first at port 12805 of this machine, the next at the one
after. The list of compute nodes is kept as it is given, ranges unexpanded, and shared by all web workers; an entry
for which the grid has no node starts none, and makes the status `warn`. An empty list brings back the nodes of the
grid.

## Errors

Every failure is an object of `message`, `link`, `exceptionType`, `code` (the HTTP status) and `fields`: 400 for what
the request does not say rightly (the message names the parameter), 401, 403, 404, 405, 409, 410, 413, 415, and 503
where the server has no room or no grid. JSON bodies that are larger than `mlserver.max_body`, or have more than 500,000
lists, objects and members, are refused (413), since nobody else is served by a web worker while it parses one: bodies
within these limits delay other calls by 50 milliseconds (numbers) to 250 (millions of single digits), or
350 with NaN or Infinity in them. Each reply carries `X-Correlation-ID`, the one that the client sent or a new one;
the log has it too.

## Operations

A test asks for every operation of every release and checks status and body against the document; what it found is the
column of answers, and an operation that it does not ask for is a failure. Requests of real clients were recorded byte
for byte and are replayed, each answered with its documented status. Microsoft's Python client
`azureml-model-management-sdk`, and clients generated from the core document and from a service's, run unmodified;
`bin/soak generated` asks with 5,000 generated requests, none of which may be the server's fault or answered otherwise
than documented.
"""

_HEADINGS = ("| operation | id | releases | answered | recorded requests |", "|---|---|---|---|---|")


def page() -> str:
    """The whole page."""
    asked = Counter(_asked())
    parts = [_INTRODUCTION]
    for tag in TAGS:
        parts += [f"### {tag}", "", *_HEADINGS]
        parts += [_row(item, asked[item.operation_id]) for item in OPERATIONS if item.tag == tag]
        parts.append("")
    return "\n".join(parts)


def _asked() -> list[str]:
    """Ids of the operations of all recorded requests."""
    recorded = [item for name in ml_clients() for item in requests_of(name)]
    return [operation.operation_id for operation in map(operation_of, recorded) if operation]


def _row(item: Operation, requests: int) -> str:
    releases = "all" if item.since == RELEASES[0] else f"since {item.since}"
    answered = f"{item.success} in {_answered(item)}"
    return f"| `{item.method} {item.path}` | `{item.operation_id}` | {releases} | {answered} | {requests} |"


def _answered(item: Operation) -> str:
    """The releases in which a walk found the documented status, and a body that fits the document."""
    found = json.loads(WALKED.read_text())
    good = [release for release in RELEASES if found[release].get(item.operation_id) == item.success]
    return "all" if good == list(RELEASES) else ", ".join(good) or "none"


if __name__ == "__main__":
    print(page(), end="")
