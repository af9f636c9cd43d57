"""A log that is followed gives what the same log gives when it is read at once, and tells what is new in its order."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.capture.followed import Followed, FollowedFile
from analyzer.cli.follow import Screen
from analyzer.defect import SourceError
from analyzer.evidence import LogLines, Source
from analyzer.judge.findings import Finding
from analyzer.run.following import Following, Pulse
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from tests.plugins import folders

SAMPLES = sorted(Path(__file__).resolve().parents[2].glob("samples/*/input.txt"))
FIRST_CAPTURE = next(iter(sorted(SAMPLES[0].parents[1].glob("*/input.pcap"))))
LATER = {
    "asterisk-console-few-stamps": "what has no stamp is bounded by later lines",
    "asterisk-first-registration": "the year of the first lines is told by a Date header in later ones",
    "flow-text-rfc": "a document does not grow",
    "flow-text-slides": "a document does not grow",
    "text-sipsak": "the program ends with its last message; its first one is told by what stands behind the second",
    "text-yealink": "each line has a prefix, the one that ends a message too",
}
"""Samples of which a pause hides what the lines behind it would tell."""
FLOW = b"""<--- SIP read from UDP:192.0.2.7:5060 --->
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK%d
From: <sip:bob@example.com>;tag=1
To: <sip:bob@example.com>
Call-ID: %s
CSeq: %d REGISTER
Max-Forwards: 70
Contact: <sip:bob@192.0.2.7>
Content-Length: 0

<------------->
"""


def request(call_id: str, cseq: int) -> bytes:
    """A REGISTER as Asterisk prints it."""
    return FLOW % (cseq, call_id.encode(), cseq)


class Piecewise(Followed):
    """A log of which the next piece is there when somebody has looked in vain once."""

    def __init__(self, pieces: Sequence[bytes], calm: Callable[[], None], quiet: float = 0.0) -> None:
        super().__init__("a.log", self._look, quiet=quiet, poll=0.0)
        self._pieces = list(pieces)
        self._told = calm
        self._looked = True

    def _look(self) -> None:
        self._looked = True
        self._told()

    def fetch(self, size: int) -> bytes:
        """The next piece."""
        del size
        if not self._pieces:
            self.end()
            return b""
        if not self._looked:
            return b""
        self._looked = False
        return self._pieces.pop(0)


class Notes:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Finding] = []
        self.waited: list[str] = []
        self.pulses: list[Pulse] = []

    def news(self, finding: Finding, source: Source) -> None:
        """A finding is new."""
        assert source.name == "a.log"
        self.told.append(finding)

    def waits(self, error: SourceError) -> None:
        """Nothing is known yet."""
        self.waited.append(str(error))

    def calm(self, pulse: Pulse) -> None:
        """Nothing is new."""
        self.pulses.append(pulse)


def followed(pieces: Sequence[bytes], notes: Notes | None = None, dialect: str | None = None) -> Report:
    """The report of a log that came piece by piece."""
    listener = notes or Notes()
    return Following(lambda calm: Piecewise(pieces, calm), listener, dialect=dialect, detail=True).run()


def at_once(octets: bytes, folder: Path, dialect: str | None = None) -> Report:
    """The report of the same log when it is a file."""
    path = folder / "a.log"
    path.write_bytes(octets)
    return analyze(str(path), kind="log", dialect=dialect, tables=False)


def told(report: Report) -> object:
    """What a report says, but for the path."""
    return (
        report.summary.messages,
        report.summary.responses,
        [(row.method, row.call_id, row.cseq, row.state, row.aor) for row in report.transactions],
        [(one.aor, one.outcome, one.first, one.last) for one in report.registrations],
        sorted((one.rule, one.sub, one.count, one.detail) for one in report.findings),
        sorted(place[1:3] for one in report.findings for place, _ in one.evidence if isinstance(place, LogLines)),
        report.outcomes,
        report.sources[0].frames,
        report.sources[0].zone,
    )


def in_lines(octets: bytes, size: int) -> list[bytes]:
    """Pieces of which none but the last ends a line: nobody may take any of them for whole."""
    pieces, start = [], 0
    while start < len(octets):
        end = min(start + size, len(octets))
        while end < len(octets) and octets[end - 1 : end] in (b"\n", b"\r"):
            end += 1
        pieces.append(octets[start:end])
        start = end
    return pieces


GROWS = [one for one in folders.found("dialect") if not getattr(folders.loaded(*one), "FLOWS", False)]
"""A document of call flows does not, and `--follow` says so (tests/run/test_flows.py)."""


@pytest.mark.parametrize(("kind", "name"), GROWS)
@pytest.mark.parametrize("size", [61, 997])
def test_every_dialect_in_pieces_that_end_within_a_line(kind: str, name: str, size: int, tmp_path: Path) -> None:
    module = folders.loaded(kind, name)
    octets = module.EXAMPLE.replace(b"\r", b"")
    assert told(followed(in_lines(octets, size), dialect=module.NAME)) == told(at_once(octets, tmp_path, module.NAME))


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.parent.name not in LATER], ids=lambda path: path.parent.name
)
def test_every_sample_with_a_pause_before_each_message(sample: Path, tmp_path: Path) -> None:
    octets = sample.read_bytes()
    whole = at_once(octets, tmp_path)
    lines = octets.splitlines(keepends=True)
    cuts = [0, *(_border(lines, number) for number in ends_of(whole)), len(lines)]
    pieces = [b"".join(lines[one:two]) for one, two in pairwise(cuts) if two > one]
    assert told(followed(pieces)) == told(whole)


def _renamed(path: Path, rest: bytes) -> list[Callable[[], object]]:
    """logrotate's `create`: what was written is renamed away."""
    return [lambda: path.rename(path.with_suffix(".1")), lambda: path.write_bytes(rest)]


def _emptied(path: Path, rest: bytes) -> list[Callable[[], object]]:
    """logrotate's `copytruncate`."""
    return [lambda: path.write_bytes(b""), lambda: path.write_bytes(rest)]


@pytest.mark.parametrize("turned", [_renamed, _emptied])
@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.parent.name not in LATER], ids=lambda path: path.parent.name
)
def test_every_sample_rotated_between_two_messages(
    sample: Path, turned: Callable[[Path, bytes], list[Callable[[], object]]], tmp_path: Path
) -> None:
    octets = sample.read_bytes()
    whole = at_once(octets, tmp_path)
    lines, ends = octets.splitlines(keepends=True), ends_of(whole)
    middle = _border(lines, ends[(len(ends) - 1) // 2])
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(lines[:middle]))
    steps = iter(turned(path, b"".join(lines[middle:])))
    stream: list[FollowedFile] = []

    class Turning(Notes):
        def calm(self, pulse: Pulse) -> None:
            next(steps, stream[0].end)()

        def news(self, finding: Finding, source: Source) -> None:
            assert source.name == str(path)

    def opened(calm: Callable[[], None]) -> FollowedFile:
        stream.append(FollowedFile(str(path), calm, quiet=0.0, poll=0.0))
        return stream[0]

    report = Following(opened, Turning(), detail=True).run()
    assert told(report) == told(whole)
    assert any("began anew after line" in one for one in report.sources[0].quality)


def _border(lines: list[bytes], last: int) -> int:
    """How many lines are written when a message is: up to its last one, and what the program prints behind it."""
    while last < len(lines) and not lines[last].strip(b" .\r\n"):
        last += 1
    return last


def ends_of(report: Report) -> list[int]:
    """The last lines of the messages of a report, in order."""
    places = [place for row in report.transactions for place in (row.request, row.final)]
    return sorted({place.last for place in places if isinstance(place, LogLines)})


def test_news_come_when_they_happen() -> None:
    notes = Notes()
    wrong = request("a", 2).replace(b" sip:example.com SIP", b" sip:bob@example.com SIP")
    again = wrong.replace(b"CSeq: 2", b"CSeq: 3").replace(b"K2", b"K3")
    report = followed([request("a", 1), wrong, again], notes)
    (named,) = [one for one in notes.told if one.rule == "R3261-10.2-ruri-userinfo"]
    assert named in report.findings
    assert named.count == 2
    before = [pulse.findings for pulse in notes.pulses]
    assert before == sorted(before)
    assert before[0] < before[-1]


def test_the_pulse_counts_what_was_seen() -> None:
    notes = Notes()
    followed([request("a", 1), request("a", 2), b"\n", b"\n"], notes)
    assert [pulse.messages for pulse in notes.pulses] == sorted(pulse.messages for pulse in notes.pulses)
    last = notes.pulses[-1]
    assert (last.messages, last.clients, last.lines) == (2, 1, 25)
    assert last.dialect == "Asterisk chan_sip log"


def test_the_pulse_of_a_capture_counts_packets_and_no_lines() -> None:
    octets = FIRST_CAPTURE.read_bytes()
    notes = Notes()
    pieces = [octets[: len(octets) // 2], octets[len(octets) // 2 :], b""]
    report = Following(lambda calm: Piecewise(pieces, calm, math.inf), notes, kind="capture").run()
    packets = [pulse.packets for pulse in notes.pulses]
    assert packets == sorted(packets, key=lambda number: number or 0)
    assert packets[-1] == report.sources[0].frames > 0
    assert {pulse.lines for pulse in notes.pulses} == {0}


def test_the_status_line_names_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stderr", shown)
    screen = Screen("table", None, progress=None)
    screen.calm(Pulse(25, 2, 1, 0, "Asterisk chan_sip log"))
    screen.calm(Pulse(0, 2, 1, 0, "pcapng capture", packets=7))
    log, capture = shown.getvalue().split("\r\x1b[K")[1:]
    assert log == "Asterisk chan_sip log · 25 lines, 2 SIP messages, 1 client, 0 findings · Ctrl-C: the report"
    assert capture == "pcapng capture · 7 packets, 2 SIP messages, 1 client, 0 findings · Ctrl-C: the report"


def test_a_log_that_is_unknown_at_first() -> None:
    notes = Notes()
    report = followed([b"", b"Asterisk is starting\n", request("a", 1)], notes)
    assert report.summary.messages == 1
    assert [row.request.first for row in report.transactions if isinstance(row.request, LogLines)] == [3]
    assert notes.waited
    assert all("a.log" in words for words in notes.waited)


def test_a_log_that_is_unknown_for_long_keeps_its_line_numbers() -> None:
    words = b"[Jan  1 00:00:00] VERBOSE[1] loader.c: another module\n" * 6000
    report = followed([words, words, request("a", 1)])
    (row,) = report.transactions
    assert isinstance(row.request, LogLines)
    assert row.request.first == 12_002


def test_a_log_of_which_nothing_is_known_to_the_end() -> None:
    with pytest.raises(SourceError, match=r"a\.log"):
        followed([b"Asterisk is starting\n", b"Asterisk is ready\n"])


def test_a_log_that_began_anew_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(request("a", 1))
    steps = iter((lambda: path.rename(tmp_path / "a.log.1"), lambda: path.write_bytes(request("a", 2))))
    stream: list[FollowedFile] = []

    class Rotating(Notes):
        def calm(self, pulse: Pulse) -> None:
            step = next(steps, stream[0].end)
            step()

        def news(self, finding: Finding, source: Source) -> None:
            assert source.name == str(path)

    def opened(calm: Callable[[], None]) -> FollowedFile:
        stream.append(FollowedFile(str(path), calm, quiet=0.0, poll=0.0))
        return stream[0]

    report = Following(opened, Rotating(), detail=True).run()
    assert report.summary.messages == 2
    assert "The log began anew after line 12, and the lines are counted on from there." in report.sources[0].quality


def test_a_capture_is_refused() -> None:
    with pytest.raises(SourceError, match="capture"):
        followed([b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(8) + b"\xff\xff\x00\x00\x01\x00\x00\x00"])
