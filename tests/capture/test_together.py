"""Texts put together of those of programs that no grammar reads in one: Asterisk's, hex dumps, and any other."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest

from analyzer.capture.formats import HEAD
from analyzer.capture.opener import open_sources
from analyzer.evidence import LogLines, RawMessage, Source
from tests.capture.printing import example
from tests.shared import ROOT

SAMPLES = ROOT / "samples"
TEXTS = {
    "asterisk": SAMPLES / "asterisk-first-registration/input.txt",
    "hexdump": SAMPLES / "text-hexdump/input.txt",
    "linphone": SAMPLES / "text-linphone/input.txt",
    "pjsua": SAMPLES / "text-pjsua/input.txt",
    "sipp": SAMPLES / "text-sipp/input.txt",
}


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def alone(path: Path) -> list[RawMessage]:
    return read(path.read_bytes())[0]


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(TEXTS, 2)))
def test_what_each_has_alone_it_has_beside_another(one: str, other: str) -> None:
    octets = TEXTS[one].read_bytes() + b"\n\n\n" + TEXTS[other].read_bytes()
    messages, source = read(octets)
    wanted = [*alone(TEXTS[one]), *alone(TEXTS[other])]
    assert len(source.format.split("+")) == 2
    assert [message.payload for message in messages] == [message.payload for message in wanted]
    assert [(message.source, message.destination) for message in messages] == [
        (message.source, message.destination) for message in wanted
    ]
    assert source.frames == octets.count(b"\n")
    assert not any(message.missing for message in messages)


def test_their_places_are_those_of_the_whole() -> None:
    octets = TEXTS["asterisk"].read_bytes() + TEXTS["hexdump"].read_bytes()
    messages, _ = read(octets)
    places = [one.place.first for one in messages if isinstance(one.place, LogLines)]
    assert len(places) == len(messages)
    assert places == sorted(places)
    assert places[-1] > TEXTS["asterisk"].read_bytes().count(b"\n")


def test_three_are_read_as_well() -> None:
    octets = b"\n\n".join(TEXTS[name].read_bytes() for name in ("linphone", "asterisk", "hexdump"))
    assert len(read(octets)[0]) == sum(len(alone(TEXTS[name])) for name in ("linphone", "asterisk", "hexdump"))


def test_times_of_several_zones_are_shown_in_one() -> None:
    _, source = read(TEXTS["asterisk"].read_bytes() + b"\n" + TEXTS["sipp"].read_bytes())
    assert source.utc_offset == 0
    assert source.zone.startswith("UTC; the parts are in: ")


def test_a_packet_as_text_and_as_a_dump_is_one() -> None:
    """tcpdump -v -X prints both; what it prints as text has no end here."""
    dump = example("hexdump")
    ends = b"    192.0.2.10.5060 > 192.0.2.1.5060: SIP, length: 9\n"
    above = ends + b"\tREGISTER sip:pbx.example.com SIP/2.0\n\tMax-Forwards: 9\n\n"
    line, rest = dump.split(b"\n", 1)
    stamp = line.split(b" IP ")[0]
    text = stamp + b" IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length 9)\n" + above + rest
    messages, source = read(text)
    assert source.format == "hexdump"
    assert len(messages) == 2


def test_the_same_messages_of_two_programs_are_the_same() -> None:
    """A trace of one flow by two tools, one below the other: no message was sent again."""
    both = (SAMPLES / "text-sngrep/input.txt").read_bytes() + TEXTS["hexdump"].read_bytes()
    assert len(read(both)[0]) == len(alone(TEXTS["hexdump"]))


def test_a_text_that_is_too_long_says_what_is_left_out() -> None:
    long = (
        TEXTS["linphone"].read_bytes()
        + TEXTS["hexdump"].read_bytes()
        + b"2026-11-29 nothing of interest\n" * (HEAD // 30)
    )
    messages, source = read(long)
    assert len(messages) == len(alone(TEXTS["linphone"]))
    assert any("hex dump" in one and "--dialect hexdump" in one and "left out" in one for one in source.quality)
