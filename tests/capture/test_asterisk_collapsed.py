"""Asterisk's logs that lost all of their empty lines: those that end headers are given back where no body follows."""

from __future__ import annotations

import pytest

from tests.capture.test_hard_wraps import told
from tests.capture.test_text_wraps import read

HEAD = """Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1
From: "Bob" <sip:bob@example.com>;tag=1
To: "Bob" <sip:bob@example.com>
Call-ID: 1
CSeq: 2 REGISTER
Content-Length: 0
"""
REQUEST, ANSWER = f"REGISTER sip:example.com SIP/2.0\n{HEAD}", f"SIP/2.0 200 OK\n{HEAD}"
CHAN_SIP = f"""<--- SIP read from UDP:192.0.2.7:5060 --->
{REQUEST}
<------------->
--- (7 headers 0 lines) ---

<--- Transmitting (no NAT) to 192.0.2.7:5060 --->
{ANSWER}

<------------>
"""
PJSIP = "".join(
    f"<--- {said} ({len(text) + text.count(chr(10)) + 2} bytes) {way} UDP:192.0.2.7:5060 --->\n{text}\n\n"
    for said, way, text in (
        ("Received SIP request", "from", REQUEST),
        ("Transmitting SIP response", "to", ANSWER),
    )
)
STAMPED = CHAN_SIP.replace("<--- ", "[Nov 20 11:53:45] VERBOSE[1] chan_sip.c: <--- ")


@pytest.mark.parametrize("text", [CHAN_SIP, PJSIP, STAMPED], ids=["chan_sip", "PJSIP", "logger"])
def test_empty_lines_of_asterisk_are_given_back(text: str) -> None:
    """A forum took all of them."""
    collapsed = "".join(f"{line}\n" for line in text.split("\n") if line)
    plain, given = (read(one.encode())[0] for one in (text, collapsed))
    assert len(plain) == 2
    assert told(given) == told(plain)
    assert not any(one.missing for one in given)
    assert {defect.code for one in given for defect in one.defects} == {"repaired-collapsed"}
    assert not any(defect.code == "repaired-collapsed" for one in plain for defect in one.defects)


def test_a_body_of_asterisk_is_not_given_up() -> None:
    """What stands behind a header that announces a body cannot be told from the headers."""
    text = CHAN_SIP.replace("Content-Length: 0\n\n<----", "Content-Length: 5\n\nv=0\n\n<----", 1)
    [first, second] = read("".join(f"{line}\n" for line in text.split("\n") if line).encode())[0]
    assert not first.payload.endswith(b"\r\n\r\n")
    assert "header-count" in [defect.code for defect in first.defects]
    assert told([second]) == told(read(CHAN_SIP.encode())[0][1:])


def test_a_header_behind_the_length_is_one() -> None:
    text = CHAN_SIP.replace("Content-Length: 0\n", "Content-Length: 0\nSubject: x\n")
    messages = read("".join(f"{line}\n" for line in text.split("\n") if line).encode())[0]
    assert all(b"\r\nSubject: x\r\n" in one.payload for one in messages)
