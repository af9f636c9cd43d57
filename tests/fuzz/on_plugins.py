"""Checks of whatever lies in a folder of plug-ins, and seeds for each: nothing here names a plug-in.

What a new file is held to before anybody wrote a test for it: any octets give items and defects, nothing is raised,
the work is linear, every place lies in the input, and nothing that a view writes is obeyed by who reads it.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any
from unittest import mock

from analyzer.capture import links, media
from analyzer.capture.formats import HEAD
from analyzer.capture.packets import fast_udp
from analyzer.capture.record import Record
from analyzer.evidence import LogLines, NetworkError, Source
from analyzer.register.digest.credential_files import formats as credential_formats
from analyzer.register.digest.secret import CredentialsError
from tests.capture.build import REGISTER, ip4, udp
from tests.fuzz.invariant import bounded, sound_defects, sound_source
from tests.plugins.folders import FOLDERS, loaded
from tests.shared import ROOT

LONGEST = 60_000
"""Octets of a sample that is used."""
MOST = 6000
"""Octets of it that are used: a fuzzer wants small inputs."""
Check = Callable[[bytes], None]


def check_format(module: Any, octets: bytes) -> None:
    """The records of a file lie in it, one after the other, and do not overlap; where media is passed by, the others
    are the same as without, and what is left out is media. Octets that are no such file stand behind the example."""
    with bounded(len(octets), calls=1, copies=4, start=1000):
        known = module.looks_like(octets[:12])
    octets = octets if known else module.EXAMPLE + octets
    source = Source("file")
    with bounded(len(octets), calls=15, copies=70, start=20_000):
        records = list(module.records(io.BytesIO(octets), source))
    end = 0
    for record in records:
        assert record.offset >= end
        end = record.offset + len(record.octets)
    assert end <= len(octets)
    sound_source(source)
    _check_media(records, source, *_with_media(module, octets))


def _with_media(module: Any, octets: bytes) -> tuple[list[Record], Source]:
    """All records of a file: none is passed by."""
    source = Source("file")
    with mock.patch.object(media, "look", lambda *_: None):
        return list(module.records(io.BytesIO(octets), source)), source


def _check_media(records: list[Record], source: Source, every: list[Record], whole: Source) -> None:
    """`records` are `every` one but for media, which is counted; the numbers are those of `every` one."""
    numbers = [record.number for record in every]
    assert numbers == sorted(set(numbers))
    assert numbers == list(range(1, len(every) + 1)) or whole.damaged  # a hole is counted as the packets it held
    given = {record.number: record for record in records}
    left_out = [record for record in every if record.number not in given]
    assert [record[1:] for record in records] == [record[1:] for record in every if record.number in given]
    assert len(left_out) == source.other
    assert all(_is_media(record) for record in left_out)
    assert (source.damaged, source.defect_list, source.quality) == (whole.damaged, whole.defect_list, whole.quality)
    times = [record.time for record in left_out if record.time is not None]
    assert not times or (source.first == min(times) and source.last == max(times))


def _is_media(record: Record) -> bool:
    """A whole UDP packet of IPv4 whose payload begins as RTP and RTCP do; whatever its lengths say, as for others."""
    ethertype, at = links.table()[record.linktype](record.octets)
    body = fast_udp(record.octets, ethertype, at)
    whole = record.length == len(record.octets)
    return ethertype == links.IPV4 and whole and body > 0 and record.octets[body] >> 6 == 2


def check_dialect(module: Any, octets: bytes) -> None:
    """Every message lies in lines of the log, and is no longer than they are (line ends may have doubled)."""
    source = Source("log", kind="log")
    with bounded(len(octets), calls=60, copies=300):
        assert module.looks_like(octets) in (True, False)
    with bounded(len(octets), calls=100, copies=400):  # what a width is guessed of is read two times more, to try it
        items = list(module.read(io.BytesIO(octets), source))
    total = 0
    for item in items:
        assert isinstance(item.place, LogLines)
        assert 1 <= item.place.first <= item.place.last <= source.frames
        if not isinstance(item, NetworkError):
            sound_defects(item.defects)
            total += len(item.payload)
    assert total <= 2 * len(octets) + 8
    assert len(items) + source.keepalives + source.other <= len(octets) // 8 + 1
    sound_source(source)


def check_credential_format(octets: bytes) -> None:
    """A file of secrets, read by one format whether it looks like it or not (its length chooses): secrets, or one
    sentence that quotes nothing of it."""
    module = credential_formats()[len(octets) % len(credential_formats())]
    with bounded(len(octets), calls=150, copies=700, start=20_000):
        assert module.looks_like(octets) in (True, False)
    with bounded(len(octets), calls=150, copies=700, start=20_000):
        try:
            found = list(module.read(octets, "users"))
        except CredentialsError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 300
            return
    assert len(found) <= len(octets)


def seeds_of(kind: str, name: str, more: Callable[[], list[bytes]] | None = None) -> list[bytes]:
    """What to begin with: the example, whole, twice, without its beginning and with other line ends; the samples that
    look like it; and what somebody wrote beside (`more`)."""
    module = loaded(kind, name)
    example: bytes = module.EXAMPLE
    forms = [example, example * 2, example[len(example) // 2 :] + example, example.replace(b"\n", b"\r\n")]
    recognised = (piece for octets in samples() if (piece := _recognised(module, octets)))
    return list(dict.fromkeys([*forms, *islice(recognised, 8), *(more() if more else ())]))


def samples() -> Iterator[bytes]:
    """The inputs of the samples, decompressed."""
    for path in sorted((ROOT / "samples").glob("*/input.*")):
        if path.stat().st_size <= LONGEST or path.suffix != ".gz":
            octets = path.read_bytes()
            yield gzip.decompress(octets) if path.suffix == ".gz" else octets


def _recognised(module: Any, octets: bytes) -> bytes:
    """The first piece of a file that looks like the plug-in's kind; a log may begin with much else."""
    if not module.looks_like(octets[:HEAD]):
        return b""
    pieces = (octets[at : at + MOST] for at in range(0, len(octets), MOST // 2))
    return next((piece for piece in pieces if module.looks_like(piece)), b"")


def link_headers() -> list[bytes]:
    """The header of each link layer, without what follows it."""
    return [loaded("link", name).EXAMPLE[:-1] for name in FOLDERS["link"].names()]


def link_packets(linktypes: list[int]) -> Iterator[tuple[int, bytes]]:
    """For each link type its place among all, and a packet behind the header of its layer."""
    for name in FOLDERS["link"].names():
        layer = loaded("link", name)
        for number in layer.DLTS:
            yield linktypes.index(number), layer.EXAMPLE[:-1] + ip4(udp(REGISTER))


CHECKS: dict[str, Callable[[Any, bytes], None]] = {"format": check_format, "dialect": check_dialect}


def checks(kind: str) -> dict[str, Check]:
    """The check of every plug-in of a kind, by its name."""
    return {name: partial(CHECKS[kind], loaded(kind, name)) for name in FOLDERS[kind].names()}
