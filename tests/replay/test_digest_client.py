"""What a user agent says to challenges: every scheme, judged by the analyzer and by arithmetic written here again."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest

from analyzer.register.digest.input import DigestInput, from_credentials
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from analyzer.register.digest.verdict import judge
from analyzer.sip.auth import Credentials, parse_credentials
from analyzer.sip.message import Message, parse_bytes
from replay.digest_client import MOST_REALMS, DigestClient
from tests.replay.said import secrets_of, tokens

URI = "sip:example.com"
BODY = b"v=0\r\n"
PASSWORD = 's3cret:"\\ü'


def answer(*headers: str, status: int = 401) -> Message:
    lines = [f"SIP/2.0 {status} Whatever", "CSeq: 1 REGISTER", *headers, "", ""]
    return parse_bytes("\r\n".join(lines).encode())


def challenge(text: str = "", *, realm: str = "example.com", nonce: str = "n1", header: str = "WWW") -> str:
    return f'{header}-Authenticate: Digest realm="{realm}", nonce="{nonce}"{text}'


def wallet_of(secrets: Secrets | None = None, username: str = "bob") -> DigestClient:
    return DigestClient(secrets_of(bob=PASSWORD) if secrets is None else secrets, username, tokens())


def said(digest_client: DigestClient, uri: str = URI, body: bytes = BODY) -> Credentials:
    """The one header that it says."""
    (found,) = digest_client.credentials("REGISTER", uri, body)
    return parse_credentials(*found)


def read(credentials: Credentials, body: bytes = BODY) -> DigestInput:
    return from_credentials(credentials, "REGISTER", body)


def h(name: str, *parts: str | bytes) -> str:
    octets = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.new(name, octets).hexdigest()


HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def by_hand(sent: Credentials, password: str, body: bytes = BODY, username: str = "bob") -> str:
    """RFC 7616 3.4.1 to 3.4.3, from the values as they stand in the header."""
    algorithm = sent.algorithm or "MD5"
    name = HASHES[algorithm.removesuffix("-sess")]
    nonce, cnonce, qop = sent.nonce or "", sent.cnonce or "", sent.qop
    a1 = h(name, username, sent.realm or "", password)
    if algorithm.endswith("-sess"):
        a1 = h(name, a1, nonce, cnonce)
    a2 = (
        h(name, "REGISTER", sent.uri or "", h(name, body)) if qop == "auth-int" else h(name, "REGISTER", sent.uri or "")
    )
    return h(name, a1, nonce, sent.nc or "", cnonce, qop, a2) if qop else h(name, a1, nonce, a2)


ALGORITHMS = [None, *(f"{name}{suffix}" for name in HASHES for suffix in ("", "-sess"))]
QOPS = [None, "auth", "auth-int", "auth,auth-int", "auth-int, auth"]


@pytest.mark.parametrize(("algorithm", "qop"), list(product(ALGORITHMS, QOPS)))
def test_every_scheme_is_answered_rightly(algorithm: str | None, qop: str | None) -> None:
    text = (f", algorithm={algorithm}" if algorithm else "") + (f', qop="{qop}"' if qop else "")
    digest_client = wallet_of()
    assert digest_client.take(answer(challenge(text)), spoke=False)
    sent = said(digest_client)
    assert sent.response == by_hand(sent, PASSWORD)
    assert judge(read(sent), secrets_of(bob=PASSWORD)).verdict == "match"
    unsent = qop is None and "sess" in (algorithm or "")  # a cnonce may have been hashed that was not sent
    assert judge(read(sent), secrets_of(bob="another")).verdict == ("unknown" if unsent else "mismatch")
    assert sent.algorithm == algorithm
    assert sent.qop == (None if qop is None else "auth-int" if qop == "auth-int" else "auth")
    assert sent.defects == ()


def test_values_stand_in_quotes_where_the_standard_has_them() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', algorithm=MD5, qop="auth", opaque="o p"')), spoke=False)
    sent = said(digest_client)
    quoted = {param.name for param in sent.params if param.quoted}
    assert quoted == {"username", "realm", "nonce", "uri", "response", "cnonce", "opaque"}
    assert {param.name for param in sent.params} - quoted == {"algorithm", "qop", "nc"}


def test_without_qop_there_is_no_count_and_no_cnonce() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge()), spoke=False)
    sent = said(digest_client)
    assert (sent.qop, sent.nc, sent.cnonce, sent.algorithm, sent.opaque) == (None, None, None, None, None)


def test_session_algorithm_without_qop_has_a_cnonce() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(", algorithm=MD5-sess")), spoke=False)
    sent = said(digest_client)
    assert sent.cnonce and sent.nc is None
    assert sent.response == by_hand(sent, PASSWORD)


@pytest.mark.parametrize("suffix", ["", "-sess"])
def test_nonce_count_grows_and_every_response_is_right(suffix: str) -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(f', algorithm=SHA-256{suffix}, qop="auth"')), spoke=False)
    credentials = [said(digest_client, f"sip:{number}.example.com") for number in range(17)]
    assert [one.nc for one in credentials] == [f"{number:08x}" for number in range(1, 18)]
    assert all(one.response == by_hand(one, PASSWORD) for one in credentials)
    # RFC 2617 3.2.2.2 has a -sess session keep its first cnonce, and both readings agree only then.
    assert len({one.cnonce for one in credentials}) == (1 if suffix else 17)


def test_nobody_has_challenged_so_nothing_is_said() -> None:
    assert wallet_of().credentials("REGISTER", URI) == []


@pytest.mark.parametrize(
    ("header", "status", "key"), [("WWW", 401, "authorization"), ("Proxy", 407, "proxy-authorization")]
)
def test_each_challenge_has_its_own_header(header: str, status: int, key: str) -> None:
    digest_client = wallet_of()
    assert digest_client.take(answer(challenge(header=header), status=status), spoke=False)
    assert [name for name, _ in digest_client.credentials("REGISTER", URI)] == [key]


def test_registrar_and_proxy_are_answered_together() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"', header="Proxy", realm="proxy"), status=407), spoke=False)
    assert digest_client.take(answer(challenge(', qop="auth"', nonce="n2")), spoke=True)
    found = {name: parse_credentials(name, value) for name, value in digest_client.credentials("REGISTER", URI, BODY)}
    assert [(name, one.realm, one.nonce) for name, one in found.items()] == [
        ("proxy-authorization", "proxy", "n1"),
        ("authorization", "example.com", "n2"),
    ]
    assert all(one.response == by_hand(one, PASSWORD) for one in found.values())


def test_of_several_challenges_the_topmost_that_can_be_answered_counts() -> None:
    digest_client = wallet_of()
    offered = [challenge(f", algorithm={name}") for name in ("AKAv1-MD5", "SHA-3", "SHA-256", "MD5")]
    assert digest_client.take(answer('WWW-Authenticate: Basic realm="example.com"', *offered), spoke=False)
    assert said(digest_client).algorithm == "SHA-256"
    assert digest_client.unanswerable == ""


def test_challenges_in_one_header_line_are_all_seen() -> None:
    digest_client = wallet_of()
    line = f'{challenge(", algorithm=SHA-9")}, Digest realm="example.com", nonce="n2", algorithm=SHA-512-256'
    assert digest_client.take(answer(line), spoke=False)
    assert (said(digest_client).nonce, said(digest_client).algorithm) == ("n2", "SHA-512-256")


def test_challenges_of_several_realms_are_all_answered() -> None:
    secrets = Secrets([Secret("one", username="bob", realm="a"), Secret("two", username="bob", realm="b")])
    digest_client = wallet_of(secrets)
    assert digest_client.take(answer(challenge(realm="a"), challenge(realm="b")), spoke=False)
    found = [parse_credentials(*one) for one in digest_client.credentials("REGISTER", URI)]
    assert [(one.realm, one.response) for one in found] == [
        ("a", by_hand(found[0], "one", b"")),
        ("b", by_hand(found[1], "two", b"")),
    ]


def test_stale_nonce_is_replaced_and_the_count_begins_again() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    assert digest_client.take(answer(challenge(', qop="auth", stale=TRUE', nonce="n2")), spoke=True)
    sent = said(digest_client)
    assert (sent.nonce, sent.nc) == ("n2", "00000001")


def test_stale_with_the_same_nonce_is_believed() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    assert digest_client.take(answer(challenge(', qop="auth", stale=true')), spoke=True)


@pytest.mark.parametrize("nonce", ["n1", "n2"])
def test_refused_password_is_not_said_again(nonce: str) -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge()), spoke=False)
    said(digest_client)
    assert not digest_client.take(answer(challenge(nonce=nonce)), spoke=True)
    assert digest_client.unanswerable == "the password is refused"


def test_old_nonce_that_a_server_forgets_silently_is_replaced() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge()), spoke=False)
    said(digest_client)
    said(digest_client)
    assert digest_client.take(answer(challenge(nonce="n2")), spoke=True)
    assert said(digest_client).nonce == "n2"


def test_challenge_to_a_request_without_credentials_is_no_refusal() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge()), spoke=False)
    said(digest_client)
    assert digest_client.take(answer(challenge(nonce="n2")), spoke=False)


def info(text: str, status: int = 200) -> Message:
    return answer(f"Authentication-Info: {text}", status=status)


def test_nextnonce_is_taken_up_with_a_count_of_its_own() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    assert not digest_client.take(info('nextnonce="n9", qop=auth'), spoke=True)
    sent = said(digest_client)
    assert (sent.nonce, sent.nc) == ("n9", "00000001")
    assert sent.response == by_hand(sent, PASSWORD)


def test_nextnonce_that_is_the_present_nonce_goes_on_counting() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    digest_client.take(info('nextnonce="n1"'), spoke=True)
    assert said(digest_client).nc == "00000002"


def test_nextnonce_with_quotes_inside_stays_one_value() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    digest_client.take(info(r'nextnonce="a\"b\\"'), spoke=True)
    sent = said(digest_client)
    assert (sent.nonce, sent.defects) == ('a"b\\', ())
    assert judge(read(sent), secrets_of(bob=PASSWORD)).verdict == "match"


def test_nonce_after_nextnonce_may_grow_old_too() -> None:
    """The password was right before: a fresh challenge after the first use of a nextnonce is no refusal."""
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    digest_client.take(info('nextnonce="n9"'), spoke=True)
    said(digest_client)
    assert digest_client.take(answer(challenge(', qop="auth"', nonce="n10")), spoke=True)


@pytest.mark.parametrize("text", ["", "nextnonce=", 'nextnonce=""', "qop=auth", ",,,=", 'nextnonce="'])
def test_useless_authentication_info_changes_nothing(text: str) -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    digest_client.take(info(text), spoke=True)
    sent = said(digest_client)
    assert (sent.nonce, sent.nc) == ("n1", "00000001")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ((), "the answer has no challenge"),
        (('WWW-Authenticate: Basic realm="x"',), "scheme Basic is not Digest"),
        ((challenge(", algorithm=SHA-3"),), "algorithm SHA-3 cannot be computed"),
        ((challenge(", algorithm=AKAv1-MD5"),), "algorithm AKAv1-MD5 cannot be computed"),
        ((challenge(', qop="auth-conf"'),), "qop auth-conf is not known"),
    ],
)
def test_what_cannot_be_answered_is_said_in_words(headers: tuple[str, ...], why: str) -> None:
    digest_client = wallet_of()
    assert not digest_client.take(answer(*headers), spoke=False)
    assert digest_client.unanswerable == why
    assert digest_client.credentials("REGISTER", URI) == []


@pytest.mark.parametrize("end", ["\r", "\0"])
@pytest.mark.parametrize("name", ["realm", "nonce", "opaque"])
def test_a_line_end_within_a_challenge_is_not_said_again(name: str, end: str) -> None:
    """A parser that takes a bare CR for a line end would find headers of the peer's in our request."""
    values = {"realm": "example.com", "nonce": "n", "opaque": "o"} | {name: f"a{end}X-Evil: 1"}
    row = "WWW-Authenticate: Digest " + ", ".join(f'{key}="{value}"' for key, value in values.items())
    digest_client = wallet_of()
    assert not digest_client.take(answer(row), spoke=False)
    assert digest_client.unanswerable == "the challenge has a line end within a value"
    assert digest_client.credentials("REGISTER", URI) == []


def test_a_line_end_within_nextnonce_is_not_said_again() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge()), spoke=False)
    digest_client.take(info('nextnonce="a\rX-Evil: 1"'), spoke=True)
    assert said(digest_client).nonce == "n1"


def test_no_secret_is_said_in_words() -> None:
    digest_client = wallet_of(secrets_of(carol="x"))
    assert not digest_client.take(answer(challenge()), spoke=False)
    assert digest_client.unanswerable == "no password of bob for realm example.com was given"


def test_words_about_an_old_challenge_do_not_stay() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(", algorithm=SHA-3")), spoke=False)
    assert digest_client.take(answer(challenge()), spoke=False)
    assert digest_client.unanswerable == ""


def test_secret_of_another_realm_is_better_than_none() -> None:
    digest_client = wallet_of(Secrets([Secret("pw", username="bob", realm="old.example.com")]))
    assert digest_client.take(answer(challenge()), spoke=False)
    assert said(digest_client).response == by_hand(said(digest_client), "pw")


@pytest.mark.parametrize(("algorithm", "usable"), [("MD5", True), ("MD5-sess", True), ("SHA-256", False)])
def test_stored_ha1_serves_its_own_hash_alone(algorithm: str, usable: bool) -> None:
    stored = h("md5", "bob", "example.com", PASSWORD)
    digest_client = wallet_of(Secrets([Secret(stored, username="bob", realm="example.com", kind="ha1")]))
    assert digest_client.take(answer(challenge(f', algorithm={algorithm}, qop="auth"')), spoke=False) is usable
    if usable:
        sent = said(digest_client)
        assert sent.response == by_hand(sent, PASSWORD)


def test_realms_that_a_hostile_server_invents_are_bounded() -> None:
    digest_client = wallet_of()
    took = [digest_client.take(answer(challenge(realm=f"r{number}")), spoke=False) for number in range(50)]
    assert took == [True] * MOST_REALMS + [False] * (50 - MOST_REALMS)
    assert len(digest_client.credentials("REGISTER", URI)) == MOST_REALMS
    assert digest_client.unanswerable == "too many realms"


@pytest.mark.parametrize("escaped", [r"a\"b", r"end\"", r"\"", r"\\", r"back\\\"", "ü"])
@pytest.mark.parametrize("name", ["nonce", "realm", "opaque"])
def test_quoted_pairs_go_back_as_they_came(name: str, escaped: str) -> None:
    values = {"realm": "example.com", "nonce": "n1", "opaque": "o"} | {name: escaped}
    text = ", ".join(f'{key}="{value}"' for key, value in values.items())
    digest_client = wallet_of()
    assert digest_client.take(answer(f'WWW-Authenticate: Digest {text}, qop="auth"'), spoke=False)
    sent = said(digest_client)
    param = sent.param(name)
    assert param is not None and param.raw == f'{name}="{escaped}"'
    assert judge(read(sent), secrets_of(bob=PASSWORD)).verdict == "match"
    assert sent.defects == ()


@pytest.mark.parametrize("username", ['quo"te', "back\\slash", "ü", "a b"])
def test_user_names_are_quoted(username: str) -> None:
    digest_client = wallet_of(Secrets.of({username: PASSWORD}), username)
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    sent = said(digest_client)
    assert sent.username == username and sent.defects == ()
    assert sent.response == by_hand(sent, PASSWORD, username=username)


def test_challenge_without_realm_or_nonce_is_answered_with_empty_ones() -> None:
    digest_client = wallet_of()
    assert digest_client.take(answer("WWW-Authenticate: Digest algorithm=MD5"), spoke=False)
    sent = said(digest_client)
    assert (sent.realm, sent.nonce) == ("", "")
    assert sent.response == by_hand(sent, PASSWORD)


def test_secrets_show_in_nothing_that_a_wallet_prints() -> None:
    digest_client = wallet_of(secrets_of(bob="sesame-open"))
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    said(digest_client)
    assert "sesame" not in repr(digest_client)
