"""The registrar's side of digest: challenges, what is let in, what is stale, what is refused (RFC 7616, RFC 8760)."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.register.digest.arithmetic import Reading, algorithm_of, expected, hash_function
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.auth import Challenge
from analyzer.sip.message import Message
from replay.authenticator import ALGORITHMS, DigestPolicy, PolicyError
from replay.machine import SECOND
from replay.registrar_events import Verified
from tests.replay.registrar_stage import SECRETS, Desk, desk, request


def guarded(**policy: Any) -> Desk:
    return desk(SECRETS, digest=DigestPolicy(**{"realm": "lab", **policy}))


def challenge_of(answer: Message, at: int = 0) -> Challenge:
    assert answer.status == 401, answer.reason
    return answer.challenges[at]


def credentials(
    challenge: Challenge,
    password: str = "wonder",
    *,
    username: str = "alice",
    nc: int = 1,
    cnonce: str = "cn",
    nonce: str | None = None,
    **changed: str,
) -> str:
    nonce = challenge.nonce or "" if nonce is None else nonce
    qop = "auth" if challenge.qop_options else ""
    algorithm = challenge.algorithm or ""
    session = algorithm.lower().endswith("-sess")
    digest = DigestInput(username, challenge.realm or "", nonce, "sip:example.com", "", algorithm, qop,
                         f"{nc:08x}" if qop else "", cnonce if qop or session else "")  # fmt: skip
    response = expected(Reading(digest, (nonce, digest.cnonce)), Secret(password))
    values = {"username": username, "realm": digest.realm, "nonce": nonce, "uri": digest.uri, "response": response,
              "cnonce": digest.cnonce, **changed}  # fmt: skip
    text = ", ".join(f'{name}="{value}"' for name, value in values.items() if value)
    tail = f", qop={qop}, nc={digest.nc}" if qop else ""
    return f"Authorization: Digest {text}, algorithm={algorithm or 'MD5'}{tail}"


def register(asked: Desk, cseq: int, header: str, **given: Any) -> Message:
    return asked.ask(request(cseq=cseq, extra=[header], **given))


HERE = [name for name in ALGORITHMS if (found := algorithm_of(name)) is not None and hash_function(found.hash_name)]


@pytest.mark.parametrize("algorithm", HERE)
@pytest.mark.parametrize("qop", ["auth", ""])
def test_every_algorithm_is_challenged_with_and_verified(algorithm: str, qop: str) -> None:
    asked = guarded(algorithms=(algorithm,), qop=qop)
    challenge = challenge_of(asked.ask(request()))
    assert (challenge.realm, challenge.algorithm, challenge.qop) == ("lab", algorithm, qop or None)
    assert register(asked, 2, credentials(challenge)).status == 200
    assert register(asked, 3, credentials(challenge, nc=2, password="wrong")).status == 403


def test_several_algorithms_are_offered_in_order_with_one_nonce() -> None:
    asked = guarded(algorithms=("SHA-256", "MD5"), opaque="o")
    answer = asked.ask(request())
    assert [one.algorithm for one in answer.challenges] == ["SHA-256", "MD5"]
    assert len({one.nonce for one in answer.challenges}) == 1 and answer.challenges[0].opaque == "o"
    assert register(asked, 2, credentials(answer.challenges[1])).status == 200


def test_an_algorithm_that_was_not_offered_is_challenged_again() -> None:
    asked = guarded(algorithms=("SHA-256",))
    other = guarded()
    challenge = challenge_of(other.ask(request()))
    answer = register(asked, 2, credentials(challenge))
    assert challenge_of(answer).algorithm == "SHA-256" and not challenge_of(answer).stale


def test_the_realm_is_the_host_of_the_request_uri_unless_named() -> None:
    asked = desk(SECRETS)
    assert challenge_of(asked.ask(request(uri="sip:Registrar.example"))).realm == "Registrar.example"


def test_a_nonce_is_fresh_each_time_and_counts_its_uses() -> None:
    asked = guarded()
    first, second = (challenge_of(asked.ask(request(cseq=cseq))) for cseq in (1, 2))
    assert first.nonce != second.nonce
    assert register(asked, 3, credentials(first, nc=1)).status == 200
    assert register(asked, 4, credentials(first, nc=2)).status == 200
    assert register(asked, 5, credentials(first, nc=9)).status == 200


@pytest.mark.parametrize("count", [1, 2])
def test_a_count_that_does_not_rise_is_a_replay(count: int) -> None:
    asked = guarded()
    challenge = challenge_of(asked.ask(request()))
    register(asked, 2, credentials(challenge, nc=2))
    again = challenge_of(register(asked, 3, credentials(challenge, nc=count)))
    assert again.stale and again.nonce != challenge.nonce
    assert register(asked, 4, credentials(again)).status == 200


def test_an_old_nonce_is_stale_only_for_who_knows_the_password() -> None:
    asked = guarded(lifetime=30)
    challenge = challenge_of(asked.ask(request()))
    asked.now += 30 * SECOND
    assert register(asked, 2, credentials(challenge)).status == 200
    asked.now += 1
    assert challenge_of(register(asked, 3, credentials(challenge, nc=2))).stale
    assert register(asked, 4, credentials(challenge, password="wrong", nc=3)).status == 403


def test_a_nonce_that_nobody_gave_is_stale() -> None:
    asked = guarded()
    challenge = challenge_of(asked.ask(request()))
    assert challenge_of(register(asked, 2, credentials(challenge, nonce="invented"))).stale


@pytest.mark.parametrize(("wrong", "stale"), [(403, None), (401, False)])
def test_a_wrong_password(wrong: Any, stale: bool | None) -> None:
    asked = guarded(wrong=wrong)
    answer = register(asked, 2, credentials(challenge_of(asked.ask(request())), password="no"))
    assert answer.status == wrong
    assert [one.stale for one in answer.challenges] == ([] if stale is None else [stale])


@pytest.mark.parametrize("unknown", [403, 404, 401])
def test_an_unknown_user_is_challenged_first(unknown: Any) -> None:
    asked = guarded(unknown=unknown)
    challenge = challenge_of(asked.ask(request(user="mallory")))
    header = credentials(challenge, username="mallory")
    assert register(asked, 2, header, user="mallory").status == unknown


def test_another_users_address_of_record_is_forbidden() -> None:
    asked = guarded()
    header = credentials(challenge_of(asked.ask(request())), username="bob", password="builder")
    assert register(asked, 2, header).status == 403
    header = credentials(challenge_of(asked.ask(request())), username="bob", password="builder")
    assert register(asked, 3, header, user="bob").status == 200


def test_a_username_with_its_domain_is_the_user() -> None:
    asked = desk(Secrets.of({"alice@example.com": "wonder"}), digest=DigestPolicy(realm="lab"))
    header = credentials(challenge_of(asked.ask(request())), username="alice@example.com")
    assert register(asked, 2, header).status == 200


def test_the_password_for_another_realm_is_not_let_in() -> None:
    asked = desk(Secrets.of({"alice": "wonder"}, realm="elsewhere"), digest=DigestPolicy(realm="lab"))
    assert register(asked, 2, credentials(challenge_of(asked.ask(request())))).status == 403


def test_credentials_for_another_realm_are_no_credentials() -> None:
    asked = guarded()
    answer = register(asked, 2, credentials(challenge_of(asked.ask(request())), realm="other"))
    assert not challenge_of(answer).stale


@pytest.mark.parametrize(
    "header",
    [
        'Digest realm="lab"',
        'Digest realm="lab", username="alice", nonce="n", uri="sip:x"',
        'Digest realm="lab", username="alice", nonce="n", uri="sip:x", response="r", qop=auth',
        'Digest realm="lab", username="alice", nonce="n", uri="sip:x", response="r", qop=auth, nc=1, cnonce="c"',
        'Digest realm="lab", username="alice", nonce="n", uri="sip:x", response="r", qop=odd, nc=00000001, cnonce="c"',
    ],
)
def test_improper_credentials_are_a_bad_request(header: str) -> None:
    assert register(guarded(), 2, f"Authorization: {header}").status == 400


@pytest.mark.parametrize(
    "header", ["Authorization: Basic YTpi", "Authorization:", 'Proxy-Authorization: Digest realm="lab"']
)
def test_what_is_no_digest_is_challenged(header: str) -> None:
    assert register(guarded(), 2, header).status == 401


def test_the_verdict_is_told_with_its_cause() -> None:
    asked = guarded()
    challenge = challenge_of(asked.ask(request()))
    register(asked, 2, credentials(challenge, password="Wonder"))
    verified = next(event for event in asked.reply.events if isinstance(event, Verified))
    assert verified.verdict is not None and verified.verdict.verdict == "mismatch"
    assert asked.round.verdict == "mismatch" and "wonder" not in repr(asked.reply.events).lower()


@pytest.mark.parametrize("algorithms", [("AKAv1-MD5",), ("X",), ()])
def test_a_policy_that_cannot_be_kept_is_refused(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(PolicyError):
        DigestPolicy(algorithms=algorithms)
