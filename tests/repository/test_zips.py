"""Zips of strangers."""

import contextlib
import tempfile
import warnings
import zipfile
from collections.abc import Sequence

import pytest

from deployr.errors import DeployrError, InvalidParameter, TooLarge
from deployr.repository import zips


def read(content: bytes, limit: int = 1000) -> dict[str, bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with zips.opened(file, limit) as archive:
            return {entry.filename: b"".join(zips.chunks(archive, entry)) for entry in zips.entries(archive)}


def zip_of(names: Sequence[str], content: bytes = b"x", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with tempfile.TemporaryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(file, "w", method) as archive:
            for name in names:
                archive.writestr(name, content)
        file.seek(0)
        return file.read()


def test_directories_are_passed_over() -> None:
    assert read(zip_of(["a/", "b.txt"])) == {"b.txt": b"x"}


def test_a_zip_may_be_empty() -> None:
    assert read(zip_of([])) == {}


def test_the_sizes_are_bounded_together() -> None:
    assert len(read(zip_of(["a", "b"], b"x" * 500))) == 2
    with pytest.raises(TooLarge):
        read(zip_of(["a", "b"], b"x" * 501))


def test_a_list_of_files_is_not_read_when_it_is_huge() -> None:
    content = bytearray(zip_of(["a"]))
    end = content.rindex(b"PK\x05\x06")
    padding = 5 * 1024 * 1024
    content[end + 12 : end + 16] = padding.to_bytes(4, "little")
    with pytest.raises(TooLarge):
        read(b"\0" * padding + bytes(content))


@pytest.mark.parametrize(
    "content", [zip_of(["a", "a"]), zip_of(["a"], method=zipfile.ZIP_LZMA), b"", zip_of(["a"])[:-1]]
)
def test_odd_zips_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidParameter):
        read(content)


@pytest.mark.parametrize("offset", range(0, 120, 2))
def test_a_damaged_zip_never_raises_anything_else(offset: int) -> None:
    content = bytearray(zip_of(["a"], b"some text"))
    content[offset % len(content)] ^= 0xFF
    with contextlib.suppress(DeployrError):
        found = read(bytes(content))
        assert set(found.values()) <= {b"some text"}
