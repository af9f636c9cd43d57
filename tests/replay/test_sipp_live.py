"""SIPp itself plays the exported scenarios, unchanged, against Kamailio; and says captured octets to a socket."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.register.digest.secrets import Secrets
from replay.flow import Wish, read_flow
from replay.sipp import Scenario, scenario
from tests.replay.peers import Kamailio, kamailio_server
from tests.replay.sipp_peer import CHALLENGE, SIGNED, answer, flow_of, play, register
from tests.shared import LAB, lab_file
from tests.tools import require_tool

pytestmark = pytest.mark.needs_tool("sipp", "kamailio", "kamcmd", "timeout")

_SAMPLES = Path(__file__).resolve().parents[2] / "samples"
_FIXED = (
    *("asterisk-json-log", "call-id-changes", "clean-registration", "cseq-not-raised", "interval-too-brief"),
    *("no-from-tag", "pjsip-log", "star-with-expires", "to-tag-in-request", "udp-fragments", "userinfo-in-request-uri"),
)
_PASSWORDS = {user: f"{user}pw" for user in ("alice", "carol", "dave", "erin", "frank", "gail", "hank", "six")}


@pytest.fixture(scope="module")
def registrar() -> Iterator[Kamailio]:
    with kamailio_server() as server:
        yield server


def _secrets() -> Secrets:
    return Secrets.of({**_PASSWORDS, "bob": 'bob:s3cret"quoted'})


def _made(path: Path, *, repaired: bool = True, aor: str = "", keep: bool = False, transport: str = "") -> Scenario:
    flow = read_flow([path], Wish(aor=aor), secrets=_secrets())
    return scenario(flow, repaired=repaired, secrets=_secrets(), speed=0, keep=keep, transport=transport)


def _user(made: Scenario) -> str:
    return made.csv.decode().splitlines()[1].partition(";")[0]


@pytest.mark.parametrize("name", _FIXED)
def test_a_fixed_sample_ends_in_success_and_leaves_nothing(name: str, registrar: Kamailio, tmp_path: Path) -> None:
    made = _made(next((_SAMPLES / name).glob("input.*")))
    played = play(made, tmp_path, registrar.port)
    assert played.code == 0, played.errors
    cseqs = list(dict.fromkeys(played.cseqs))  # a busy machine sends one twice
    assert cseqs == list(range(cseqs[0], cseqs[0] + len(cseqs)))
    assert len({re.findall(r"(?m)^Call-ID: (.*)$", text)[0] for text in played.sent}) == 1
    assert registrar.bindings(_user(made)) == []


def test_the_asterisk_log_registers_another_user(registrar: Kamailio, tmp_path: Path) -> None:
    flow = read_flow([_SAMPLES / "asterisk-first-registration" / "input.txt"])
    made = scenario(flow, secrets=Secrets.of({"kk80ei": "kk80eipw", **_PASSWORDS}), speed=0)
    played = play(made, tmp_path, registrar.port, calls=made.users)
    assert made.users == 1 + len(_PASSWORDS)
    assert played.code == 0, played.errors
    assert [user for user in ("kk80ei", *_PASSWORDS) if registrar.bindings(user)] == []


@pytest.mark.parametrize("name", sorted(path.parent.parent.name for path in LAB.glob("5-*/kamailio/capture.pcap")))
def test_a_lab_flow_goes_as_captured_and_fixed(name: str, registrar: Kamailio, tmp_path: Path) -> None:
    capture = lab_file(name, "kamailio", "capture.pcap")
    captured = _made(capture, repaired=False)
    registrar.forget(_user(captured))
    then = play(captured, tmp_path, registrar.port)
    assert then.code == 0, then.errors
    registrar.forget(_user(captured))
    fixed = play(_made(capture), tmp_path, registrar.port)
    assert fixed.code == 0, fixed.errors


@pytest.mark.parametrize("define", ["WITH_OTN", "WITH_NC", "WITH_OPEN", "WITH_PROXY", "WITH_NOQOP"])
def test_a_kept_nonce_copes_with_any_registrar(define: str, tmp_path: Path) -> None:
    made = _made(lab_file("5-c-fixed-clean", "sipp-uas", "capture.pcap"), keep=True)
    with kamailio_server(define) as server:
        played = play(made, tmp_path, server.port)
        assert played.code == 0, played.errors
        assert len(server.bindings(_user(made))) == 1


def test_wrong_password_fails_and_says_so(registrar: Kamailio, tmp_path: Path) -> None:
    flow = read_flow([_SAMPLES / "clean-registration" / "input.pcap"])
    played = play(scenario(flow, secrets=Secrets.of({"carol": "wrong"}), speed=0), tmp_path, registrar.port)
    assert played.code == 1
    assert "403 Wrong Password" in played.errors
    assert len(played.sent) == 2, "no BYE, no second guess"


def test_captured_wrong_password_is_wrong_again(registrar: Kamailio, tmp_path: Path) -> None:
    said = [(register(1), answer(401, CHALLENGE)), (register(2, SIGNED), answer(403))]
    made = scenario(flow_of(*said), repaired=False, secrets=_secrets(), speed=0)
    played = play(made, tmp_path, registrar.port)
    assert played.code == 0, played.errors


def test_password_with_a_quote(registrar: Kamailio, tmp_path: Path) -> None:
    said = register(1).replace(b"alice", b"bob"), answer(200)
    played = play(scenario(flow_of(said), secrets=_secrets(), speed=0), tmp_path, registrar.port)
    assert played.code == 0, played.errors


def test_over_tcp(registrar: Kamailio, tmp_path: Path) -> None:
    made = _made(_SAMPLES / "tcp-split" / "input.pcapng")
    assert made.transport == "TCP"
    played = play(made, tmp_path, registrar.port)
    assert played.code == 0, played.errors
    assert all(re.search(r"(?m)^Via: SIP/2.0/TCP 127.0.0.1:\d+;", text) for text in played.sent)
    assert all(re.search(r"(?m)^Contact: <sip:[^>]*;transport=tcp>", text) for text in played.sent)


def test_over_ipv6(tmp_path: Path) -> None:
    made = _made(_SAMPLES / "ipv6" / "input.pcapng")
    with kamailio_server(hosts=("::1",)) as server:
        played = play(made, tmp_path, server.port, host="::1")
    assert played.code == 0, played.errors
    assert all(re.search(r"(?m)^Via: SIP/2.0/UDP \[::1\]:\d+;", text) for text in played.sent)
    assert all(re.search(r"(?m)^Contact: <sip:[^@>]*@\[::1\]:\d+>", text) for text in played.sent)


@pytest.mark.parametrize("define", ["WITH_SHA256", "WITH_AUTHINT"])
def test_what_is_warned_of_is_beyond_sipp(define: str, tmp_path: Path) -> None:
    """If this fails one day, SIPp has learned it, and the warning is to go."""
    made = _made(_SAMPLES / "clean-registration" / "input.pcap")
    with kamailio_server(define) as server:
        assert play(made, tmp_path, server.port).code != 0


def _first_datagram(made: Scenario, folder: Path) -> bytes:
    """What SIPp sends first, caught by a socket that answers 200."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(20)
        (folder / "s.xml").write_text(made.xml)
        (folder / "u.csv").write_bytes(made.csv)
        target = f"127.0.0.1:{peer.getsockname()[1]}"
        words = made.command("s.xml", "u.csv", target, local="127.0.0.1")
        command = [shutil.which("timeout") or "timeout", "30", require_tool("sipp"), *words[1:]]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as sipp:
            octets, caller = peer.recvfrom(65536)
            rows = re.findall(rb"(?m)^(?:Via|From|To|Call-ID|CSeq): [^\r]*\r\n", octets)
            peer.sendto(b"SIP/2.0 200 OK\r\n" + b"".join(rows) + b"Content-Length: 0\r\n\r\n", caller)
            _, errors = sipp.communicate(timeout=40)
            assert sipp.returncode == 0, errors
    return octets


def test_every_octet_arrives(tmp_path: Path) -> None:
    """All octets but line ends in a header and all in a body, SIPp's and XML's own signs among them."""
    header = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")
    signs = b'[field0] [call_id] [authentication] [$x] \\x41 \\[ ]]> <!-- --> &lt; %s "odd [ quote'
    rows = (b"X-Octets: a" + header + b"z", b"X-Signs: " + signs + b" ", b"Subject: folded \r\n\t here", b"X-Empty:")
    body = b"\x01 [len]\r\n\r\nline \n\ttabbed\r" + bytes(range(1, 256)) + b" \r\n"
    said = register(1, *rows, body=body)
    sent = _first_datagram(scenario(flow_of((said, answer(200))), repaired=False, speed=0), tmp_path)
    for row in rows:
        assert row + b"\r\n" in sent
    assert sent.endswith(b"\r\n\r\n" + body)
    live = rb"(?m)^(?:Via|Call-ID|Contact|From|To):[^\n]*\n"
    assert re.sub(live, b"", sent) == re.sub(live, b"", said)
