"""What clients are offered, and which of it they answer (RFC 8760 2.4)."""

from __future__ import annotations

import pytest

from analyzer.register.choices import Choice, token_of, words_of
from tests.register.watch import watch

ASK = "> REGISTER sip:example.com\n"


def offers(*algorithms: str, realm: str = "h", nonce: str = "n", header: str = "WWW", qop: str = "auth") -> str:
    """A challenge for each algorithm, in this order; `-` for one that names none."""
    rows = "".join(
        f'{header}-Authenticate: Digest realm="{realm}", nonce="{nonce}", qop="{qop}"'
        f"{'' if one == '-' else f', algorithm={one}'}\n"
        for one in algorithms
    )
    return f"< {401 if header == 'WWW' else 407}\n{rows}"


def answers(algorithm: str, *, realm: str = "h", nonce: str = "n") -> str:
    return f"{ASK}Authorization: {{bob x realm={realm} nonce={nonce} algorithm={algorithm}}}\n"


def choice(flow: str) -> Choice | None:
    return watch(flow).registration.choice


def told(flow: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    found = choice(flow)
    return None if found is None else (found.offered, found.taken)


@pytest.mark.parametrize(
    ("flow", "found"),
    [
        (ASK + "< 200\n", None),
        (ASK + offers("MD5"), None),
        (ASK + offers("-"), None),
        (ASK + offers("md5"), None),
        (ASK + offers("AKAv1-MD5"), None),
        (ASK + offers("MD5", "AKAv1-MD5"), None),
        (ASK + offers("MD5", qop="auth-int,auth"), None),
        (ASK + offers("MD5", "SHA-256"), (("MD5", "SHA-256"), ())),
        (ASK + offers("sha-256", "-"), (("SHA-256", "MD5"), ())),
        (ASK + offers("SHA-256"), (("SHA-256",), ())),
        (ASK + offers("MD5-sess"), (("MD5-sess",), ())),
        (ASK + offers("MD5", qop="auth-int"), (("MD5 with qop=auth-int",), ())),
        (ASK + offers("SHA-3", "MD5"), (("SHA-3", "MD5"), ())),
        (ASK + offers("MD5", "MD5"), (("MD5", "MD5"), ())),
        (ASK + offers("MD5", "SHA-256") + answers("MD5") + "< 200\n", (("MD5", "SHA-256"), ("MD5",))),
        (ASK + offers("MD5", "SHA-256") + answers("") + "< 200\n", (("MD5", "SHA-256"), ("MD5",))),
        (ASK + offers("SHA-256") + answers("MD5") + offers("MD5", nonce="m"), None),  # which takes it back
        (ASK + offers("SHA-256") + answers("MD5") + offers("SHA-256"), (("SHA-256",), ("MD5",))),
    ],
)  # fmt: skip
def test_what_a_client_was_offered_and_took(flow: str, found: object) -> None:
    assert told(flow) == found


def test_it_is_kept_over_refreshes_and_taken_back_when_the_offer_changes() -> None:
    first = ASK + offers("SHA-256", "MD5") + answers("MD5") + "< 200\n"
    again = f"@60 {ASK}{offers('SHA-256', 'MD5', nonce='n2')}"
    assert told(first + again) == (("SHA-256", "MD5"), ("MD5",))
    assert told(first + again + answers("SHA-256", nonce="n2") + "< 200\n") == (
        ("SHA-256", "MD5"),
        ("MD5", "SHA-256"),
    )
    assert told(f"{first}@60 {ASK}{offers('MD5', 'SHA-256', nonce='n2')}") == (("MD5", "SHA-256"), ())
    assert told(f"{first}@60 {ASK}{offers('MD5', nonce='n2')}") is None


def test_a_proxy_that_knows_md5_alone_does_not_hide_what_the_registrar_offers() -> None:
    proxy = offers("MD5", realm="p", nonce="p1", header="Proxy")
    flow = ASK + proxy + ASK + offers("SHA-256", "MD5") + answers("MD5") + "< 200\n"
    assert told(flow) == (("SHA-256", "MD5"), ("MD5",))
    assert told(f"{flow}@60 {ASK}{proxy}") == (("SHA-256", "MD5"), ("MD5",))


def test_answers_to_another_realm_do_not_count() -> None:
    flow = ASK + offers("SHA-256", "MD5") + answers("MD5", realm="other") + "< 403\n"
    assert told(flow) == (("SHA-256", "MD5"), ())


def test_clients_are_apart() -> None:
    one = ASK + offers("SHA-256") + answers("SHA-256") + "< 200\n"
    other = one.replace(
        ASK, "> REGISTER sip:example.com\nTo: <sip:eve@example.com>\nCall-ID: eve\nContact: <sip:eve@h>\n"
    )
    other = other.replace("SHA-256", "MD5")
    assert [found.choice is None for found in watch(one + other).registrations] == [False, True]


def test_a_crowd_of_challenges_is_bounded() -> None:
    found = choice(ASK + offers(*["MD5", "SHA-256"] * 30))
    assert found is not None
    assert len(found.offered) == 8


def test_where_it_was_offered_can_be_found() -> None:
    found = choice(ASK + offers("SHA-256"))
    assert found is not None
    assert found.evidence.place.number == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("algorithm", "token"),
    [(None, "MD5"), ("", "MD5"), ("md5", "MD5"), ("SHA-512-256", "SHA-512-256"), ("x" * 99, "x" * 20 + "...")],
)
def test_tokens(algorithm: str | None, token: str) -> None:
    assert token_of(algorithm) == token


def test_words() -> None:
    assert words_of(("SHA-256",)) == "SHA-256 alone"
    assert words_of(("MD5", "SHA-256")) == "MD5 and SHA-256"
    assert words_of(("A", "B", "C")) == "A, B and C"
