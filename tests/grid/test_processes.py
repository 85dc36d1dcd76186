"""Watching and removing processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from deployr.grid import processes
from tests.grid.conftest import needs_root
from tests.grid.grid_support import is_alive, unique
from tests.waiting import wait_until


@pytest.fixture
def tree() -> Generator[subprocess.Popen[str]]:
    """A shell that waits for a shell that waits for a sleep; says their ids first."""
    script = "echo $$; sh -c 'echo $$; sleep 300 & echo $!; wait' & wait"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
    yield process
    processes.kill_tree(process.pid)
    process.wait()
    assert process.stdout
    process.stdout.close()


def said(process: subprocess.Popen[str], count: int) -> list[int]:
    assert process.stdout
    return [int(process.stdout.readline()) for _ in range(count)]


def test_descendants_are_found_parents_first(tree: subprocess.Popen[str]) -> None:
    pids = said(tree, 3)
    assert processes.children(pids[0]) == [pids[1]]
    assert processes.descendants(pids[0]) == pids[1:]
    assert processes.descendants(os.getpid())


def test_a_tree_is_killed_whole(tree: subprocess.Popen[str]) -> None:
    pids = said(tree, 3)
    processes.kill_tree(pids[0])
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_who_got_the_id_of_a_process_that_is_gone_is_left_alone(tree: subprocess.Popen[str]) -> None:
    pids = said(tree, 3)
    with subprocess.Popen(["sleep", "300"]) as gone:
        pidfd = os.pidfd_open(gone.pid)
        gone.kill()
    processes.kill_tree(pids[0], pidfd)
    os.close(pidfd)
    assert all(is_alive(pid) for pid in pids)


def test_what_is_gone_is_told_and_not_an_error() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert processes.stat(process.pid) is None
    assert processes.owner(process.pid) == -1
    assert processes.environment(process.pid) == {}
    assert processes.descendants(process.pid) == []
    assert processes.is_zombie(process.pid)
    processes.send_signal([process.pid], 9)
    processes.kill_tree(process.pid)


def test_a_process_is_described() -> None:
    with subprocess.Popen(["sh", "-c", "kill -STOP $$; exec -a 'a) (b' true"], start_new_session=True) as process:
        wait_until(lambda: (found := processes.stat(process.pid)) is not None and found.state == "T")
        found = processes.stat(process.pid)
        assert found is not None
        assert (found.parent, found.group) == (os.getpid(), process.pid)
        process.kill()


def test_the_cpu_time_of_a_process_is_told() -> None:
    before = processes.stat(os.getpid())
    assert before is not None
    while (found := processes.stat(os.getpid())) is not None and found.cpu == before.cpu:
        pass
    assert found is not None
    assert found.cpu > before.cpu


def test_a_grid_is_killed_by_its_mark_and_its_groups() -> None:
    name = unique("grid")
    script = "env -u DEPLOYR_GRID sleep 300 & echo $!; wait"
    marked = subprocess.Popen(
        ["sh", "-c", script],
        env=os.environ | {processes.GRID_MARKER: name},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    unmarked = said(marked, 1)[0]
    stranger = subprocess.Popen(["sleep", "300"], env=os.environ | {processes.GRID_MARKER: f"{name}0"})
    assert processes.kill_grid(name) == 2
    marked.communicate()
    assert not is_alive(unmarked)
    assert is_alive(stranger.pid)
    stranger.kill()
    stranger.wait()
    assert processes.kill_grid(name) == 0


ORPHANS = """
import os, subprocess, sys, time
from dataclasses import dataclass
from deployr.grid import processes

@dataclass(frozen=True)
class Live:
    pid: int
    marker: str
    uid: int
    isolated: bool = False

processes.become_subreaper()
orphans = processes.Orphans()
orphans.sessions.add(Live(pid=1, marker="alive", uid=os.geteuid()))

def orphan(marker):
    script = "sleep 300 >/dev/null & echo $!"
    environment = os.environ | ({processes.SESSION_MARKER: marker} if marker else {})
    return int(subprocess.run(["sh", "-c", script], env=environment, stdout=subprocess.PIPE).stdout.split()[0])

def settle(pid):
    while processes.stat(pid).parent != os.getpid():
        time.sleep(0.01)

pids = [orphan("alive"), orphan("gone"), orphan(None)]
managed = subprocess.Popen(["sleep", "300"], stdout=subprocess.DEVNULL)
orphans.managed.add(managed.pid)
for pid in pids:
    settle(pid)
with orphans.held():
    assert orphans.reap() == 0
assert orphans.reap() == 2
while len(processes.children(os.getpid())) > 2:
    orphans.reap()
    time.sleep(0.01)
print(not processes.is_zombie(pids[0]), processes.stat(pids[1]), processes.stat(pids[2]), managed.poll())
orphans.sessions.clear()
assert orphans.reap() == 1
managed.kill()
"""


def test_orphans_of_no_live_session_are_killed_and_reaped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True, check=True, close_fds=True
    )
    assert done.stdout == "True None None None\n"


@needs_root
def test_users_are_killed_whole() -> None:
    uid = 799_999
    sleepers = [subprocess.Popen(["sleep", "300"], user=uid, group=uid, start_new_session=True) for _ in range(3)]
    processes.kill_users({uid})
    assert [sleeper.wait() for sleeper in sleepers] == [-9] * 3


def test_the_servers_own_user_is_never_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(processes, "send_signal", lambda pids, number: killed.extend(pids))
    processes.kill_users({os.geteuid()})
    assert killed == []


@needs_root
def test_what_runs_under_a_range_that_a_killed_grid_held_is_killed(tmp_path: Path) -> None:
    (tmp_path / "uids-790000").write_text("used\n")
    sleeper = subprocess.Popen(["sleep", "300"], user=790_003, group=790_003, start_new_session=True)
    ids = processes.UserIds(790_000, 10, tmp_path)
    assert sleeper.wait() == -9
    ids.release()
    assert (tmp_path / "uids-790000").read_text() == ""


@needs_root
def test_what_runs_under_a_free_range_is_left_alone(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(["sleep", "300"], user=791_003, group=791_003, start_new_session=True)
    processes.UserIds(791_000, 10, tmp_path).release()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


OPEN_FILES = """
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
setrlimit(RLIMIT_NOFILE, (128, 512))
from deployr.grid import processes
processes.allow_open_files()
print(getrlimit(RLIMIT_NOFILE))
processes.limit_resources(memory=0, cpu=0, processes=0)
print(getrlimit(RLIMIT_NOFILE))
"""


def test_the_grid_opens_as_many_files_as_it_may_and_its_children_as_many_as_is_usual() -> None:
    done = subprocess.run([sys.executable, "-c", OPEN_FILES], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "(512, 512)\n(128, 512)\n"
