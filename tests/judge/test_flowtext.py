"""Flow text: what the rules' examples and most tests are written in."""

from __future__ import annotations

import pytest

from analyzer.evidence import SECOND, Endpoint, Fidelity, NetworkError, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START, read_flow
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import Verdict, judge
from analyzer.sip.message import Message, parse


def messages(flow: str) -> list[Message]:
    """The messages of a flow."""
    return [parse(item) for item in read_flow(flow) if isinstance(item, RawMessage)]


def one(flow: str) -> Message:
    """The last message of a flow."""
    return messages(flow)[-1]


CHALLENGED = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: "


@pytest.mark.parametrize(
    "flow",
    [
        "> REGISTER sip:example.com",
        "> REGISTER sip:example.com\n< 200",
        "> REGISTER sip:example.com\n< 401",
        "> REGISTER sip:example.com\n< 407",
        "> REGISTER sip:example.com\n< 100",
        CHALLENGED + "{bob secret}\n< 200",
        ".",
    ],
)
def test_the_defaults_are_without_fault(flow: str) -> None:
    assert [message.all_defects() for message in messages(flow)] == [[] for _ in messages(flow)]


def test_a_request_by_default() -> None:
    message = one("> REGISTER sip:example.com")
    assert (message.method, message.request_uri, message.expires, message.max_forwards) == (
        "REGISTER",
        "sip:example.com",
        3600,
        70,
    )
    assert message.via is not None
    assert (message.via.sent_by, message.via.branch, message.via.rport) == ("192.0.2.10:5060", "z9hG4bK1", "")
    assert (message.raw_message.source, message.raw_message.destination) == (CLIENT, REGISTRAR)
    assert message.raw_message.time == START + SECOND // 100
    assert message.raw_message.place == ("flow", 1, 0)


def test_time_passes() -> None:
    times = [
        item.time for item in read_flow("> A sip:a\n> A sip:a\n@1800 > A sip:a\n> A sip:a\n@2.5 > A sip:a") if item.time
    ]
    assert [(time - START) / SECOND for time in times] == [0.01, 0.02, 1800, 1800.01, 2.5]


def test_a_log_has_ticks_of_a_second() -> None:
    items = list(read_flow("@1.9 > REGISTER sip:a\n< 200", log=True))
    assert [item.time for item in items] == [START + SECOND, START + SECOND]
    assert all(isinstance(item, RawMessage) and item.fidelity is Fidelity.TEXT_LOG for item in items)


def test_a_tail_is_traffic_of_somebody_else() -> None:
    *_, last = read_flow("> REGISTER sip:a", tail=60)
    assert isinstance(last, RawMessage)
    assert last.source.host == "203.0.113.99"
    assert last.time == START + 60 * SECOND + SECOND // 100


def test_cseq_counts_for_each_call_id() -> None:
    flow = (
        "> REGISTER sip:a\n> REGISTER sip:a\nCall-ID: b\n> REGISTER sip:a\n> REGISTER sip:a\nCSeq: 40\n> OPTIONS sip:a"
    )
    assert [str(message.cseq) for message in messages(flow)] == [
        "1 REGISTER",
        "1 REGISTER",
        "2 REGISTER",
        "40 REGISTER",
        "41 OPTIONS",
    ]


@pytest.mark.parametrize(
    "cseq", ["CSeq: 7 INVITE", "CSeq: seven REGISTER", "CSeq: 99999999999999999999999 REGISTER", "CSeq:"]
)
def test_a_cseq_may_be_anything(cseq: str) -> None:
    assert f"CSeq:{cseq.partition(':')[2]}".strip() in one(f"> REGISTER sip:a\n{cseq}").raw.decode()


def test_headers_replace_add_and_leave_out() -> None:
    flow = "> REGISTER sip:a\nm: <sip:x@y>\nContact: *\n-Max-Forwards\nX-Mine: 1\nX-Mine: 2\n-Call-ID"
    message = one(flow)
    assert [contact.raw.strip() for contact in message.contacts] == ["<sip:x@y>", "*"]
    assert b"\r\nm: <sip:x@y>\r\nContact: *\r\n" in message.raw
    assert (message.max_forwards, message.call_id, message.all("x-mine")) == (None, "", ["1", "2"])


def test_options() -> None:
    item = next(
        iter(read_flow("@3 src=203.0.113.1:99 dst=[2001:db8::1]:5061 transport=TCP stream=7 ip_id=4 > REGISTER sip:a"))
    )
    assert isinstance(item, RawMessage)
    assert (item.source, item.destination) == (Endpoint("203.0.113.1", 99), Endpoint("2001:db8::1", 5061))
    assert (item.transport, item.stream, item.ip_id) == ("TCP", 7, 4)
    assert b"Via: SIP/2.0/TCP 203.0.113.1:99;" in item.payload


def test_an_answer_copies_what_it_must() -> None:
    request, answer = messages(
        "src=203.0.113.1:99 > REGISTER sip:a\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKx\n< 200"
    )
    assert (answer.call_id, str(answer.cseq), answer.first("from")) == (
        request.call_id,
        "1 REGISTER",
        request.first("from"),
    )
    assert answer.first("via") == "SIP/2.0/UDP 10.0.0.1;received=203.0.113.1;rport=99;branch=z9hG4bKx"
    assert answer.to is not None
    assert answer.to.tag == "r1"
    assert (answer.raw_message.source, answer.raw_message.destination) == (REGISTRAR, Endpoint("203.0.113.1", 99))


def test_an_answer_lists_what_was_asked() -> None:
    flow = "> REGISTER sip:a\nContact: <sip:x@y>;expires=60, <sip:z@y>, <sip:gone@y>;expires=0\n< 200"
    assert [(row.uri.text, row.expires) for row in one(flow).contacts if row.uri] == [
        ("sip:x@y", 60),
        ("sip:z@y", 3600),
    ]
    assert one("> REGISTER sip:a\nContact: *\nExpires: 0\n< 200").contacts == []


def test_an_answer_to_an_earlier_request() -> None:
    assert str(one("> REGISTER sip:a\n> REGISTER sip:a\nto=1 < 200").cseq) == "1 REGISTER"


def test_reason_phrases() -> None:
    assert [one(f"> REGISTER sip:a\n< {line}").reason for line in ("401", "503 Out of order", "599")] == [
        "Unauthorized",
        "Out of order",
        "Whatever",
    ]


def test_again_is_octet_for_octet() -> None:
    first, answer, again, answer_again = messages("> REGISTER sip:a\n< 401\n> again\n< again")
    assert (again.raw, answer_again.raw) == (first.raw, answer.raw)
    assert again.raw_message.ip_id != first.raw_message.ip_id


def test_a_network_error_is_for_the_last_request() -> None:
    *_, error = read_flow("> REGISTER sip:a\n! port unreachable")
    assert isinstance(error, NetworkError)
    assert (error.source, error.destination, error.text) == (CLIENT, REGISTRAR, "port unreachable")


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("{bob secret}", Verdict.MATCH),
        ("{bob secret uri=sip:bob@example.com nc=00000007 cnonce=x}", Verdict.MATCH),
        ("{bob secret algorithm=SHA-256}", Verdict.MATCH),
        ("{bob secret opaque=x foo=bar}", Verdict.MATCH),
        ("{bob secret username=bob}", Verdict.MATCH),
        ("{bob wrong}", Verdict.MISMATCH),
        ("{bob secret response=00000000000000000000000000000000}", Verdict.MISMATCH),
    ],
)
def test_credentials(written: str, verdict: Verdict) -> None:
    (credentials,) = one(CHALLENGED + written).credentials
    assert judge(from_credentials(credentials, "REGISTER"), Secrets.of({"bob": "secret"})).verdict is verdict


def test_credentials_answer_the_latest_challenge() -> None:
    flow = '> REGISTER sip:a\n< 407\nProxy-Authenticate: Digest realm="edge", nonce="n7"\n> REGISTER sip:a\n'
    (credentials,) = one(flow + "Proxy-Authorization: {bob secret}").credentials
    assert (credentials.realm, credentials.nonce, credentials.qop, credentials.uri) == ("edge", "n7", None, "sip:a")


@pytest.mark.parametrize("text", ["REGISTER sip:a", "From: x\n> REGISTER sip:a", "> REGISTER sip:a\nnot a header"])
def test_what_is_no_flow_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not "):
        list(read_flow(text))
