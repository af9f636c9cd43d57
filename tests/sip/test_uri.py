"""URIs: parts, defects, the comparison of RFC 3261 19.1.4, the address-of-record."""

from __future__ import annotations

import itertools
import time

import pytest

from analyzer.sip.uri import Uri, aor, canonical_host, port_number, same_aor, split_hostport, uri_equal

PARTS = [
    ("sip:alice@atlanta.com", ("sip", "alice", None, "atlanta.com", None, {}, "")),
    ("sip:alice:secretword@atlanta.com;transport=tcp", ("sip", "alice", "secretword", "atlanta.com", None, 1, "")),
    ("sips:alice@atlanta.com?subject=project%20x&priority=urgent", ("sips", "alice", None, "atlanta.com", None, {}, 1)),
    ("sip:+1-212-555-1212:1234@gateway.com;user=phone", ("sip", "+1-212-555-1212", "1234", "gateway.com", None, 1, "")),
    ("sips:1212@gateway.com", ("sips", "1212", None, "gateway.com", None, {}, "")),
    ("sip:alice@192.0.2.4", ("sip", "alice", None, "192.0.2.4", None, {}, "")),
    ("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", ("sip", None, None, "atlanta.com", None, 1, 1)),
    ("sip:alice;day=tuesday@atlanta.com", ("sip", "alice;day=tuesday", None, "atlanta.com", None, {}, "")),
    ("SIP:EXAMPLE.com.", ("sip", None, None, "EXAMPLE.com.", None, {}, "")),
    ("sip:[2001:db8::1]:5060", ("sip", None, None, "2001:db8::1", 5060, {}, "")),
    ("sip:u@[2001:db8::1]", ("sip", "u", None, "2001:db8::1", None, {}, "")),
    ("sip:h:0005061", ("sip", None, None, "h", 5061, {}, "")),
    ("sip:u:@h", ("sip", "u", "", "h", None, {}, "")),
    ("sip:my_host.lan;lr", ("sip", None, None, "my_host.lan", None, 1, "")),
]


@pytest.mark.parametrize(("text", "parts"), PARTS)
def test_parts(text: str, parts: tuple[object, ...]) -> None:
    uri = Uri.parse(text)
    assert uri.defects == () and str(uri) == text
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == parts[:5]
    assert bool(uri.params) == bool(parts[5]) and bool(uri.headers) == bool(parts[6])


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", {"bad-uri"}),
        ("alice@atlanta.com", {"bad-uri"}),
        ("1x:y", {"bad-uri"}),
        ("sip:", {"bad-host"}),
        ("sip:alice@", {"bad-host"}),
        ("sip:@h", {"bad-userinfo"}),
        ("sip:a@b@h", {"bad-userinfo"}),
        ("sip:a#b@h", {"bad-userinfo"}),
        ("sip:j\udcfcrgen@h", {"bad-userinfo"}),
        ("sip:a%4@h", {"bad-escape"}),
        ("sip:a%zz@h", {"bad-escape"}),
        ("sip:h:", {"bad-port"}),
        ("sip:h:66000", {"bad-port"}),
        ("sip:h:5060a", {"bad-port"}),
        ("sip:h:٥", {"bad-port"}),
        ("sip:h:" + "9" * 5000, {"bad-port"}),
        ("sip:::1:5060", {"bad-host"}),  # an IPv6 address without brackets, as SIPp writes it
        ("sip:[::1", {"bad-host"}),
        ("sip:[::1]5060x", {"bad-port"}),
        ("sip:a%40h", {"bad-host"}),  # an escaped @ in the host is no userinfo
        ("sip:a b@h", {"bad-uri", "bad-userinfo"}),
        (" sip:h", {"bad-uri"}),
        ("sip:h;a=1;A=2", {"duplicate-parameter"}),
        ("sip:h;;lr", {"empty-parameter"}),
    ],
)
def test_defects(text: str, codes: set[str]) -> None:
    assert {defect.code for defect in Uri.parse(text).defects} == codes


def test_a_second_at_belongs_to_the_user_unless_parameters_began() -> None:
    assert (Uri.parse("sip:a@b@h").user, Uri.parse("sip:a@b@h").host) == ("a@b", "h")
    late = Uri.parse("sip:a@h;x=1@y")
    assert (late.user, late.host, dict(late.params)) == ("a", "h", {"x": "1@y"})


def test_other_schemes_are_opaque() -> None:
    uri = Uri.parse("TEL:+1-201-555-0123;phone-context=x")
    assert (uri.scheme, uri.opaque, uri.host, uri.user) == ("tel", "+1-201-555-0123;phone-context=x", "", None)
    assert not uri.defects and not uri.is_sip


# RFC 3261 19.1.4, "URIs within each of the following sets are equivalent"
EQUAL = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    # beyond the RFC's list
    ("SIP:bob@biloxi.com", "sip:bob@BILOXI.com"),
    ("sip:a%2fb@h", "sip:a%2Fb@h"),
    ("sip:bob@h:05060", "sip:bob@h:5060"),
    ("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:0DB8::9:01]"),  # RFC 5954 4.2
    ("sip:bob@h;lr", "sip:bob@h;LR;x"),
    ("sip:bob@h;n%61me=v%61l", "sip:bob@h;name=val"),
    ("tel:+1234", "TEL:+1234"),
    ("sip:bob@h;transport=udp;x=1", "sip:bob@h;transport=UDP"),
]
# "The URIs within each of the following sets are not equivalent"
UNEQUAL = [
    ("SIP:ALICE@AtlanTa.CoM;Transport=udp", "sip:alice@AtlanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    # beyond the RFC's list
    ("sip:bob@h", "sips:bob@h"),
    ("sip:bob@h", "sip:h"),
    ("sip:bob@h", "sip:bob:secret@h"),
    ("sip:bob:Secret@h", "sip:bob:secret@h"),
    ("sip:bob:@h", "sip:bob@h"),
    ("sip:bob@h", "sip:bob@h;user=ip"),
    ("sip:bob@h", "sip:bob@h;ttl=1"),
    ("sip:bob@h", "sip:bob@h;method=INVITE"),
    ("sip:bob@h", "sip:bob@h;maddr=h"),
    ("sip:a;b@h", "sip:a%3Bb@h"),  # ";" is reserved: not equal to its escape
    ("sip:%00@h", "sip:%00%00@h"),
    ("sip:bob@h?a=1", "sip:bob@h?a=1&a=1"),
    ("tel:+1234", "tel:+12345"),
    ("tel:+1234", "sip:+1234@h"),
    ("sip:bob@h", "bob@h"),
    ("sip:h:99999", "sip:h"),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_both_ways(a: str, b: str) -> None:
    assert uri_equal(Uri.parse(a), Uri.parse(b)) and uri_equal(Uri.parse(b), Uri.parse(a))


@pytest.mark.parametrize(("a", "b"), UNEQUAL)
def test_unequal_both_ways(a: str, b: str) -> None:
    assert not uri_equal(Uri.parse(a), Uri.parse(b)) and not uri_equal(Uri.parse(b), Uri.parse(a))


def test_equality_is_not_transitive() -> None:
    on, off, bare = (Uri.parse(f"sip:c@h{tail}") for tail in (";security=on", ";security=off", ""))
    assert uri_equal(on, bare) and uri_equal(bare, off) and not uri_equal(on, off)


def test_every_uri_equals_itself() -> None:
    for text in itertools.chain(*EQUAL, *UNEQUAL, (text for text, _ in PARTS)):
        assert uri_equal(Uri.parse(text), Uri.parse(text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sips:Bob@BILOXI.com", "sip:Bob@biloxi.com"),
        ("sip:bob:pw@biloxi.com;user=phone?x=y", "sip:bob@biloxi.com"),
        ("sip:%62ob@biloxi.com:5060", "sip:bob@biloxi.com"),
        ("sips:bob@biloxi.com:5061", "sip:bob@biloxi.com"),
        ("sip:bob@biloxi.com:5080", "sip:bob@biloxi.com:5080"),
        ("sip:null-%00-null@h", "sip:null-\0-null@h"),
        ("sip:bob@[2001:DB8:0::1]:5060", "sip:bob@[2001:db8::1]"),
        ("sip:example.com", "sip:example.com"),
        ("tel:+1234", "tel:+1234"),
        ("nonsense", "nonsense"),
    ],
)
def test_aor(text: str, canonical: str) -> None:
    assert aor(Uri.parse(text)) == canonical


def test_an_aor_is_computed_once_and_changes_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, fresh = Uri.parse("sip:Once@Example.COM"), Uri.parse("sip:Once@Example.COM ".strip() + ";lr")
    before = (repr(asked), hash(asked))
    assert aor(asked) == aor(fresh) == "sip:Once@example.com"
    assert (repr(asked), hash(asked)) == before
    assert asked == Uri("sip:Once@Example.COM", "sip", "Once", None, "Example.COM")
    monkeypatch.setattr("analyzer.sip.uri._aor", None)
    assert aor(asked) == "sip:Once@example.com"


def test_same_aor_is_case_sensitive_in_the_user_only() -> None:
    assert same_aor(Uri.parse("sip:bob@Example.COM"), Uri.parse("sips:bob@example.com;lr"))
    assert not same_aor(Uri.parse("sip:Bob@example.com"), Uri.parse("sip:bob@example.com"))


def test_hosts_and_ports() -> None:
    assert split_hostport("[::1]:5060") == ("::1", "5060") and split_hostport("[::1]") == ("::1", None)
    assert split_hostport("h : 5060") == ("h", "5060") and split_hostport("fe80::1") == ("fe80::1", None)
    assert [port_number(p) for p in ("0", "00000005060", "65535", "65536", "", "-1")] == [
        0,
        5060,
        65535,
        None,
        None,
        None,
    ]
    assert canonical_host("::FFFF") == "::ffff" and canonical_host("x:Y") == "x:y"


@pytest.mark.parametrize(
    "text", ["sip:" + "@" * 300_000, "sip:h" + ";a=1" * 100_000, "sip:" + "%" * 300_000, "[" * 300_000]
)
def test_long_uris_are_linear(text: str) -> None:
    started = time.perf_counter()
    uri_equal(Uri.parse(text), Uri.parse(text + ";x"))
    assert time.perf_counter() - started < 5
