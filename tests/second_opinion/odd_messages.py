"""Messages such as the field sends and the grammar hardly knows, and where two readers part over them."""

from __future__ import annotations

from tests.second_opinion.differences import WHOLE, Known

VIA = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
REST = "Call-ID: 1@lab\r\nCSeq: 7 REGISTER\r\n"
LINE = "REGISTER sip:lab.invalid SIP/2.0\r\n"
END = "Content-Length: 0\r\n\r\n"


def _written(*parts: str) -> bytes:
    return "".join(parts).encode("latin-1")


ODD = {
    "compact names": _written(LINE, "v: SIP/2.0/UDP h;branch=z9hG4bK1\r\ni: 1@lab\r\nCSeq: 7 REGISTER\r\nl: 0\r\n\r\n"),
    "names in any case": _written(
        LINE, "VIA: SIP/2.0/UDP h;BRANCH=z9hG4bK1\r\ncall-id: 1@lab\r\ncseq: 7 REGISTER\r\n", END
    ),
    "blanks before the colon": _written(LINE, VIA, "Call-ID  : 1@lab\r\nCSeq\t: 7 REGISTER\r\n", END),
    "a folded Via": _written(LINE, "Via: SIP/2.0/UDP 192.0.2.1\r\n  ;branch=z9hG4bK1\r\n", REST, END),
    "a folded CSeq": _written(LINE, VIA, "Call-ID: 1@lab\r\nCSeq: 7\r\n REGISTER\r\n", END),
    "Vias in a list": _written(
        LINE, "Via: SIP/2.0/UDP a;branch=z9hG4bKa, SIP/2.0/UDP b;branch=z9hG4bKb\r\n", REST, END
    ),
    "the topmost Via without a branch": _written(
        LINE, "Via: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b;branch=z9hG4bKb\r\n", REST, END
    ),
    "blanks in the Via": _written(
        LINE, "Via: SIP / 2.0 / UDP first.example.com: 4000 ;branch = z9hG4bK1\r\n", REST, END
    ),
    "a quoted branch": _written(LINE, 'Via: SIP/2.0/UDP h;branch="z9hG4bK1"\r\n', REST, END),
    "a branch of its own kind": _written(
        LINE, "Via: SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.9;branch=z9hG4bK2\r\n", REST, END
    ),
    "bare LF": _written(LINE, VIA, REST, END).replace(b"\r\n", b"\n"),
    "bare CR": _written(LINE, VIA, REST, END).replace(b"\r\n", b"\r"),
    "one bare CR": _written("REGISTER sip:lab.invalid SIP/2.0\r", VIA, REST, END),
    "CR CR LF": _written(LINE, VIA, "From: <sip:a@h>;tag=1\r\r\n", REST, END),
    "CRLF first": _written("\r\n\r\n", LINE, VIA, REST, END),
    "no end": _written(LINE, VIA, "Call-ID: 1@lab\r\nCSeq: 7 REGISTER"),
    "no headers": _written(LINE, "\r\n"),
    "no Call-ID": _written(LINE, VIA, "CSeq: 7 REGISTER\r\n", END),
    "two Call-IDs": _written(LINE, VIA, "Call-ID: a\r\nCall-ID: b\r\nCSeq: 7 REGISTER\r\n", END),
    "two CSeqs": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 7 REGISTER\r\nCSeq: 8 REGISTER\r\n", END),
    "octets that are no UTF-8": _written(LINE, VIA, "Call-ID: caf\xe9\\x41@lab\r\nCSeq: 7 REGISTER\r\n", END),
    "CSeq with zeros": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 0007   REGISTER\r\n", END),
    "CSeq of 32 bits": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 4294967295 REGISTER\r\n", END),
    "CSeq of 33 bits": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 4294967296 REGISTER\r\n", END),
    "CSeq with a leftover": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 8 7 REGISTER\r\n", END),
    "CSeq without a method": _written(LINE, VIA, "Call-ID: a\r\nCSeq: 8\r\n", END),
    "CSeq without a number": _written(LINE, VIA, "Call-ID: a\r\nCSeq: REGISTER\r\n", END),
    "another version": _written("REGISTER sip:lab.invalid SIP/3.0\r\n", VIA, REST, END),
    "version in lower case": _written("REGISTER sip:lab.invalid sip/2.0\r\n", VIA, REST, END),
    "a method that is no token": _written("REGIS?ER sip:lab.invalid SIP/2.0\r\n", VIA, REST, END),
    "a method in lower case": _written("register sip:lab.invalid SIP/2.0\r\n", VIA, REST, END),
    "two blanks": _written("REGISTER  sip:lab.invalid SIP/2.0\r\n", VIA, REST, END),
    "a blank in the URI": _written("REGISTER sip:lab .invalid SIP/2.0\r\n", VIA, REST, END),
    "a blank at the end": _written("REGISTER sip:lab.invalid SIP/2.0 \r\n", VIA, REST, END),
    "no reason": _written("SIP/2.0 200\r\n", VIA, REST, END),
    "an empty reason": _written("SIP/2.0 200 \r\n", VIA, REST, END),
    "a reason with blanks": _written("SIP/2.0 200  O  K \r\n", VIA, REST, END),
    "status 700": _written("SIP/2.0 700 Beyond\r\n", VIA, REST, END),
    "status 099": _written("SIP/2.0 099 Before\r\n", VIA, REST, END),
    "four digits": _written("SIP/2.0 2000 Many\r\n", VIA, REST, END),
    "a body that looks like headers": _written(LINE, VIA, REST, "Content-Length: 19\r\n\r\nCall-ID: other\r\n\r\n\r\n"),
}

_REGISTER = b"REGISTER sip:lab.invalid SIP/2.0"
_START_LINE = "RFC 3261 7.1: not quite a Request-Line. tshark takes it for no SIP, we read it and note the defect"

KNOWN = {
    "CR CR LF": [
        Known(
            "call_id", None, b"1@lab", "tshark ends the headers at CR CR LF; RFC 3261 7: an empty line is CRLF alone"
        ),
        Known("cseq", None, (7, b"REGISTER"), "the same"),
    ],
    "CRLF first": [
        Known(
            WHOLE, None, _REGISTER, "RFC 3261 7.5 grants empty lines to streams; we read on, with a defect, in UDP too"
        ),
    ],
    "CSeq of 33 bits": [
        Known(
            "cseq", (0, b"REGISTER"), (2**32, b"REGISTER"), "beyond 8.1.1.5; tshark keeps 32 bits, we keep what is sent"
        ),
    ],
    "CSeq without a number": [
        Known("cseq", (0, b"REGISTER"), None, "RFC 3261 20.16: no number was sent, so there is none, and not 0"),
    ],
    "blanks before the colon": [
        Known(
            "call_id", None, b"1@lab", "HCOLON of RFC 3261 25.1 allows blanks and tabs; tshark takes them into the name"
        ),
        Known("cseq", None, (7, b"REGISTER"), "the same"),
    ],
    "blanks in the Via": [
        Known("branch", b"branch", b"z9hG4bK1", "EQUAL of RFC 3261 25.1 allows blanks; 20.42 shows such a Via"),
    ],
    "a method that is no token": [
        Known(WHOLE, b"REGIS?ER sip:lab.invalid SIP/2.0", None, "RFC 3261 7.1: a Method is a token, so this is no SIP"),
    ],
    "one bare CR": [
        Known("start", _REGISTER, None, "RFC 3261 7.1 forbids a lone CR; tshark ends the line there, we do not"),
        Known("branch", b"z9hG4bK1", None, "the same: what follows the CR is the first line's, not a Via"),
    ],
    "another version": [Known(WHOLE, None, b"REGISTER sip:lab.invalid SIP/3.0", _START_LINE)],
    "version in lower case": [
        Known(WHOLE, None, b"REGISTER sip:lab.invalid sip/2.0", "RFC 3261 7.1: SIP-Version is case-insensitive"),
    ],
    "two blanks": [Known(WHOLE, None, _REGISTER, _START_LINE)],
    "a blank in the URI": [Known(WHOLE, None, b"REGISTER sip:lab .invalid SIP/2.0", _START_LINE)],
    "a blank at the end": [Known(WHOLE, None, _REGISTER, _START_LINE)],
    "no reason": [
        Known(WHOLE, None, b"SIP/2.0 200 ", "RFC 3261 7.2 asks for the blank; many leave it out, and we read on"),
    ],
    "four digits": [
        Known(WHOLE, None, b"SIP/2.0 000 Many", "RFC 3261 7.2: three digits; we note that there is no status")
    ],
    "status 099": [
        Known("start", b"SIP/2.0 099 Before", b"SIP/2.0 000 Before", "RFC 3261 7.2: the first digit is 1 to 6"),
        Known("status", 99, 0, "the same"),
    ],
    "status 700": [
        Known("start", b"SIP/2.0 700 Beyond", b"SIP/2.0 000 Beyond", "RFC 3261 7.2: the first digit is 1 to 6"),
        Known("status", 700, 0, "the same"),
    ],
}
"""What differs over each, and why."""
