"""The client's half against a real Kamailio: every kind of answer that it can give, over every transport."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.register.digest.secrets import Secrets
from replay.net.links import LinkError
from replay.uris import SipUri
from tests.replay.peers import Kamailio, TlsKeys, kamailio_server, password, tls_relay
from tests.replay.playing import SHORT, played, sample, statuses

CLEAN = "clean-registration"
TWICE = "cseq-jump"  # registers and refreshes once, both challenged


def user(name: str) -> list[str]:
    """Say the carol of the samples as somebody else, so that tests do not meet each other's bindings."""
    return [f"carol@=x{name}@"]


def secrets(*names: str) -> Secrets:
    return Secrets.of({f"x{name}": password(f"x{name}") for name in names})


def test_register_and_refresh_under_one_call_id(kamailio: Kamailio) -> None:
    result = played(sample(TWICE), kamailio.target, maps=user("twice"), secrets=secrets("twice"))
    assert statuses(result) == [[401], [200], [401], [200]]
    assert result.outcome.same
    assert result.outcome.now == "registered (200)"
    assert len({row.editor.first("call-id") for row in result.rows}) == 1
    first = int((result.rows[0].editor.first("cseq") or "").split()[0])
    assert [int((row.editor.first("cseq") or "").split()[0]) for row in result.rows] == [*range(first, first + 4)]


def test_the_bindings_are_removed_at_the_end(kamailio: Kamailio) -> None:
    result = played(sample(TWICE), kamailio.target, maps=user("gone"), secrets=secrets("gone"))
    assert [one.status for one in result.removal][-1] == 200
    assert kamailio.bindings("xgone") == []


def test_or_kept(kamailio: Kamailio) -> None:
    result = played(sample(TWICE), kamailio.target, maps=user("kept"), secrets=secrets("kept"), keep=True)
    assert result.removal == []
    (bound,) = kamailio.bindings("xkept")
    uri = SipUri.of(bound)
    assert uri is not None
    assert uri.hostport.startswith("127.0.0.1:")


def test_a_captured_contact_is_kept_and_removed(kamailio: Kamailio) -> None:
    played(sample(TWICE), kamailio.target, maps=user("far"), secrets=secrets("far"), keep=True, keep_contact=True)
    (bound,) = kamailio.bindings("xfar")
    assert "127.0.0.13:5073" in bound
    again = played(sample(TWICE), kamailio.target, maps=user("far"), secrets=secrets("far"), keep_contact=True)
    assert again.removal[-1].status == 200
    assert kamailio.bindings("xfar") == []


def test_interval_too_brief(kamailio: Kamailio) -> None:
    result = played(sample("interval-too-brief"), kamailio.target, maps=user("brief"), secrets=secrets("brief"))
    assert statuses(result) == [[401], [423], [401], [200]]
    assert result.outcome.same


def test_a_wrong_password_ends_it(kamailio: Kamailio) -> None:
    wrong = Secrets.of({"xwrong": "nonsense"})
    result = played(sample(TWICE), kamailio.target, maps=user("wrong"), secrets=wrong)
    assert statuses(result) == [[401], [403], [401], [403]]
    assert not result.outcome.same
    assert result.outcome.now == "refused (403)"
    assert result.outcome.unlike == (2, 4)


def test_an_unknown_user(kamailio: Kamailio) -> None:
    result = played(sample(TWICE), kamailio.target, maps=["carol@=nobody7@"])
    assert {status for tries in statuses(result) for status in tries} == {404}
    assert result.removal == []


def test_without_a_password_the_challenge_stands(kamailio: Kamailio) -> None:
    result = played(sample(TWICE), kamailio.target, maps=user("mute"), secrets=Secrets())
    assert {status for tries in statuses(result) for status in tries} == {401}
    assert any("no password" in note.lower() for note in result.notes)


@pytest.mark.parametrize(
    "define", ["WITH_NC", "WITH_OTN", "WITH_SHA256", "WITH_NOQOP", "WITH_OPEN", "WITH_DELAY", "NONCE_EXPIRE=1"]
)
def test_every_manner_of_challenge(define: str) -> None:
    with kamailio_server(define) as server:
        result = played(sample(TWICE), server.target, speed=0.5 if define == "NONCE_EXPIRE=1" else 0)
        finals = [tries[-1] for tries in statuses(result)]
        assert finals[1] == finals[3] == 200
        assert result.outcome.same
        assert server.bindings("carol") == []


def test_captured_credentials_without_a_challenge_are_not_sent(kamailio: Kamailio) -> None:
    """The phone answers with a nonce that it knew from before; the live registrar never gave it."""
    result = played(sample(CLEAN), kamailio.target, maps=user("cached"), secrets=secrets("cached"))
    assert result.outcome.same


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("version", [4, 6])
def test_every_transport(kamailio: Kamailio, transport: str, version: int) -> None:
    if version == 6 and kamailio.address6 is None:
        pytest.skip("no IPv6 on loopback")
    name = f"{transport.lower()}{version}"
    target = kamailio.target if version == 4 else kamailio.target6
    result = played(sample(TWICE), target, transport=transport, maps=user(name), secrets=secrets(name), keep=True)
    assert result.outcome.same
    (bound,) = kamailio.bindings(f"x{name}")
    assert ("transport=tcp" in bound) == (transport == "TCP")
    assert ("[::1]" in bound) == (version == 6)
    via = result.rows[-1].editor.first("via") or ""
    assert via.startswith(f"SIP/2.0/{transport} ")


def test_tls_believes_whom_it_was_told_to(kamailio: Kamailio, tls_keys: TlsKeys) -> None:
    with tls_relay(kamailio.address, tls_keys) as relay:
        result = played(
            sample(TWICE),
            relay.target,
            transport="TLS",
            maps=user("tls"),
            secrets=secrets("tls"),
            authority=tls_keys.authority,
        )
        assert result.outcome.same
        with pytest.raises(LinkError, match="certificate"):
            played(sample(TWICE), relay.target, transport="TLS")
        unverified = played(
            sample(TWICE), relay.target, transport="TLS", maps=user("any"), secrets=secrets("any"), verify=False
        )
        assert unverified.outcome.same


def test_a_stranger_s_certificate_is_refused(kamailio: Kamailio, tls_keys: TlsKeys) -> None:
    with (
        tls_relay(kamailio.address, tls_keys, stranger=True) as relay,
        pytest.raises(LinkError, match="certificate"),
    ):
        played(sample(TWICE), relay.target, transport="TLS", authority=tls_keys.authority)


def test_verbatim_keeps_what_it_can(kamailio: Kamailio) -> None:
    result = played(sample("cseq-not-raised"), kamailio.target, repaired=False)
    assert statuses(result) == [[401], [200], [401], [200]]
    changed = {edit.what for row in result.rows for edit in row.editor.edits}
    assert changed == {"Via", "Contact", "Authorization"}
    for row in result.rows:
        captured = row.step.exchange.request
        assert row.editor.first("call-id") == captured.call_id
        assert row.editor.first("cseq") == captured.first("cseq")


def test_nobody_listens(tmp_path: Path) -> None:
    result = played(sample(TWICE), "127.0.0.1:9", timers=SHORT)
    assert statuses(result) == [[0], [0], [0], [0]]
    assert result.outcome.now == "no answer"
    assert {one.tries[-1].error for row in result.rows if (one := row.result)} == {"connection refused"}
