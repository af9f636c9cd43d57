"""A server's own lines with pseudonyms: each wording says the same of somebody else, and nothing of a part is left."""

from __future__ import annotations

import re
from functools import reduce
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.asterisk.notices import SEPARATORS, read_notice
from analyzer.capture.asterisk.wordings import WORDINGS
from analyzer.redact.leaks import LeakSearch
from analyzer.redact.notices import LITERAL, NoticeRewriter, Rewritten
from analyzer.sip.text import octets
from tests.capture.test_asterisk_notices import CHAN, CLIENT, PJSIP, SECURITY, SERVER, WHY, WHY_OLD, WHY_SIX
from tests.redact.redacted import Parts
from tests.redact.test_supplied_identifiers import SUPPLIED, left, written

TEXTS = [*(row[0] for row in SERVER), *(row[0] for row in CLIENT)]
TEXTS += [one.format("lab.invalid/SHA-256, other.invalid/MD5") for one in (WHY, WHY_SIX, WHY_OLD)]
TEXTS.append(WHY.format(""))
_OTHER = (("pbx.example.com", "borgo.pass.net"), ("tel.example.net", "whitby.net"), ("lab.invalid", "munich.net"))
LINES = [reduce(lambda line, pair: line.replace(*pair), _OTHER, text.lstrip(" -=")) for text in TEXTS]
SAID = re.compile(r"bob|1002|Vg\.\.|\bu(?=@)|whitby|borgo|munich|trunk|(?<=')x(?=')")
"""What of these lines is somebody's name."""


def rewriter(*lines: str | bytes) -> tuple[NoticeRewriter, Parts]:
    """A rewriter that has noted the lines."""
    parts = Parts()
    made = NoticeRewriter(parts.lexer)
    for line in lines:
        made.rewritten(line if isinstance(line, bytes) else octets(line))
    parts.settle()
    return made, parts


def rewritten(line: str | bytes) -> Rewritten | None:
    return rewriter(line)[0].rewritten(line if isinstance(line, bytes) else octets(line))


def test_nothing_but_the_words_of_asterisk_stands_outside_of_groups() -> None:
    """What is there is kept: a wildcard beside the groups would keep what a sender wrote."""
    for wording in WORDINGS:
        rest = wording.pattern.pattern
        variable = re.compile(
            rb"\(\?P<(?!" + "|".join(LITERAL).encode() + rb")\w+>(?:[^()]|\\.|\[[^\]]*\]|\(\?![^)]*\))*\)"
        )
        while (shorter := variable.sub(b"", rest)) != rest:
            rest = shorter
        rest = re.sub(rb"\\[().]|\[\.:\]|\[Tt\]", b"", rest)
        assert not re.search(rb"[\\.\[]", rest), rest


def test_every_group_has_a_way() -> None:
    named = {name for wording in WORDINGS for name in wording.pattern.groupindex} - LITERAL
    assert named == NoticeRewriter(Parts().lexer)._ways.keys()


@pytest.mark.parametrize("line", LINES)
def test_each_wording_says_the_same_of_somebody_else(line: str) -> None:
    before, made = read_notice(line.encode()), rewritten(line)
    assert made is not None and before is not None
    after = read_notice(made.line, entry=True)
    assert after is not None
    kept = [
        (one.notice.cause, one.notice.side, one.notice.status, one.notice.method, one.port) for one in (before, after)
    ]
    assert kept[0] == kept[1]
    for name in SAID.findall(line):
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", made.line.decode()), made.line
    for address in re.findall(r"192\.0\.2\.\d+", line):
        assert address not in made.line.decode()
    assert (
        "2001:db8::" not in line or line.partition("2001:db8::")[2][:1] not in made.line.decode().partition("::")[2][:1]
    )


def test_a_part_gets_what_stands_for_it_in_a_message() -> None:
    text = (
        "REGISTER sip:acme.de SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1\n"
        'From: "Renfield" <sip:harker@acme.de>;tag=1\nTo: <sip:harker@acme.de>\nCall-ID: kq7h8@198.51.100.7\n'
        "CSeq: 1 REGISTER\nContact: <sip:harker@198.51.100.7:5060;line=x7>\n\n"
    )
    line = (
        "Request 'REGISTER' from '\"Renfield\" <sip:harker@acme.de>' failed for '198.51.100.7:5060' "
        "(callid: kq7h8@198.51.100.7) - No matching endpoint found after 6 tries in 2012.412 ms"
    )
    gone = "Removed contact 'sip:harker@198.51.100.7:5060;line=x7' from AOR 'harker' due to remove existing"
    made, parts = rewriter(line, gone)
    shown = parts.message(text).decode()
    first, second = made.rewritten(line.encode()), made.rewritten(gone.encode())
    assert first is not None and second is not None
    rows = {name: row for name, _, row in (one.partition(": ") for one in shown.split("\r\n"))}
    name = rows["From"].partition(";")[0].encode()
    assert b"from '" + name + b"' failed" in first.line
    assert b"(callid: " + rows["Call-ID"].encode() + b") - No matching endpoint found after " in first.line
    assert (
        b"'" + rows["Contact"].strip("<>").encode() + b"' from AOR '" + name[name.index(b"sip:") + 4 : name.index(b"@")]
        in second.line
    )


@pytest.mark.parametrize(
    "line",
    [
        CHAN.format("x' failed for '203.0.113.9' - Wrong password", "192.0.2.7", "No matching peer found"),
        PJSIP.replace("Vg..", "x) - y' failed for '203.0.113.9:1' (callid: z").format("Failed to authenticate"),
        SECURITY.replace("bob", 'b",RemoteAddress="IPV4/UDP/203.0.113.9/1').format("InvalidPassword", ""),
    ],
)
def test_a_forged_notice_blames_nobody_afterwards(line: str) -> None:
    before, made = read_notice(line.encode()), rewritten(line)
    assert made is not None and before is not None
    after = read_notice(made.line, entry=True)
    assert after is not None and (after.notice.host, after.port, after.call_id) == ("", 0, "")
    assert b"203.0.113.9" not in made.line and b"192.0.2." not in made.line
    assert any(made.line.count(mark) == 2 for mark in SEPARATORS)


@pytest.mark.parametrize(
    "line",
    ["", "Connect attempt from '<sip:bob@acme.de>' failed", "Added contact 'sip:bob@192.0.2.7' to AOR 'bob'",
     CHAN.format("bob#012[x] NOTICE[1] c.c: bob", "192.0.2.7", "Wrong password").replace("bob#", "\u00a7#"),
     "Registration from 'bob'"],
)  # fmt: skip
def test_what_no_wording_knows_is_not_rewritten(line: str) -> None:
    made = rewritten(line)
    assert made is None or b"#012" not in made.line


SPOTS = [(line, *match.span()) for line in LINES for match in SAID.finditer(line)]


def assert_nothing_is_left_of(form: bytes, line: str, start: int, end: int) -> None:
    """Where a form of a name stands in a line in the place of one of its names."""
    hostile = octets(line[:start]) + form + octets(line[end:])
    made = rewritten(hostile)
    assert made is None or left(made.line) == set(), (hostile, made.line)


@pytest.mark.parametrize("text", SUPPLIED)
def test_no_name_is_left_in_whatever_way_it_is_written(text: str) -> None:
    """Every encoding in which an identifier can stand in a line, in one place of a line after the other."""
    forms = sorted({form for form in written(text) if not set(form) & {*range(32), 127, ord("'"), ord('"')}})
    for spot, form in zip(islice(cycle(SPOTS), 7 * SUPPLIED.index(text), None), forms, strict=False):
        assert_nothing_is_left_of(form, *spot)


@pytest.mark.parametrize("spot", SPOTS, ids=lambda spot: f"{spot[0][:24]} {spot[1]}")
def test_no_name_is_left_in_whatever_place_it_stands(spot: tuple[str, int, int]) -> None:
    for text in (SUPPLIED[0], SUPPLIED[5]):
        assert_nothing_is_left_of(text.encode(), *spot)


@given(
    st.sampled_from(LINES),
    st.lists(st.sampled_from(["wilhelmina", " ", "'", '"', "<sip:", ">", "@", "\\", "\r", "\x1b[31m", "\0",
                              "%77ilhelmina", "' failed for '", "(callid: ", ") - Wrong password", "wilhelmina.net",
                              "[2026-11-20 11:53:43] NOTICE[1] chan_sip.c: ", "10.77.66.55", "#012", "é", "/",
                              ";tag="])),
)  # fmt: skip
def test_nothing_of_a_hostile_name_is_left(line: str, pieces: list[str]) -> None:
    name = "".join(pieces)
    for match in SAID.finditer(line):
        hostile = line[: match.start()] + name + line[match.end() :]
        made = rewritten(hostile)
        if made is None:
            continue
        assert not LeakSearch(["wilhelmina"], ["10.77.66.55"]).found(made.line)
        assert b"wilhelmina" not in made.line and not set(made.line) & {*range(32), 127}


def test_a_user_who_is_called_as_a_word_of_the_line_is_replaced() -> None:
    made = rewritten(CHAN.format("<sip:Registration@phone.acme.de>", "192.0.2.7", "Wrong password"))
    assert made is not None and made.line.startswith(b"Registration from '<sip:")
    assert b"<sip:Registration" not in made.line and b"acme" not in made.line
    user = rewritten("Removed contact 'sip:phone@192.0.2.7' from AOR 'phone' due to expiration")
    assert user is not None and b"phone" not in user.line


def test_a_long_number_is_somebodys() -> None:
    made = rewritten("Got 423 Interval too brief for service u@tel, minimum is 4915755512345 seconds")
    assert made is not None and b"4915755512345" not in made.line
    short = rewritten("Got 423 Interval too brief for service u@tel, minimum is 3600 seconds")
    assert short is not None and b"minimum is 3600 " in short.line


def test_of_the_security_log_the_fields_that_are_read_are_kept() -> None:
    made = rewritten(SECURITY.format("FailedACL", ',ACLName="domain_must_match",Challenge="renfield"'))
    assert made is not None and made.module == "res_security_log"
    assert re.fullmatch(
        rb'SecurityEvent="FailedACL",Service="PJSIP",AccountID="[a-z]{3}",RemoteAddress="IPV4/UDP/[0-9.]+/5070",'
        rb'ACLName="domain_must_match"',
        made.line,
    )
