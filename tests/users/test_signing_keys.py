"""The keys that sign access tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployr.users.signing_keys import SigningKeys


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_the_first_key_is_made_once_and_closed_to_others(directory: Path) -> None:
    keys = SigningKeys(directory, 60)
    keys.ensure()
    first = keys.current().kid
    keys.ensure()
    assert keys.current().kid == first
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in directory.iterdir()] == [0o600]


def test_a_replaced_key_is_believed_for_the_overlap(directory: Path) -> None:
    keys = SigningKeys(directory, 60)
    keys.ensure()
    first = keys.current().kid
    second = keys.rotate()
    assert keys.current().kid == second
    assert keys.find(first) is not None
    assert [key["kid"] for key in keys.jwks()["keys"]] == [first, second]


def test_a_key_replaced_before_the_overlap_is_gone_at_the_next_rotation(directory: Path) -> None:
    keys = SigningKeys(directory, -1)
    keys.ensure()
    first = keys.current().kid
    second = keys.rotate()
    assert keys.find(first) is None
    third = keys.rotate()
    assert [path.stem.partition("-")[2] for path in directory.iterdir()] == [third]
    assert keys.find(second) is None


def test_other_processes_see_a_new_key_at_once(directory: Path) -> None:
    here, elsewhere = SigningKeys(directory, 60), SigningKeys(directory, 60)
    here.ensure()
    assert elsewhere.current().kid == here.current().kid
    assert here.rotate() == elsewhere.current().kid


def test_published_keys_hold_no_private_part(directory: Path) -> None:
    keys = SigningKeys(directory, 60)
    keys.ensure()
    assert set(keys.jwks()["keys"][0]) <= {"kty", "key_ops", "n", "e", "kid", "alg", "use"}
