"""A proxy and a registrar that both ask for credentials (RFC 3261 22.3), replayed: what is called a repair, and what
the request becomes, in the plan and at live peers.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.register.digest.arithmetic import verify
from analyzer.register.digest.input import from_credentials
from analyzer.sip.message import parse_bytes
from replay.flow import read_flow
from replay.message_editor import Edit, MessageEditor
from replay.preview import preview
from replay.record import Result
from replay.rewrite import NECESSITIES, written
from tests.replay.live_stage import Served, served
from tests.replay.playing import played, statuses
from tests.replay.said import agent_of, capture_of, flow_of, secrets_of, steps_in
from tests.replay.scripted import ScriptedPeer, answer_to, scripted_peer
from tests.shared import DATA

LEFT_OUT = "R3261-22.3-left-out"
SECRETS = secrets_of(bob="secret")
R = "> REGISTER sip:example.com\n"
W = '< 401\nWWW-Authenticate: Digest realm="{}", nonce="{}", qop="auth"\n'
P = '< 407\nProxy-Authenticate: Digest realm="{}", nonce="{}", qop="auth"\n'
A, PA = "Authorization: {{bob secret realm={} nonce={}}}\n", "Proxy-Authorization: {{bob secret realm={} nonce={}}}\n"
BEGUN = R + P.format("p", "p1") + R + PA.format("p", "p1") + W.format("r", "r1")
BOTH = W + 'Proxy-Authenticate: Digest realm="{}", nonce="{}", qop="auth"\n'

RIGHT = BEGUN + R + A.format("r", "r1") + PA.format("p", "p1") + "< 200\n"
PROXY_DROPPED = BEGUN + R + A.format("r", "r1") + P.format("p", "p2")
IN_TURN = PROXY_DROPPED + R + PA.format("p", "p2") + W.format("r", "r2")
ONE_OF_BOTH = R + BOTH.format("r", "r1", "p", "p1") + R + A.format("r", "r1") + BOTH.format("r", "r2", "p", "p2")
ONE_REALM = BEGUN.replace('"r"', '"p"') + R + A.format("p", "r1") + P.format("p", "p2")
TWO_PROXIES = R + P.format("p", "p1") + R + PA.format("p", "p1") + P.format("q", "q1")
TWO_PROXIES += R + PA.format("q", "q1") + P.format("p", "p2")


def planned(text: str, folder: Path, *, repaired: bool = True) -> Result:
    return preview(flow_of(text, folder), SECRETS, repaired=repaired)


def credentials_edits(editor: MessageEditor) -> list[Edit]:
    return [edit for edit in editor.edits if edit.what.endswith("uthorization")]


def mended(result: Result) -> list[list[tuple[str, bool, str]]]:
    """Of each step: which credentials were mended, whether they were there before, and by which rule."""
    return [
        [(edit.what, bool(edit.before), edit.rule) for edit in credentials_edits(row.editor) if edit.rule]
        for row in result.rows
    ]


def realms(editor: MessageEditor) -> list[tuple[str, str | None]]:
    return sorted((one.header, one.realm) for one in parse_bytes(editor.octets()).credentials)


CASES: dict[str, tuple[str, list[list[tuple[str, bool, str]]]]] = {
    "both answered": (RIGHT, [[], [], []]),
    "both answered, and anew at the refresh": (RIGHT + "@60 " + RIGHT, [[]] * 6),
    "the proxy's dropped": (PROXY_DROPPED, [[], [], [("Proxy-Authorization", False, LEFT_OUT)]]),
    "in turn": (
        IN_TURN,
        [[], [], [("Proxy-Authorization", False, LEFT_OUT)], [("Authorization", False, LEFT_OUT)]],
    ),
    "one of both in one response": (ONE_OF_BOTH, [[], [("Proxy-Authorization", False, LEFT_OUT)]]),
    "one realm": (ONE_REALM, [[], [], [("Proxy-Authorization", False, LEFT_OUT)]]),
    "two proxies": (TWO_PROXIES, [[], [], [("Proxy-Authorization", False, LEFT_OUT)]]),
    "a realm that nobody asked for": (
        R + W.format("r", "r1") + R + A.format("other", "r1") + W.format("r", "r2"),
        [[], [("Authorization", True, "R7616-3.4-realm")]],
    ),
    "the realm that was asked for before, and not the one now": (
        R + W.format("r", "r1") + R + A.format("r", "r1") + W.format("s", "s1") + R + A.format("r", "r1") + "< 403\n",
        [[], [], [("Authorization", True, "R7616-3.4-realm")]],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_mended(case: str, tmp_path: Path) -> None:
    text, wanted = CASES[case]
    assert mended(planned(text, tmp_path)) == wanted


@pytest.mark.parametrize("case", CASES)
def test_a_nonce_and_a_count_are_changed_and_are_no_repair(case: str, tmp_path: Path) -> None:
    """Unless the response to them says that they were wrong, which it says in none of these."""
    for row in planned(CASES[case][0], tmp_path).rows:
        for edit in credentials_edits(row.editor):
            assert edit.rule not in ("R7616-3.4-nonce-current", "R7616-3.4-nc-count")
            assert edit.rule or edit.why == "computed for the challenge of now"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PROXY_DROPPED, [("authorization", "r"), ("proxy-authorization", "p")]),
        (IN_TURN, [("authorization", "r"), ("proxy-authorization", "p")]),
        (ONE_OF_BOTH, [("authorization", "r"), ("proxy-authorization", "p")]),
        (ONE_REALM, [("authorization", "p"), ("proxy-authorization", "p")]),
        (TWO_PROXIES, [("proxy-authorization", "p"), ("proxy-authorization", "q")]),
    ],
)
def test_the_last_request_has_credentials_for_everybody(
    text: str, wanted: list[tuple[str, str]], tmp_path: Path
) -> None:
    editor = planned(text, tmp_path).rows[-1].editor
    assert realms(editor) == wanted
    message = parse_bytes(editor.octets())
    (secret,) = SECRETS.lookup("bob", "")
    assert all(verify(from_credentials(one, "REGISTER"), secret) for one in message.credentials)


def test_a_captured_row_is_replaced_by_the_one_of_its_own_realm(tmp_path: Path) -> None:
    """The rows stand in another order than the challenges came in."""
    rows = PA.format("q", "q1") + PA.format("p", "p1")
    text = R + P.format("p", "p1") + R + PA.format("p", "p1") + P.format("q", "q1") + R + rows + "< 200\n"
    editor = planned(text, tmp_path).rows[-1].editor
    values = editor.all("proxy-authorization")
    assert ['realm="q"' in values[0], 'realm="p"' in values[1]] == [True, True]
    edits = credentials_edits(editor)
    assert len(edits) == 2 and all(edit.before and edit.rule is None for edit in edits)


def test_a_row_for_nobody_is_left_out(tmp_path: Path) -> None:
    text = R + W.format("r", "r1") + R + A.format("r", "r1") + PA.format("x", "x1") + "< 200\n"
    editor = planned(text, tmp_path).rows[-1].editor
    assert realms(editor) == [("authorization", "r")]
    (gone,) = [edit for edit in credentials_edits(editor) if not edit.after]
    assert (gone.what, gone.why) == ("Proxy-Authorization", "nobody has challenged yet")


def test_a_wrong_response_is_cited_where_it_is(tmp_path: Path) -> None:
    wrong = A.format("r", "r1").replace("secret", "mistyped")
    text = BEGUN + R + wrong + PA.format("p", "p1") + W.format("r", "r2")
    flow = read_flow([capture_of(text, tmp_path)], secrets=SECRETS)
    assert "R7616-digest-verify" in flow.exchanges[-1].rules
    assert mended(preview(flow, SECRETS))[-1] == [("Authorization", True, "R7616-digest-verify")]


def test_as_captured_leaves_out_what_was_left_out(tmp_path: Path) -> None:
    result = planned(PROXY_DROPPED, tmp_path, repaired=False)
    assert realms(result.rows[-1].editor) == [("authorization", "r")]
    assert mended(result) == [[], [], []]


def test_as_captured_each_has_its_own_nonce_though_the_realm_is_one(tmp_path: Path) -> None:
    agent = agent_of()
    for status, name, nonce in ((407, "Proxy-Authenticate", "live-p"), (401, "WWW-Authenticate", "live-r")):
        challenge = f'SIP/2.0 {status} No\r\n{name}: Digest realm="p", nonce="{nonce}", qop="auth"\r\n\r\n'
        assert agent.digest_client.take(parse_bytes(challenge.encode()), spoke=False)
    text = BEGUN.replace('"r"', '"p"') + R + A.format("p", "r1") + PA.format("p", "p1") + "< 200\n"
    message = parse_bytes(written(steps_in(text, tmp_path)[-1], agent, NECESSITIES).octets())
    assert {one.header: one.nonce for one in message.credentials} == {
        "authorization": "live-r",
        "proxy-authorization": "live-p",
    }


# Said in the table and in JSON.


def command(name: str, text: str, folder: Path, *more: str) -> str:
    users = folder / "users.csv"
    users.write_text("username,realm,password\nbob,,secret\n")
    given = ["replay", name, str(capture_of(text, folder)), "--credentials", str(users), *more]
    return CliRunner(env={"COLUMNS": "200"}).invoke(sipcheck, given).stdout


def test_the_table_tells_the_repair(tmp_path: Path) -> None:
    text = " ".join(command("plan", PROXY_DROPPED, tmp_path).split())
    assert "mended: Proxy-Authorization (none) -> Digest" in text
    assert f"(left out, though a proxy asks for them) · {LEFT_OUT}" in text
    assert text.count("mended: ") == 1
    assert "mended" not in command("plan", RIGHT, tmp_path)


def test_json_tells_the_repair(tmp_path: Path) -> None:
    last = json.loads(command("plan", IN_TURN, tmp_path, "--format", "json"))["steps"][-1]
    (edit,) = [edit for edit in last["sent"]["edits"] if edit["what"] == "Authorization"]
    assert (edit["from"], edit["rule"]) == ("", LEFT_OUT)
    assert edit["to"].startswith("Digest ") and edit["why"] == "left out, though the registrar asks for them"


# At live peers: a proxy that asks with 407 and forwards, before a registrar of this project.


class Proxy:
    """Asks with a new nonce whoever has no right credentials for it, and forwards the rest to the registrar."""

    def __init__(self, registrar: tuple[str, int], behind: socket.socket) -> None:
        self.registrar, self.behind, self.asked = registrar, behind, 0

    def __call__(self, request: bytes) -> list[bytes]:
        message = parse_bytes(request)
        own = [one for one in message.credentials if (one.header, one.realm) == ("proxy-authorization", "p")]
        (secret,) = SECRETS.lookup("bob", "")
        if not any(one.nonce == f"p{self.asked}" and verify(from_credentials(one, "REGISTER"), secret) for one in own):
            self.asked += 1
            asks = f'Proxy-Authenticate: Digest realm="p", nonce="p{self.asked}", qop="auth"'
            return [answer_to(request, 407, asks)]
        line, _, rest = request.partition(b"\r\n")
        host, port = self.behind.getsockname()
        via = f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-proxy-{message.cseq.number if message.cseq else 0}"
        self.behind.sendto(b"\r\n".join([line, via.encode(), rest]), self.registrar)
        response = self.behind.recv(65535)
        head, _, rest = response.partition(b"\r\n")
        first, _, others = rest.partition(b"\r\n")
        assert b"-proxy-" in first
        return [b"\r\n".join([head, others])]


@contextmanager
def peers(registrations: int) -> Iterator[tuple[ScriptedPeer, Served]]:
    """A proxy before a registrar that ends after so many sign-offs or at the end."""
    with served({"users": {"bob": "secret"}, "realm": "r", "count": registrations, "timeout": 20.0}) as registrar:
        ready = registrar.until("ready")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as behind:
            behind.bind(("127.0.0.1", 0))
            behind.settimeout(5)
            with scripted_peer(Proxy((ready["host"], ready["port"]), behind)) as proxy:
                yield proxy, registrar


@pytest.mark.parametrize("text", [RIGHT, PROXY_DROPPED, IN_TURN, ONE_OF_BOTH, ONE_REALM], ids=range(5))
def test_both_are_answered_live(text: str, tmp_path: Path) -> None:
    with peers(1) as (proxy, _):
        result = played(capture_of(text, tmp_path), proxy.target, secrets=SECRETS)
    assert statuses(result)[-1][-1] == 200
    assert result.outcome.now == "registered (200)"
    assert realms(result.rows[-1].editor) == [("authorization", "r"), ("proxy-authorization", "p")]
    assert result.removal and result.removal[-1].status == 200 and not result.not_removed
    cited = {edit.rule for row in result.rows for edit in credentials_edits(row.editor)}
    assert cited == ({None} if text == RIGHT else {None, LEFT_OUT})


def test_as_captured_it_fails_live_as_it_did(tmp_path: Path) -> None:
    with peers(0) as (proxy, _):
        result = played(capture_of(PROXY_DROPPED, tmp_path), proxy.target, secrets=SECRETS, repaired=False)
    assert statuses(result) == [[407], [401], [407]]
    assert result.outcome.same


def test_a_registrar_that_asks_alone_gets_its_own_alone(tmp_path: Path) -> None:
    with served({"users": {"bob": "secret"}, "realm": "r", "count": 1}) as registrar:
        ready = registrar.until("ready")
        result = played(capture_of(PROXY_DROPPED, tmp_path), f"{ready['host']}:{ready['port']}", secrets=SECRETS)
    assert realms(result.rows[-1].editor) == [("authorization", "r")]
    assert result.outcome.now == "registered (200)"
    assert mended(result)[-1] == []


# Captures of real phones.


@pytest.mark.parametrize(
    ("name", "repairs"),
    [
        ("401-with-both-challenges-one-answered-aiosipua", 2),
        ("proxy-and-registrar-one-credential-at-a-time-baresip", 14),
        ("proxy-and-registrar-both-credentials-pjsua2", 0),
    ],
)
def test_real_phones(name: str, repairs: int) -> None:
    folder = DATA / "real"
    given = ["replay", "plan", str(folder / f"{name}.pcap"), "--credentials", str(folder / "users.csv")]
    record = json.loads(CliRunner().invoke(sipcheck, [*given, "--format", "json"]).stdout)
    edits = [edit for step in record["steps"] for edit in step["sent"]["edits"] if edit["rule"] is not None]
    assert {edit["rule"] for edit in edits} <= {LEFT_OUT} and len(edits) == repairs
    assert all(edit["from"] == "" for edit in edits)
