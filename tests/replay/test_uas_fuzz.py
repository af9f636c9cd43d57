"""Whatever comes to the played registrar, it neither raises nor answers what is not there (Hypothesis)."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.register.digest.secrets import Secrets
from replay.captured_registrar import PlaybackOptions, Scenario
from replay.machine import SECOND
from replay.registrar import Registrar, RegistrarPolicy
from tests.replay.registrar_stage import PHONE, SECRETS, START, flow, house, request, sent, tokens

CREDENTIALS = (
    'Authorization: Digest username="alice", realm="example.com", nonce="n", uri="sip:example.com", '
    'response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"'
)
SEED = request(branch="z9hG4bKseed", expires="600", extra=[CREDENTIALS, "Supported: path", "Require: "])
ANSWER = (
    b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP 1.1.1.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    b'Call-ID: c\r\nCSeq: 1 REGISTER\r\nWWW-Authenticate: Digest realm="example.com", nonce="old"\r\n'
    b'Contact: <sip:alice@192.0.2.10>;expires=600\r\nAuthentication-Info: nextnonce="x", rspauth="y"\r\n\r\n'
)
PIECES = rb"""; , " < > @ : * = % \ [::1] REGISTER SIP/2.0 99999999999999999999 ;maddr=224.0.0.1""".split()
PIECES += [b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" ", b"Via: ", b"Contact: *\r\n"]


@cache
def played() -> tuple[object, ...]:
    return (
        Registrar(Secrets(), RegistrarPolicy(), tokens()),
        Registrar(SECRETS, RegistrarPolicy(), tokens()),
        Scenario(flow((SEED, ANSWER), (SEED, ANSWER)), SECRETS, tokens(), PlaybackOptions(speed=0)),
    )


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    octets = bytearray(seed)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(octets)))
        cut = draw(st.integers(0, 40))
        octets[at : at + cut] = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
    return bytes(octets)


@settings(max_examples=60)
@given(st.lists(mutated(SEED) | st.binary(max_size=64), min_size=1, max_size=4))
def test_no_request_makes_it_raise_and_every_answer_is_one(several: list[bytes]) -> None:
    for user in played():
        server = house(user)  # type: ignore[arg-type]
        for number, octets in enumerate(several):
            commands = server.receive(octets, PHONE, START + number * SECOND)
            for answer in sent(commands):
                assert answer.status >= 100 and answer.complete_headers and answer.trailing == b""
                assert answer.via is not None, "it found its way back"
        server.wake(START + 100 * SECOND)
        assert server.transactions == 0 and server.conversation.finish().failed is False


@settings(max_examples=60)
@given(mutated(ANSWER))
def test_no_captured_answer_makes_it_raise(answer: bytes) -> None:
    scenario = Scenario(flow((SEED, answer), (SEED, ANSWER)), SECRETS, tokens(), PlaybackOptions(speed=0))
    server = house(scenario)
    for number in range(4):
        server.receive(request(cseq=number + 1, extra=[CREDENTIALS]), PHONE, START + number * SECOND)
    assert len(server.clients.listed()[0].rounds) == 4
