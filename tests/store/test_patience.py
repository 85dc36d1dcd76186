"""Work that outlasts a restart of the database."""

import pytest
import sqlalchemy as sa

from deployr.store import patience
from deployr.store.patience import patiently

AWAY = sa.exc.OperationalError("SELECT 1", {}, Exception("connection refused"))


async def test_an_attempt_is_made_again_until_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0)
    failures = [AWAY, AWAY]

    async def attempt() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert await patiently(attempt) == "done"


@pytest.mark.parametrize("failure", [AWAY, sa.exc.DataError("SELECT 1", {}, Exception("bad")), ValueError()])
async def test_patience_has_an_end_and_is_for_the_database_alone(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(patience, "_SECONDS", -1 if failure is AWAY else 60)

    async def attempt() -> None:
        raise failure

    with pytest.raises(type(failure)):
        await patiently(attempt)
