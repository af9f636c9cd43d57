"""Lines that were broken to a width are joined again, and nothing else is."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.breaks import is_full
from analyzer.capture.text.widths import wrap_of
from analyzer.evidence import RawMessage, Source
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from tests.shared import DATA

SAMPLES = sorted(
    path
    for path in Path(__file__).resolve().parents[2].glob("samples/*/input.txt")
    if not path.parent.name.startswith("flow-text")  # documents have a mending of their own
)
TEXT = b"""<--- SIP read from UDP:192.0.2.7:5060 --->
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1234567890abcdef;rport
From: "Bob" <sip:bob@example.com>;tag=1234567890
To: "Bob" <sip:bob@example.com>
Call-ID: 1234567890@192.0.2.7
CSeq: 2 REGISTER
Max-Forwards: 70
Authorization: Digest username="bob", realm="example.com", nonce="f00f00f00f00f00f00f00f00f00f00f0", %b
Contact: <sip:bob@192.0.2.7:5060>
Content-Length: 0

<------------->
""".replace(
    b"%b",
    b'uri="sip:example.com", response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, '
    b'cnonce="0a1b2c3d"',
)


def words(text: str, width: int) -> str:
    """Broken at blanks, and within words that are longer."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, width, break_on_hyphens=False, drop_whitespace=True)) for line in text.split("\n")
    )


def cut(text: str, width: int) -> str:
    """Broken anywhere, as a terminal does."""
    return "\n".join(
        "\n".join(line[at : at + width] for at in range(0, max(len(line), 1), width)) for line in text.split("\n")
    )


def outline(report: Report) -> object:
    """What a report says of messages and clients."""
    return (
        report.summary.messages,
        sorted((row.method, row.call_id, row.cseq, row.status) for row in report.transactions),
        sorted(one.outcome for one in report.registrations),
    )


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    """The messages of a text."""
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def is_told(path: Path, broken: str, folder: Path) -> bool:
    """Whether the report on a broken text is that on the whole one."""
    other = folder / "a.log"
    other.write_text(broken, encoding="utf-8", newline="")
    return outline(analyze(str(other), tables=False)) == outline(analyze(str(path), tables=False))


@pytest.mark.parametrize("width", [60, 63, 72, 77, 80, 100])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.parent.name)
def test_every_sample_broken_at_blanks(sample: Path, width: int, tmp_path: Path) -> None:
    text = sample.read_text(encoding="utf-8", errors="replace")
    broken = words(text, width)
    assert is_told(sample, broken, tmp_path)
    again, plain = (read(one.encode("utf-8", "replace"))[0] for one in (broken, text))
    for one, other in zip(again, plain, strict=True):
        assert one.time in (other.time, None)
        for mine, theirs in ((one.source, other.source), (one.destination, other.destination)):
            assert mine == theirs or not mine.port  # not known any more, but never another one
    assert not any(one.missing for one in again if not any(other.missing for other in plain))


@pytest.mark.parametrize(
    ("break_", "width"),
    [(words, width) for width in (40, 50, 60, 72, 80)] + [(cut, width) for width in (40, 50, 60, 72, 80)],
)
@pytest.mark.parametrize("quoting", ["", "> ", "    "])
def test_the_octets_come_back(break_: Callable[[str, int], str], width: int, quoting: str) -> None:
    plain, _ = read(TEXT)
    broken = "".join(f"{quoting}{line}\n" for line in break_(TEXT.decode(), width).split("\n")).encode()
    messages, source = read(broken)
    assert [one.payload for one in messages] == [one.payload for one in plain]
    assert "repaired-wraps" in [defect.code for defect in messages[0].defects]
    assert messages[0].is_repaired
    assert any("broken to a width" in sentence for sentence in source.quality)


def test_lines_keep_their_numbers() -> None:
    octets = words(TEXT.decode() + TEXT.decode(), 60).encode()
    messages, source = read(octets)
    starts = [n for n, line in enumerate(octets.split(b"\n"), 1) if line.startswith(b"REGISTER")]
    assert [one.place[1] for one in messages] == starts
    assert source.frames == octets.count(b"\n")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.parent.name)
def test_a_whole_text_is_left_as_it_is(sample: Path) -> None:
    assert wrap_of(sample.read_bytes()[: 1 << 16]) is None


def test_a_foreign_line_in_a_message_is_not_joined() -> None:
    """It came from another thread, and the line before had room for it."""
    octets = TEXT.replace(b"Max-Forwards", b"another thread says a word\nMax-Forwards")
    assert wrap_of(octets) is None


def test_a_foreign_line_is_left_where_others_are_broken() -> None:
    """It had room in the line before: whoever wrote it in between, no width did."""
    broken = words(TEXT.decode(), 72).replace("Max-Forwards", "a word\nMax-Forwards")
    wrap = wrap_of(broken.encode())
    assert wrap is not None
    lines = [whole for _, whole in wrap.joined(broken.encode().split(b"\n"))]
    assert b"a word" in lines
    assert [line for line in lines if line != b"a word"] == TEXT.split(b"\n")


@pytest.mark.parametrize("header", ["Session-Expires: 1800", "Privacy: none", "Min-SE: 90", "P-Odd.Name!: x", "x : y"])
def test_a_header_behind_the_longest_line_is_a_header(header: str) -> None:
    octets = TEXT.replace(b"Contact:", header.encode() + b"\nContact:")
    assert wrap_of(octets) is None
    assert not read(octets)[0][0].is_repaired


def test_a_word_may_be_longer_than_the_width() -> None:
    """Mail programs leave it whole."""
    lines = []
    for line in TEXT.decode().split("\n"):
        lines += textwrap.wrap(line, 50, break_long_words=False, break_on_hyphens=False) or [""]
    assert max(map(len, lines)) > 50
    messages, _ = read("\n".join(lines).encode())
    assert [one.payload for one in messages] == [one.payload for one in read(TEXT)[0]]


def test_the_end_that_ngrep_shows_is_none_of_a_line() -> None:
    whole = (Path(__file__).resolve().parents[2] / "samples/text-ngrep/input.txt").read_text()
    plain, _ = read(whole.encode())
    for width in (72, 80):
        messages, _ = read(cut(whole, width).encode())
        assert [one.payload for one in messages] == [one.payload for one in plain]


def test_a_folded_header_is_the_senders_own() -> None:
    octets = TEXT.replace(b', uri="', b',\r\n uri="')
    assert wrap_of(octets) is None
    messages, _ = read(octets)
    assert not messages[0].is_repaired


def test_a_body_stays() -> None:
    """Octets behind the empty line have their own line ends."""
    body = b"v=0\no=- 1 1 IN IP4 192.0.2.7\ns=-\n"
    whole = TEXT.replace(b"Content-Length: 0\n\n", b"Content-Length: %d\n\n%b" % (len(body), body))
    messages, _ = read(words(whole.decode(), 60).encode())
    assert messages[0].payload.endswith(body)


@pytest.mark.parametrize(
    ("line", "rest", "width", "full"),
    [
        (b"x" * 60, b"word and more", 72, False),
        (b"x" * 68, b"word and more", 72, True),
        (b"x" * 67, b"word and more", 72, False),
        (b"x" * 72, b"", 72, True),
        (b"", b"word", 4, False),
    ],
)
def test_whether_a_word_had_room(line: bytes, rest: bytes, width: int, full: bool) -> None:
    assert is_full(line, rest, width) is full


def test_a_long_text_costs_what_it_is_long() -> None:
    """The joining looks at each line once."""
    octets = words(TEXT.decode(), 60).encode()
    wrap = wrap_of(octets)
    assert wrap is not None
    counts = [sum(count for count, _ in wrap.joined((octets * times).split(b"\n")[:-1])) for times in (1, 50)]
    assert counts[1] == 50 * counts[0]


def test_hostile_lines_end() -> None:
    for octets in (
        b"REGISTER a SIP/2.0\n" + b"x" * 79 + b"\n",
        b"SIP/2.0 200\n" + b"(" * 100 + b"\n" + b"<-" * 60 + b"\n",
    ):
        wrap = wrap_of(octets * 200)
        if wrap is not None:
            assert wrap.text(octets * 200).count(b"x") == (octets * 200).count(b"x")


REAL = {path.name: path for path in sorted((DATA / "texts").iterdir()) if path.suffix in (".txt", ".data")}
OF_TERMINALS = (
    "baresip-s.txt",
    "kamailio-sipdump.data",
    "kamailio-xlog-mb.txt",
    "linphone.txt",
    "jssip.txt",
    "sipjs.txt",
    "pjsua2-level5.txt",
    "sipp-trace_msg.txt",
    "sipsak.txt",
    "sngrep-saved.txt",
    "tcpdump-v.txt",
    "tshark-V.txt",
    "twinkle.txt",
)


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CR LF"])
@pytest.mark.parametrize("width", [72, 80])
@pytest.mark.parametrize("name", OF_TERMINALS)
def test_real_texts_on_a_narrow_terminal(name: str, width: int, ends: str) -> None:
    """Banners are broken as well, and octets that are no words."""
    text = REAL[name].read_bytes().decode("latin-1").replace("\r", "")
    broken = cut(text, width).replace("\n", ends)
    wanted, told = (read(one.encode("latin-1")) for one in (text, broken))
    assert told[1].format == wanted[1].format
    assert [one.payload.rstrip() for one in told[0]] == [one.payload.rstrip() for one in wanted[0]]
    assert [(one.source, one.destination) for one in told[0]] == [(one.source, one.destination) for one in wanted[0]]
    assert all("repaired-wraps" in [defect.code for defect in one.defects] for one in told[0])


def narrowed(text: bytes, width: int) -> bytes:
    """What `cut -c1-80` leaves."""
    return b"".join(line.rstrip(b"\r")[:width] + b"\n" for line in text.split(b"\n")[:-1])


CUT = [name for name in OF_TERMINALS if name not in ("tcpdump-v.txt", "tshark-V.txt", "kamailio-xlog-mb.txt")]
"""tcpdump's and Wireshark's lines are indented: their headers begin behind the width's start."""


@pytest.mark.parametrize("name", [*CUT, "ngrep-byline-t.txt", "tcpdump-A-n.txt"])
def test_lines_that_were_cut_accuse_nobody(name: str, tmp_path: Path) -> None:
    """What is behind the width is lost in the text, and was not missing on the wire."""
    whole, cut_off = tmp_path / "whole.log", tmp_path / "cut.log"
    whole.write_bytes(REAL[name].read_bytes())
    cut_off.write_bytes(narrowed(whole.read_bytes(), 80))
    before, after = analyze([whole]), analyze([cut_off])
    assert after.summary.messages == before.summary.messages
    assert {(one.rule, one.sub) for one in after.findings} <= {(one.rule, one.sub) for one in before.findings}
    assert "The lines are cut at 80 characters: what stood behind is lost, and not judged." in after.sources[0].quality


@pytest.mark.parametrize("name", OF_TERMINALS)
def test_lines_that_were_not_cut_are_not_told_to_be(name: str) -> None:
    assert not any("lines are cut at" in one for one in read(REAL[name].read_bytes())[1].quality)


STAMPED = "".join(
    f"Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] {line}".rstrip() + "\n"
    for line in (
        "Message sent: (to dest=192.0.2.1:5060 len=257)",
        *TEXT.decode().split("\n")[1:12],
        "Message recv: (from src=192.0.2.1:5060 len=235)",
    )
)


@pytest.mark.parametrize("width", [60, 64, 72])
@pytest.mark.parametrize("quoting", ["", "> "])
def test_rests_of_lines_that_a_logger_stamps_are_those_without(width: int, quoting: str) -> None:
    broken = "".join(
        f"{quoting}{line}\n" for line in words(STAMPED, width - len(quoting)).removesuffix("\n").split("\n")
    )
    assert sum(not line.startswith(f"{quoting}Nov") for line in broken.split("\n")) > 4
    [message], [plain] = (read(text.encode())[0] for text in (broken, STAMPED))
    assert (message.payload, message.source, message.destination) == (plain.payload, plain.source, plain.destination)


def test_a_line_without_stamp_that_had_room_is_of_somebody_else() -> None:
    """Then no width made it, and of the others nothing is sure."""
    broken = words(STAMPED, 60)
    wrap = wrap_of(broken.encode())
    assert wrap is not None
    assert wrap.is_stamped
    other = wrap_of(
        broken.replace("\nNov 29 15:03:33 sua [723:723]: DLG <6+info  > [000]\n", "\nNov 29\nhello\n").encode()
    )
    assert other is None or not other.is_stamped


def test_what_is_left_of_a_line_is_of_no_other_program() -> None:
    """`received` / `[188] new bytes from ...` looks like a line of OpenSIPS behind the break."""
    sample = next(path for path in SAMPLES if path.parent.name == "text-linphone")
    messages, source = read(words(sample.read_text(encoding="utf-8"), 80).encode())
    assert source.format == "linphone"
    assert not any("opensips" in (one.source.host, one.destination.host) for one in messages)
    assert [one.missing for one in messages] == [0] * 6


@pytest.mark.parametrize("width", [60, 66, 80])
def test_stamped_lines_on_a_narrow_terminal(width: int) -> None:
    """Nothing stood where a word was broken; what lines have in common tells which of them are rests."""
    sample = next(path for path in SAMPLES if path.parent.name == "asterisk-first-registration")
    text = sample.read_text(encoding="utf-8")
    plain, told = (read(one.encode())[0] for one in (text, cut(text, width)))
    assert [(one.payload, one.time, one.source) for one in told] == [
        (one.payload, one.time, one.source) for one in plain
    ]


@pytest.mark.parametrize("gap", [" ", "  ", ""])
def test_parameters_are_as_far_apart_as_the_others(gap: str) -> None:
    text = TEXT.decode().replace(", ", f",{gap}")
    for width in range(60, 81):
        [told] = read(words(text, width).encode())[0]
        [plain] = read(text.encode())[0]
        assert told.payload.replace(b" ", b"") == plain.payload.replace(b" ", b"")


def test_colours_count_for_the_width_alone() -> None:
    text = (DATA / "texts" / "sipgrep.txt").read_text(encoding="utf-8", errors="replace")
    assert "\x1b[1m" in text
    plain, told = (read(one.encode())[0] for one in (text, words(text, 60)))
    assert [(one.payload, one.time, one.source) for one in told] == [
        (one.payload, one.time, one.source) for one in plain
    ]
