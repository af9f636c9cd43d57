"""Who takes which message: every one is somebody's, and what belongs together stays together."""

from __future__ import annotations

import pytest

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.run.shard import Inseparable, Shard
from tests.shared import shared

HERE, THERE = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)


def request(aor: str = "sip:bob@example.com", call: str = "c1", method: str = "REGISTER", **headers: str) -> RawMessage:
    rows = {"To": f"<{aor}>", "From": f"<{aor}>;tag=1", "Call-ID": call, "CSeq": f"1 {method}"} | headers
    lines = [f"{method} sip:example.com SIP/2.0", *(f"{name}: {value}" for name, value in rows.items() if value)]
    return raw_message("\r\n".join([*lines, "", ""]))


def answer(aor: str = "sip:bob@example.com", call: str = "c1", tag: str = "x", **headers: str) -> RawMessage:
    rows = {"To": f"<{aor}>;tag={tag}", "From": f"<{aor}>;tag=1", "Call-ID": call, "CSeq": "1 REGISTER"} | headers
    lines = ["SIP/2.0 200 OK", *(f"{name}: {value}" for name, value in rows.items() if value)]
    return raw_message("\r\n".join([*lines, "", ""]))


def raw_message(text: str) -> RawMessage:
    return RawMessage(text.encode(), 0, Frame("x", 1), HERE, THERE)


def owners(raw_messages: list[RawMessage], count: int = 4) -> list[int]:
    """Whose each is; every worker must agree that it is this one's and nobody else's."""
    crew = [Shard(number, count) for number in range(count)]
    found = []
    for one in raw_messages:
        takers = [shard.number for shard in crew if shard.takes(one)]
        assert len(takers) == 1
        found += takers
    return found


def test_every_message_is_one_workers() -> None:
    found = owners([request(f"sip:user{number}@example.com", f"c{number}") for number in range(200)])
    assert sorted(set(found)) == [0, 1, 2, 3]
    assert all(30 <= found.count(number) <= 70 for number in range(4))


@pytest.mark.parametrize(
    "other",
    [
        answer(),
        answer(tag="y"),
        request(call="c2"),
        request("sip:BOB@EXAMPLE.com".replace("BOB", "bob"), "c3"),
        request("sips:bob@example.com", "c4"),
        request("sip:%62ob@example.com", "c5"),
        request("sip:bob@example.com:5060", "c6"),
        request("sip:alice@example.com", "c1"),
        request("sip:carol@example.com", "c7", "INVITE", From="<sip:bob@example.com>;tag=5"),
        request(To="Bob <sip:bob@example.com>", call="c8"),
        request(To="sip:bob@example.com", call="c9"),
        request(To="", t="<sip:bob@example.com>", call="c10"),
        request(**{"Call-ID": "", "i": "c1", "To": "<sip:zoe@example.org>"}),
        answer(**{"Call-ID": "", "call-id": "c1", "To": "<sip:zoe@example.org>"}),
        raw_message("REGISTER sip:example.com SIP/2.0\nTo:\n <sip:bob@example.com>\nCall-ID : c11\n\n"),
    ],
    ids=lambda one: one.payload.decode()[:120].replace("\r\n", " ").replace("\n", " "),
)
@pytest.mark.parametrize("others", [0, 50])
def test_what_belongs_together(other: RawMessage, others: int) -> None:
    """By Call-ID, else by address-of-record, in whatever spelling; whoever came in between."""
    crowd = [request(f"sip:user{number}@example.com", f"d{number}") for number in range(others)]
    first, *_, last = owners([request(), *crowd, other], 7)
    assert first == last


def test_an_answer_may_come_first() -> None:
    assert len(set(owners([answer(), request(), answer(tag="z"), request(call="c2"), answer(call="c2")]))) == 1


def test_two_groups_that_turn_out_to_be_one() -> None:
    crowd = [request(f"sip:user{number}@example.com", f"c{number}") for number in range(20)]
    found = owners(crowd, 2)
    other = next(number for number in range(20) if found[number] != found[0])
    shard = Shard(0, 2)
    for one in crowd:
        shard.takes(one)
    assert shard.takes(request("sip:user0@example.com", "c0")) is (found[0] == 0)
    with pytest.raises(Inseparable, match="one Call-ID is used"):
        shard.takes(request("sip:user0@example.com", f"c{other}"))


@pytest.mark.parametrize(
    "cut", [answer(**{"Call-ID": ""}), answer(CSeq=""), raw_message("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n")]
)
def test_an_answer_that_cannot_be_told(cut: RawMessage) -> None:
    """Only who knows all requests can say which one it answers."""
    with pytest.raises(Inseparable, match="no Call-ID"):
        Shard(0, 2).takes(cut)


@pytest.mark.parametrize("text", ["REGISTER sip:h SIP/2.0\r\n\r\n", "OPTIONS sip:h SIP/2.0\r\nTo: <sip:b@h>\r\n\r\n"])
def test_a_request_that_cannot_be_told(text: str) -> None:
    with pytest.raises(Inseparable, match="no Call-ID"):
        Shard(0, 2).takes(raw_message(text))


def test_a_cut_message() -> None:
    cut = request()
    cut.missing = 5
    with pytest.raises(Inseparable, match="cut"):
        Shard(0, 2).takes(cut)


@pytest.mark.parametrize(
    "other",
    [
        raw_message(
            "REGISTER sip:h SIP/2.0\r\ni: c1\r\nt: <sip:bob@example.com>\r\n\r\nx\r\nTo: <sip:z@h>\r\nCall-ID: z\r\n"
        ),
        request(To='"<sip:zoe@example.com>" <sip:bob@example.com>', call="c77"),
    ],
)
def test_what_only_looks_like_a_header(other: RawMessage) -> None:
    crowd = [request(f"sip:user{number}@example.com", f"d{number}") for number in range(20)]
    first, *_, last = owners([request(), *crowd, other], 7)
    assert first == last


def test_torture_has_an_owner_or_a_reason() -> None:
    for path in sorted(shared("torture").rglob("*.dat")):
        one = RawMessage(path.read_bytes(), 0, Frame(path.name, 1), HERE, THERE)
        try:
            owners([one])
        except Inseparable as reason:
            assert "no Call-ID" in str(reason)
