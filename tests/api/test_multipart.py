"""Uploads as real clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multipart import MultipartError

from deployr.api import multipart
from deployr.api.multipart import Multipart, Read
from deployr.errors import TooLarge

DOTNET = (
    '--B\r\nContent-Disposition: form-data;name="filename"\r\n\r\nmy+file%2ctoo.txt\r\n'
    '--B\r\nContent-Disposition: form-data;name="descr"\r\n\r\n\r\n'
    '--B\r\nContent-Disposition:form-data;name="file";filename="C:\\Users\\demo\\my file.txt"\r\n'
    "Content-Type: application/octet-stream\r\n\r\nhello\r\n--B--\r\n"
)
JAVA = (
    '--B\r\nContent-Disposition: form-data; name="file"; filename="application/zip"\r\n'
    "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\nhello\r\n"
    '--B\r\nContent-Disposition: form-data; name="filename"\r\n\r\nmy+file é.txt\r\n--B--\r\n'
)


def reader(body: bytes, step: int) -> Read:
    """Reads the body in steps, as it would come in from a network."""
    position = 0

    async def read(size: int) -> bytes:
        nonlocal position
        chunk = body[position : position + min(size, step)]
        position += len(chunk)
        return chunk

    return read


async def parse(body: str | bytes, *, step: int = 7, limit: int = 1000) -> Multipart:
    result = Multipart("B", limit)
    data = body.encode() if isinstance(body, str) else body
    await result.parse(reader(data, step))
    return result


async def content(result: Multipart) -> bytes:
    assert result.file is not None
    return b"".join([chunk async for chunk in result.file.chunks()])


async def test_fields_in_the_style_of_net_are_url_encoded() -> None:
    result = await parse(DOTNET)
    assert result.fields == {"filename": "my file,too.txt", "descr": ""}
    assert await content(result) == b"hello"


async def test_fields_of_other_clients_are_taken_as_they_are() -> None:
    result = await parse(JAVA)
    assert result.fields == {"filename": "my+file é.txt"}
    assert await content(result) == b"hello"


async def test_several_files_are_no_single_one() -> None:
    with pytest.raises(MultipartError, match="several files"):
        await parse(JAVA.removesuffix("--\r\n") + JAVA.removeprefix("--B"))


async def test_a_body_that_ends_without_a_line_break_is_read() -> None:
    assert await content(await parse(JAVA.rstrip())) == b"hello"


@given(st.binary(max_size=300), st.integers(1, 50))
async def test_any_content_arrives_whatever_the_chunks(data: bytes, step: int) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    assert await content(await parse(head + data + b"\r\n--B--", step=step)) == data


async def test_a_large_file_goes_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "IN_MEMORY", 10)
    data = bytes(range(256)) * 40
    head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    result = await parse(head + data + b"\r\n--B--\r\n", step=1000, limit=20000)
    assert (await content(result), result.file.length) == (data, len(data))


@pytest.mark.parametrize("size", [1001, 5000])
async def test_a_file_beyond_the_limit_is_refused(size: int) -> None:
    head = '--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    with pytest.raises(TooLarge, match="1000 bytes"):
        await parse(head + "x" * size + "\r\n--B--\r\n")


async def test_fields_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "IN_MEMORY", 10)
    with pytest.raises(TooLarge):
        await parse(DOTNET)


@pytest.mark.parametrize("body", ["", "nothing", DOTNET[:60], DOTNET[:-10]])
async def test_a_body_cut_short_is_malformed(body: str) -> None:
    with pytest.raises(MultipartError):
        await parse(body)
