"""The blob store."""

import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from deployr.errors import TooLarge
from deployr.repository.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def _files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


async def _stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=300)))
def test_what_is_put_is_read(blobs: Blobs, chunks: list[bytes]) -> None:
    content = b"".join(chunks)
    blob = blobs.put(chunks)
    assert (blob.sha256, blob.length) == (hashlib.sha256(content).hexdigest(), len(content))
    assert blobs.read(blob.sha256) == content == blobs.path(blob.sha256).read_bytes()


async def test_what_is_streamed_in_is_streamed_out(blobs: Blobs) -> None:
    chunks = [bytes([number]) * 100_001 for number in range(10)]
    blob = await blobs.put_stream(_stream(*chunks))
    assert b"".join([chunk async for chunk in blobs.stream(blob.sha256)]) == b"".join(chunks)


def test_equal_contents_are_stored_once(blobs: Blobs, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stored = set(pool.map(lambda _: blobs.put([b"same"]), range(12)))
    assert len(stored) == 1
    assert len(_files(tmp_path)) == 1


async def test_a_content_beyond_the_limit_is_refused_and_removed(blobs: Blobs, tmp_path: Path) -> None:
    assert blobs.put([b"12345"], limit=5).length == 5
    with pytest.raises(TooLarge):
        blobs.put([b"123", b"456"], limit=5)
    with pytest.raises(TooLarge):
        await blobs.put_stream(_stream(b"123", b"456"), limit=5)
    assert len(_files(tmp_path)) == 1


async def test_an_upload_that_breaks_off_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1_000_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await blobs.put_stream(broken())
    assert _files(tmp_path) == []
