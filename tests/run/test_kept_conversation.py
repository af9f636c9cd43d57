"""What is kept of a conversation: each message once, with its copies, within bounds, whose ever it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Endpoint, Frame, Item, NetworkError, RawMessage
from analyzer.run.conversation import MOST_AORS, Conversation
from analyzer.run.pipeline import analyze
from tests.capture.build import EPOCH, ethernet, ip4, pcap, udp, write

PHONE, SERVER = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.9", 5060)


def request(number: int, user: str = "bob", method: str = "REGISTER", more: str = "") -> bytes:
    return (
        f"{method} sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}\r\n"
        f"To: <sip:{user}@example.com>\r\nFrom: <sip:{user}@example.com>;tag=1\r\nCall-ID: 1@x\r\n"
        f"CSeq: {number} {method}\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


def item(number: int, payload: bytes, second: float = 0, *, back: bool = False) -> RawMessage:
    ends = (SERVER, PHONE) if back else (PHONE, SERVER)
    return RawMessage(payload, int(second * SECOND), Frame("x", number), *ends)


def kept(*items: Item, aor: str = "", **bounds: int) -> Conversation:
    conversation = Conversation(aor, **bounds)
    for one in items:
        conversation.take(one)
    return conversation


def test_a_message_in_the_words_of_a_ladder() -> None:
    answer = (
        b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nTo: <sip:bob@example.com>\r\nCSeq: 7 REGISTER\r\n"
        b'WWW-Authenticate: Digest realm="r", nonce="n"\r\nServer: pbx\r\nRetry-After: 5\r\nMin-Expires: 60\r\n\r\n'
    )
    asked = request(7, more="Contact: <sip:b@192.0.2.1>;expires=60, <sip:c@192.0.2.1>\r\nUser-Agent: phone\r\n")
    one, other = kept(item(1, asked, 1.5), item(2, answer, 2, back=True)).first
    assert (one.what, one.method, one.cseq, one.agent) == ("REGISTER sip:example.com", "REGISTER", "7", "phone")
    assert (one.contacts, one.expires, one.time) == (2, 60, 3 * SECOND // 2)
    assert (other.what, other.status, other.kind, other.agent) == ("401 No", 401, "401", "pbx")
    assert (other.has_challenge, other.retry_after, other.min_expires) == (True, 5, 60)
    assert (other.source, other.destination) == (SERVER, PHONE)


def test_equal_octets_on_one_way_are_copies() -> None:
    asked = request(1)
    first = kept(item(1, asked, 0), item(2, asked, 0.5), item(3, asked, 1.5), item(4, asked, 2, back=True)).first
    assert [(one.copies, one.last_copy) for one in first] == [(2, 3 * SECOND // 2), (0, None)]
    assert [place[1] for place in first[0].places] == [1, 2, 3]


def test_a_packet_that_the_capture_has_twice_is_no_copy() -> None:
    twice = [replace(item(number, request(1), 0.001 * number), ip_id=7) for number in (1, 2)]
    (one,) = kept(*twice).first
    assert (one.copies, one.doubles) == (0, 1)


def test_the_agent_is_told_of_who_sent_it_straight() -> None:
    proxied = request(1, more="Via: SIP/2.0/UDP 192.0.2.77\r\nUser-Agent: phone\r\n")
    assert kept(item(1, proxied)).first[0].agent == ""


def test_only_one_user_is_kept_and_all_are_counted() -> None:
    items = [item(1, request(1, "bob")), item(2, request(2, "eve")), item(3, request(3, "bob"))]
    conversation = kept(*items, aor="sip:bob@example.com")
    assert [one.cseq for one in conversation.first] == ["1", "3"]
    assert conversation.aors == {"sip:bob@example.com": 2, "sip:eve@example.com": 1}
    assert not conversation.is_ambiguous


def test_without_a_name_the_second_user_makes_it_ambiguous() -> None:
    conversation = Conversation()
    assert conversation.take(item(1, request(1, "bob")))
    assert conversation.aor == "sip:bob@example.com"
    assert not conversation.take(item(2, request(2, "eve")))
    assert conversation.is_ambiguous
    assert not conversation.take(item(3, request(3, "bob")))
    assert conversation.aors["sip:bob@example.com"] == 2


def test_calls_of_the_user_are_part_of_it() -> None:
    call = request(2, "bob", "INVITE").replace(b"To: <sip:bob@", b"To: <sip:eve@")
    conversation = kept(item(1, request(1)), item(2, call))
    assert [one.what.split()[0] for one in conversation.first] == ["REGISTER", "INVITE"]
    assert conversation.first[1].cseq == "2 INVITE"


def test_errors_of_the_network_on_its_ways_are_part_of_it() -> None:
    def error(number: int, reason: str = "icmp", source: Endpoint = PHONE, second: int = 1) -> NetworkError:
        place = Frame("x", number)
        return NetworkError(second * SECOND, place, source, SERVER, "UDP", reason, "port unreachable", b"REGISTER")  # type: ignore[arg-type]

    stranger = Endpoint("192.0.2.200", 5060)
    conversation = kept(error(1), item(2, request(1)), error(3), error(4, second=3), error(5, "icmp", stranger))
    assert [(one.what, one.is_error) for one in conversation.first[1:]] == [("port unreachable", True)]
    told = conversation.first[1]
    assert (told.source, told.destination) == (SERVER, PHONE)  # it came from there
    assert (told.copies, told.last_copy, told.kind) == (1, 3 * SECOND, "network error")
    reset = kept(item(1, request(1)), error(2, "reset")).first[1]
    assert (reset.source, reset.destination) == (PHONE, SERVER)
    assert len(kept(item(1, request(1)), error(2, "closed")).first) == 1


def test_keep_alives_are_not() -> None:
    assert kept(item(1, request(1)), item(2, b"\r\n\r\n"), item(3, b"\0\0\0\0")).messages == 1


def test_a_million_messages_are_bounded_and_counted() -> None:
    """The bounds, not the million: each message beyond them is one count."""
    items = [item(number, request(number), number) for number in range(1, 41)]
    conversation = kept(*items, most_first=10, most_last=5)
    assert [one.cseq for one in conversation.first] == [str(number) for number in range(1, 11)]
    assert [one.cseq for one in conversation.last] == ["36", "37", "38", "39", "40"]
    assert conversation.left_out == {"REGISTER": 25}
    assert (conversation.left_from, conversation.left_to) == (11 * SECOND, 35 * SECOND)
    assert conversation.messages == 40
    assert len(conversation._seen) <= 5


def test_copies_of_what_is_left_out_are_counted_with_it() -> None:
    items = [item(number, request(number // 2), number) for number in range(2, 42)]
    conversation = kept(*items, most_first=2, most_last=3)
    kept_now = [*conversation.first, *conversation.last]
    assert conversation.left_out.total() + sum(1 + one.copies for one in kept_now) == 40


def test_addresses_of_record_beyond_so_many_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_AORS >= 1000
    monkeypatch.setattr("analyzer.run.conversation.MOST_AORS", 3)
    conversation = kept(*(item(number, request(number, f"u{number}")) for number in range(10)))
    assert list(conversation.aors) == ["sip:u0@example.com", "sip:u1@example.com", "sip:u2@example.com"]


@pytest.mark.parametrize("octets", [b"", b"\xff" * 100, b"REGISTER", b"SIP/2.0 200", b"CSeq: " + b"9" * 9000])
def test_anything_is_taken(octets: bytes) -> None:
    assert kept(item(1, octets), item(2, request(1))).messages == 1


def test_analyze_shows_its_gate_every_item_and_heeds_it(tmp_path: object) -> None:
    from pathlib import Path

    frames = [ethernet(ip4(udp(request(number, f"u{number % 2}")))) for number in range(1, 9)]
    path = write(Path(str(tmp_path)), "x.pcap", pcap(frames, times=[(EPOCH + 60 * n, 0) for n in range(8)]))
    seen: list[Item] = []

    def gate(one: Item) -> bool:
        seen.append(one)
        return len(seen) <= 5

    report = analyze(path, gate=gate, jobs=2)
    assert (len(seen), report.summary.messages) == (8, 5)
