"""RFC 4475: every torture message with what must be read out of it, and the exact set of its defects."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sip.message import Message, parse_bytes
from tests.shared import SHARED, needs_shared, shared

# file -> RFC 4475 section, method or status, every defect code
TORTURE: dict[str, tuple[str, str | int, set[str]]] = {
    "wsinv": ("3.1.1.1", "INVITE", set()),
    "intmeth": ("3.1.1.2", "!interesting-Method0123456789_*+`.%indeed'~", set()),
    "esc01": ("3.1.1.3", "INVITE", set()),
    "escnull": ("3.1.1.4", "REGISTER", set()),
    "esc02": ("3.1.1.5", "RE%47IST%45R", set()),
    "lwsdisp": ("3.1.1.6", "OPTIONS", set()),
    "longreq": ("3.1.1.7", "INVITE", set()),
    "dblreq": ("3.1.1.8", "REGISTER", {"trailing-octets"}),
    "semiuri": ("3.1.1.9", "OPTIONS", set()),
    "transports": ("3.1.1.10", "OPTIONS", set()),
    "mpart01": ("3.1.1.11", "MESSAGE", set()),
    "unreason": ("3.1.1.12", 200, set()),
    "noreason": ("3.1.1.13", 100, set()),
    "badinv01": ("3.1.2.1", "INVITE", {"bad-via", "empty-list-element", "empty-parameter"}),
    "clerr": ("3.1.2.2", "INVITE", {"content-length-beyond-message"}),
    "ncl": ("3.1.2.3", "INVITE", {"bad-content-length"}),
    "scalar02": ("3.1.2.4", "REGISTER", {"cseq-out-of-range", "max-forwards-out-of-range", "expires-out-of-range"}),
    "scalarlg": ("3.1.2.5", 503, {"cseq-out-of-range", "retry-after-out-of-range", "bad-warning"}),
    "quotbal": ("3.1.2.6", "INVITE", {"unterminated-quote"}),
    "ltgtruri": ("3.1.2.7", "INVITE", {"bad-request-uri"}),
    "lwsruri": ("3.1.2.8", "INVITE", {"bad-request-uri"}),
    "lwsstart": ("3.1.2.9", "INVITE", {"start-line-whitespace"}),
    "trws": ("3.1.2.10", "OPTIONS", {"start-line-whitespace"}),
    "escruri": ("3.1.2.11", "INVITE", {"bad-request-uri"}),
    "baddate": ("3.1.2.12", "INVITE", {"bad-date"}),
    "regbadct": ("3.1.2.13", "REGISTER", {"uri-not-bracketed"}),
    "badaspec": ("3.1.2.14", "OPTIONS", {"bad-address"}),
    "baddn": (
        "3.1.2.15",
        "OPTIONS",
        {"bad-display-name", "headers-not-terminated"},
    ),  # the file ends in its last header
    "badvers": ("3.1.2.16", "OPTIONS", {"bad-version", "bad-via"}),
    "mismatch01": ("3.1.2.17", "OPTIONS", {"cseq-method-mismatch"}),
    "mismatch02": ("3.1.2.18", "NEWMETHOD", {"cseq-method-mismatch"}),
    "bigcode": ("3.1.2.19", 0, {"bad-status"}),
    "badbranch": ("3.2.1", "OPTIONS", set()),
    "insuf": ("3.3.1", "INVITE", {"missing-header"}),
    "unkscm": ("3.3.2", "OPTIONS", set()),
    "novelsc": ("3.3.3", "OPTIONS", set()),
    "unksm2": ("3.3.4", "REGISTER", set()),
    "bext01": ("3.3.5", "OPTIONS", set()),
    "invut": ("3.3.6", "INVITE", set()),
    "regaut01": ("3.3.7", "REGISTER", set()),
    "multi01": ("3.3.8", "INVITE", {"repeated-header"}),
    "mcl01": ("3.3.9", "OPTIONS", {"repeated-header", "trailing-octets"}),
    "bcast": ("3.3.10", 200, set()),
    "zeromf": ("3.3.11", "OPTIONS", set()),
    "cparam01": ("3.3.12", "REGISTER", set()),
    "cparam02": ("3.3.13", "REGISTER", set()),
    "regescrt": ("3.3.14", "REGISTER", set()),
    "sdp01": ("3.3.15", "INVITE", set()),
    "inv2543": ("3.4.1", "INVITE", {"missing-header"}),  # RFC 2543 knew Max-Forwards, and did not ask for it
    "test": ("-", "INVITE", {"bad-start-line", "not-a-header", "missing-header", "bad-uri"}),
}


def torture(name: str) -> Message:
    """The parsed torture message `name`."""
    return parse_bytes(shared("torture", f"{name}.dat").read_bytes())


@needs_shared
def test_the_table_covers_the_folder() -> None:
    assert SHARED is not None
    assert {path.stem for path in Path(SHARED, "torture").glob("*.dat")} == set(TORTURE)


def test_every_invalid_message_has_a_defect_and_no_valid_one_has() -> None:
    for name, (section, _, codes) in TORTURE.items():
        if section.startswith("3.1.1."):
            assert codes == ({"trailing-octets"} if name == "dblreq" else set()), name
        if section.startswith("3.1.2."):
            assert codes, name


@pytest.mark.parametrize("name", TORTURE)
def test_kind_and_defects(name: str) -> None:
    message = torture(name)
    _, start, codes = TORTURE[name]
    assert {defect.code for defect in message.all_defects()} == codes
    assert (message.method or message.status) == start
    assert message.is_request == isinstance(start, str)
    assert message.is_response == isinstance(start, int)
    assert {defect.code for defect in message.defects} <= codes


@pytest.mark.parametrize("name", TORTURE)
def test_the_octets_can_be_put_together_again(name: str) -> None:
    message = torture(name)
    rows = b"".join(message.raw[h.start : h.end] for h in message.headers)
    separator = message.raw[message.head_end : message.body_start]
    start_line = message.raw[: message.headers[0].start]
    assert start_line + rows + separator + message.body + message.trailing == message.raw


def test_wsinv_reads_through_folding_and_blanks() -> None:
    message = torture("wsinv")
    assert message.to is not None and message.to.tag == "1918181833n"
    assert message.from_ is not None
    assert (message.from_.display, message.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert [(via.transport, via.sent_by, via.branch) for via in message.vias] == [
        ("UDP", "192.0.2.2:5060", "390skdjuw"),
        ("TCP", "spindle.example.com:5060", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111:5060", "z9hG4bK30239"),
    ]
    assert [via.has_cookie for via in message.vias] == [False, True, True]
    assert message.cseq is not None and (message.cseq.number, message.cseq.method) == (9, "INVITE")
    assert message.max_forwards == 68 and len(message.body) == 150
    (contact,) = message.contacts
    assert contact.display == 'Quoted string ""' and contact.q == 0.33
    assert dict(contact.params) == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert message.first("newfangledheader") == "newfangled value continued newfangled value"
    assert message.first("subject") == ""


def test_intmeth_keeps_every_octet() -> None:
    message = torture("intmeth")
    assert message.uri is not None
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert (message.uri.host, message.uri.headers) == ("example.com", "")
    assert message.to is not None and message.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_ is not None and message.from_.tag == "_token~1'+`*%!-."
    assert message.from_.params.unquoted("fromparam''~+*_!.-%") == "работающий"
    assert message.first("extensionheader-!.%*+_`'~") == "\ufeff大停電"


def test_escnull_has_two_contacts() -> None:
    message = torture("escnull")
    assert [c.uri.user for c in message.contacts if c.uri] == ["%00", "%00%00"]


def test_esc02_does_not_unescape_methods_and_header_names() -> None:
    message = torture("esc02")
    assert not message.is_register
    assert len(message.contacts) == 2 and message.first("c%6fntact") == "<sip:alias2@host2.example.com>"


def test_dblreq_is_one_request() -> None:
    message = torture("dblreq")
    assert message.is_register and message.body == b""
    assert message.trailing.lstrip(b"\r\n").startswith(b"INVITE sip:joe@example.com SIP/2.0\r\n")


def test_longreq_has_34_vias_and_no_cookie() -> None:
    message = torture("longreq")
    assert len(message.vias) == 34 and not message.vias[-1].has_cookie
    assert message.vias[-1].received == "192.0.2.5"


def test_semiuri_keeps_semicolon_and_at_in_the_user() -> None:
    uri = torture("semiuri").uri
    assert uri is not None and (uri.user, uri.host) == ("user;par=u%40example.net", "example.com")


def test_scalar02_reads_what_is_too_large() -> None:
    message = torture("scalar02")
    assert message.cseq is not None and message.cseq.number == 36893488147419103232
    assert message.expires == message.contacts[0].expires == 2**32 - 1
    assert message.max_forwards == 300


def test_quotbal_and_badaspec_still_find_the_uri() -> None:
    for name, aor in (("quotbal", "sip:j.user@example.com"), ("badaspec", "sip:t.watson@example.org")):
        to = torture(name).to
        assert to is not None and to.uri is not None and to.uri.text == aor


def test_ltgtruri_lwsruri_lwsstart_still_find_the_request_uri() -> None:
    uris = [torture(name).uri for name in ("ltgtruri", "lwsruri", "lwsstart", "trws")]
    assert [uri and uri.user for uri in uris] == ["user", "user", "user", "remote-target"]
    assert torture("lwsruri").request_uri == "sip:user@example.com; lr"


def test_regescrt_cparam_header_or_uri_parameter() -> None:
    (escaped,) = torture("regescrt").contacts
    assert escaped.uri is not None and escaped.uri.headers == "Route=%3Csip:sip.example.com%3E"
    (outside,), (inside,) = torture("cparam01").contacts, torture("cparam02").contacts
    assert dict(outside.params) == {"unknownparam": None} and outside.uri and not outside.uri.params
    assert not inside.params and inside.uri and dict(inside.uri.params) == {"unknownparam": None}


def test_unknown_schemes() -> None:
    message = torture("unksm2")
    assert message.to and message.to.uri and (message.to.uri.scheme, message.to.uri.opaque) == ("isbn", "2983792873")
    assert message.from_ and message.from_.uri and message.from_.uri.scheme == "http"
    assert message.contacts[0].uri and message.contacts[0].uri.text == "name:John_Smith"
    (credentials,) = torture("regaut01").credentials
    assert credentials.scheme == "NoOneKnowsThisScheme" and not credentials.is_digest
    assert credentials.get("opaque-data") == "here"


def test_defects_are_located() -> None:
    located = {(key, defect.code) for key, defect in torture("scalar02").located_defects()}
    assert ("contact", "expires-out-of-range") in located and ("expires", "expires-out-of-range") in located
    assert {key for key, _ in torture("insuf").located_defects()} == {"to", "from", "call-id", "max-forwards"}


@needs_shared
def test_the_verdicts_of_the_folder_agree() -> None:
    rows = [line.split("|") for line in shared("torture", "README.md").read_text().splitlines() if ".dat |" in line]
    verdicts = {row[1].strip().removesuffix(".dat"): row[4].strip() for row in rows}
    assert set(verdicts) == set(TORTURE)
    for name, verdict in verdicts.items():
        found = {defect.code for defect in torture(name).all_defects()}
        if verdict == "VALID" or verdict.startswith("valid syntax"):
            assert found <= {"trailing-octets"}, name
        if verdict.startswith("INVALID"):
            assert found, name
