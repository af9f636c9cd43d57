"""Texts that real programs wrote while the same flow was captured: what is read of both is the same.

`tests/data/texts/README.md` says how each was made. Where a program loses something, the test names it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, RawMessage
from analyzer.run.pipeline import analyze
from tests.shared import DATA, shared

TEXTS = DATA / "texts"

FLOWS = {
    "ngrep-frag.txt": ("ngrep", "ngrep-frag.pcap"),
    "ngrep-tcp.txt": ("ngrep", "ngrep-tcp.pcap"),
    "ngrep-tcp-quiet.txt": ("ngrep", "ngrep-tcp.pcap"),
    "ngrep-plain.txt": ("ngrep", "printed.pcap"),
    "ngrep-single.txt": ("ngrep", "printed.pcap"),
    "tcpdump-A-n.txt": ("tcpdump", "printed.pcap"),
    "tcpdump-v.txt": ("tcpdump", "printed.pcap"),
    "tcpdump-vvA.txt": ("tcpdump", "printed.pcap"),
    "tshark-follow-udp.txt": ("wireshark-follow", "printed.pcap"),
    "linphone.txt": ("linphone", "linphone.pcap"),
    "twinkle.txt": ("twinkle", "twinkle.pcap"),
    "sofia.txt": ("freeswitch", "sofia.pcap"),
    "sngrep-saved.txt": ("sngrep", "kamailio-sipdump.data"),
}
"""Text, its dialect, and what holds the same messages."""


def messages(path: Path) -> list[RawMessage]:
    with open_sources([path]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


def dialect(path: Path) -> str:
    with open_sources([path]) as reading:
        return reading.sources[0].format


@pytest.mark.parametrize("name", FLOWS)
def test_octets_and_ends_are_those_of_the_capture(name: str) -> None:
    wanted, source = FLOWS[name]
    printed, captured = messages(TEXTS / name), messages(TEXTS / source)
    assert dialect(TEXTS / name) == wanted
    assert [one.payload for one in printed] == [one.payload for one in captured]
    assert [(one.source, one.destination, one.transport) for one in printed] == [
        (one.source, one.destination, one.transport) for one in captured
    ]
    assert not any(one.missing or one.defects for one in printed)


@pytest.mark.parametrize("name", ["ngrep-plain.txt", "ngrep-single.txt", "tcpdump-vvA.txt", "linphone.txt"])
def test_times_between_messages_are_those_of_the_capture(name: str) -> None:
    """The zone of a text may not be known; what lies between two messages is."""
    printed, captured = messages(TEXTS / name), messages(TEXTS / FLOWS[name][1])
    gaps = [one.time - printed[0].time for one in printed if one.time is not None and printed[0].time is not None]
    real = [one.time - captured[0].time for one in captured if one.time is not None and captured[0].time is not None]
    slack = 20_000_000 if name == "linphone.txt" else 1_000  # Linphone logs when it looks at what came
    assert len(gaps) == len(real)
    assert all(abs(one - other) < slack for one, other in zip(gaps, real, strict=True))


@pytest.mark.parametrize("name", ["jssip", "sipjs", "sipsak"])
def test_what_the_program_does_not_print_is_not_made_up(name: str) -> None:
    """JsSIP and SIP.js print no address, sipsak not the port that it sends from; the octets are all there."""
    printed, captured = messages(TEXTS / f"{name}.txt"), messages(TEXTS / f"{name}.pcap")
    assert [one.payload for one in printed] == [one.payload for one in captured]
    for one in printed:
        other = one.destination if one.payload.startswith(b"REGISTER") else one.source
        assert other == (Endpoint("127.0.0.1", 5060) if name == "sipsak" else Endpoint("peer", 0))
    with open_sources([TEXTS / f"{name}.txt"]) as reading:
        list(reading)
        assert any("what the topmost Via says" in one for one in reading.sources[0].quality)
    assert all((one.time is None) == (name == "sipsak") for one in printed)


def test_names_instead_of_addresses() -> None:
    printed, captured = messages(TEXTS / "tcpdump-names.txt"), messages(TEXTS / "printed.pcap")
    assert [one.payload for one in printed] == [one.payload for one in captured]
    assert [one.source.port for one in printed] == [one.source.port for one in captured]


def test_what_wireshark_cuts_is_put_together() -> None:
    """A header longer than Wireshark shows is there in its parts; the message says that it was put together."""
    printed, captured = messages(TEXTS / "tshark-V.txt"), messages(TEXTS / "printed.pcap")
    assert dialect(TEXTS / "tshark-V.txt") == "wireshark"
    assert [one.payload for one in printed] == [one.payload for one in captured]
    assert [(one.source, one.destination, one.time) for one in printed] == [
        (one.source, one.destination, one.time) for one in captured
    ]
    repaired = [[defect.code for defect in one.defects] for one in printed if one.is_repaired]
    assert repaired and all(codes == ["repaired-text"] for codes in repaired)
    assert len(repaired) == (TEXTS / "tshark-V.txt").read_bytes().count(b"[truncated]Authorization")


def test_what_wireshark_cuts_for_good_is_told(tmp_path: Path) -> None:
    """As printed without what is in a header (the packet list expanded to the headers alone)."""
    text = b"".join(
        line for line in (TEXTS / "tshark-V.txt").read_bytes().splitlines(keepends=True) if line[:12].strip()
    )
    path = tmp_path / "folded.txt"
    path.write_bytes(
        text.replace(b"Content-Length: 0\n", b"Content-Length: 0\n\n").replace(b"Length:  0\n", b"Length:  0\n\n")
    )
    cut = [one for one in messages(path) if one.missing]
    assert len(cut) == text.count(b"[truncated]")
    assert all("it is cut" in one.defects[0].text for one in cut)


MIX = {
    "ngrep-byline-t.txt": ({4: "cut", 6: "cut"}, 8),
    "sipgrep.txt": ({6: "without a line"}, 8),
    "tcpdump-A.txt": ({4: "cut", 6: "cut"}, 8),
}
"""Texts of a flow that sipdump wrote whole: its fifth message came in two fragments, its seventh in three segments."""


@pytest.mark.parametrize("name", MIX)
def test_the_mixed_flow(name: str) -> None:
    cut, count = MIX[name]
    whole = messages(TEXTS / "kamailio-sipdump.data")
    printed = sorted(messages(TEXTS / name), key=lambda one: one.place)
    assert len(printed) == len(whole) == count
    for number, (one, other) in enumerate(zip(printed, whole, strict=True)):
        assert (one.source, one.destination, one.transport) == (other.source, other.destination, other.transport)
        if number in cut:
            assert one.missing and one.defects
            if cut[number] == "cut":
                assert other.payload.startswith(one.payload.rsplit(b"\r\n", 2)[0])
                continue
            lines = other.payload.split(b"\r\n")
            assert one.payload.split(b"\r\n") == [line for line in lines if not line.startswith(b"Authorization")]
        else:
            assert one.payload == other.payload and not one.defects


SEGMENTS = b"""T 2026/11/29 15:03:33.490852 127.0.0.1:57780 -> 127.0.0.1:5060
 [AP]
REGISTER sip:127.0.0.1 SIP/2.0.
Via: SIP/2.0/TCP 127.0.0.1:57780;branch=z9hG4bK1.
Call-ID: tcp1.
CSeq: 1 REGISTER.
Max-Fo
Unknown METHOD: rwards:
BAD M:[rwards: 70\r
Contact: <sip:u@127.0.0.1:57780>\r
%s
\r
%s
"""
"""sipgrep: a segment that begins within a message, and what is left in its buffer behind it."""


@pytest.mark.parametrize(
    ("line", "rest", "last"),
    [
        (b"Content-Length: 0\r", b"\r\n0C\x04]", b"Content-Length: 0"),
        (b"Expires: 30\r\nContent-Length: 0\r", b"\x04]", b"Content-Length: 0"),
        (b"Expires: 3yyyy\x04]\nUnknown METHOD: 00\nBAD M:[00\r\nContent-Length: 0\r", b"]", b"Content-Length: 0"),
    ],
)
def test_what_sipgrep_takes_for_an_unknown_method(line: bytes, rest: bytes, last: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sipgrep.txt"
    path.write_bytes(SEGMENTS % (line, rest))
    (one,) = messages(path)
    lines = one.payload.rstrip(b"\r\n").split(b"\r\n")
    assert lines[4] == b"Max-Forwards: 70"
    assert lines[5] == b"Contact: <sip:u@127.0.0.1:57780>" and lines[-1] == last
    assert bool(one.missing) is (b"yyyy" in line)
    assert b"yyyy" not in one.payload and b"BAD M" not in one.payload and b"\0" not in one.payload


def test_of_another_packet_no_segment_is_taken(tmp_path: Path) -> None:
    """What sipgrep says behind another message is none of the first."""
    path = tmp_path / "sipgrep.txt"
    text = SEGMENTS % (b"Content-Length: 0\r", b"]")
    other = b"U 2026/11/29 15:03:33.490900 127.0.0.2:5 -> 127.0.0.1:5060\n\n"
    other += b"OPTIONS sip:a SIP/2.0.\nVia: SIP/2.0/UDP a.\n.\n\n"
    path.write_bytes(text.replace(b"Unknown METHOD: rwards:\n", other + b"Unknown METHOD: rwards:\n"))
    assert sorted(b"Contact" in one.payload for one in messages(path)) == [False, False]


def test_requests_alone() -> None:
    """`$mb` was written for what Kamailio received."""
    whole = [one for one in messages(TEXTS / "kamailio-sipdump.data") if one.payload.startswith(b"REGISTER")]
    printed = messages(TEXTS / "kamailio-xlog-mb.txt")
    assert [one.payload for one in printed] == [one.payload for one in whole]
    assert [one.source for one in printed] == [one.source for one in whole]
    assert {one.destination for one in printed} == {Endpoint("kamailio", 0)}


@pytest.mark.parametrize(
    ("name", "wanted", "count", "sizes"),
    [
        ("sipp-trace_msg.txt", "sipp", 8, [277, 317, 484, 261] * 2),
        ("pjsua2-level5.txt", "pjsip", 8, [460, 398, 698, 345, 360, 398, 598, 285]),
        ("baresip-s.txt", "baresip", 8, [512, 358, 719, 381, 510, 358, 717, 245]),
    ],
)
def test_counts_made_by_hand(name: str, wanted: str, count: int, sizes: list[int]) -> None:
    """SIPp and pjsua print how long each message is; baresip's were counted with `wc -c`."""
    printed = messages(TEXTS / name)
    assert (dialect(TEXTS / name), [len(one.payload) for one in printed]) == (wanted, sizes)
    assert len(printed) == count
    assert not any(one.defects or one.missing for one in printed)


@pytest.mark.parametrize(
    ("text", "capture"),
    [(name, source) for name, (_, source) in FLOWS.items() if source.endswith(".pcap")],
)
def test_transactions_are_those_of_the_capture(text: str, capture: str) -> None:
    mine, real = analyze([TEXTS / text], detail=True), analyze([TEXTS / capture], detail=True)
    assert [(one.method, one.call_id, one.cseq, one.branch, one.state) for one in mine.transactions] == [
        (one.method, one.call_id, one.cseq, one.branch, one.state) for one in real.transactions
    ]
    assert [one.outcome for one in mine.registrations] == [one.outcome for one in real.registrations]


def test_the_copies_are_those_of_the_material() -> None:
    for path in shared("texts").iterdir():
        mine = TEXTS / path.name
        if path.name not in ("README.md", "asterisk16-rsyslog.txt"):
            assert mine.read_bytes() == path.read_bytes()
