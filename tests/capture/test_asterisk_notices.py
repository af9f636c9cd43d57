"""Asterisk's notices: every wording is told with its cause; what a sender wrote blames nobody."""

from __future__ import annotations

import io

import pytest

from analyzer.capture.asterisk.causes import CAUSES
from analyzer.capture.asterisk.notices import MOST_NOTICES, read_notice
from analyzer.capture.asterisk.wordings import ACLS, EVENTS, REASONS, STARTS, WITHIN
from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, Notice, RawMessage, Source

BOB = '"Bob" <sip:bob@pbx.example.com>;tag=1'
CHAN = "Registration from '{}' failed for '{}' - {}"
PJSIP = "Request 'REGISTER' from '<sip:1002@192.0.2.44>' failed for '192.0.2.45:55997' (callid: Vg..) - {}"
REGISTRAR = "Registration attempt from endpoint 'bob'{} to AOR 'bob' will exceed max contacts of 1"
OUT = " received from 'sip:tel.example.net' on registration attempt to 'sip:u@tel.example.net', "
SECURITY = (
    'SecurityEvent="{}",EventTV="2026-07-06T15:53:33.123+0000",Severity="Error",Service="PJSIP",EventVersion="2",'
    'AccountID="bob",SessionID="a",LocalAddress="IPV4/UDP/192.0.2.44/5060",RemoteAddress="IPV4/UDP/192.0.2.7/5070"{}'
)

SERVER = [
    (CHAN.format(BOB, "192.0.2.7", "Wrong password"), "wrong-password", "bob@pbx.example.com", "192.0.2.7", 0),
    (CHAN.format(BOB, "192.0.2.7:5070", "Username/auth name mismatch"), "auth-name", None, "192.0.2.7", 5070),
    (CHAN.format(BOB, "[2001:db8::7]:5070", "No matching peer found"), "unknown-account", None, "2001:db8::7", 5070),
    (CHAN.format(BOB, "2001:db8::7", "Not a local domain"), "domain", None, "2001:db8::7", 0),
    (CHAN.format(BOB, "192.0.2.7:1", "Device does not match ACL"), "acl", None, "192.0.2.7", 1),
    (CHAN.format(BOB, "192.0.2.7", "ACL error (permit/deny)"), "acl", None, "192.0.2.7", 0),
    (CHAN.format(BOB, "192.0.2.7", "Peer is not supposed to register"), "not-dynamic", None, "192.0.2.7", 0),
    (
        CHAN.format(BOB, "192.0.2.7:5060", "Device not configured to use this transport type"),
        "transport",
        None,
        "192.0.2.7",
        5060,
    ),
    (CHAN.format(BOB, "192.0.2.7", "Unknown"), "other", None, "192.0.2.7", 0),
    (f"Correct auth, but based on stale nonce received from '{BOB}'", "stale-nonce", None, "", 0),
    (f"Sending fake auth rejection for device {BOB}", "unknown-account", None, "", 0),
    (f"Failed to authenticate device {BOB}", "failed", None, "", 0),
    (PJSIP.format("No matching endpoint found"), "unknown-account", "1002@192.0.2.44", "192.0.2.45", 55997),
    (
        PJSIP.format("No matching endpoint found after 6 tries in 2012.412 ms"),
        "unknown-account",
        None,
        "192.0.2.45",
        55997,
    ),
    (PJSIP.format("Failed to authenticate"), "failed", None, "192.0.2.45", 55997),
    (PJSIP.format("Failed to authenticate after 3 tries in 9.1 ms"), "failed", None, "192.0.2.45", 55997),
    (PJSIP.format("Not match Endpoint ACL"), "acl", None, "192.0.2.45", 55997),
    (PJSIP.format("Not match Endpoint Contact ACL"), "contact-acl", None, "192.0.2.45", 55997),
    (
        "Request from '<sip:1002@192.0.2.44>' failed for '192.0.2.45:55997' (callid: a) - No matching endpoint found",
        "unknown-account",
        "1002@192.0.2.44",
        "192.0.2.45",
        55997,
    ),
    ("Peer 'bob' is now UNREACHABLE!  Last qualify: 43", "unreachable", "bob", "", 0),
    ("Peer 'bob' is now Reachable. (45ms / 2000ms)", "reachable", "bob", "", 0),
    ("  == Contact bob/sip:bob@192.0.2.7:5070 is now Unreachable.  RTT: 0.000 msec", "unreachable", "bob", "", 0),
    ("  -- Contact bob/sip:bob@192.0.2.7:5070 is now Reachable.  RTT: 9.124 msec", "reachable", "bob", "", 0),
    ("Contact bob/sip:bob@192.0.2.7:5070 is now Unavailable.  RTT: 0.000 msec", "unreachable", "bob", "", 0),
    (REGISTRAR.format(""), "max-contacts", "bob", "", 0),
    (REGISTRAR.format(" (192.0.2.7:5070)"), "max-contacts", "bob", "192.0.2.7", 5070),
    (REGISTRAR.format(" (2001:db8::7:5070)"), "max-contacts", "bob", "2001:db8::7", 5070),
    ("AOR 'x' not found for endpoint 'bob'", "no-aor", "bob", "", 0),
    ("AOR 'x' not found for endpoint 'bob' (192.0.2.7:5070)", "no-aor", "bob", "192.0.2.7", 5070),
    (
        "AOR 'x' has no configured max_contacts. Endpoint 'bob' (192.0.2.7:5070) unable to register",
        "no-max-contacts",
        "bob",
        "192.0.2.7",
        5070,
    ),
    ("Endpoint 'bob' (192.0.2.7:5070) has no configured AORs", "no-aors", "bob", "192.0.2.7", 5070),
    ("Endpoint 'bob' has no configured AORs", "no-aors", "bob", "", 0),
    (
        "Endpoint 'bob' (192.0.2.7:5070) attempted to register to an AOR with a non-SIP URI",
        "no-sip-uri",
        "bob",
        "192.0.2.7",
        5070,
    ),
    ("Failed to validate contacts in REGISTER request from 'bob'", "bad-contacts", "bob", "", 0),
    ("Invalid modifications made to REGISTER request from 'bob' by intervening proxy", "bad-path", "bob", "", 0),
    ("Unable to bind contact 'sip:bob@192.0.2.7' to AOR 'bob'", "unbound", "bob", "", 0),
    ("Removed contact 'sip:bob@192.0.2.7' from AOR 'bob' due to remove existing", "removed", "bob", "", 0),
    ("Removed contact 'sip:bob@192.0.2.7' from AOR 'bob' due to remove_existing", "removed", "bob", "", 0),
    ("Removed contact 'sip:bob@192.0.2.7' from AOR 'bob' due to expiration", "removed", "bob", "", 0),
    (PJSIP.format("Error to authenticate"), "auth-error", None, "192.0.2.45", 55997),
    (SECURITY.format("InvalidPassword", ',Challenge="x"'), "wrong-password", "bob", "192.0.2.7", 5070),
    (SECURITY.format("InvalidAccountID", ""), "unknown-account", "bob", "192.0.2.7", 5070),
    (SECURITY.format("ChallengeResponseFailed", ',Challenge="x",Response="y"'), "failed", "bob", "192.0.2.7", 5070),
    (SECURITY.format("InvalidTransport", ',AttemptedTransport="UDP"'), "transport", "bob", "192.0.2.7", 5070),
    (SECURITY.format("FailedACL", ',ACLName="endpoint"'), "acl", "bob", "192.0.2.7", 5070),
    (
        SECURITY.format("FailedACL", ',ACLName="registrar_attempt_exceeds_maximum_configured_contacts"'),
        "max-contacts",
        "bob",
        "192.0.2.7",
        5070,
    ),
]

CLIENT = [
    ("   -- Registration for 'u@tel.example.net' timed out, trying again (Attempt #168982)", "silent", 0),
    ("Probably a DNS error for registration to u@tel.example.net, trying REGISTER again (after 30 seconds)", "dns", 0),
    ("Forbidden - wrong password on authentication for REGISTER for 'u@tel.example.net' to 'tel'", "forbidden", 0),
    ("Got 404 Not found on SIP register to service u@tel.example.net, giving up", "not-found", 0),
    ("Failed to authenticate on REGISTER to 'u@tel.example.net' (Tries 3)", "unproven", 0),
    ("Failed to authenticate on REGISTER to '<sip:u@tel.example.net>;tag=as1' (tries '3')", "unproven", 0),
    ("Got 423 Interval too brief for service u@tel.example.net, minimum is 480 seconds", "interval", 0),
    ("   -- Giving up forever trying to register 'u@tel.example.net'", "gave-up", 0),
    (
        "   -- Last Registration Attempt #10 failed, Giving up forever trying to register 'u@tel.example.net'",
        "gave-up",
        0,
    ),
    (
        "Outbound Registration: Expiry for u@tel.example.net is 480 sec (Scheduling reregistration in 465 s)",
        "registered",
        0,
    ),
    ("No response" + OUT + "retrying in '60'", "silent", 0),
    ("Temporal response '503'" + OUT + "retrying in '60' seconds", "temporary", 503),
    ("Fatal response '403'" + OUT + "stopping outbound registration", "fatal", 403),
    ("'404' fatal response" + OUT + "retrying in '60' seconds", "fatal-again", 404),
    ("403 Forbidden fatal response" + OUT + "retrying in '60' seconds", "fatal-again", 403),
    (
        "Maximum retries reached when attempting outbound registration to 'sip:tel.example.net' with client "
        "'sip:u@tel.example.net', stopping registration attempt",
        "gave-up",
        0,
    ),
    ("Fatal registration attempt to 'sip:u@tel.example.net', stopping outbound registration", "gave-up", 0),
    (
        "Failed to create authenticated REGISTER request to server 'sip:tel.example.net' from client "
        "'sip:u@tel.example.net'",
        "no-request",
        0,
    ),
]

WHY = "noendpoint:192.0.2.9: No auth objects matching realm/algorithm(s) '{}' from challenge found."
WHY_SIX = "trunk:2001:db8::9: No auth objects matching realm/algorithm(s) '{}' from challenge found."
WHY_OLD = "Endpoint: 'trunk': No auth objects matching realm(s) '{}' from challenge found."

WRAPPERS = [
    "[Jul  6 15:53:33] NOTICE[1987]: res_pjsip/pjsip_distributor.c:688 log_failed_request: {}",
    "[2026-07-06 15:53:33.123] NOTICE[1987][C-0000000a]: chan_sip.c:28123 handle_request_register: {}",
    "[Jul  6 15:53:33] NOTICE[1814] chan_sip.c: {}",
    "[Jul  6 15:53:33] \x1b[1;33mNOTICE\x1b[0m[1987]: \x1b[1;37mchan_sip.c\x1b[0m:\x1b[1;37m1\x1b[0m "
    "\x1b[1;37mf\x1b[0m: {}",
    "Jul  6 15:53:33 pbx asterisk[99]: NOTICE[1987]: chan_sip.c:1 in f: {}",
    "Jul  6 15:53:33 pbx asterisk[99]: [Jul  6 15:53:33] NOTICE[1987]: chan_sip.c:1 in f: {}",
    "Jul  6 15:53:33 pbx asterisk[99]: #033[1;33mNOTICE#033[0m[1987]: #033[1;37mchan_sip.c#033[0m:#033[1;37m1#033[0m "
    "#033[1;37mf#033[0m: {}",
    "2026-07-06T15:53:33.123456+00:00 pbx asterisk[99]: ^[[1;33mNOTICE^[[0m[1987]: ^[[1;37mchan_sip.c^[[0m:"
    "^[[1;37m1^[[0m ^[[1;37mf^[[0m: {}",
    '{{"hostname":"pbx","timestamp":"Jul  6 15:53:33","identifiers":{{"lwp":1987,"callid":""}},'
    '"logmsg":{{"location":{{"filename":"chan_sip.c","function":"f","line":1}},"level":"NOTICE","message":"{}"}}}}',
    "ul  6 15:53:33] NOTICE[1987]: chan_sip.c:1 f: {}",
    "{}",
]


def read(*lines: str) -> Source:
    with open_sources([io.BytesIO("\n".join(lines).encode("utf-8", "surrogateescape") + b"\n")]) as reading:
        messages = [item for item in reading if isinstance(item, RawMessage)]
    assert len(messages) == reading.sources[0].messages
    return reading.sources[0]


def only(*lines: str) -> Notice:
    (notice,) = read(*lines).notices
    return notice


@pytest.mark.parametrize(("text", "cause", "account", "host", "port"), SERVER)
def test_what_asterisk_says_as_a_server(text: str, cause: str, account: str | None, host: str, port: int) -> None:
    found = read_notice(text.encode())
    assert found is not None
    notice = found.notice
    assert (notice.side, notice.cause, notice.host, found.port) == ("server", cause, host, port)
    assert notice.account == (account or notice.account) != ""
    assert notice.meaning == CAUSES[cause].meaning


@pytest.mark.parametrize(("text", "cause", "status"), CLIENT)
def test_what_asterisk_says_as_a_client(text: str, cause: str, status: int) -> None:
    found = read_notice(text.encode())
    assert found is not None
    notice = found.notice
    assert (notice.side, notice.cause, notice.account, notice.status) == ("client", cause, "u@tel.example.net", status)


def test_every_cause_is_produced_by_some_wording() -> None:
    why = [read_notice(text.format(asked).encode()) for text, asked in ((WHY, "r/SHA-256"), (WHY, ""))]
    produced = {row[1] for row in SERVER} | {row[1] for row in CLIENT} | {"failed-unknown"}
    produced |= {found.notice.cause for found in why if found is not None}
    assert produced == set(CAUSES)
    assert {cause for _, cause in REASONS} | set(EVENTS.values()) | set(ACLS.values()) <= set(CAUSES)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers(wrapper: str) -> None:
    notice = only(wrapper.format(CHAN.format("<sip:104@pbx>", "192.0.2.7:5070", "Wrong password")))
    assert (notice.account, notice.host, notice.ports, notice.count) == ("104@pbx", "192.0.2.7", [5070], 1)
    assert (notice.first_line, notice.last_line) == (1, 1)


def test_equal_ones_are_one_with_a_count_its_times_and_its_ports() -> None:
    lines = [
        f"[2026-07-06 15:53:{second:02}] NOTICE[1] chan_sip.c: "
        + CHAN.format(BOB, f"192.0.2.7:{port}", "Wrong password")
        for second, port in ((1, 5070), (5, 5071), (9, 5070))
    ]
    notice = only(lines[0], "[2026-07-06 15:53:02] NOTICE[1] pbx.c: nothing of interest", *lines[1:])
    assert (notice.count, notice.ports, notice.first_line, notice.last_line) == (3, [5070, 5071], 1, 4)
    assert notice.first is not None
    assert notice.last is not None
    assert notice.last - notice.first == 8 * SECOND


def test_lines_without_time_have_none() -> None:
    notice = only(CHAN.format(BOB, "192.0.2.7", "Wrong password"))
    assert (notice.first, notice.last) == (None, None)


def test_who_is_not_known_cannot_authenticate() -> None:
    unknown, failed = read(PJSIP.format("No matching endpoint found"), PJSIP.format("Failed to authenticate")).notices
    assert (unknown.cause, failed.cause) == ("unknown-account", "failed-unknown")
    assert "says nothing about it" in failed.meaning
    assert only(PJSIP.format("Failed to authenticate")).cause == "failed"


def test_who_is_not_let_in_cannot_authenticate() -> None:
    shut_out, failed = read(PJSIP.format("Not match Endpoint ACL"), PJSIP.format("Failed to authenticate")).notices
    assert (shut_out.cause, failed.cause, failed.about_password) == ("acl", "failed-unknown", False)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (WHY.format("lab.invalid/SHA-256"), "no-credentials"),
        (WHY_SIX.format("lab.invalid/SHA-256"), "no-credentials"),
        (WHY_OLD.format("lab.invalid"), "no-credentials"),
        (WHY.format(""), "no-algorithm"),
    ],
)
def test_why_a_challenge_is_not_answered_and_whose_it_is_stand_in_two_lines(line: str, cause: str) -> None:
    whose = CLIENT[-1][0]
    notice = only(line, whose)
    assert (notice.cause, notice.account, notice.server) == (cause, "u@tel.example.net", "sip:tel.example.net")
    assert (notice.first_line, notice.last_line, notice.count) == (1, 2, 1)
    assert notice.said.startswith("No auth objects matching realm")
    assert [one.cause for one in read(line, PJSIP.format("Failed to authenticate"), whose).notices] == [
        cause,
        "failed",
        "no-request",
    ]
    assert only(line).cause == cause


def test_a_contact_that_was_asked_to_be_removed_is_no_notice() -> None:
    text = "Removed contact 'sip:bob@192.0.2.7' from AOR 'bob' due to {}"
    assert read_notice(text.format("request").encode()) is None
    found = read_notice(text.format("remove unavailable").encode())
    assert found is not None
    assert (found.notice.contact, found.notice.said) == ("sip:bob@192.0.2.7", "remove unavailable")


def test_every_wording_begins_as_the_quick_look_says() -> None:
    texts = [row[0].lstrip(" -=") for row in SERVER] + [row[0].lstrip(" -") for row in CLIENT] + [WHY, WHY_OLD, WHY_SIX]
    assert [text for text in texts if not STARTS.match(text.encode()) and WITHIN not in text.encode()] == []


def test_the_security_log_does_not_count_twice() -> None:
    notice = CHAN.format(BOB, "192.0.2.7:5070", "Wrong password")
    assert [one.module for one in read(notice, SECURITY.format("InvalidPassword", "")).notices] == ["chan_sip"]
    assert only(SECURITY.format("InvalidPassword", "")).module == "res_security_log"


@pytest.mark.parametrize("event", ["SuccessfulAuth", "ChallengeSent"])
def test_events_that_are_no_refusals(event: str) -> None:
    assert read_notice(SECURITY.format(event, "").encode()) is None
    assert read_notice(SECURITY.format("InvalidPassword", "").replace("PJSIP", "AMI").encode()) is None


def test_another_method_is_told() -> None:
    assert only(PJSIP.replace("REGISTER", "INVITE").format("No matching endpoint found")).method == "INVITE"
    assert only(PJSIP.format("No matching endpoint found")).method == ""


@pytest.mark.parametrize(
    ("line", "count"),
    [
        # who asks to be called so forges a refusal of somebody else
        (CHAN.format("x' failed for '203.0.113.9' - Wrong password", "192.0.2.7", "No matching peer found"), 1),
        (PJSIP.replace("Vg..", "x) - y' failed for '203.0.113.9:1' (callid: z").format("Failed to authenticate"), 1),
        (SECURITY.replace("bob", 'b",RemoteAddress="IPV4/UDP/203.0.113.9/1').format("InvalidPassword", ""), 1),
        # what the dialplan prints of a caller's name is no notice
        (
            "[Jul  6 15:53:33] VERBOSE[1] pbx.c: NoOp(chan_sip.c: " + CHAN.format("x", "203.0.113.9", "Wrong password"),
            0,
        ),
    ],
)
def test_a_forged_notice_blames_no_address(line: str, count: int) -> None:
    notices = read(line).notices
    assert len(notices) == count
    assert all(notice.host == "" and not notice.ports for notice in notices)


def test_an_address_that_is_none_is_not_told() -> None:
    assert only(CHAN.format(BOB, "<script>", "Wrong password")).host == ""


def test_long_and_undecodable_names_are_kept_clipped() -> None:
    notice = only(CHAN.format("\udcff" * 900, "192.0.2.7", "Wrong password"))
    assert notice.account.startswith("\udcff")
    assert len(notice.account) < 130
    assert read_notice(CHAN.format("x" * 9000, "192.0.2.7", "Wrong password").encode()) is None


@pytest.mark.parametrize(
    "line",
    [
        "Registration from '" + "' failed for '" * 90,
        "Request 'REGISTER' from '" + "' failed for '1' (callid: ) - " * 40 + "\n",
        "Fatal response '403' received from '" + "' on registration attempt to '" * 40 + "', stopping",
        'SecurityEvent="InvalidPassword",' + 'Service="SIP",AccountID="a",RemoteAddress="' * 30,
        "Registration attempt from endpoint '" + "' to AOR '" * 140,
        "Failed to authenticate device " + " for INVITE" * 120,
        "AOR '" + "' not found for endpoint '" * 55,
    ],
)
def test_lines_that_could_be_read_in_many_ways_cost_little(line: str) -> None:
    """Three thousand of them: with a pattern that grows faster than the square this would not end."""
    assert len(line) <= 1500
    source = read("[Jul  6 15:53:33] VERBOSE[1] pbx.c: that it is Asterisk's", *[line.strip()] * 3000)
    assert source.frames == 3001


def test_there_is_an_end_to_what_is_told_apart() -> None:
    lines = [CHAN.format(f"<sip:{name}@pbx>", "192.0.2.7", "Wrong password") for name in range(MOST_NOTICES + 7)]
    source = read(*lines)
    assert (len(source.notices), source.notices_more) == (MOST_NOTICES, 7)


def test_the_hint_fits_the_channel() -> None:
    chan, pjsip = CHAN.format(BOB, "192.0.2.7", "Wrong password"), PJSIP.format("Failed to authenticate")
    assert "`sip set debug on`" in read(chan).hint
    assert "pjsip" not in read(chan).hint
    assert "`pjsip set logger on`" in read(pjsip).hint
    assert "sip set debug" not in read(pjsip).hint
    assert "`pjsip set logger on` or, for chan_sip, `sip set debug on`" in read(chan, pjsip).hint
    assert "`pjsip set logger on` or" in read("[Jul  6 15:53:33] VERBOSE[1] pbx.c: nothing of SIP").hint


MESSAGE = """[Jul  6 15:53:34] VERBOSE[1] chan_sip.c:
<--- SIP read from UDP:192.0.2.7:5060 --->
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1
From: <sip:bob@pbx.example.com>;tag=1
To: <sip:bob@pbx.example.com>
Call-ID: 1
CSeq: 1 REGISTER
Content-Length: 0

<------------->
--- (7 headers 0 lines) ---"""


def test_between_messages_they_are_told_too() -> None:
    notice = "[Jul  6 15:53:33] NOTICE[1] chan_sip.c: " + CHAN.format(BOB, "192.0.2.7", "Wrong password")
    source = read(notice, *MESSAGE.splitlines(), notice)
    assert (source.messages, source.title, source.hint) == (1, "Asterisk chan_sip log", "")
    assert [(one.cause, one.count, one.tied) for one in source.notices] == [("wrong-password", 2, 0)]
