"""Asterisk's own lines between the messages: each goes with the response that it is about, and with no other."""

from __future__ import annotations

import io
import re

import pytest

from analyzer.capture.asterisk.pairing import RECENT
from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, RawMessage, Source
from tests.capture.asterisk_text import octets, paste, pjsip, received, request, sent
from tests.shared import shared

CALL, PEER = "call-1", "10.9.0.2:5071"


def register(call: str = CALL, cseq: int = 1, *, user: str = "alice", uri: str = "sip:10.9.0.1") -> str:
    return (
        f"REGISTER {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 10.9.0.2:5071;branch=z9hG4bK{call}{cseq};rport\r\n"
        f"From: <sip:{user}@10.9.0.1>;tag=f\r\nTo: <sip:{user}@10.9.0.1>\r\n"
        f"Call-ID: {call}\r\nCSeq: {cseq} REGISTER\r\nContent-Length: 0\r\n\r\n"
    )


def response(status: int, call: str = CALL, cseq: int = 1, *, user: str = "alice", method: str = "REGISTER") -> str:
    return (
        f"SIP/2.0 {status} Whatever\r\n"
        f"Via: SIP/2.0/UDP 10.9.0.2:5071;branch=z9hG4bK{call}{cseq};rport=5071\r\n"
        f"From: <sip:{user}@10.9.0.1>;tag=f\r\nTo: <sip:{user}@10.9.0.1>;tag=t\r\n"
        f"Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
    )


def asks(*given: object, peer: str = PEER, **more: object) -> str:
    return paste(pjsip(register(*given, **more), peer=f"UDP:{peer}"))  # type: ignore[arg-type]


def says(*given: object, peer: str = PEER, **more: object) -> str:
    return paste(pjsip(response(*given, **more), incoming=False, peer=f"UDP:{peer}"))  # type: ignore[arg-type]


def line(text: str, second: int = 45, module: str = "x.c") -> str:
    return f"[Nov 20 11:53:{second:02}] NOTICE[1]: {module}:1 f: {text}\n"


def failed(reason: str, *, call: str = CALL, peer: str = PEER, user: str = "alice", method: str = "REGISTER") -> str:
    """What res_pjsip's distributor says."""
    return line(f"Request '{method}' from '<sip:{user}@10.9.0.1>' failed for '{peer}' (callid: {call}) - {reason}")


def exceeds(peer: str = f" ({PEER})", endpoint: str = "alice") -> str:
    """What res_pjsip's registrar says; without the address up to 13."""
    return line(f"Registration attempt from endpoint '{endpoint}'{peer} to AOR 'a' will exceed max contacts of 1")


def chan_sip(reason: str = "Wrong password", peer: str = PEER, user: str = "alice") -> str:
    return line(f"Registration from '<sip:{user}@10.9.0.1>' failed for '{peer}' - {reason}")


def read(*parts: str) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(octets("".join(parts)))], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def paired(*parts: str) -> list[tuple[str, list[str]]]:
    """Each message by its first words, with what goes with it; what stands alone behind it in brackets."""
    found, _ = read(*parts)
    return [
        (
            " ".join(raw_message.payload[:12].decode().split(" ")[:2]),
            [f"({one.notice.cause})" if one.alone else one.notice.cause for one in raw_message.notices],
        )
        for raw_message in found
    ]


ASKED: tuple[str, list[str]] = ("REGISTER sip", [])
REFUSED = ("SIP/2.0 403", ["max-contacts"])


@pytest.mark.parametrize("notice", [exceeds(), exceeds("")])
def test_before_the_response_or_behind_it(notice: str) -> None:
    """The registrar of 16 and later logs and sends; that of 13 sends and logs."""
    assert paired(asks(), notice, says(403)) == [ASKED, REFUSED]
    assert paired(asks(), says(403), notice) == [ASKED, REFUSED]


def test_behind_it_in_chan_sip() -> None:
    text = paste([*received(register(), f"UDP:{PEER}"), *sent(response(403), PEER)]) + chan_sip()
    assert paired(text) == [("REGISTER sip", []), ("SIP/2.0 403", ["wrong-password"])]


def test_the_challenge_before_is_not_what_was_refused() -> None:
    flow = asks() + says(401) + asks(CALL, 2) + failed("Failed to authenticate") + says(401, CALL, 2)
    assert [causes for _, causes in paired(flow)] == [[], [], [], ["failed"]]


def test_a_client_that_does_not_count_has_new_requests_all_the_same() -> None:
    """The branch tells them apart: what stands before the second response is not about the first."""
    flow = (asks(), says(401), asks(), chan_sip(), says(403))
    anew = [flow[0], flow[1], *(one.replace("call-11", "call-19") for one in flow[2:])]
    assert [causes for _, causes in paired(*anew)] == [[], [], [], ["wrong-password"]]


def test_two_notices_of_one_refusal() -> None:
    text = asks() + failed("No matching endpoint found") + failed("Failed to authenticate") + says(401)
    assert paired(text)[1] == ("SIP/2.0 401", ["unknown-account", "failed"])


@pytest.mark.parametrize(
    "between",
    [
        asks("other", peer="10.9.0.3:5071") + says(401, "other", peer="10.9.0.3:5071"),
        says(100),
        paste(pjsip(response(200, "o", method="OPTIONS"), peer="UDP:10.9.0.2:5071")),
        line("nothing of interest"),
    ],
)
def test_other_messages_may_stand_between(between: str) -> None:
    causes = [causes for name, causes in paired(asks(), between, exceeds(), between, says(403)) if causes]
    assert causes == [["max-contacts"]]
    assert paired(asks(), exceeds(), between, says(403))[-1] == REFUSED
    assert ("SIP/2.0 403", ["max-contacts"]) in paired(asks(), says(403), between, exceeds())


@pytest.mark.parametrize(
    ("notice", "causes"),
    [
        (failed("Failed to authenticate", call="another"), []),
        (failed("Failed to authenticate", peer="10.9.0.9:5071"), ["failed"]),  # the Call-ID decides
        (exceeds(" (10.9.0.2:9999)"), []),
        (exceeds(" (10.9.0.9:5071)"), []),
        (exceeds("", "bob"), []),
        (chan_sip(peer="10.9.0.2"), ["wrong-password"]),  # without a port, up to 1.6
        (chan_sip(user="bob"), []),
        (failed("No matching endpoint found", method="OPTIONS"), []),
        (line("Correct auth, but based on stale nonce received from '<sip:alice@10.9.0.1>;tag=f'"), []),
    ],
)  # fmt: skip
def test_what_is_about_another_goes_with_no_response(notice: str, causes: list[str]) -> None:
    (_, own) = paired(asks(), notice, says(403))[1]
    assert [cause for cause in own if not cause.startswith("(")] == causes


def test_a_success_was_not_refused() -> None:
    found, source = read(asks(), says(200), exceeds())
    assert [(one.alone, one.notice.cause) for one in found[1].notices] == [(True, "max-contacts")]
    assert [(one.count, one.tied) for one in source.notices] == [(1, 0)]


def test_it_does_not_wait_for_ever() -> None:
    others = "".join(asks(f"o{n}", peer="10.9.0.3:5071") for n in range(RECENT + 1))
    found, _ = read(asks(), exceeds(), others, says(403))
    assert found[-1].notices == ()
    assert [one.notice.cause for raw_message in found for one in raw_message.notices if one.alone] == ["max-contacts"]
    waiting, _ = read(asks(), exceeds())
    assert [(one.notice.cause, one.alone) for one in waiting[0].notices] == [("max-contacts", True)]


def test_what_stands_before_every_message_is_counted_alone() -> None:
    found, source = read(exceeds(), asks(), says(403))
    assert [raw_message.notices for raw_message in found] == [(), ()]
    assert [(one.count, one.tied) for one in source.notices] == [(1, 0)]


# Asterisk as the client
SERVER = "203.0.113.5:7002"
OUT = f" received from 'sip:{SERVER}' on registration attempt to 'sip:alice@10.9.0.1:7002', "


def calls(call: str = CALL, cseq: int = 1, server: str = SERVER) -> str:
    return paste(pjsip(register(call, cseq, uri=f"sip:{server}"), incoming=False, peer=f"UDP:{server}"))


def hears(status: int, call: str = CALL, cseq: int = 1, server: str = SERVER) -> str:
    return paste(pjsip(response(status, call, cseq), peer=f"UDP:{server}"))


FATAL, TEMPORAL = "Fatal response '{}'" + OUT + "stopping outbound registration", "Temporal response '503'" + OUT
WHY = "noendpoint:203.0.113.5: No auth objects matching realm/algorithm(s) 'r/SHA-256' from challenge found."
WHOSE = (
    f"Failed to create authenticated REGISTER request to server 'sip:{SERVER}' from client 'sip:alice@10.9.0.1:7002'"
)


def test_what_a_client_makes_of_a_response() -> None:
    assert paired(calls(), hears(403), line(FATAL.format(403)))[1] == ("SIP/2.0 403", ["fatal"])
    assert paired(calls(), hears(503), line(TEMPORAL + "retrying in '5'"))[1] == ("SIP/2.0 503", ["temporary"])
    text = calls() + hears(401) + line(WHY) + line(WHOSE) + line(FATAL.format(401))
    assert paired(text)[1] == ("SIP/2.0 401", ["no-credentials", "fatal"])


def test_of_several_under_way_it_is_about_the_one_with_this_status() -> None:
    text = calls() + calls("c2") + hears(403) + hears(401, "c2") + calls("c2", 2) + line(FATAL.format(403))
    assert [name for name, causes in paired(text) if causes] == ["SIP/2.0 403"]


def test_another_port_is_another_registration() -> None:
    other = "203.0.113.5:7009"
    text = calls() + hears(403) + calls("c2", server=other) + hears(403, "c2", server=other)
    found = paired(text + line(FATAL.format(403)))
    assert [causes for _, causes in found] == [[], ["fatal"], [], []]


def test_a_server_by_its_name() -> None:
    text = paste(pjsip(register(uri="sip:tel.example.net"), incoming=False, peer=f"UDP:{SERVER}")) + hears(403)
    named = FATAL.format(403).replace(f"sip:{SERVER}", "sip:tel.example.net")
    assert paired(text + line(named))[1] == ("SIP/2.0 403", ["fatal"])


def test_no_response_goes_with_none() -> None:
    silent = "No response" + OUT + "retrying in '60'"
    assert paired(calls(), calls(), line(silent)) == [("REGISTER sip", []), ("REGISTER sip", ["(silent)"])]


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [
        (403, "Forbidden - wrong password on authentication for REGISTER for 'alice' to '203.0.113.5'", "forbidden"),
        (404, "Got 404 Not found on SIP register to service alice@10.9.0.1, giving up", "not-found"),
        (423, "Got 423 Interval too brief for service alice@10.9.0.1, minimum is 60 seconds", "interval"),
    ],
)
def test_chan_sip_as_a_client(status: int, text: str, cause: str) -> None:
    flow = paste([*request(register(uri=f"sip:{SERVER}"), SERVER), *received(response(status), f"UDP:{SERVER}")])
    assert paired(flow + line(text))[1] == (f"SIP/2.0 {status}", [cause])
    wrong = paste([*request(register(uri=f"sip:{SERVER}"), SERVER), *received(response(500), f"UDP:{SERVER}")])
    assert [one for one in paired(wrong + line(text))[1][1] if not one.startswith("(")] == []


# Time, wrappers, forgery
def test_a_stamped_notice_tells_when_its_response_was() -> None:
    found, source = read(line("x", 40), asks(), says(403), exceeds(), line("y", 59))
    assert found[1].time is not None
    assert found[1].time % (60 * SECOND) == 45 * SECOND
    assert [one.time for one in found[1].notices] == [found[1].time]
    assert source.notices[0].tied == 1


def test_a_notice_without_a_stamp_has_the_time_of_its_response() -> None:
    bare = re.sub(r"^\[.*?\] ", "", exceeds())
    found, _ = read(line("x", 45), asks(), says(403), bare, line("y", 45))
    assert [one.notice.cause for one in found[1].notices] == ["max-contacts"]
    assert found[1].notices[0].time == found[1].time != None  # noqa: E711


def test_a_body_that_holds_a_notice_blames_nobody() -> None:
    """Whoever may send a MESSAGE could write one."""
    body = exceeds() + chan_sip()
    forged = (
        "MESSAGE sip:600@10.9.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.0.9;branch=z9hG4bKm\r\nFrom: <sip:eve@x>;tag=1\r\n"
        f"To: <sip:600@x>\r\nCall-ID: m\r\nCSeq: 1 MESSAGE\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    found, source = read(asks(), paste(pjsip(forged, peer="UDP:10.9.0.9:5060")), says(403))
    assert [raw_message.notices for raw_message in found] == [(), (), ()]
    assert source.notices == []


def test_a_line_that_is_no_entry_is_not_believed_beside_messages() -> None:
    bare = f"Registration attempt from endpoint 'alice' ({PEER}) to AOR 'a' will exceed max contacts of 1\n"
    found, _ = read(asks(), bare, says(403))
    assert found[1].notices == ()
    verbose = "    -- Removed contact 'sip:alice@10.9.0.2' from AOR 'alice' due to remove existing\n"
    found, _ = read(asks(), verbose, says(200))
    assert [one.notice.contact for one in found[0].notices] == ["sip:alice@10.9.0.2"]


def test_an_entry_in_the_middle_of_a_printed_message() -> None:
    """Two threads at once: the notice stands within the lines of another message."""
    whole = f"[Nov 20 11:53:45] VERBOSE[2] res_pjsip_logger.c: {paste(pjsip(response(403), incoming=False))}"
    first, second = whole.split("Call-ID")
    entry = exceeds().replace("NOTICE[1]", "NOTICE[3]")
    asked = f"[Nov 20 11:53:45] VERBOSE[2] res_pjsip_logger.c: {asks()}"
    found, _ = read(asked, first, entry, "Call-ID" + second)
    assert [one.notice.cause for one in found[1].notices] == ["max-contacts"]
    assert found[1].missing == 0


def test_rsyslog_with_colours() -> None:
    head = "Nov 20 11:53:45 pbx asterisk[99]: "
    colours = (
        "#033[1;33mNOTICE#033[0m[1]: #033[1;37mres_pjsip_registrar.c#033[0m:#033[1;37m1#033[0m #033[1;37mf#033[0m: "
    )
    text = f"Registration attempt from endpoint 'alice' ({PEER}) to AOR 'a' will exceed max contacts of 1"
    notice = f"{head}{colours}{text}\n"

    def entry(message: str) -> str:
        body = message.removesuffix("\n").replace("\r", "#015").replace("\n", "#012")
        return f"{head}VERBOSE[1]: res_pjsip_logger.c:1 in f: {body}\n"

    (asked,), (said,) = pjsip(register(), peer=f"UDP:{PEER}"), pjsip(response(403), incoming=False, peer=f"UDP:{PEER}")
    assert paired(entry(asked), notice, entry(said)) == [ASKED, REFUSED]


def test_the_real_log_that_began_this() -> None:
    with open_sources([shared("cases", "real", "one-account-two-phones-asterisk22-full.txt")]) as reading:
        messages = [item for item in reading if isinstance(item, RawMessage)]
    assert [(one.place.first, item.place[1]) for item in messages for one in item.notices] == [(223, 225)]
