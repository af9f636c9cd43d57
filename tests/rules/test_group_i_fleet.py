"""Detectors over many clients: what their examples cannot say. Workers find together what one process finds; bounds
hold; and what is folded is gone."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from analyzer.evidence import SECOND, Endpoint, Frame, Item, RawMessage, Source
from analyzer.judge.findings import Example, Finding, Rule
from analyzer.judge.flowtext import START, read_flow
from analyzer.judge.parameters import is_scanner
from analyzer.register import fleet
from analyzer.register.digest.secrets import Secrets
from analyzer.register.fleet import TICK, FleetLedger, FleetSubject, is_public, together
from analyzer.register.guesses import GuessLedger
from analyzer.register.identity import Client, Registrar
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.rules import all_rules
from analyzer.run.partial_result import PartialResult, report_of
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report
from analyzer.run.shard import Inseparable, Shard
from analyzer.sip.message import parse
from analyzer.views import ViewOptions, load_view
from tests.rules.cases import rule_of, run, subs

BRUTE, ENUM, FLOOD, HERD = "DET-brute-user", "DET-enum-users", "DET-register-flood", "DET-herd"
REPLAY, CHURN, HIJACK = "DET-nonce-replay", "DET-source-churn", "DET-hijack"
CLEAR, SHORT, UNASKED = "DET-cleartext-public", "DET-short-refresh", "R3261-22.1-unchallenged"
GROUP = (BRUTE, ENUM, FLOOD, HERD, CLEAR, SHORT, UNASKED, REPLAY, CHURN, HIJACK, "R3261-22.1-same-credentials")
EXAMPLES = [(rule_of(name), number, example) for name in GROUP for number, example in enumerate(rule_of(name).examples)]


def printed(report: Report) -> str:
    out = io.StringIO()
    load_view("json")(report, out, ViewOptions(width=100, color=False, all=True))
    return out.getvalue()


def partial(items: Sequence[Item], shard: Shard | None = None) -> PartialResult:
    analysis = Analysis([Source("flow")], shard=shard)
    for item in items:
        analysis.feed(item)
    return analysis.partial()


def shared_out(items: Sequence[Item], jobs: int) -> Report:
    return report_of([partial(items, Shard(number, jobs)) for number in range(jobs)], all_rules())


@pytest.mark.parametrize(
    ("rule", "example"), [pytest.param(rule, one, id=f"{rule.id}-{number}") for rule, number, one in EXAMPLES]
)
def test_workers_find_what_one_process_finds(rule: Rule, example: Example) -> None:
    del rule
    items = list(read_flow(example.flow, tail=example.tail, log=example.log))
    try:
        several = shared_out(items, 3)
    except Inseparable:
        return
    assert printed(several) == printed(report_of([partial(items)], all_rules()))


def test_most_examples_can_be_shared_out() -> None:
    """That the test above compares something."""
    shared = 0
    for rule, _, example in EXAMPLES:
        if rule.subject == "fleet" and example.expect:
            items = list(read_flow(example.flow))
            owners = {number for number in range(3) if _takes(items, number)}
            shared += len(owners) > 1
    assert shared >= 6


def _takes(items: Sequence[Item], number: int) -> bool:
    return partial(items, Shard(number, 3)).summary.messages > 0


def whole(flow: str, **passwords: str) -> Report:
    return analyze_items(read_flow(flow), secrets=Secrets.of(passwords))


def of(report: Report, rule: str) -> list[Finding]:
    return [one for one in report.findings if one.rule == rule and one.count > 0]


TRY = "@{0} src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: c{0}\nUser-Agent: friendly-scanner\n< 401\n"
TRY += "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: c{0}\nUser-Agent: friendly-scanner\n"
TRY += "Authorization: {{bob pw{0}}}\n< 403\n"


def test_guessing_takes_the_loop_and_the_repetition_over() -> None:
    report = whole("".join(TRY.format(2 * turn) for turn in range(30)))
    (finding,) = of(report, BRUTE)
    assert finding.count == 30
    assert of(report, "DET-auth-loop") == []
    assert "DET-auth-loop" in finding.folded


def test_a_loop_of_one_phone_stays_a_loop() -> None:
    flow = "".join(TRY.format(2 * turn) for turn in range(30)).replace("friendly-scanner", "Phone")
    report = whole(flow)
    assert of(report, BRUTE) == []
    assert of(report, "DET-auth-loop")


@pytest.mark.parametrize("changed", ["nonce", "cnonce", "uri", "qop"])
def test_proof_wants_all_else_to_be_equal(changed: str) -> None:
    flow = "> REGISTER sip:h\n< 401\n" + "".join(
        f"> REGISTER sip:h\nAuthorization: {{bob pw{turn} nonce=A {changed}=x{turn}}}\n< 401\n" for turn in range(9)
    )
    assert subs(run(BRUTE, flow)) == []


def test_a_body_that_is_hashed_is_no_password() -> None:
    flow = "> REGISTER sip:h\n< 401\n" + "".join(
        f"> REGISTER sip:h\nAuthorization: {{bob pw{turn} nonce=A qop=auth-int}}\n< 401\n" for turn in range(9)
    )
    assert subs(run(BRUTE, flow)) == []


@pytest.mark.parametrize(
    ("agent", "found"),
    [
        ("friendly-scanner", True),
        ("sipcli/v1.8", True),
        ("SIPVicious", True),
        ("BetterSIPClient/1.0", False),
        ("", False),
        ("Yealink SIP-T46S", False),
    ],
)
def test_who_calls_itself_a_scanner(agent: str, found: bool) -> None:
    assert is_scanner(agent) is found


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("8.8.8.8", True),
        ("10.1.2.3", False),
        ("172.31.0.1", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("203.0.113.1", False),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("224.0.1.75", False),
        ("fd00::1", False),
        ("2001:db8::1", False),
        ("2606:4700::1", True),
        ("asterisk", False),
        ("", False),
    ],
)
def test_which_addresses_are_public(host: str, found: bool) -> None:
    assert is_public(host) is found


def test_clear_text_counts_clients_once() -> None:
    one = "@{0} src=11.22.33.{1}:5060 > REGISTER sip:h\nCall-ID: c{1}\nTo: <sip:u{1}@h>\nFrom: <sip:u{1}@h>;tag=t\n"
    asks = one + "< 401\n" + one.replace("@{0} ", "") + "Authorization: {{u x}}\n< 200\n"
    flow = "".join(asks.format(60 * turn + client, client + 1) for turn in range(3) for client in range(4))
    (finding,) = run(CLEAR, flow).findings
    assert finding.count == 4
    assert "4 clients" in finding.detail


def test_a_scan_of_a_silent_server_is_not_told() -> None:
    flow = "".join(
        f"@{turn} src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: c{turn}\n"
        f"To: <sip:{turn}@h>\nFrom: <sip:{turn}@h>;tag=t\n"
        for turn in range(100, 130)
    )
    assert subs(run(ENUM, flow, tail=60)) == []


def test_without_a_clock_nothing_is_said_of_paces() -> None:
    for name in (ENUM, FLOOD, HERD, SHORT):
        for example in rule_of(name).examples:
            items = list(read_flow(example.flow))
            for item in items:
                item.time = None
            assert analyze_items(items, rules=[rule_of(name)]).findings == []


def test_requests_alone_show_no_failures() -> None:
    for name in (ENUM, UNASKED, SHORT, BRUTE):
        for example in rule_of(name).examples:
            items = [
                item
                for item in read_flow(example.flow, tail=60)
                if isinstance(item, RawMessage) and not item.payload.startswith(b"SIP/2.0")
            ]
            assert analyze_items(items, rules=[rule_of(name)]).findings == []


def test_a_log_makes_them_less_sure() -> None:
    example = rule_of(ENUM).examples[0]
    assert [one.confidence.word for one in run(ENUM, example.flow, log=True).findings] == ["medium"]
    assert [one.confidence.word for one in run(ENUM, example.flow).findings] == ["high"]


def test_a_rule_about_all_that_crashes_is_told_and_ends_nothing() -> None:
    def check(subject: FleetSubject, context: object) -> None:
        raise RuntimeError("made up")

    from dataclasses import replace

    report = analyze_items(read_flow("> REGISTER sip:h\n< 200"), rules=[replace(rule_of(HERD), check=check)])  # type: ignore[arg-type]
    (finding,) = report.findings
    assert finding.rule == "internal"
    assert report.outcomes[HERD].failed == 1


@pytest.mark.parametrize("profile", ["rfc3261", "modern", "ims", "legacy2543"])
def test_every_profile_has_them(profile: str) -> None:
    example = rule_of(CLEAR).examples[0]
    assert len(run(CLEAR, example.flow, profile=profile).findings) == 1


def _transaction(number: int, host: str, time: int) -> Transaction:
    text = f"REGISTER sip:h SIP/2.0\r\nCall-ID: c\r\nCSeq: {number} REGISTER\r\n\r\n"
    raw = RawMessage(text.encode(), time, Frame("f", number), Endpoint(host, 5060), Endpoint("198.51.100.1", 5060))
    return Transaction(number, parse(raw), 0)


def _client(aor: str) -> Registration:
    first = _transaction(1, "203.0.113.1", START)
    return Registration(1, aor, Registrar(first.destination, "h"), Client("", "", "", "203.0.113.1", ""), first)


def test_requests_that_come_late_count_in_their_tick() -> None:
    ledger = FleetLedger()
    begin = START // TICK * TICK
    for number in range(40):
        late = begin + TICK - SECOND // 100 if number % 2 else begin + TICK + SECOND // 100
        ledger.opened(_transaction(number + 1, "203.0.113.1", late), _client("sip:bob@h"))
    ledger.close()
    assert [(one.tick, one.requests) for one in ledger.bursts] == [(begin // TICK, 20), (begin // TICK + 1, 20)]


def test_the_ledger_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "MOST_USERS", 10)
    monkeypatch.setattr(fleet, "MOST_BURSTS", 3)
    ledger = FleetLedger()
    for turn in range(20):
        for user in range(50):
            for _ in range(12):
                ledger.opened(_transaction(1, "203.0.113.1", START + turn * TICK), _client(f"sip:{user}@h"))
    ledger.close()
    assert len(ledger.bursts) == 3
    for host in range(20):
        ledger.restarted(_transaction(1, "203.0.113.1", START + host * TICK))
    assert len(ledger.restarts) == 3


def test_parts_add_up() -> None:
    parts = []
    for number in range(3):
        ledger = FleetLedger()
        for turn in range(15):
            ledger.opened(_transaction(number * 100 + turn + 1, "203.0.113.1", START), _client(f"sip:{number}@h"))
        ledger.restarted(_transaction(1, "203.0.113.1", START))
        ledger.answered_challenge(_transaction(9 - number, "8.8.8.8", START))
        parts.append(ledger)
    added = together(parts)
    assert [(one.aor, one.requests) for one in added.bursts] == [(f"sip:{number}@h", 15) for number in range(3)]
    assert list(added.restarts.values()) == [3]
    ((key, exposed),) = added.exposed.items()
    assert (key, exposed.clients, exposed.evidence.place[1]) == (("198.51.100.1", "UDP"), 3, 7)


def test_users_who_are_guessed_are_bounded() -> None:
    assert GuessLedger()._users.limit == 10_000


def test_other_ports_of_a_host_are_other_servers() -> None:
    first = (
        "src=203.0.113.1:5060 > REGISTER sip:h\nCall-ID: a\n< 401\nsrc=203.0.113.1:5060 > REGISTER sip:h\nCall-ID: a\n"
    )
    first += "Authorization: {bob x}\n< 200\n"
    other = "src=203.0.113.1:5060 dst=198.51.100.1:5070 > REGISTER sip:h\nCall-ID: b\nTo: <sip:eve@h>\n< 404\n"
    assert subs(run(UNASKED, first + other)) == []
    assert subs(run(UNASKED, first + other.replace("5070", "5060"))) == ["oracle", "unchallenged"]
