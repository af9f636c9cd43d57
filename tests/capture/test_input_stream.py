"""Octets in, compressed or not, whole or cut."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.input_stream import CHUNK, InputStream, is_compressed, size_of
from analyzer.defect import SourceError
from analyzer.evidence import Source

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
TEXT = random.Random(1).randbytes(3 * CHUNK // 2)


def drained(octets: bytes) -> tuple[bytes, Source, InputStream]:
    source = Source("x")
    input_stream = InputStream(io.BytesIO(octets), source)
    return io.BufferedReader(input_stream).read(), source, input_stream


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("text", [b"x", b"abc" * 100, TEXT, bytes(5 * CHUNK)], ids=["1", "300", "random", "zeros"])
def test_what_went_in_comes_out(compress: Callable[[bytes], bytes], text: bytes) -> None:
    octets = compress(text)
    out, source, input_stream = drained(octets)
    assert out == text
    assert not source.damaged
    assert input_stream.position == len(octets)


@pytest.mark.parametrize("compress", list(COMPRESSIONS.values())[1:], ids=list(COMPRESSIONS)[1:])
def test_an_early_end_gives_what_was_readable(compress: Callable[[bytes], bytes]) -> None:
    octets = compress(TEXT)
    out, source, _ = drained(octets[: len(octets) * 9 // 10])
    assert TEXT.startswith(out)
    assert len(out) > len(TEXT) // 2 or compress is bz2.compress  # bzip2 knows whole blocks of 900 kB only
    assert source.damaged
    assert [defect.code for _, defect in source.defect_list] == ["damaged-compression"]


@pytest.mark.parametrize("compress", list(COMPRESSIONS.values())[1:], ids=list(COMPRESSIONS)[1:])
def test_damage_in_the_middle(compress: Callable[[bytes], bytes]) -> None:
    octets = bytearray(compress(TEXT))
    octets[len(octets) // 2 : len(octets) // 2 + 50] = bytes(50)
    out, source, _ = drained(bytes(octets))
    assert out[:1000] == TEXT[: min(1000, len(out))]
    assert source.damaged


def test_several_compressed_files_in_one() -> None:
    out, source, _ = drained(gzip.compress(b"abc", mtime=0) + gzip.compress(b"def", mtime=0) + bytes(20))
    assert out == b"abcdef"
    assert source.defects == 0


def test_octets_behind_a_compressed_file() -> None:
    out, source, _ = drained(gzip.compress(b"abc", mtime=0) + b"rubbish")
    assert out == b"abc"
    assert [defect.code for _, defect in source.defect_list] == ["trailing-garbage"]


def test_zstd_says_what_to_do() -> None:
    with pytest.raises(SourceError, match="zstd -d"):
        drained(b"\x28\xb5\x2f\xfd" + bytes(20))


def test_a_look_ahead_is_read_again() -> None:
    input_stream = InputStream(io.BytesIO(TEXT), Source("x"))
    assert input_stream.head(4) == TEXT[:4]
    assert input_stream.head(CHUNK + 1) == TEXT[: CHUNK + 1]
    assert input_stream.read() == TEXT


def test_a_small_file_that_claims_to_be_huge_takes_little_memory() -> None:
    input_stream = InputStream(io.BytesIO(gzip.compress(bytes(1 << 26), mtime=0)), Source("x"))
    while chunk := input_stream.read(1 << 30):
        assert len(chunk) <= CHUNK


@given(st.sampled_from([b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"x"]), st.binary(max_size=100))
def test_noise_never_raises(magic: bytes, noise: bytes) -> None:
    drained(magic + noise)


@pytest.mark.parametrize(("pack", "times"), [(bytes, 1), (gzip.compress, 6), (bz2.compress, 6), (lzma.compress, 6)])
def test_sizes_of_files_that_may_be_compressed(pack: Callable[[bytes], bytes], times: int, tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(pack(b"REGISTER sip:example.com SIP/2.0\r\n" * 1000))
    assert is_compressed(path) == (times > 1)
    assert size_of(path) == times * path.stat().st_size


def test_a_file_that_is_not_there_has_no_size(tmp_path: Path) -> None:
    assert size_of(tmp_path / "nothing") == 0
    (tmp_path / "empty").touch()
    assert size_of(tmp_path / "empty") == 0 and not is_compressed(tmp_path / "empty")
