"""A second opinion on every capture at hand: Wireshark's, frame by frame and message by message."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.second_opinion.differences import WHOLE, Difference, Known, differences, unnamed
from tests.second_opinion.readings import Heard, ours, tsharks
from tests.shared import LAB, ROOT, SHARED
from tests.tools import Tool


def _captures() -> dict[str, Path]:
    """Every capture of `samples/` and of the lab and of others, by its path there; the same octets once."""
    folders = [ROOT / "samples", SHARED / "captures" if SHARED else LAB]
    found: dict[str, Path] = {}
    seen = set()
    for folder in folders:
        for path in sorted(folder.rglob("*.pcap*")):
            mark = hashlib.sha256(path.read_bytes()).digest()
            if mark not in seen:
                found[str(path.relative_to(folder))] = path
            seen.add(mark)
    return found


CAPTURES = _captures()

EXCEPTIONS: dict[str, dict[int, tuple[Known, ...]]] = {}
"""Capture -> frame -> what differs there and why. None does."""


@pytest.mark.needs_tool("tshark")
@pytest.mark.timeout(400)  # the storm's 50,000 messages, on a machine that is busy
@pytest.mark.parametrize("name", CAPTURES)
def test_both_read_the_same(name: str, tool: Tool) -> None:
    theirs, own = tsharks(tool("tshark"), CAPTURES[name]), ours(CAPTURES[name])
    known = {str(frame): several for frame, several in EXCEPTIONS.get(name, {}).items()}
    assert unnamed(differences(theirs, own), {}, known) == []
    assert theirs  # two readers that see nothing are equal for the wrong reason


def test_every_exception_is_about_a_capture() -> None:
    assert EXCEPTIONS.keys() <= CAPTURES.keys()
    assert len(CAPTURES) > 70


ONE = Heard(4, "sip", b"REGISTER sip:h SIP/2.0", b"c", (1, b"REGISTER"), b"z9hG4bK1", 0)


@pytest.mark.parametrize(
    "other",
    [
        ONE._replace(start=b"REGISTER sip:H SIP/2.0"),
        ONE._replace(call_id=b"C"),
        ONE._replace(call_id=None),
        ONE._replace(cseq=(2, b"REGISTER")),
        ONE._replace(cseq=(1, b"register")),
        ONE._replace(branch=b"z9hG4bK2"),
        ONE._replace(status=100),
        ONE._replace(where="icmp"),
        ONE._replace(frame=5),
    ],
)
def test_a_difference_is_seen(other: Heard) -> None:
    found = differences([ONE], [other])
    assert len(unnamed(found, {}, {})) == len(found) > 0


def test_one_message_more_is_a_difference() -> None:
    assert differences([ONE, ONE], [ONE]) == [Difference(4, 1, WHOLE, ONE.start, None)]
    assert differences([], [ONE]) == [Difference(4, 0, WHOLE, None, ONE.start)]
    assert differences([ONE], [ONE]) == []


def test_the_order_within_a_frame_counts() -> None:
    other = ONE._replace(call_id=b"d")
    assert len(differences([ONE, other], [other, ONE])) == 2


def test_a_reason_takes_one_difference_away_and_must_be_needed() -> None:
    found = differences([ONE], [ONE._replace(call_id=None)])
    reason = Known("call_id", b"c", None, "for the test")
    assert unnamed(found, {4: "x"}, {"x": [reason]}) == []
    assert unnamed(found, {4: "x"}, {"x": [reason._replace(ours=b"d")]}) != []
    assert unnamed([], {4: "x"}, {"x": [reason]}) == ["does not occur: ('x', 'call_id', b'c', None)"]
