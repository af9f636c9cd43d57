"""A document as a source: flows, their order and titles, the legend, who sends to whom, what is told and claimed."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture.dialects import flow_text
from analyzer.capture.flows.document import HELD, LONGEST_TITLE, MOST_LISTED, MOST_STEPS
from analyzer.capture.formats import discover
from analyzer.cli import sipcheck
from analyzer.evidence import Endpoint, Frame, LogLines, RawMessage, Source
from tests.capture.call_flows import ANSWERED, ASKED, REGISTER, SLIDES, WHOLE, codes, message, read, step
from tests.shared import DATA, ROOT


def steps(text: str) -> list[tuple[int, int]]:
    return [(step(one).flow, step(one).step) for one in read(text, "flow-text")[0]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (ASKED + ANSWERED, [(1, 1), (1, 2)]),
        (ANSWERED + ASKED, [(1, 1), (1, 2)]),
        (2 * (ASKED + ANSWERED), [(1, 1), (1, 2), (2, 1), (2, 2)]),
        (2 * (ANSWERED + ASKED), [(1, 1), (1, 2), (2, 1), (2, 2)]),
        (f"{ASKED}2.2. Another\n\n{ANSWERED}", [(1, 1), (2, 2)]),
        (f"{ASKED}\nSlide of a Talk\n\n{ANSWERED}", [(1, 1), (1, 2)]),
        (f"{ASKED}\n## The Answer\n\n{ANSWERED}", [(1, 1), (1, 2)]),
        (f"{ASKED}{ANSWERED}\nAnother\n\n{ANSWERED}{ASKED}", [(1, 1), (1, 2), (2, 1), (2, 2)]),
        (f"{message(REGISTER)}\nThen\n\n{message('SIP/2.0 200 OK')}", [(1, 1), (1, 2)]),
        (f"{message(REGISTER)}\n{ANSWERED}", [(1, 1), (1, 2)]),
        (ASKED.replace("F1", "F7"), [(1, 7)]),
    ],
)
def test_flows_and_their_order(text: str, wanted: list[tuple[int, int]]) -> None:
    assert steps(text) == wanted


def test_what_was_moved_says_so() -> None:
    messages, _ = read(ANSWERED + ASKED)
    assert [codes(one) for one in messages] == [{"repaired-order"}] * 2
    messages, _ = read(ASKED + ANSWERED)
    assert [codes(one) for one in messages] == [set(), set()]


def test_titles_and_lines_of_flows() -> None:
    _, source = read(WHOLE)
    assert [(one.flow, one.title, one.messages) for one in source.flows] == [
        (1, "Registration Through an Edge Proxy", 10),
        (2, "Removal of All Contacts", 2),
        (3, "A Number That Is Not Raised", 4),
    ]
    lines = WHOLE.split("\n")
    for one in source.flows:
        assert lines[one.first - 1].strip() == "REGISTER sip:lisboa.example SIP/2.0"
        assert lines[one.last - 1].strip() == "Content-Length: 0"
    assert [one.first for one in source.flows] == sorted(one.first for one in source.flows)


def test_a_flow_is_found_by_a_place() -> None:
    messages, source = read(SLIDES)
    for one in messages:
        found = source.flow_at(one.place)
        assert found is not None
        assert (found.flow, found.title) == (step(one).flow, step(one).title)
    assert source.flow_at(LogLines(source.name, 100_000, 100_001)) is None
    assert source.flow_at(Frame(source.name, 8)) is None
    assert Source("other").flow_at(messages[0].place) is None


def test_titles_are_cut_and_octets_that_are_no_text_are_kept() -> None:
    messages, _ = read(b"3.1. A\xff Title\n\n" + ASKED.encode(), "flow-text")
    assert step(messages[0]).title == "A\udcff Title"
    messages, _ = read(f"3.1. {'A' * 90}\n\n{ASKED}", "flow-text")
    assert 80 < len(step(messages[0]).title) <= LONGEST_TITLE


@pytest.mark.parametrize(
    ("heading", "start", "ends"),
    [
        ("F1 REGISTER Eva -> Server", REGISTER, ("Eva", "Server")),
        ("F2 200 OK Server -> Eva", "SIP/2.0 200 OK", ("Server", "Eva")),
        ("F2 401 Unauthorized SIP Server -> Eva", "SIP/2.0 401 Unauthorized", ("SIP Server", "Eva")),
        ("F1 Eva -> Server: REGISTER", REGISTER, ("Eva", "Server")),
        ("F2 Eva <- Server 401 Unauthorized", "SIP/2.0 401 Unauthorized", ("Server", "Eva")),
        ("F1 (REGISTER) Eva -> Server", REGISTER, ("Eva", "Server")),
        ("F1 REGISTER", REGISTER, ("phone.example.com:5060", "server")),
        ("F2 200 OK", "SIP/2.0 200 OK", ("server", "phone.example.com:5060")),
        ("F1 REGISTER -> Server", REGISTER, ("phone.example.com:5060", "server")),
    ],
)
def test_who_sends_to_whom(heading: str, start: str, ends: tuple[str, str]) -> None:
    (one,), source = read(f"{heading}\n\n{message(start)}", "flow-text")
    assert (one.source.written, one.destination.written) == ends
    assert any("no heading with names" in line for line in source.quality) is ("server" in ends)


def test_without_via_the_client_is_called_so() -> None:
    text = f"F1 REGISTER\n\n{REGISTER}\nTo: <sip:b@h>\nContent-Length: 0\n"
    (one,), _ = read(text, "flow-text")
    assert (one.source, one.destination, one.transport) == (Endpoint("client", 0), Endpoint("server", 0), "UDP")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sips:ss2.**Biloxi**", "sips:ss2.biloxi.example.com"),
        ("<sip:bob@Biloxi>", "<sip:bob@biloxi.example.com>"),
        ("<sip:bob@client.Biloxi:5061>", "<sip:bob@client.biloxi.example.com:5061>"),
        ('Digest realm="Biloxi", x="1"', 'Digest realm="biloxi.example.com", x="1"'),
        ("SIP/2.0/TLS Biloxi:5061", "SIP/2.0/TLS biloxi.example.com:5061"),
        ("Biloxi <sip:b@h>", "Biloxi <sip:b@h>"),
        ("<sip:b@Biloxi.com>", "<sip:b@Biloxi.com>"),
        ("<sip:b@BiloxiNet>", "<sip:b@BiloxiNet>"),
        ("**bold** words", "bold words"),
    ],
)
def test_names_of_the_legend(written: str, meant: str) -> None:
    """The legend stands behind the flow, as on the last of some slides."""
    (one,), _ = read(
        f"F1 REGISTER Eva -> S\n\n{message(REGISTER, f'X-A: {written}')}\nBiloxi - biloxi.example.com\n", "flow-text"
    )
    assert f"\r\nX-A: {meant}\r\n".encode() in one.payload
    assert ("repaired-legend" in codes(one)) is ("biloxi.example.com" in meant)


def test_a_legend_takes_no_more_room_than_the_document() -> None:
    name = "a." * 8 + "example"
    text = f"F1 REGISTER Eva -> S\n\n{message(REGISTER, 'X-A: ' + '@Ab ' * 5000)}\nAb - {name}\n"
    text += "".join(
        f"F{number} REGISTER Eva -> S\n\n{message(REGISTER, 'X-A: ' + '@Ab ' * 5000)}\n" for number in range(2, 9)
    )
    messages, _ = read(text, "flow-text")
    assert sum(len(one.payload) for one in messages) < 3 * len(text)
    assert len(messages) == 8


@pytest.mark.parametrize("name", ["flow-text-rfc", "flow-text-slides"])
def test_it_is_recognised(name: str) -> None:
    octets = (ROOT / "samples" / name / "input.txt").read_bytes()
    assert [form.name for form in discover() if form.kind == "log" and form.looks_like(octets) and not form.last] == [
        "flow-text"
    ]
    assert flow_text.looks_like(octets[:3000])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SIP/2.0",
        message(REGISTER).encode(),
        b"F1 REGISTER Eva -> Server\n",
        b"The phone sends REGISTER sip:h SIP/2.0\nF1 REGISTER Eva -> Server\n",
        b"F1 REGISTER Eva -> Server\n\nREGISTER sip:h SIP/2.0\n",
        b"\x00" * 300 + ASKED.encode(),
        b"SIP/2.0 " * 5000,
    ],
)
def test_what_it_does_not_claim(text: bytes) -> None:
    assert flow_text.looks_like(text) is False


def test_texts_of_programs_are_not_claimed() -> None:
    texts = [*(DATA / "texts").glob("*.txt"), *(ROOT / "samples").glob("text-*/input.*")]
    assert len(texts) > 20
    assert not [path.name for path in texts if flow_text.looks_like(path.read_bytes()[: 1 << 18])]


def test_the_work_of_recognition_is_bounded() -> None:
    octets = (b"F1 REGISTER a -> b\nsays SIP/2.0 and nothing else, again and again\n" * 4000)[: 1 << 18]
    start = time.process_time()
    assert flow_text.looks_like(octets) is False
    assert time.process_time() - start < 5


def test_nothing_in_it_is_told_with_what_it_would_be() -> None:
    source = Source("nothing", kind="log")
    assert list(flow_text.read(io.BytesIO(b"F1 REGISTER a -> b\n\nand no message\n"), source)) == []
    assert (source.other, source.frames) == (1, 3)
    assert "headings" in source.hint


def test_a_long_document_is_given_out_as_it_is_read() -> None:
    """Nothing is held behind the first octets, and a legend counts from where it stands on."""
    one = (ASKED + ANSWERED).replace("example.com", "Ab")
    times = HELD // len(one) + 3
    text = (one * times + "Ab - ab.example\n\n" + one * 2).encode()
    messages = [item for item in flow_text.read(io.BytesIO(text), Source("long")) if isinstance(item, RawMessage)]
    assert len(messages) == 2 * (times + 2)
    assert b"@Ab>" in messages[0].payload
    assert b"@ab.example>" in messages[-1].payload
    assert len({step(item).flow for item in messages}) == times + 2


def test_flows_beyond_a_number_are_not_listed() -> None:
    _, source = read((ASKED + ANSWERED) * (MOST_LISTED + 5))
    assert len(source.flows) == MOST_LISTED
    assert source.messages == 2 * (MOST_LISTED + 5)


def test_a_flow_has_so_many_messages_at_most() -> None:
    text = "".join(message(REGISTER, number=number) for number in range(MOST_STEPS + 3))
    assert {flow for flow, _ in steps(text)} == {1, 2}


@pytest.mark.parametrize("text", [SLIDES, ASKED.encode() + ANSWERED.encode()])
def test_read_as_it_stands_it_is_told_to_look_copied(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "slides.txt"
    path.write_bytes(text)
    run = CliRunner().invoke(sipcheck, ["log", str(path), "--dialect", "bare"])
    assert "This looks like copied text: --dialect flow-text mends it, flow by flow." in " ".join(run.output.split())
    run = CliRunner().invoke(sipcheck, ["log", str(path), "--dialect", "flow-text"])
    assert "copied text" not in run.output


def test_messages_alone_with_empty_lines_are_told_to_look_copied(tmp_path: Path) -> None:
    """No heading tells that it is a flow; headers behind an empty line do."""
    path = tmp_path / "mail.txt"
    path.write_text(message(REGISTER).replace("Call-ID", "\nCall-ID") + "\n" + message("SIP/2.0 200 OK"))
    run = CliRunner().invoke(sipcheck, ["log", str(path)])
    told = " ".join(run.output.split())
    assert (
        "1 message has more headers behind an empty line: this looks like copied text, which --dialect flow-text mends"
        in told
    )
    run = CliRunner().invoke(sipcheck, ["log", str(path), "--dialect", "flow-text"])
    assert "1 client in 1 flow, only asked what is registered" in run.output
    whole = tmp_path / "whole.txt"
    whole.write_text(message(REGISTER) + "\n" + message("SIP/2.0 200 OK") + "\nTo: be continued\n")
    assert "copied text" not in CliRunner().invoke(sipcheck, ["log", str(whole)]).output


@pytest.mark.parametrize(
    "text", ["- [ ] UACは...含めてもよい[MAY]。\n", "-\tregistrar : server that accept **REGISTER** request.\n"]
)
def test_a_text_without_messages_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text * 30, encoding="utf-8")
    run = CliRunner().invoke(sipcheck, ["log", str(path)])
    assert run.exit_code == 3
    assert run.stderr.count("\n") == 1
    assert "it looks like text (it holds no SIP message; known: announced, asterisk-chan_sip, " in run.stderr
    assert "flow-text" in run.stderr
    path.write_text(text * 20_000, encoding="utf-8")
    assert "no SIP message is in its first 256 kB" in CliRunner().invoke(sipcheck, ["log", str(path)]).stderr
