"""What a replay puts in place of the captured: live addresses, longer expiries, other users, credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.verdict import judge
from analyzer.sip.message import Message, parse_bytes
from replay.agent import Agent, MapError, Mapping
from replay.flow import read_flow
from replay.message_editor import MessageEditor
from replay.plan import steps_of
from replay.rewrite import BARE, NECESSITIES, REPAIRS, Change, written
from replay.rewrite.auth import answer_challenge
from tests.replay.said import READABLE, agent_of, capture_of, secrets_of, steps_in

R = "> REGISTER sip:example.com"
OK = "< 200"


def last(text: str, folder: Path, agent: Agent | None = None, changes: tuple[Change, ...] = REPAIRS) -> MessageEditor:
    agent = agent or agent_of()
    return [written(step, agent, changes) for step in steps_in(text, folder)][-1]


def sent(editor: MessageEditor) -> Message:
    return parse_bytes(editor.octets())


def contact(value: str, folder: Path, agent: Agent | None = None) -> str:
    return last(f"{R}\nContact: {value}\n{OK}", folder, agent).first("contact") or ""


@pytest.mark.parametrize(
    ("captured", "live"),
    [
        ("<sip:bob@192.0.2.10>", "<sip:bob@127.0.0.1:40000>"),
        ("<sip:192.0.2.10:5070>", "<sip:127.0.0.1:40000>"),
        ("sip:bob@192.0.2.10", "sip:bob@127.0.0.1:40000"),
        ("sip:bob@192.0.2.10;expires=60", "sip:bob@127.0.0.1:40000;expires=60"),
        ('"B, o b" <sip:bob@192.0.2.10;ob;x=y?h=z>;q=0.5', '"B, o b" <sip:bob@127.0.0.1:40000;ob;x=y?h=z>;q=0.5'),
        ("<sip:bob@192.0.2.10;transport=TCP;ob>", "<sip:bob@127.0.0.1:40000;ob>"),
        ("<SIPS:bob@192.0.2.10>", "<SIPS:bob@127.0.0.1:40000>"),
        ("<tel:+49123>", "<tel:+49123>"),
        ("<mailto:a@b.c>, <sip:a@192.0.2.10>", "<mailto:a@b.c>, <sip:a@127.0.0.1:40000>"),
        ("<sip:a@192.0.2.10>, <sip:b@192.0.2.11>", "<sip:a@127.0.0.1:40000>, <sip:b@127.0.0.1:40000>"),
        ("<sip:a@192.0.2.10>, <sip:a@192.0.2.11>", "<sip:a@127.0.0.1:40000>, <sip:a-2@127.0.0.1:40000>"),
        ("<sip:192.0.2.10>, <sip:192.0.2.11>", "<sip:127.0.0.1:40000>, <sip:contact-2@127.0.0.1:40000>"),
        (
            '<sip:a@192.0.2.10>;+sip.instance="<urn:uuid:1>";reg-id=1',
            '<sip:a@127.0.0.1:40000>;+sip.instance="<urn:uuid:1>";reg-id=1',
        ),
    ],
)
def test_contacts_get_the_live_address(captured: str, live: str, tmp_path: Path) -> None:
    assert contact(captured, tmp_path) == live


@pytest.mark.parametrize(
    ("local", "transport", "live", "via"),
    [
        (Endpoint("::1", 40000), "UDP", "<sip:bob@[::1]:40000>", "SIP/2.0/UDP [::1]:40000"),
        (Endpoint("127.0.0.1", 4), "TCP", "<sip:bob@127.0.0.1:4;transport=tcp>", "SIP/2.0/TCP 127.0.0.1:4"),
        (Endpoint("127.0.0.1", 4), "TLS", "<sip:bob@127.0.0.1:4>", "SIP/2.0/TLS 127.0.0.1:4"),
    ],
)
def test_every_address_and_transport(local: Endpoint, transport: str, live: str, via: str, tmp_path: Path) -> None:
    editor = last(f"{R}\n{OK}", tmp_path, agent_of(local=local, transport=transport))
    assert editor.first("contact") == live
    assert (editor.first("via") or "").partition(";")[0] == via


def test_contact_is_kept_if_asked(tmp_path: Path) -> None:
    agent = agent_of(keep_contact=True)
    editor = last(f"{R}\nContact: <sip:bob@192.0.2.10;transport=tcp>\n{OK}", tmp_path, agent)
    assert editor.first("contact") == "<sip:bob@192.0.2.10;transport=tcp>"
    assert (editor.first("via") or "").startswith("SIP/2.0/UDP 127.0.0.1:40000;")


def test_a_query_has_no_contact_and_gets_none(tmp_path: Path) -> None:
    editor = last(f"{R}\n-Contact\n-Expires\n{OK}", tmp_path)
    assert editor.first("contact") is None and editor.first("expires") is None


def test_a_right_star_stays(tmp_path: Path) -> None:
    editor = last(f"{R}\nContact: *\nExpires: 0\n{OK}", tmp_path, agent_of())
    assert {edit.what for edit in editor.edits} == {"Via", "Call-ID"}


def raised(text: str, folder: Path, least: int = 100) -> MessageEditor:
    agent = agent_of()
    agent.min_expires = least
    return last(text, folder, agent)


@pytest.mark.parametrize(
    ("headers", "expires", "contact_expires"),
    [
        ("Expires: 60", "100", [None]),
        ("Expires: 100", "100", [None]),
        ("Expires: 3600", "3600", [None]),
        ("Expires: 0", "0", [None]),
        ("-Expires\nContact: <sip:bob@192.0.2.10>;expires=60", None, [100]),
        ("Expires: 10\nContact: <sip:a@192.0.2.10>;expires=60, <sip:b@192.0.2.10>;expires=0", "100", [100, 0]),
        ("Expires: 500\nContact: <sip:a@192.0.2.10;expires=1>;expires=600", "500", [600]),
        ("Expires: 500\nContact: <sip:a@192.0.2.10;expires=1>;EXPIRES=6;q=1", "500", [100]),
    ],
)
def test_every_expiry_is_raised_and_removals_are_not(
    headers: str, expires: str | None, contact_expires: list[int | None], tmp_path: Path
) -> None:
    message = sent(raised(f"{R}\n{headers}\n{OK}", tmp_path))
    assert message.first("expires") == expires
    assert [one.expires for one in message.contacts] == contact_expires


def test_after_a_423_raising_cites_its_rule(tmp_path: Path) -> None:
    text = f"{R}\nExpires: 10\n< 423\nMin-Expires: 100\n{R}\nExpires: 10\n< 423\nMin-Expires: 100"
    edits = [edit for edit in raised(text, tmp_path).edits if edit.what == "Expires"]
    assert [(edit.before, edit.after, edit.rule) for edit in edits] == [("10", "100", "R3261-10.2.8-423-retry")]


# Other users and domains.


@pytest.mark.parametrize(
    ("mapping", "to", "request_uri"),
    [
        (("bob@example.com=alice@lab.invalid",), "<sip:alice@lab.invalid>", "sip:lab.invalid"),
        (("bob@=alice@",), "<sip:alice@example.com>", "sip:example.com"),
        (("example.com=lab.invalid",), "<sip:bob@lab.invalid>", "sip:lab.invalid"),
        (("EXAMPLE.com=lab.invalid",), "<sip:bob@lab.invalid>", "sip:lab.invalid"),
        (("carol@=dave@",), "<sip:bob@example.com>", "sip:example.com"),
        (("carol@=dave@", "bob@=erin@"), "<sip:erin@example.com>", "sip:example.com"),
        (("bob@=first@", "bob@=second@"), "<sip:first@example.com>", "sip:example.com"),
    ],
)
@pytest.mark.parametrize("changes", [REPAIRS, NECESSITIES], ids=["repaired", "verbatim"])
def test_names_are_mapped(
    mapping: tuple[str, ...], to: str, request_uri: str, changes: tuple[Change, ...], tmp_path: Path
) -> None:
    message = sent(last(f"{R}\n{OK}", tmp_path, agent_of(mapping=mapping), changes))
    assert (message.first("to"), message.request_uri) == (to, request_uri)
    assert message.first("from") == f"{to};tag=f1"


@pytest.mark.parametrize("text", ["", "=", "a", "a=", "=b", "a@b=c", "a=b@c"])
def test_a_mapping_that_cannot_be_understood_is_told(text: str) -> None:
    with pytest.raises(MapError, match="OLD=NEW"):
        Mapping.parse((text,))


@pytest.mark.parametrize(
    ("mapping", "request_uri"),
    [
        ("example.com=lab.invalid", "sip:lab.invalid:5080;x"),
        ("example.com=lab.invalid:5070", "sip:lab.invalid:5070;x"),
        ("bob@example.com=alice@lab.invalid", "sip:lab.invalid:5080;x"),
    ],
)
def test_a_port_stays_unless_a_new_one_comes(mapping: str, request_uri: str, tmp_path: Path) -> None:
    editor = last("> REGISTER sip:example.com:5080;x\n< 200", tmp_path, agent_of(mapping=(mapping,)))
    assert sent(editor).request_uri == request_uri


# Credentials.


def challenged_agent(agent: Agent, nonce: str = "live") -> Agent:
    answer = f'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="example.com", nonce="{nonce}", qop="auth"\r\n\r\n'
    assert agent.digest_client.take(parse_bytes(answer.encode()), spoke=False)
    return agent


AUTHORIZED = f"{R}\n< 401\n{R}\nAuthorization: {{bob %s}}\n< 200"


@pytest.mark.parametrize("changes", [REPAIRS, (*BARE[:-1], answer_challenge, BARE[-1])], ids=["repairs", "answer"])
def test_credentials_are_computed_for_the_live_challenge(changes: tuple[Change, ...], tmp_path: Path) -> None:
    message = sent(written(steps_in(AUTHORIZED % "secret", tmp_path)[-1], challenged_agent(agent_of()), changes))
    (credentials,) = message.credentials
    assert (credentials.nonce, credentials.uri, credentials.nc) == ("live", message.request_uri, "00000001")
    assert judge(from_credentials(credentials, "REGISTER"), secrets_of(bob="secret")).verdict == "match"


def test_credentials_sign_the_repaired_request_uri(tmp_path: Path) -> None:
    text = AUTHORIZED.replace("sip:example.com", "sip:bob@example.com") % "secret"
    message = sent(last(text, tmp_path, challenged_agent(agent_of())))
    assert message.credentials[0].uri == message.request_uri == "sip:example.com"


def test_a_wrong_password_is_repaired_and_its_rule_cited(tmp_path: Path) -> None:
    steps = steps_of(read_flow([capture_of(AUTHORIZED % "mistyped", tmp_path)], secrets=secrets_of(bob="secret")))
    editor = written(steps[-1], challenged_agent(agent_of()))
    (edit,) = [edit for edit in editor.edits if edit.what == "Authorization"]
    assert edit.rule == "R7616-digest-verify"


@pytest.mark.parametrize(
    ("pairs", "rule"),
    [
        ("", None),
        ("uri=sip:other", "R3261-22.4-digest-uri"),
        ("realm=other", "R7616-3.4-realm"),
        ("qop=", "R3261-22.4-qop-returned"),
    ],
)
def test_wrong_credentials_are_repaired_and_the_rule_cited(pairs: str, rule: str | None, tmp_path: Path) -> None:
    editor = last(AUTHORIZED % f"secret {pairs}".rstrip(), tmp_path, challenged_agent(agent_of()))
    (edit,) = [edit for edit in editor.edits if edit.what == "Authorization"]
    assert edit.rule == rule and edit.why


@pytest.mark.parametrize(("status", "rule"), [(401, "R7616-3.4-nc-count"), (200, None)])
def test_a_nonce_count_that_was_not_raised_is_cited_where_it_was_refused(
    status: int, rule: str | None, tmp_path: Path
) -> None:
    """A replay counts for itself: what was let in all the same needed no repair."""
    text = f"{R}\n< 401\n{R}\nAuthorization: {{bob secret}}\n< 200\n"
    text += f"@99 {R}\nAuthorization: {{bob secret}}\n< {status}"
    editor = last(text, tmp_path, challenged_agent(agent_of()))
    (edit,) = [edit for edit in editor.edits if edit.what == "Authorization"]
    assert edit.rule == rule


@pytest.mark.parametrize(("status", "rule"), [(401, "R7616-3.4-nonce-current"), (200, None)])
def test_an_old_nonce_is_cited_where_it_was_refused(status: int, rule: str | None, tmp_path: Path) -> None:
    challenge = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{}", qop="auth"\n'
    old = "Authorization: {bob secret nonce=A nc=00000002}"
    text = f"{R}\n{challenge.format('A')}{R}\nAuthorization: {{bob secret}}\n{challenge.format('B')}"
    text += f"@9 {R}\n{old}\n< {status}"
    editor = last(text, tmp_path, challenged_agent(agent_of()))
    (edit,) = [edit for edit in editor.edits if edit.what == "Authorization"]
    assert edit.rule == rule


def test_without_a_live_challenge_credentials_are_not_said(tmp_path: Path) -> None:
    assert sent(last(AUTHORIZED % "secret", tmp_path)).credentials == []


def test_without_a_secret_captured_credentials_stay(tmp_path: Path) -> None:
    message = sent(last(AUTHORIZED % "secret", tmp_path, agent_of(secrets_of())))
    assert message.credentials[0].nonce == "00000002" * 4


# Verbatim.


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_verbatim_changes_address_and_nonce_alone(path: Path) -> None:
    agent = challenged_agent(agent_of(secrets_of(bob="x", carol="carolpw"), username="carol"))
    for step in steps_of(read_flow([path])):
        editor = written(step, agent, NECESSITIES)
        assert {edit.what for edit in editor.edits} <= {"Via", "Contact", "Authorization"}
        assert {edit.rule for edit in editor.edits} <= {None}
        changed = {edit.what.lower() for edit in editor.edits}
        unchanged = MessageEditor(step.exchange.request)
        assert editor.start == unchanged.start and editor.body == unchanged.body
        rows = [(one.key, one.octets) for one in editor.lines if one.key not in changed]
        assert rows == [(one.key, one.octets) for one in unchanged.lines if one.key not in changed]


@pytest.mark.parametrize(
    ("captured", "live"),
    [
        ("SIP/2.0/UDP 192.0.2.10:5060;branch=1", "SIP/2.0/UDP 127.0.0.1:40000;branch=1"),
        (
            "SIP/2.0/UDP 192.0.2.10;rport=5;received=1.2.3.4;branch=z9hG4bK",
            "SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bK",
        ),
        ("SIP/2.0/TCP 192.0.2.10;branch=1;alias", "SIP/2.0/UDP 127.0.0.1:40000;branch=1;alias"),
        ("SIP/2.0/UDP 192.0.2.10", "SIP/2.0/UDP 127.0.0.1:40000"),
        ('SIP/2.0/UDP 192.0.2.10;branch=1;x="a;b"', 'SIP/2.0/UDP 127.0.0.1:40000;branch=1;x="a;b"'),
        ("SIP/2.0/UDP 192.0.2.10;Branch=1;RPORT", "SIP/2.0/UDP 127.0.0.1:40000;Branch=1;RPORT"),
        ("SIP/2.0/UDP 192.0.2.10;maddr=192.0.2.99;ttl=1;branch=1", "SIP/2.0/UDP 127.0.0.1:40000;branch=1"),
    ],
)
def test_verbatim_via_keeps_its_parameters(captured: str, live: str, tmp_path: Path) -> None:
    assert last(f"{R}\nVia: {captured}\n{OK}", tmp_path, changes=NECESSITIES).first("via") == live


def test_verbatim_keeps_faults(tmp_path: Path) -> None:
    text = f"> REGISTER sip:bob@example.com\nFrom: sip:bob@example.com\n-Max-Forwards\nContact: *\nExpires: 60\n{OK}"
    editor = last(text, tmp_path, changes=NECESSITIES)
    assert {edit.what for edit in editor.edits} == {"Via"}
    assert b"REGISTER sip:bob@example.com SIP/2.0\r\n" in editor.octets() and b"Max-Forwards" not in editor.octets()


@pytest.mark.parametrize(("password", "verdict"), [("secret", "match"), ("mistyped", "mismatch")])
def test_verbatim_credentials_are_as_right_or_wrong_as_they_were(password: str, verdict: str, tmp_path: Path) -> None:
    editor = last(AUTHORIZED % password, tmp_path, challenged_agent(agent_of()), NECESSITIES)
    (credentials,) = sent(editor).credentials
    assert credentials.nonce == "live" and credentials.get("cnonce") == "c0ffee"
    assert judge(from_credentials(credentials, "REGISTER"), secrets_of(bob="secret")).verdict == verdict
