"""`--as-captured`: every octet stays but those of the live address and of the digest, and these are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import Message, parse, parse_bytes
from analyzer.sip.text import octets as encoded
from replay.agent import Agent
from replay.flow import Exchange, read_flow
from replay.message_editor import MessageEditor
from replay.net.play import ConnectionOptions
from replay.plan import Step, steps_of
from replay.preview import preview
from replay.rewrite import NECESSITIES, REPAIRS, written
from replay.session import ReplayMode
from tests.replay.said import CLEAN, LOCAL, READABLE, agent_of, capture_of, flow_of, spoiled, steps_in
from tests.replay.scripted import answer_to, scripted_peer

VIA = b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\r\n"
REST = (
    b"From: <sip:bob@example.com>;tag=f\r\nTo: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
    b"Contact: <sip:bob@192.0.2.10:5060>\r\nContent-Length: 0\r\n"
)
START = b"REGISTER sip:example.com SIP/2.0\r\n"
BOB = b"<sip:bob@192.0.2.10:5060>"
PROXY = b"SIP/2.0/TCP  p.example.com;branch=z9hG4bKb\r\n"


def step_of(octets: bytes, missing: int = 0) -> Step:
    ends = Endpoint("192.0.2.10", 5060)
    raw_message = RawMessage(octets, 0, Frame("bytes", 1), ends, ends, missing=missing)
    exchange = Exchange(1, parse(raw_message), None, (), 0, 0, None)
    return Step(1, exchange, 0, None, False, True)


def verbatim(octets: bytes, agent: Agent | None = None) -> MessageEditor:
    return written(step_of(octets), agent or agent_of(), NECESSITIES)


def moved(octets: bytes) -> bytes:
    """By hand: what must become of the address, and nothing else."""
    return octets.replace(b"192.0.2.10:5060", str(LOCAL).encode())


ODD: dict[str, bytes] = {
    "plain": START + VIA + REST + b"\r\n",
    "octets after Content-Length": START + VIA + REST + b"\r\nINVITE sip:x SIP/2.0\r\n\r\n",
    "bare LF after the start line": START.replace(b"\r\n", b"\n") + VIA + REST + b"\r\n",
    "bare LF everywhere": (START + VIA + REST + b"\r\n").replace(b"\r\n", b"\n"),
    "bare CR everywhere": (START + VIA + REST + b"\r\n").replace(b"\r\n", b"\r"),
    "empty lines before the start line": b"\r\n\r\n" + START + VIA + REST + b"\r\n",
    "no end of the head": START + VIA + REST,
    "no end of the last line": START + VIA + REST.rstrip(b"\r\n"),
    "an empty line of LF": START + VIA + REST + b"\n",
    "blanks in the start line": b"REGISTER  sip:example.com  SIP/2.0\r\n" + VIA + REST + b"\r\n",
    "a folded Via": START + b"Via:SIP / 2.0\r\n / udp\r\n\t192.0.2.10:5060 ;\r\n branch=z9hG4bKa \r\n" + REST + b"\r\n",
    "several Vias in a row": START + VIA.rstrip() + b" ," + PROXY + REST + b"\r\n",
    "several rows of Via": START + VIA + b"v : " + PROXY + REST + b"\r\n",
    "a Via with a comment": START + VIA.replace(b";branch", b" ; branch") + REST + b"\r\n",
    "a folded Contact": START + VIA + REST.replace(b" " + BOB, b'\r\n "B, ob" \t' + BOB + b";\r\n q=1") + b"\r\n",
    "rows of Contact": START + VIA + b"m: <sip:x@h.example>;q=0.1 , <mailto:b@c>\r\n" + REST + b"\r\n",
    "a bare Contact": START + VIA + REST.replace(BOB, BOB[1:-1] + b";expires=60 ") + b"\r\n",
    "a line feed within a Contact": START + VIA + REST.replace(BOB, BOB + b';+sip.instance="<urn:1\n>"') + b"\r\n",
    "a line that is no header": START + VIA + b"nothing at all\r\n" + REST + b"\r\n",
    "octets that are no UTF-8": START + VIA + b"Subject: \xff\xfe\r\n" + REST + b"\r\n",
    "a number that is none": START + VIA + REST.replace(b"CSeq: 1", b"CSeq:   00001") + b"\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_every_octet_but_the_address_is_as_captured(name: str) -> None:
    editor = verbatim(ODD[name])
    expected = moved(ODD[name]).replace(b"sip:x@h.example", f"sip:x@{LOCAL}".encode())
    assert editor.octets() == expected
    assert {edit.what for edit in editor.edits} <= {"Via", "Contact"}
    assert {edit.why for edit in editor.edits} == {"the live address"}
    assert all(edit.rule is None for edit in editor.edits)


@pytest.mark.parametrize("name", ODD)
def test_an_untouched_draft_is_what_was_captured(name: str) -> None:
    assert MessageEditor(parse_bytes(ODD[name])).octets() == ODD[name]


@pytest.mark.parametrize("name", ODD)
def test_the_same_repaired_is_well_formed_and_says_what_was_mended(name: str) -> None:
    editor = written(step_of(ODD[name]), agent_of(), REPAIRS)
    octets = editor.octets()
    assert parse_bytes(octets).defects == () and octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    odd = {"Line ends", "Before the start line", "End of the headers", "After the body", "Request-Line", "Line"}
    told = {edit.what for edit in editor.edits if edit.rule is not None} & odd
    malformed = {defect.code for defect in parse_bytes(ODD[name]).defects}
    assert bool(told) is bool(malformed & {
        "leading-crlf", "bare-lf", "bare-cr", "headers-not-terminated", "trailing-octets", "start-line-whitespace",
        "not-a-header",
    }) or name in ("bare LF after the start line", "an empty line of LF")  # fmt: skip
    assert told or name not in ("bare LF after the start line", "an empty line of LF")


def test_what_the_server_added_to_a_via_goes_and_no_more() -> None:
    via = b"Via: SIP/2.0/UDP 192.0.2.10:5060 ;received=192.0.2.9; rport=77 ;branch=z9hG4bKa;maddr=192.0.2.8;x=y\r\n"
    editor = verbatim(START + via + REST + b"\r\n")
    assert f"Via: SIP/2.0/UDP {LOCAL};rport ;branch=z9hG4bKa;x=y\r\n".encode() in editor.octets()
    (edit,) = [edit for edit in editor.edits if edit.what == "Via"]
    assert "maddr" in edit.before and "maddr" not in edit.after


def test_a_via_that_is_none_gets_the_live_address() -> None:
    editor = verbatim(START + b"Via: nonsense;branch=z9hG4bKa , SIP/2.0/TCP p\r\n" + REST + b"\r\n")
    assert f"Via: SIP/2.0/UDP {LOCAL};branch=z9hG4bKa , SIP/2.0/TCP p\r\n".encode() in editor.octets()


def test_a_bare_contact_that_gets_parameters_gets_brackets() -> None:
    octets = START + VIA + REST.replace(BOB, BOB[1:-1] + b";expires=60 ") + b"\r\n"
    editor = verbatim(octets, agent_of(transport="TCP"))
    assert f"\r\nContact: <sip:bob@{LOCAL};transport=tcp>;expires=60 \r\n".encode() in editor.octets()


def test_a_stream_gets_what_it_cannot_do_without_and_it_is_told() -> None:
    octets = START + VIA + REST.replace(b"Content-Length: 0\r\n", b"")
    editor = verbatim(octets, agent_of(transport="TCP"))
    sent = editor.octets()
    assert sent.endswith(b"\r\nContent-Length: 0\r\n\r\n") and b"SIP/2.0/TCP " in sent
    assert {"End of the headers", "Content-Length"} <= {edit.what for edit in editor.edits}
    beyond = verbatim(START + VIA + REST + b"\r\nmore", agent_of(transport="TCP"))
    assert beyond.octets().endswith(b"\r\n\r\n") and "After the body" in [edit.what for edit in beyond.edits]


@pytest.mark.parametrize("changes", [NECESSITIES, REPAIRS], ids=["verbatim", "repaired"])
def test_what_the_snap_length_cut_is_left_out_and_told(changes: tuple[object, ...]) -> None:
    octets = (START + VIA + REST)[: -len(b"-Length: 0\r\n")]
    editor = written(step_of(octets, missing=30), agent_of(), changes)  # type: ignore[arg-type]
    assert b"\r\nContent\r\n" not in editor.octets() and editor.octets().endswith(b"\r\n\r\n")
    cut = [edit for edit in editor.edits if edit.why == "the capture has no more of it"]
    assert [edit.what for edit in cut] == ["Header", "End of the headers"]
    assert parse_bytes(editor.octets()).defects == ()


def test_credentials_of_several_rows_keep_their_form(tmp_path: Path) -> None:
    text = """
> REGISTER sip:example.com
< 401
> REGISTER sip:example.com
Authorization: {bob secret}
< 200
"""
    odd = spoiled(text, b", realm=", b" ,\r\n\trealm=")
    steps = steps_of(read_flow([capture_of(odd, tmp_path)]))
    agent = agent_of()
    assert steps[0].exchange.final is not None
    agent.digest_client.take(parse_bytes(steps[0].exchange.final.raw.replace(b'nonce="', b'nonce="new')), spoke=False)
    octets = written(steps[1], agent, NECESSITIES).octets()
    row = octets[octets.index(b"Authorization:") :].partition(b"\r\nContact")[0]
    assert b" ,\r\n\trealm=" in row and b'nonce="new' in row
    before, after = steps[1].exchange.request, parse_bytes(octets)
    kept = ("username", "realm", "uri", "cnonce", "nc", "qop", "algorithm")
    assert [before.credentials[0].get(name) for name in kept] == [after.credentials[0].get(name) for name in kept]
    assert before.credentials[0].response != after.credentials[0].response


def test_names_that_are_mapped_change_within_their_rows() -> None:
    octets = START + VIA + REST.replace(b"From: <", b'f:\r\n "Bob"   <').replace(b"To: ", b"To:\t") + b"\r\n"
    editor = verbatim(octets, agent_of(mapping=("bob@example.com=eve@live.example",)))
    sent = editor.octets()
    assert b'\r\nf:\r\n "Bob"   <sip:eve@live.example>;tag=f\r\nTo:\t<sip:eve@live.example>\r\n' in sent
    assert sent.startswith(b"REGISTER sip:live.example SIP/2.0\r\n")


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_nothing_changes_that_is_not_told(path: Path) -> None:
    """Whatever is not in the edits is octet for octet as captured: undone, they give the captured request."""
    agent = agent_of(Secrets(), username="carol")
    for step in steps_of(read_flow([path])):
        editor = written(step, agent, NECESSITIES)
        octets, raw = editor.octets(), MessageEditor(step.exchange.request).octets()
        for edit in reversed(editor.edits):
            assert encoded(edit.after) in octets or edit.after == "", edit
            octets = octets.replace(encoded(edit.after), encoded(edit.before), 1)
        assert octets == raw


def test_the_plan_lists_the_digest_of_a_nonce_that_is_not_known_yet(tmp_path: Path) -> None:
    flow = flow_of(CLEAN, tmp_path)
    first, second = preview(flow, Secrets.of({"bob": "secret"}), repaired=False).rows
    assert "Authorization" not in [edit.what for edit in first.editor.edits]
    (edit,) = [edit for edit in second.editor.edits if edit.what == "Authorization"]
    assert 'nonce="(fresh)"' in edit.after and edit.why == "the nonce is another now"
    unknown = preview(flow, Secrets(), repaired=False).rows[1].editor
    assert "Authorization" not in [edit.what for edit in unknown.edits]  # without a password it goes as it was


# A Route is kept, and said.


def test_a_kept_route_is_warned_of(tmp_path: Path) -> None:
    text = "> REGISTER sip:example.com\nRoute: <sip:proxy.example.org;lr>, <sip:b.example.org;lr>\n< 200"
    flow = flow_of(text, tmp_path)
    kept = preview(flow, Secrets(), repaired=False)
    (note,) = [note for note in kept.notes if "Route" in note]
    assert note.startswith("Warning: step 1 keeps its Route") and "<sip:proxy.example.org;lr>" in note
    assert not any("Route" in note for note in preview(flow, Secrets(), repaired=True).notes)
    assert b"Route: <sip:proxy.example.org;lr>" in kept.rows[0].editor.octets()


def test_a_kept_route_is_warned_of_in_the_outcome(tmp_path: Path) -> None:
    from replay.net.play import play

    flow = flow_of("> REGISTER sip:example.com\nRoute: <sip:proxy.example.org;lr>\n< 200", tmp_path)
    with scripted_peer(lambda request: [answer_to(request, 200)]) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=ReplayMode(repaired=False, speed=0, keep=True))
        result = play(flow, Secrets(), course, lambda event: None)
    assert any("keeps its Route" in note for note in result.notes)
    assert b"Route: <sip:proxy.example.org;lr>" in peer.received[0]


def test_as_captured_goes_over_the_wire_as_it_was(tmp_path: Path) -> None:
    """To a peer, through the session and the socket: the odd request arrives octet for octet."""
    from replay.net.play import play

    odd = spoiled("> REGISTER sip:example.com\n< 200", b"\r\n\r\n", b"\n\r\n\0after all")
    flow = read_flow([capture_of(odd, tmp_path)])
    raw = flow.exchanges[0].request.raw
    assert raw.endswith(b"\n\r\n\0after all")
    with scripted_peer(lambda request: [answer_to(request, 200)]) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=ReplayMode(repaired=False, speed=0, keep=True))
        play(flow, Secrets(), course, lambda event: None)
    live = str(Endpoint(*peer.sources[0]))
    assert peer.received == [raw.replace(b"192.0.2.10:5060", live.encode())]


def test_steps_of_a_clean_flow_change_in_address_and_digest_alone(tmp_path: Path) -> None:
    steps = steps_in(
        "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200", tmp_path
    )
    agent = agent_of()
    for step in steps:
        editor = written(step, agent, NECESSITIES)
        assert {edit.what for edit in editor.edits} <= {"Via", "Contact", "Authorization"}
        final: Message | None = step.exchange.final
        if final is not None:
            agent.digest_client.take(final, spoke=False)


# What must be mended beyond a request's line ends, seen on phones of the lab.


def repaired(octets: bytes) -> MessageEditor:
    return written(step_of(octets), agent_of(), REPAIRS)


def test_a_list_that_was_torn_apart_is_mended() -> None:
    """The folding was lost: a Contact that ends in a comma, and what followed it as a line of its own."""
    torn = REST.replace(BOB, BOB + b";q=0.7,\r\n<sip:bob@192.0.2.99>;q=0.3")
    editor = repaired(START + VIA + torn + b"\r\n")
    assert parse_bytes(editor.octets()).all_defects() == []
    assert f"\r\nContact: <sip:bob@{LOCAL}>;q=0.7\r\n".encode() in editor.octets()
    cited = [(edit.what, edit.before) for edit in editor.edits if edit.rule == "R3261-7.3-syntax"]
    assert cited == [
        ("Line", "<sip:bob@192.0.2.99>;q=0.3"),
        ("Contact", f"<sip:bob@{LOCAL}>;q=0.7,"),
    ]


def test_a_parameter_whose_quote_is_left_open_goes() -> None:
    """A line feed within the instance of a phone: the row ends there, in an open quote."""
    odd = REST.replace(BOB, BOB + b';x=y;+sip.instance="<urn:uuid:1\n>"')
    editor = repaired(START + VIA + odd + b"\r\n")
    assert parse_bytes(editor.octets()).all_defects() == []
    assert f"\r\nContact: <sip:bob@{LOCAL}>;x=y\r\n".encode() in editor.octets()
    assert [edit.before for edit in editor.edits if edit.what == "Line"] == ['>"']
