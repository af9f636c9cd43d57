"""Columns and the object path together make the report that the object path makes alone, to the octet."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.rules import all_rules
from analyzer.run.partial_result import report_of
from analyzer.run.pipeline import analyze
from analyzer.views import ViewOptions, load_view
from tests.columnar.captures import SECOND, Both, Packet, assert_same, packets, parts_of, storm, write
from tests.shared import DATA, ROOT, SHARED

FOLDERS = (ROOT / "samples", DATA, *((SHARED / "captures",) if SHARED else ()))
CAPTURES = sorted(path for folder in FOLDERS for path in folder.rglob("*.pcap*") if path.stat().st_size < 1 << 21)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("users", "rate", "lost"), [(60, 10.0, 0.0), (100, 100.0, 0.3), (30, 500.0, 0.05)])
def test_storms(folder: Path, seed: int, users: int, rate: float, lost: float) -> None:
    found = assert_same(storm(folder, 1200, users, seed=seed, rate=rate, lost=lost))
    assert found.columns is not None


def test_most_phones_of_a_storm_are_read_in_columns(folder: Path) -> None:
    found = assert_same(storm(folder, 4000, 400, seed=7))
    assert found.capture is not None
    assert found.capture.clients.ordinary.sum() == 400  # two type a wrong password, and are refused
    assert found.columnar > 250


@pytest.mark.parametrize("view", ["table", "ndjson"])
def test_every_view_shows_the_same(calm: Path, view: str) -> None:
    options = ViewOptions(width=100, color=False, all=True)
    written = []
    for report in (
        report_of(parts_of(calm)[1], all_rules()),
        analyze(calm, tables=False, columnar="never"),
    ):
        out = io.StringIO()
        load_view(view)(report, out, options)
        written.append(out.getvalue())
    assert written[0] == written[1]


def test_without_detail(calm: Path) -> None:
    assert assert_same(calm, detail=False).columnar > 0


def test_by_the_public_function(calm: Path) -> None:
    reports = [analyze(calm, tables=False, columnar=how).to_dict() for how in ("always", "never")]
    assert reports[0] == reports[1]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_capture(path: Path) -> None:
    assert_same(path)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_files_are_unpacked_first(
    ending: str, pack: Callable[[bytes], bytes], calm: Path, calmly: Both, tmp_path: Path
) -> None:
    path = tmp_path / f"calm.pcap.{ending}"
    path.write_bytes(pack(calm.read_bytes()))
    assert assert_same(path).columnar == calmly.columnar > 0


def test_a_compressed_file_that_ends_early_is_for_the_object_path(calm: Path, tmp_path: Path) -> None:
    path = tmp_path / "calm.pcap.gz"
    path.write_bytes(gzip.compress(calm.read_bytes())[:-30])
    assert assert_same(path).why == "the compressed file is damaged"


def test_a_compressed_file_that_is_huge_is_for_the_object_path(
    calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calm.pcap.gz"
    path.write_bytes(gzip.compress(calm.read_bytes()))
    unpacked, about = calm.stat().st_size, 6 * path.stat().st_size
    monkeypatch.setattr("analyzer.capture.spool.MOST", about - 1)
    assert assert_same(path).why == "its unpacked copy would be too long"
    path.write_bytes(gzip.compress(calm.read_bytes() + bytes(10 * unpacked)))  # so packed, it is larger than it seems
    monkeypatch.setattr("analyzer.capture.spool.MOST", unpacked)
    assert assert_same(path).why == "the file cannot be mapped"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_octet_orders_and_clocks(calm: Path, tmp_path: Path, order: str, nanoseconds: bool) -> None:
    path = write(tmp_path / "other.pcap", packets(calm), order=order, nanoseconds=nanoseconds)
    assert assert_same(path).columns is not None


def _sll(one: Packet) -> Packet:
    return one._replace(frame=bytes(14) + b"\x08\x00" + one.frame[14:])


def _sll2(one: Packet) -> Packet:
    return one._replace(frame=b"\x08\x00" + bytes(18) + one.frame[14:])


def _raw(one: Packet) -> Packet:
    return one._replace(frame=one.frame[14:])


def _tagged(one: Packet) -> Packet:
    return one._replace(frame=one.frame[:12] + b"\x81\x00\x00\x07" + one.frame[12:])


@pytest.mark.parametrize(("link", "change"), [(113, _sll), (276, _sll2), (101, _raw), (228, _raw), (1, _tagged)])
def test_link_layers(calm: Path, tmp_path: Path, link: int, change: object) -> None:
    several = [change(one) for one in packets(calm)]  # type: ignore[operator]
    found = assert_same(write(tmp_path / "link.pcap", several, link=link))
    assert found.columns is not None


def test_media_goes_by(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    media = [one._replace(time=one.time + 1).saying(b"\x80\x08" + bytes(160)) for one in several[::3]]
    mixed = sorted([*several, *media], key=lambda one: one.time)
    found = assert_same(write(tmp_path / "media.pcap", mixed))
    assert found.columns is not None
    assert found.parts[0].sources[0].other == len(media)


def test_other_messages_are_counted_along(calm: Path, calmly: Both, tmp_path: Path) -> None:
    """OPTIONS and pings of some phones: all are read in columns as before."""
    several = packets(calm)
    options = (
        b"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKoptions\r\n"
        b"From: <sip:x@y>;tag=1\r\nTo: <sip:x@y>\r\n"
        b"Call-ID: options@here\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    own = several[40]
    more = [
        own._replace(time=own.time + 10 * at).saying(text) for at, text in enumerate((options, b"\r\n\r\n", b"\r\n"))
    ]
    mixed = sorted([*several, *more], key=lambda one: one.time)
    after = assert_same(write(tmp_path / "mixed.pcap", mixed))
    assert calmly.capture is not None
    assert after.capture is not None
    assert calmly.capture.clients.ordinary.sum() == after.capture.clients.ordinary.sum()


def test_silence_at_the_end(calm: Path, tmp_path: Path) -> None:
    """Bindings run out long before the last packet of the capture."""
    several = packets(calm)
    for seconds in (25, 130, 4000):
        last = several[-1]._replace(time=several[-1].time + seconds * SECOND).saying(b"\x80\x08" + bytes(160))
        assert_same(write(tmp_path / f"late-{seconds}.pcap", [*several, last]))


def test_the_beginning_is_missing(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    for first in (1, 3, 333):
        assert_same(write(tmp_path / f"cut-{first}.pcap", several[first:]))


def test_the_end_is_missing(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    for last in (-1, -2, -40):
        assert_same(write(tmp_path / f"cut{last}.pcap", several[:last]))


def test_users_one_after_the_other(folder: Path, tmp_path: Path) -> None:
    """Who comes when makes no difference: the same phones in another order of time."""
    several = packets(storm(folder, 1200, 60, seed=11))
    later = {address: 7 * number * 1000 for number, address in enumerate(sorted({_phone(one) for one in several}))}
    shifted = sorted((one._replace(time=one.time + later[_phone(one)]) for one in several), key=lambda one: one.time)
    assert assert_same(write(tmp_path / "shifted.pcap", shifted)).columns is not None


def _phone(one: Packet) -> bytes:
    """The address of the phone, whichever way the packet goes."""
    return one.frame[30:34] if one.frame[26] == 192 else one.frame[26:30]
