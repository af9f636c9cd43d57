"""What phones and registrar say to one another in a storm: RFC 3261's forms, times and copies, message by message."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import dpkt
import pytest

from benchmarks.phones import CREDENTIALS, PHONES, Phone
from benchmarks.population import SERVER, is_right, password_of, user
from benchmarks.storm import T1, Storm, StormPlan

PLAN = StormPlan(messages=6000, users=150, retransmitted=0.2)


@dataclass(frozen=True)
class Said:
    """A message with its time and ends."""

    micros: int
    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    payload: bytes

    @property
    def start(self) -> bytes:
        """The start line."""
        return self.payload.partition(b"\r\n")[0]

    def value(self, name: bytes) -> bytes:
        """The value of a header that occurs once."""
        values = re.findall(rb"^" + re.escape(name) + rb": *(.*)\r$", self.payload, re.MULTILINE)
        assert len(values) == 1, (name, self.payload)
        return bytes(values[0])

    def parameter(self, name: bytes, of: bytes) -> bytes:
        """A digest parameter, without its quotes."""
        found = re.search(rb"\b" + name + rb'="?([^",]*)', self.value(of))
        assert found is not None, (name, self.payload)
        return bytes(found[1])

    @property
    def branch(self) -> bytes:
        """The topmost Via's branch."""
        return self.value(b"Via").partition(b"branch=")[2].partition(b";")[0]


@pytest.fixture(scope="module")
def said() -> list[Said]:
    """All messages of a storm with many retransmissions."""
    messages = []
    for micros, octets in Storm(PLAN).packets():
        ip = dpkt.ethernet.Ethernet(octets).ip
        messages.append(Said(micros, (ip.src, ip.udp.sport), (ip.dst, ip.udp.dport), bytes(ip.udp.data)))
    return messages


@pytest.fixture(scope="module")
def transactions(said: list[Said]) -> dict[bytes, list[Said]]:
    """The messages by branch."""
    found: dict[bytes, list[Said]] = defaultdict(list)
    for message in said:
        found[message.branch].append(message)
    return dict(found)


def requests(messages: list[Said]) -> list[Said]:
    """The requests among them."""
    return [message for message in messages if message.start.startswith(b"REGISTER ")]


def answers(messages: list[Said]) -> list[Said]:
    """The responses among them."""
    return [message for message in messages if message.start.startswith(b"SIP/2.0 ")]


def test_branches_are_of_one_transaction_each(transactions: dict[bytes, list[Said]]) -> None:
    for branch, messages in transactions.items():
        assert re.fullmatch(rb"z9hG4bK[0-9a-f]{16}", branch)
        assert len({(message.value(b"Call-ID"), message.value(b"CSeq")) for message in messages}) == 1
        assert requests(messages)
        assert answers(messages)


def test_copies_are_identical(transactions: dict[bytes, list[Said]]) -> None:
    for messages in transactions.values():
        for kind in (requests(messages), answers(messages)):
            assert len({message.payload for message in kind}) == 1
            assert len({message.source + message.destination for message in kind}) == 1


def test_copies_come_after_t1(transactions: dict[bytes, list[Said]]) -> None:
    shapes: Counter[tuple[int, int]] = Counter()
    for messages in transactions.values():
        asked = [message.micros for message in requests(messages)]
        told = [message.micros for message in answers(messages)]
        shapes[len(asked), len(told)] += 1
        assert [moment - asked[0] for moment in asked] == [0, T1][: len(asked)]
        assert asked[-1] < told[-1] < asked[-1] + 300_000
        if len(told) == 2:  # the first answer was lost behind the point of capture
            assert asked[0] < told[0] < asked[1]
    assert set(shapes) == {(1, 1), (2, 1), (2, 2)}
    retransmitted = shapes[2, 1] + shapes[2, 2]
    assert retransmitted / shapes.total() == pytest.approx(PLAN.retransmitted, abs=0.04)
    assert shapes[2, 1] / retransmitted == pytest.approx(0.5, abs=0.12)


def test_registrar_stands_at_one_end(said: list[Said]) -> None:
    for message in said:
        asks = message.start.startswith(b"REGISTER ")
        assert (message.destination if asks else message.source) == (SERVER, 5060)


def test_answer_repeats_what_it_must(transactions: dict[bytes, list[Said]]) -> None:
    """RFC 3261 8.2.6.2, and where the request came from (RFC 3581 4)."""
    for messages in transactions.values():
        request, answer = requests(messages)[0], answers(messages)[0]
        for name in (b"From", b"Call-ID", b"CSeq"):
            assert answer.value(name) == request.value(name)
        assert re.fullmatch(re.escape(request.value(b"To")) + rb";tag=[0-9a-f]{10}", answer.value(b"To"))
        host, port = ".".join(map(str, request.source[0])).encode(), request.source[1]
        seen = b";rport=%d;received=%b" % (port, host)
        assert answer.value(b"Via") == request.value(b"Via").replace(b";rport", seen)
        assert answer.destination == request.source


def test_phones_behind_a_nat_believe_another_address(said: list[Said]) -> None:
    private = {message.source: b" 192.168." in message.value(b"Via") for message in requests(said)}
    assert set(private.values()) == {True, False}
    assert all((port != 5060) == behind for (_, port), behind in private.items())


def test_binding_is_granted_as_asked(transactions: dict[bytes, list[Said]]) -> None:
    granted = 0
    for messages in transactions.values():
        request, answer = requests(messages)[0], answers(messages)[0]
        if answer.start == b"SIP/2.0 200 OK":
            address = request.value(b"Contact").partition(b">")[0]
            assert answer.value(b"Contact").startswith(address)
            assert b";expires=%d" % PLAN.expires in answer.value(b"Contact")
            granted += 1
    assert granted > 500


def test_exchange_goes_on_with_the_challenge(transactions: dict[bytes, list[Said]]) -> None:
    """Each 401 is followed by credentials for its nonce, one CSeq higher, after the phone has read it."""
    by_nonce = {
        messages[-1].parameter(b"nonce", b"WWW-Authenticate"): messages
        for messages in transactions.values()
        if answers(messages)[0].start == b"SIP/2.0 401 Unauthorized"
    }
    retried = [messages for messages in transactions.values() if b"\r\nAuthorization: " in messages[0].payload]
    assert len(by_nonce) == len(retried) == len(transactions) / 2
    for messages in retried:
        before = by_nonce.pop(messages[0].parameter(b"nonce", b"Authorization"))
        assert int(messages[0].value(b"CSeq").split()[0]) == int(before[0].value(b"CSeq").split()[0]) + 1
        assert messages[0].micros > before[-1].micros
    assert not by_nonce


def test_nonces_are_octets_in_base64(said: list[Said]) -> None:
    nonces = {
        message.parameter(b"nonce", b"WWW-Authenticate") for message in answers(said) if b" 401 " in message.start
    }
    assert {len(base64.b64decode(nonce, validate=True)) for nonce in nonces} == {27}


def test_responses_are_computed_by_the_book(said: list[Said]) -> None:
    """RFC 7616 3.4.1, written out anew: MD5 with qop=auth."""

    def md5(*parts: bytes) -> bytes:
        return hashlib.md5(b":".join(parts)).hexdigest().encode()

    passwords = {
        user(index, 1, 60).fields[b"user"]: password_of(index, 1) if is_right(index) else b"mistyped"
        for index in range(PLAN.users)
    }
    judged = 0
    for message in requests(said):
        if b"\r\nAuthorization: " in message.payload:
            names = (b"username", b"realm", b"nonce", b"nc", b"cnonce", b"qop", b"uri", b"response")
            name, realm, nonce, count, cnonce, qop, uri, response = (
                message.parameter(parameter, b"Authorization") for parameter in names
            )
            secret, asked = md5(name, realm, passwords[name]), md5(b"REGISTER", uri)
            assert (count, qop) == (b"00000001", b"auth")
            assert response == md5(secret, nonce, count, cnonce, qop, asked)
            judged += 1
    assert judged > 1000


def test_who_mistypes_is_refused(said: list[Said]) -> None:
    refused = {
        message.value(b"To").partition(b"sip:")[2].partition(b"@")[0] for message in said if b" 403 " in message.start
    }
    assert refused == {user(index, 1, 60).fields[b"user"] for index in range(PLAN.users) if not is_right(index)}


def test_every_kind_of_phone_writes_credentials_in_its_way() -> None:
    assert {phone.credentials for phone in PHONES} == set(CREDENTIALS)
    assert {phone.behind_nat for phone in PHONES} == {True, False}


@pytest.mark.parametrize("phone", PHONES)
def test_phone_sends_what_a_register_must_have(phone: Phone) -> None:
    """RFC 3261 8.1.1 and 10.2."""
    assert phone.register.count(b"\r\n%(authorization)b") == 1
    bare = phone.register.replace(b"%(authorization)b", b"")
    names = re.findall(rb"^([\w-]+): ", bare, re.MULTILINE)
    assert {b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact", b"Max-Forwards", b"Content-Length"} <= set(names)
    assert len(names) == len(set(names)) == bare.count(b"\r\n") - 2
    assert bare.count(b"%(expires)d") == 1
    assert bare.endswith(b"\r\n\r\n")
    assert [line.partition(b":")[0] for line in phone.echo.split(b"\r\n")[:-1]] == [
        name for name in names if name in {b"Via", b"From", b"To", b"Call-ID", b"CSeq"}
    ]
