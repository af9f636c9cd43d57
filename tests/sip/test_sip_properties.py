"""Properties: no octets make the readers raise, every value prints back what it read, every message can be rebuilt."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.escape import visible
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.auth import parse_auth_params, parse_challenges, parse_credentials
from analyzer.sip.cseq import CSeq
from analyzer.sip.grammar import LWS
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.params import parse_params, parse_uri_params
from analyzer.sip.text import octets, quote, segments, split_list, text, unescape, unquote
from analyzer.sip.uri import Uri, aor, uri_equal
from analyzer.sip.via import Via

# Text rich in what the tokenizers look at.
PIECES = ['"', "<", ">", ";", ",", "=", ":", "@", "?", "\\", "%", "%41", " ", "\t", "\r", "\n", "/", "[", "]", "*", "&"]
PIECES += [
    "sip:",
    "sips:",
    "a",
    "bob",
    "h.example",
    "5060",
    "SIP/2.0/UDP ",
    "tag",
    "expires",
    "q",
    "0.5",
    "Digest ",
    "Basic ",
]
PIECES += ["realm", "nonce", "qop", "auth", "auth-int", "REGISTER", "ä", "\udcff", "\0", "٣", "\u2028", "\x85"]
wire_text = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
LINES = [
    b"REGISTER sip:h SIP/2.0",
    b"SIP/2.0 200 OK",
    b"Via: SIP/2.0/UDP h;branch=z9hG4bK1",
    b"To: <sip:a@h>",
    b"f:sip:b@h;tag=1",
]
LINES += [
    b"CSeq: 1 REGISTER",
    b"i: x",
    b"m: *",
    b"Contact: <sip:c@h>;expires=5",
    b"Content-Length: 3",
    b"l:0",
    b" folded",
    b"\t",
    b"",
]
LINES += [
    b"junk",
    b":",
    b"X :",
    b"Authorization: Digest a=b",
    b'WWW-Authenticate: Digest realm="x',
    b"\xff: \xfe",
    b"Expires: 1",
]
wire_message = st.lists(
    st.tuples(
        st.sampled_from(LINES) | st.binary(max_size=12), st.sampled_from([b"\r\n"] * 4 + [b"\n", b"\r", b"\r\r\n", b""])
    ),
    max_size=20,
).map(lambda rows: b"".join(line + end for line, end in rows))
token = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=8)


def check_whole(message: Message) -> None:
    """The octets of a message can be put together again; offsets follow on each other."""
    start = message.headers[0].start if message.headers else message.head_end
    rows = b"".join(message.raw[h.start : h.end] for h in message.headers)
    separator = message.raw[message.head_end : message.body_start]
    assert message.raw[:start] + rows + separator + message.body + message.trailing == message.raw
    for row, following in zip(message.headers, message.headers[1:], strict=False):
        assert row.end == following.start


@given(st.binary(max_size=300) | wire_message)
@settings(max_examples=400, deadline=None)
def test_any_octets_make_a_message(raw: bytes) -> None:
    message = parse_bytes(raw)
    check_whole(message)
    assert [defect.code for defect in message.defects] == [d.code for d in message.all_defects()][
        : len(message.defects)
    ]
    assert len(message.located_defects()) == len(message.all_defects())
    assert not (message.is_request and message.is_response)
    assert (message.is_register, message.via, message.user_agent, message.retry_after, message.date) is not None


@given(wire_message)
@settings(max_examples=200, deadline=None)
def test_the_fast_path_reads_what_the_slow_path_reads(raw: bytes) -> None:
    """A fold in a row of its own sends the same rows through the line-by-line reader."""
    plain = raw.replace(b"\r", b"").replace(b"\n ", b"\n").replace(b"\n\t", b"\n").replace(b"\n", b"\r\n")
    fast = parse_bytes(b"A sip:h SIP/2.0\r\n" + plain + b"\r\n\r\n")
    slow = parse_bytes(b"A sip:h SIP/2.0\r\nX: y\r\n z\r\n" + plain + b"\r\n\r\n")
    if not plain.startswith((b" ", b"\t")):
        assert [(h.name, h.key, h.value) for h in slow.headers[1:]] == [(h.name, h.key, h.value) for h in fast.headers]
        assert (fast.body, fast.trailing) == (slow.body, slow.trailing)


@given(wire_text)
@settings(max_examples=500, deadline=None)
def test_any_text_makes_a_value(value: str) -> None:
    assert Uri.parse(value).text == value and Address.parse(value).raw == value and Via.parse(value).raw == value
    assert parse_credentials("authorization", value).raw == value
    printed = (Uri.parse(value), Address.parse(value), Via.parse(value), parse_credentials("authorization", value))
    assert {str(one) for one in printed} == {visible(value)}
    assert all(challenge.raw in value for challenge in parse_challenges("www-authenticate", value))
    assert all(param.raw in value or param.name.lower() == "qop" for param in parse_auth_params(value))
    cseq = CSeq.parse(value)
    assert cseq is None or CSeq.parse(str(cseq)) is not None
    for address in parse_addresses(value):
        assert address.raw in value and (address.tag, address.expires, address.q) is not None
    via = Via.parse(value)
    assert (via.sent_by, via.branch, via.received, via.rport, via.has_cookie) is not None


@given(wire_text, st.sampled_from([",", ";"]))
def test_segments_lose_nothing(value: str, sep: str) -> None:
    assert sep.join(segments(value, sep)) == value
    assert split_list(value, sep) == [part for piece in segments(value, sep) if (part := piece.strip(LWS))]


@given(wire_text, wire_text)
@settings(deadline=None)
def test_uri_equality_is_reflexive_and_symmetric(a: str, b: str) -> None:
    left, right = Uri.parse("sip:" + a), Uri.parse("sip:" + b)
    assert uri_equal(left, left) and uri_equal(left, right) == uri_equal(right, left)
    assert aor(left) == aor(Uri.parse("sips:" + a))


@given(st.binary(max_size=60))
def test_text_and_octets_are_inverse(raw: bytes) -> None:
    assert octets(text(raw)) == raw
    assert octets(unescape("".join(f"%{octet:02x}" for octet in raw))) == raw


@given(st.text(max_size=40))
def test_quote_and_unquote_are_inverse(plain: str) -> None:
    assert unquote(quote(plain)) == plain


@given(st.lists(st.tuples(token, st.none() | token | st.text(max_size=8).map(quote)), max_size=6))
def test_params_print_what_they_read(items: list[tuple[str, str | None]]) -> None:
    printed = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in items)
    params = parse_params(printed)
    assert params.items_as_written == tuple(items) and params.written == printed
    assert {defect.code for defect in params.defects} <= {"duplicate-parameter"}
    assert parse_params(params.written) == params and str(parse_uri_params(str(parse_uri_params("a;b=1")))) == ";a;b=1"


@given(
    scheme=st.sampled_from(["sip", "sips", "SIP"]),
    user=st.none() | st.text("ab%0&=+$,;?/-_", min_size=1, max_size=8).map(lambda u: u.replace("%", "%41")),
    host=st.sampled_from(["h", "H.example.", "192.0.2.1", "[2001:db8::1]"]),
    port=st.none() | st.integers(0, 65535),
    params=st.lists(
        st.tuples(token.map(lambda t: t.replace("%", "")).filter(bool), st.none() | st.just("1")), max_size=3
    ),
    headers=st.sampled_from(["", "a=b", "a=b&c="]),
)
def test_a_composed_uri_is_taken_apart(
    scheme: str, user: str | None, host: str, port: int | None, params: list[tuple[str, str | None]], headers: str
) -> None:
    tail = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)
    written = f"{scheme}:{'' if user is None else user + '@'}{host}{'' if port is None else f':{port}'}{tail}"
    uri = Uri.parse(written + (f"?{headers}" if headers else ""))
    assert (uri.scheme, uri.user, uri.host, uri.port, uri.headers) == (
        scheme.lower(), user, host.strip("[]"), port, headers,
    )  # fmt: skip
    assert uri.params.items_as_written == tuple(params)
    assert {defect.code for defect in uri.defects} <= {"duplicate-parameter"}


@given(st.integers(0, 2**31 - 1), token)
def test_cseq_round_trip(number: int, method: str) -> None:
    cseq = CSeq.parse(f"{number} {method}")
    assert cseq is not None and CSeq.parse(str(cseq)) == cseq and not cseq.defects


@given(st.lists(st.tuples(token, st.text(max_size=10)), min_size=1, max_size=6))
def test_quoted_auth_values_come_back(items: list[tuple[str, str]]) -> None:
    value = "Digest " + ", ".join(f"{name}={quote(plain)}" for name, plain in items)
    credentials = parse_credentials("authorization", value)
    assert [(param.name, param.value) for param in credentials.params] == items
    (challenge,) = parse_challenges("www-authenticate", value)
    assert [(param.name, param.value) for param in challenge.params] == items
