"""The table as a person reads it: what stands there, in which order, for whole reports made of flow text."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from analyzer.evidence import Frame, LogLines, Source
from analyzer.rules import all_rules
from tests.views.reports import LOGIN, REFUSED, REGISTERED, drawn, lines_with, report_of, user

SECOND_BOOT = """
> REGISTER sip:bob@example.com
CSeq: 5
User-Agent: Phone 1
< 200
@1800 > REGISTER sip:bob@example.com
CSeq: 5
User-Agent: Phone 1
< 500
"""


def expect(text: str) -> str:
    """A snapshot without the blanks of the source that it stands in."""
    return dedent(text).lstrip("\n")


def test_one_healthy_client() -> None:
    flow = "> REGISTER sip:example.com\nUser-Agent: Linphone/3.6.1 (eXosip2/4.1.0)\n< 200"
    assert drawn(report_of(flow)) == expect("""
        flow · capture · 14 Jul 2017 02:40:00 UTC · 2 SIP messages · 1 REGISTER

        1 client, registered.

          ✓ ok  bob@example.com  registered 02:40:00 for 3600 s                  frame 2
                Linphone/3.6.1 (eXosip2/4.1.0) at 192.0.2.10:5060
        """)


def test_one_client_in_trouble_with_findings() -> None:
    rules = [rule for rule in all_rules() if rule.id in ("R3261-10.2-ruri-userinfo", "R3261-10.2-cseq-increment")]
    text = drawn(report_of(SECOND_BOOT, rules=rules), 100)
    assert text == expect("""
        flow · capture · 14 Jul 2017 02:40:00 - 03:10:00 UTC · 4 SIP messages · 2 REGISTERs

        1 client, refused. Trouble since 03:10:00.

          ✗ refused  bob@example.com  500 at 03:10:00                                                frame 4
                     The phone does not count CSeq up; the registrar says "Whatever"
                     was registered before, and is bound until 03:40:00 · Phone 1 at 192.0.2.10:5060

        2 errors; 1 of them explains 1 failed attempt:
          ✗ error    The phone does not count CSeq up: CSeq 5 is used again for a new REGISTER (other
                     branch).
                     phone Phone 1 · explains 1 failed attempt · frame 3 after 1 · RFC 3261 10.2
                     R3261-10.2-cseq-increment
                     fix: keep the CSeq counter over refreshes; it may begin again only with a new Call-ID.
          ✗ error    The Request-URI names a user instead of the domain: the Request-URI is
                     sip:bob@example.com, with the user part 'bob'.
                     phone Phone 1 · twice · frames 1, 3 · RFC 3261 10.2 · R3261-10.2-ruri-userinfo
                     fix: set the phone's registrar (domain, SIP server) to the domain alone, without user@.
        """)


def test_many_with_the_same_trouble_are_one_line() -> None:
    refused = "".join(user(f"sales{number}", 403, "User-Agent: Snom 300") for number in range(1, 41))
    others = user("ceo", 404) + "".join(user(f"ok{number}") for number in range(5))
    assert drawn(report_of(refused + others)) == expect("""
        flow · capture · 14 Jul 2017 02:40:00 UTC · 92 SIP messages · 46 REGISTERs

        46 clients: 5 registered, 41 refused. Trouble since 02:40:00.

          ✗ refused     sales1@example.com +39  403 since 02:40:00              frame 2
                        the registrar forbids it · Snom 300
          ✗ refused     ceo@example.com         404 at 02:40:00                 frame 82
                        the registrar does not know this user · 192.0.2.10:5060
          ✓ registered  5 clients (--all lists them)
        """)


def test_wide_terminals_have_a_column_for_the_reason() -> None:
    text = drawn(report_of(user("bob", 404, "User-Agent: Snom 300")), 160)
    (line,) = lines_with(text, "✗ refused")
    assert re.fullmatch(
        r"✗ refused  bob@example\.com  404 at 02:40:00  .* user · Snom 300 at 192\.0\.2\.10:5060 +frame 2", line
    )


@pytest.mark.parametrize(
    ("flow", "tail", "verdict"),
    [
        (REGISTERED, 0, "1 client, registered."),
        (REFUSED, 0, "1 client, refused. Trouble since 02:40:00."),
        ("> REGISTER sip:example.com\n@4 > again", 60, "1 client, without an answer. Trouble since 02:40:00."),
        ("> REGISTER sip:example.com\n< 401", 60, "1 client, gave up. Trouble since 02:40:00."),
        (
            "> REGISTER sip:example.com\nExpires: 30\n< 200",
            60,
            "1 client, not renewed in time. Trouble since 02:40:30.",
        ),
        ("> REGISTER sip:example.com\nExpires: 0\n< 200", 0, "1 client, signed off."),
        ("> REGISTER sip:example.com\n-Contact\n< 200", 0, "1 client, only asked what is registered."),
        ("> REGISTER sip:example.com", 0, "1 client, still open at the end."),
        (user("a") + user("b"), 0, "2 clients, both registered."),
        (user("a") + user("b") + user("c"), 0, "3 clients, all registered."),
        (user("a", 403) + user("b", 403) + user("c"), 0, "3 clients: 1 registered, 2 refused. Trouble since 02:40:00."),
        ("> OPTIONS sip:example.com\n< 200", 0, "No registration: no REGISTER was seen (but 1 OPTIONS)."),
    ],
)
def test_the_verdict_says_what_became_of_them(flow: str, tail: float, verdict: str) -> None:
    text = drawn(report_of(flow, tail=tail), 120)
    assert text.split("\n\n")[1].splitlines()[0] == verdict


def test_an_answer_alone_is_no_client() -> None:
    report = report_of(REGISTERED)
    report.registrations.clear()
    report.summary.register_requests = 0
    assert "No REGISTER was seen, only 1 answer to one (" in drawn(report)


def test_trouble_begins_with_the_first_failure_after_the_last_success() -> None:
    flow = REGISTERED + "@60 > REGISTER sip:example.com\n< 403\n@120 > REGISTER sip:example.com\n< 403"
    text = drawn(report_of(flow))
    assert "Trouble since 02:41:00." in text
    assert "403 since 02:41:00, 2 tries" in text
    assert "was registered before" in text


def test_whose_contact_another_one_took_away_is_not_called_well() -> None:
    other = "@20 src=192.0.2.77:5060 > REGISTER sip:example.com\nCall-ID: other\nContact: <sip:bob@192.0.2.77>\n"
    answer = "< 200\nServer: Asterisk PBX 22.1.0\nContact: <sip:bob@192.0.2.77>;expires=600\n"
    flow = f"> REGISTER sip:example.com\nExpires: 600\n< 200\n{other}{answer}"
    text = " ".join(drawn(report_of(flow, tail=60), 100).split())
    assert "2 clients: 1 registered, 1 taken away." in text
    assert "! taken away bob@example.com bound no more since 02:40:20" in text
    assert "the answer to another client of this address-of-record at frame 4 lists its contact no more" in text


def test_where_the_registrar_may_list_what_it_was_asked_for_alone_nothing_is_claimed() -> None:
    other = "@20 src=192.0.2.77:5060 > REGISTER sip:example.com\nCall-ID: other\nContact: <sip:bob@192.0.2.77>\n"
    flow = f"> REGISTER sip:example.com\nExpires: 600\n< 200\n{other}< 200\nContact: <sip:bob@192.0.2.77>;expires=600\n"
    text = " ".join(drawn(report_of(flow, tail=60), 100).split())
    assert "2 clients: 1 registered, 1 perhaps taken away." in text and "bound no more" not in text
    assert "the answer to another client at frame 4 does not list its contact: it is gone, or this registrar" in text


def test_whose_contact_another_one_registered_too() -> None:
    """The same private address behind two translators: calls go where the latest request came from."""
    private = "Contact: <sip:bob@192.168.1.5:5060>\n"
    first = f"src=203.0.113.5:1024 > REGISTER sip:example.com\nUser-Agent: a\n{private}< 200\n"
    second = f"@20 src=203.0.113.9:1024 > REGISTER sip:example.com\nUser-Agent: a\nCall-ID: other\n{private}< 200\n"
    text = " ".join(drawn(report_of(first + second, tail=60), 200).split())
    assert "2 clients: 1 registered, 1 taken away." in text
    assert "another client of this address-of-record registered the same contact" in text


def test_many_whose_contacts_were_taken_away_are_one_line() -> None:
    flow = ""
    for number in range(6):
        aor = f"To: <sip:u{number}@x>\nFrom: <sip:u{number}@x>;tag=t\n"
        at = 10 * number
        for offset, host in ((0, 10), (5, 77)):
            contact = f"<sip:u{number}@192.0.2.{host + number}>"
            flow += f"@{at + offset} src=192.0.2.{host + number}:5060 > REGISTER sip:example.com\n{aor}"
            flow += f"Call-ID: c{number}-{host}\nContact: {contact}\nExpires: 900\n"
            flow += f"@{at + offset}.1 < 200\n{aor}Server: kamailio (5.8)\nContact: {contact};expires=900\n"
    text = " ".join(drawn(report_of(flow, tail=60), 200).split())
    assert "12 clients: 6 registered, 6 taken away." in text
    assert "! taken away u0@x +5 since 02:40:05" in text
    assert "answers to other clients of the same address-of-record list their contacts no more" in text


def test_a_binding_that_ran_out_is_no_health() -> None:
    text = drawn(report_of("> REGISTER sip:example.com\nExpires: 30\n< 200", tail=90))
    assert lines_with(text, "✗ ran out") == [
        "✗ ran out  bob@example.com  not renewed, gone at 02:40:30              frame 2"
    ]
    assert "registered for 30 s; the capture goes on for 60 s without a renewal" in text


def test_a_binding_that_runs_out_within_the_slack_is_still_health() -> None:
    assert "1 client, registered." in drawn(report_of("> REGISTER sip:example.com\nExpires: 30\n< 200", tail=31))


def test_renewals_are_told() -> None:
    flow = REGISTERED + "@1800 > REGISTER sip:example.com\n< 200\n@3600 > REGISTER sip:example.com\n< 200"
    text = drawn(report_of(flow))
    assert "since 02:40:00 for 3600 s" in text
    assert "renewed twice" in text


def test_silence_names_the_server_and_whether_it_answers_others() -> None:
    silent = "> REGISTER sip:example.com\nCall-ID: x\n@0.5 > again\n@1.5 > again\n"
    assert "no answer came from 198.51.100.1" in drawn(report_of(silent, tail=60))
    text = drawn(report_of(user("alice") + silent, tail=60))
    assert "3 sends in 1.5 s since 02:40:00" in text
    assert "198.51.100.1 answers others, not this phone" in text


OTHER_PORT = "dst=198.51.100.1:5600 > REGISTER sip:example.com\nCall-ID: {0}\nTo: <sip:{0}@example.com>\n"


def test_a_port_that_answers_says_nothing_of_another() -> None:
    silent = OTHER_PORT.format("x")
    text = drawn(report_of(user("alice") + silent, tail=60))
    assert "answers others" not in text
    assert "no answer came from port 5600; 198.51.100.1 answers on port 5060" in text
    both = drawn(report_of(user("alice") + silent + OTHER_PORT.format("y"), tail=60))
    assert "port 5600 answers nobody here; 198.51.100.1 answers on port 5060" in both


def test_several_ports_that_answer_are_counted() -> None:
    answered = OTHER_PORT.replace("5600", "5070").format("z") + "< 200\n"
    text = drawn(report_of(user("alice") + answered + OTHER_PORT.format("x"), tail=60), 100)
    assert "198.51.100.1 answers on port 5060 and 1 more" in text


def test_an_unreachable_port_is_told() -> None:
    text = drawn(report_of("> REGISTER sip:example.com\n! port unreachable", tail=60))
    assert "the network says: port unreachable" in text


def test_more_than_a_screen_of_trouble_is_counted() -> None:
    flow = "".join(user(f"u{status}", status) for status in range(410, 440))
    text = drawn(report_of(flow))
    assert len(lines_with(text, "✗ refused")) == 20
    refused = report_of(flow).summary.outcomes["rejected"]
    rest = len(report_of(flow).registrations) - 20
    assert f"... and {rest} more clients like these or in other trouble (--all lists them)" in text
    assert len(lines_with(drawn(report_of(flow), all=True), "✗ refused")) == refused > 20


@pytest.mark.parametrize(("repeats", "told"), [(9, False), (10, True), (36, True)])
def test_many_repeats_are_told_even_if_all_is_well(repeats: int, told: bool) -> None:
    report = report_of(REGISTERED)
    report.summary.register_requests, report.summary.retransmissions = 100, repeats
    line = f"{repeats} of 100 REGISTERs ({repeats} %) are repeats: answers came late or not at all"
    assert (line in drawn(report, 120)) is told
    report.summary.register_requests = 99
    assert "are repeats" not in drawn(report, 120)


def test_all_lists_the_healthy() -> None:
    flow = "".join(user(f"u{number}") for number in range(5))
    few, every = drawn(report_of(flow)), drawn(report_of(flow), all=True)
    assert "5 clients, all registered." in few
    assert not lines_with(few, "✓")
    assert len(lines_with(every, "✓ ok")) == 5


def test_sections_come_in_order_and_none_is_empty() -> None:
    text = drawn(report_of(LOGIN % 403, rules=all_rules(), passwords={"bob": "unlike", "eve": "x"}), 100)
    heads = ["flow · ", "1 client, refused", "✗ refused", "1 response checked"]
    positions = [text.index(head) for head in heads]
    assert positions == sorted(positions)
    assert "\n\n\n" not in text
    assert not text.endswith("\n\n")


def test_damage_stands_near_the_top() -> None:
    report = report_of(REGISTERED)
    report.sources[0].damaged = True
    report.sources[0].defect("cut", "the file ends inside packet 3")
    lines = drawn(report).splitlines()
    damaged = next(number for number, line in enumerate(lines) if line.startswith("damaged: "))
    assert lines[damaged] == "damaged: the file ends inside packet 3."
    assert damaged < lines.index("1 client, registered.")


def test_defects_are_counted_and_the_first_kinds_named() -> None:
    report = report_of(REGISTERED)
    for number in range(5):
        report.sources[0].defect("odd", f"odd thing {number}")
    assert "5 defects: odd thing 0; odd thing 1; odd thing 2; and 2 more kinds." in drawn(report)


def test_an_interrupted_run_says_so() -> None:
    report = report_of(REGISTERED)
    report.interrupted = True
    assert "interrupted: this is what was read so far." in drawn(report)


def test_a_log_has_its_zone_and_its_lines() -> None:
    report = report_of(REGISTERED, log=True)
    source = report.sources[0]
    source.kind, source.title, source.frames, source.keepalives = "log", "Asterisk chan_sip log", 96, 2
    source.utc_offset, source.zone = 7200, "UTC+2, from Date headers"
    report.registrations[0].since_place = LogLines("flow", 39, 52)
    text = drawn(report, 160)
    assert text.startswith(
        "flow · Asterisk chan_sip log · 14 Jul 2017 04:40:00 (UTC+2, from Date headers)"
        " · 96 lines, 2 SIP messages, 2 keep-alives · 1 REGISTER\n"
    )
    assert lines_with(text, "registered 04:40:00")[0].endswith("line 39")


def test_no_clock_no_times() -> None:
    report = report_of(REFUSED)
    report.sources[0].first = report.sources[0].last = None
    one = report.registrations[0]
    one.first = one.last = one.since = one.failing_since = None
    text = drawn(report)
    assert "no clock" in text
    assert "Trouble since" not in text
    assert re.search(r"✗ refused  bob@example.com  403 +frame 2", text)


def test_several_sources_have_a_line_each_and_name_the_file() -> None:
    report = report_of(REFUSED)
    report.sources.append(Source("/tmp/other.pcap", frames=3, messages=3))
    text = drawn(report)
    assert lines_with(text, "other.pcap") == ["other.pcap · capture · no clock · 3 packets, 3 SIP messages"]
    assert "together · 1 REGISTER" in text
    assert "in flow" in text


def test_many_sources_are_one_line() -> None:
    report = report_of(REFUSED)
    report.sources += [Source(f"/tmp/{number}.pcap", frames=3) for number in range(6)]
    assert drawn(report, 160).startswith(
        "7 files · flow to 5.pcap · 14 Jul 2017 02:40:00 UTC · 2 SIP messages · 1 REGISTER\n"
    )


def test_ascii_terminals_get_ascii() -> None:
    text = drawn(report_of(user("bob" * 30, 403)), encoding="ascii")
    assert "x refused" in text
    assert "..." in text
    assert text.isascii()


def test_the_frame_is_whole_however_long_the_name() -> None:
    report = report_of(user("b" * 300, 403))
    report.registrations[0].since_place = Frame("flow", 4_294_967_295)
    for width in (60, 80, 120, 200):
        (line,) = lines_with(drawn(report, width), "✗ refused")
        assert line.endswith("frame 4294967295")
        assert "@example.com" in line or width < 80
