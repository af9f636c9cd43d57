"""Samples grown: as many messages as were asked for, each copy of other phones, and sipcheck counts what was made."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import dpkt
import pytest

from analyzer import analyze
from benchmarks import traffic
from benchmarks.grown import Grown, grow, sent_in
from benchmarks.traffic import grown_in

AUTH_LOOP = ("storm-auth-loop",)
OF_ONE, OF_ALL = 3160, 5211
"""Messages of the sample of phones with old passwords, and of all samples that are grown."""


def payloads(path: Path) -> list[bytes]:
    """What the datagrams of a capture hold; the checksums are right."""
    found = []
    with path.open("rb") as file:
        for _, octets in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(octets).data
            assert dpkt.in_cksum(octets[14:34]) == 0
            found.append(bytes(packet.data.data))
    return found


def values(octets: list[bytes], pattern: bytes) -> list[bytes]:
    """What a pattern finds in the messages."""
    return [one[1] for message in octets for one in re.finditer(pattern, message)]


@pytest.mark.parametrize(("asked", "copies"), [(1, 1), (OF_ALL, 1), (OF_ALL + 1, 2), (3 * OF_ALL, 3)])
def test_as_many_copies_as_it_takes(asked: int, copies: int) -> None:
    assert Grown(asked).copies == copies


@pytest.mark.parametrize("asked", [0, 126 * OF_ALL])
def test_bounds(asked: int) -> None:
    with pytest.raises(ValueError, match="grown to at most 651,375 messages"):
        Grown(asked)


def test_no_such_sample() -> None:
    with pytest.raises(OSError):
        sent_in("storm-of-nobody")


def test_one_copy_says_what_the_sample_says(tmp_path: Path) -> None:
    grow(tmp_path / "one.pcap", 1, AUTH_LOOP)
    originals = [one.payload for one in sent_in(*AUTH_LOOP)]
    made = payloads(tmp_path / "one.pcap")
    assert [len(one.split(b"\r\n")) for one in made] == [len(one.split(b"\r\n")) for one in originals]
    for pattern in (rb"^(\S+ \S+) ", rb"\r\nCSeq: ([^\r]+)", rb"\r\nUser-Agent: ([^\r]+)"):
        assert len(values(made, pattern)) == len(values(originals, pattern)) > 100
    assert values(made, rb"\r\nCSeq: ([^\r]+)") == values(originals, rb"\r\nCSeq: ([^\r]+)")
    assert values(made, rb"\r\nTo: <sip:([a-z]+\d{3})") == values(originals, rb"\r\nTo: <sip:([a-z]+\d{3})")


@pytest.mark.parametrize(
    "pattern",
    [
        rb"\r\nCall-ID: ([^\r]+)",
        rb"branch=([^\r;]+)",
        rb"nonce=\"([^\"]+)",
        rb"response=\"([^\"]+)",
        rb"\r\nTo: <([^>]+)",
        rb"\r\nFrom: [^;]+;tag=([^\r]+)",
        rb"Via: SIP/2.0/UDP ([^;]+)",
    ],
)
def test_copies_share_nothing(pattern: bytes, tmp_path: Path) -> None:
    grow(tmp_path / "two.pcap", OF_ONE + 1, AUTH_LOOP)
    in_one = set(values([one.payload for one in sent_in(*AUTH_LOOP)], pattern))
    assert len(set(values(payloads(tmp_path / "two.pcap"), pattern))) == 2 * len(in_one)


def test_addresses_are_those_in_the_headers(tmp_path: Path) -> None:
    grow(tmp_path / "two.pcap", OF_ONE + 1, AUTH_LOOP)
    with (tmp_path / "two.pcap").open("rb") as file:
        for _, octets in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(octets).data
            phone = packet.src if packet.data.data.startswith(b"REGISTER") else packet.dst
            top = re.search(rb"Via: SIP/2.0/UDP ([\d.]+)", bytes(packet.data.data))
            assert top is not None and top[1] == b".".join(b"%d" % part for part in phone)


def test_totals_are_what_sipcheck_counts(tmp_path: Path) -> None:
    path = tmp_path / "grown.pcap"
    totals = grow(path, OF_ALL + 1)
    summary = analyze(path).summary
    assert totals.packets == totals.messages == 2 * OF_ALL == summary.messages
    assert totals.requests == summary.register_requests and totals.retransmissions > 1000
    assert totals.retransmissions == summary.retransmissions
    assert totals.users == 2 * (240 + 90)


def outcomes(path: Path) -> Counter[str]:
    """How many clients ended how."""
    return Counter(one.outcome for one in analyze(path).registrations)


def test_clients_of_copies_end_as_those_of_the_sample(tmp_path: Path) -> None:
    one, two = tmp_path / "one.pcap", tmp_path / "two.pcap"
    grow(one, 1, AUTH_LOOP)
    grow(two, OF_ONE + 1, AUTH_LOOP)
    assert outcomes(one) == Counter(registered=40, rejected=50)
    assert outcomes(two) == Counter(registered=80, rejected=100)


def test_kept_as_other_captures_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = grown_in(tmp_path, 1)
    monkeypatch.setattr(traffic, "grow", None)
    assert grown_in(tmp_path, 1) == made
    assert made.totals.messages == OF_ALL
