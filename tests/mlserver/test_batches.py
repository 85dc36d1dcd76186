"""Batches: what runs them, and what their owners see. The service is a function of each test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deployr.errors import InvalidParameter, NodeAway, NodeNotResponding, NoFreeSlot, NotFound
from deployr.jobs import leases
from deployr.mlserver import batch_rows
from deployr.mlserver.batch_records import Batch, Progress, Result
from deployr.mlserver.batch_runner import ATTEMPTS, BatchRunner, Run
from deployr.mlserver.batches import Batches
from deployr.mlserver.roles import Roles
from deployr.mlserver.service_records import Definition
from deployr.mlserver.services import Services
from deployr.mlserver.snapshots import Snapshot
from deployr.repository.blobs import Blobs
from deployr.settings import MlServerSettings
from deployr.store import patience
from deployr.store.database import Database, now_ms
from deployr.store.schema import batches as table
from deployr.store.schema import users
from deployr.users.caller import Caller
from tests.databases import make_tables
from tests.postgresql import ON_BOTH_DATABASES
from tests.waiting import eventually

KEPT = 3_600_000

MIA, BEN = (Caller(http_session="", username=name, roles=frozenset(["POWER_USER"])) for name in ("mia", "ben"))


def _no_snapshot(caller: Caller, snapshot_id: str) -> Snapshot:
    raise NotFound(snapshot_id)


class World:
    """Batches of the service ``s``, version 1, and what runs them."""

    def __init__(self, directory: Path, database_url: str) -> None:
        make_tables(database_url)
        self.database = Database(database_url)
        with self.database.transaction() as connection:
            for name in ("mia", "ben"):
                row = {"username": name, "displayname": name, "password_hash": "", "last_modified": 0}
                connection.execute(users.insert().values(row))
        self.services = Services(self.database, Roles(MlServerSettings()), _no_snapshot)
        self.services.publish(MIA, "s", "1", Definition(code="y <- x"))
        self.blobs = Blobs(directory / "blobs")
        self.woken = asyncio.Event()
        self.batches = Batches(self.database, self.blobs, self.services, most=4, ring=self.woken.set)

    async def start(self, count: int, parallel: int = 4) -> Batch:
        """Start a batch of the numbers from 0."""
        return await self.batches.start(MIA, "s", "1", [{"x": number} for number in range(count)], parallel)

    async def progress(self, batch: Batch, *, partial: bool = True) -> Progress:
        """As its owner sees it."""
        return await self.batches.progress(MIA, "s", "1", batch.id, partial=partial)

    def count_done(self, batch: Batch) -> int:
        """How many items have been run."""
        with self.database.reading() as connection:
            return batch_rows.count_done(connection, batch.id)

    async def ended(self, batch: Batch) -> Progress:
        """The batch when it has ended."""

        async def has_ended() -> bool:
            return (await self.progress(batch)).batch.state not in ("Pending", "InProgress")

        await eventually(has_ended)
        return await self.progress(batch)

    @contextlib.asynccontextmanager
    async def running(self, run: Run, most: int = 100, kept: int = KEPT) -> AsyncIterator[None]:
        """A process that runs batches, which ends in order."""
        stop = asyncio.Event()
        runner = BatchRunner(self.database, run, most=most, kept=kept, woken=self.woken)
        serving = asyncio.create_task(runner.serve(stop))
        try:
            yield
        finally:
            stop.set()
            self.woken.set()
            await serving


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    world = World(tmp_path, database_url)
    yield world
    world.database.close()


async def twice(_: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
    """A service."""
    return Result(outputs={"y": 2 * inputs["x"]}), {}


class Held:
    """A service that does not end, and says how many items it has."""

    def __init__(self) -> None:
        self.now = self.most = self.stopped = 0

    async def begins(self, items: int) -> None:
        """Wait until it has so many items."""
        await eventually(lambda: self.now >= items)

    async def __call__(self, batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return Result(), {}


@ON_BOTH_DATABASES
async def test_results_come_in_the_order_of_the_inputs(world: World) -> None:
    async def slower_first(batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        await asyncio.sleep(0.02 * (5 - inputs["x"]))
        return await twice(batch, inputs)

    async with world.running(slower_first):
        found = await world.ended(await world.start(5))
    assert (found.batch.state, found.done) == ("Complete", 5)
    assert [item.result.outputs["y"] for item in found.items] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(("parallel", "allowed", "expected"), [(2, 100, 2), (50, 100, 4), (4, 3, 3)])
async def test_no_more_items_run_at_a_time_than_wanted_or_allowed(
    world: World, parallel: int, allowed: int, expected: int
) -> None:
    held = Held()
    async with world.running(held, most=allowed):
        batch = await world.start(10, parallel)
        await held.begins(expected)
        assert (await world.progress(batch)).batch.parallel == min(parallel, 4)
    assert held.most == expected


async def test_an_item_that_fails_leaves_the_others_alone(world: World) -> None:
    async def picky(batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        if inputs["x"] == 1:
            raise InvalidParameter("x is 1")
        return await twice(batch, inputs)

    async with world.running(picky):
        found = await world.ended(await world.start(3))
    assert found.batch.state == "Complete"
    assert [item.result.error for item in found.items] == ["", "x is 1", ""]


class Failing:
    """A service whose first calls end in errors, one after the other."""

    def __init__(self, *errors: Exception) -> None:
        self.calls = 0
        self._errors = iter(errors)

    async def __call__(self, batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        self.calls += 1
        for error in self._errors:
            raise error
        return await twice(batch, inputs)


def failing_first(write: Callable[..., None], failures: list[Exception]) -> Callable[..., None]:
    """A function that writes, but for its first calls, which end in errors, one after the other."""
    left = iter(failures)

    def call(*arguments: Any) -> None:
        for failure in left:
            raise failure
        write(*arguments)

    return call


AWAY = sa.exc.OperationalError("", None, Exception("away"))


@pytest.mark.parametrize("error", [NoFreeSlot("no room"), NodeAway("no grid"), AWAY])
async def test_an_item_that_finds_no_room_no_grid_or_no_database_waits_for_it(world: World, error: Exception) -> None:
    async with world.running(Failing(*[error] * (ATTEMPTS + 1))):
        found = await world.ended(await world.start(1))
    assert found.items[0].result == Result(outputs={"y": 0})


async def test_an_item_whose_process_died_is_run_again(world: World) -> None:
    async with world.running(Failing(*[NodeNotResponding("died")] * (ATTEMPTS - 1))):
        found = await world.ended(await world.start(1))
    assert found.items[0].result == Result(outputs={"y": 0})


async def test_an_item_whose_processes_die_again_and_again_has_failed(world: World) -> None:
    failing = Failing(*[NodeNotResponding("died")] * ATTEMPTS)
    async with world.running(failing):
        found = await world.ended(await world.start(2, parallel=1))
    assert failing.calls == ATTEMPTS + 1
    assert [item.result for item in found.items] == [Result(error="died"), Result(outputs={"y": 2})]


async def test_an_item_that_the_server_cannot_run_has_failed(world: World) -> None:
    async with world.running(Failing(ValueError("a defect"))):
        found = await world.ended(await world.start(2, parallel=1))
    assert [item.result.error for item in found.items] == ["Internal server error.", ""]


async def test_partial_results_are_shown_unless_they_are_not_wanted(world: World) -> None:
    gate = asyncio.Event()

    async def gated(batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        if inputs["x"] == 0:
            await gate.wait()
        return await twice(batch, inputs)

    async with world.running(gated):
        batch = await world.start(3)
        await eventually(lambda: world.count_done(batch) == 2)
        found = await world.progress(batch)
        assert ([item.index for item in found.items], found.batch.state) == ([1, 2], "InProgress")
        hidden = await world.progress(batch, partial=False)
        assert (hidden.items, hidden.done) == ([], 2)
        gate.set()
        await world.ended(batch)
        assert len((await world.progress(batch, partial=False)).items) == 3


async def test_a_cancelled_batch_stops_and_vanishes(world: World) -> None:
    held = Held()
    async with world.running(held):
        batch = await world.start(3, parallel=2)
        await held.begins(2)
        world.batches.cancel(MIA, "s", "1", batch.id)
        await eventually(lambda: held.stopped == 2)
        with pytest.raises(NotFound):
            await world.progress(batch)
        assert world.batches.list(MIA, "s", "1") == []


@ON_BOTH_DATABASES
async def test_a_batch_ends_with_its_service_and_has_nothing_to_do_with_the_next_one_of_that_name(world: World) -> None:
    held = Held()
    async with world.running(held):
        batch = await world.start(3, parallel=2)
        await held.begins(2)
        assert world.services.of_batch(MIA, batch.id).owner == "mia"
        world.services.delete(MIA, "s", "1")
        world.services.publish(BEN, "s", "1", Definition(code="y <- 'stolen'"))
        await eventually(lambda: held.stopped == 2)
    assert world.batches.list(MIA, "s", "1") == []
    with pytest.raises(NotFound):
        await world.progress(batch)
    with pytest.raises(NotFound):
        world.services.of_batch(MIA, batch.id)


async def test_a_start_and_a_cancellation_need_one_connection_at_a_time(world: World) -> None:
    pool, in_use = world.database.engine.pool, set()
    assert isinstance(pool, sa.QueuePool)
    sa.event.listen(pool, "checkout", lambda *_: in_use.add(pool.checkedout()))
    batch = await world.start(1)
    world.batches.cancel(MIA, "s", "1", batch.id)
    assert len(in_use) == 1


async def test_batches_are_hidden_from_others(world: World) -> None:
    batch = await world.start(1)
    assert world.batches.list(MIA, "s", "1") == [batch.id]
    assert world.batches.list(BEN, "s", "1") == []
    with pytest.raises(NotFound):
        world.batches.cancel(BEN, "s", "1", batch.id)
    with pytest.raises(NotFound):
        world.batches.files(BEN, "s", "1", batch.id, 0)


@ON_BOTH_DATABASES
async def test_files_are_kept_with_their_item(world: World) -> None:
    async def writing(batch: Batch, inputs: Mapping[str, Any]) -> tuple[Result, Mapping[str, str]]:
        return Result(), {"a.txt": world.blobs.put([b"%d" % inputs["x"]]).sha256}

    async with world.running(writing):
        batch = await world.start(2)
        found = await world.ended(batch)
    assert world.batches.content(found.items[1]) == {"a.txt": b"1"}
    assert list(world.batches.files(MIA, "s", "1", batch.id, 1)) == ["a.txt"]
    download = world.batches.file(MIA, "s", "1", batch.id, 1, "a.txt")
    assert b"".join([chunk async for chunk in download.content]) == b"1"
    for index, error in ((2, InvalidParameter), (-1, InvalidParameter)):
        with pytest.raises(error):
            world.batches.files(MIA, "s", "1", batch.id, index)
    with pytest.raises(NotFound):
        world.batches.file(MIA, "s", "1", batch.id, 1, "b.txt")


@ON_BOTH_DATABASES
async def test_what_a_dead_process_had_not_got_through_is_run_by_another(world: World) -> None:
    batch = await world.start(2)
    with world.database.transaction() as connection:
        assert batch_rows.claim(connection, batch.id, "dead", now_ms(), now_ms() - 1)
        batch_rows.keep(connection, batch.id, "dead", 0, Result(outputs={"y": 100}), {})
        assert batch_rows.begin(connection, batch.id, "dead", 1, ATTEMPTS)
    async with world.running(twice):
        found = await world.ended(batch)
    assert found.batch.state == "Complete"
    assert [item.result.outputs["y"] for item in found.items] == [100, 2]


async def test_an_item_that_ran_whenever_a_process_died_is_not_run_any_more(world: World) -> None:
    batch = await world.start(1)
    with world.database.transaction() as connection:
        assert batch_rows.claim(connection, batch.id, "dead", now_ms(), now_ms() - 1)
        begun = [batch_rows.begin(connection, batch.id, "dead", 0, ATTEMPTS) for _ in range(ATTEMPTS + 1)]
    assert begun == [True] * ATTEMPTS + [False]
    async with world.running(twice):
        found = await world.ended(batch)
    assert found.items[0].result.error == "The processes that ran the item ended unexpectedly, 3 times."


async def test_a_process_that_has_lost_a_batch_changes_nothing_of_it(world: World) -> None:
    batch = await world.start(1)
    with world.database.transaction() as connection:
        assert batch_rows.claim(connection, batch.id, "late", now_ms(), now_ms() - 1)
        assert batch_rows.claim(connection, batch.id, "new", now_ms(), leases.until())
        assert not batch_rows.begin(connection, batch.id, "late", 0, ATTEMPTS)
        batch_rows.keep(connection, batch.id, "late", 0, Result(), {})
        batch_rows.end(connection, batch.id, "late", now_ms())
        batch_rows.release(connection, batch.id, "late")
        assert not batch_rows.claim(connection, batch.id, "third", now_ms(), leases.until())
    found = await world.progress(batch)
    assert (found.batch.state, found.items) == ("InProgress", [])


async def test_a_live_process_keeps_its_batches(world: World) -> None:
    batch = await world.start(1)
    with world.database.transaction() as connection:
        assert batch_rows.claim(connection, batch.id, "other", now_ms(), now_ms() + 3_600_000)
        assert not batch_rows.claim(connection, batch.id, "third", now_ms(), leases.until())
    async with world.running(twice):
        await world.ended(await world.start(1))
    assert (await world.progress(batch)).batch.state == "InProgress"


async def test_stops_in_order_are_no_attempts(world: World) -> None:
    batch = await world.start(1)
    for _ in range(ATTEMPTS + 1):
        held = Held()
        async with world.running(held):
            await held.begins(1)
        assert held.stopped == 1
    async with world.running(twice):
        found = await world.ended(batch)
    assert found.items[0].result == Result(outputs={"y": 0})


@ON_BOTH_DATABASES
async def test_batches_go_when_their_time_is_over(world: World) -> None:
    async with world.running(twice):
        batch = await world.start(1)
        await world.ended(batch)
    with world.database.transaction() as connection:
        connection.execute(table.update().values(ended=now_ms() - KEPT - 1))
    async with world.running(twice):
        await world.ended(await world.start(1))
    assert batch.id not in world.batches.list(MIA, "s", "1")


@pytest.mark.parametrize(("count", "parallel"), [(0, 1), (1, 0), (100_001, 1)])
async def test_batches_that_cannot_be_are_refused(world: World, count: int, parallel: int) -> None:
    with pytest.raises(InvalidParameter):
        await world.start(count, parallel)


async def test_a_result_that_cannot_be_written_now_is_written_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.01)
    running = Failing()
    monkeypatch.setattr(batch_rows, "keep", failing_first(batch_rows.keep, [AWAY] * 3))
    async with world.running(running):
        found = await world.ended(await world.start(1))
    assert (found.items[0].result.outputs, running.calls) == ({"y": 0}, 1)


@ON_BOTH_DATABASES
async def test_a_batch_whose_end_could_not_be_written_ends_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "SECONDS", 0.05)
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.05)
    monkeypatch.setattr(batch_rows, "end", failing_first(batch_rows.end, [AWAY]))
    async with world.running(twice):
        found = await world.ended(await world.start(50))
    assert found.batch.state == "Complete"
    assert [item.result.outputs for item in found.items] == [{"y": 2 * number} for number in range(50)]
