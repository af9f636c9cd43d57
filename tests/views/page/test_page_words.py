"""What a page says: the words of the table, who is in trouble and since when, what was left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer.evidence import Frame, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.views.page.plain import MEANING
from analyzer.views.states import STATES
from tests.cli.test_cli import run
from tests.register.traffic import answer, request
from tests.views.page.pages import SAMPLES, analyzed, assert_inert, drawn, page_of, sample_page, shown_of, words_of
from tests.views.reports import LOGIN, user

SHOWN = ("wrong-password", "storm-restart", "asterisk-own-words", "clean-registration", "server-down", "flow-text-rfc")


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir() if (path / "README.md").exists()))
def test_every_sample_makes_a_page(tmp_path: Path, name: str) -> None:
    if name == "tls-registration":
        pytest.skip("it holds no SIP that can be read without its keys")
    page = sample_page(tmp_path, name).read_text(encoding="utf-8")
    assert_inert(page)
    assert len(page) < 2_500_000


@pytest.mark.parametrize("name", SHOWN)
def test_the_verdict_is_the_tables(tmp_path: Path, name: str) -> None:
    source = next((SAMPLES / name).glob("input.*"))
    table = run("log" if source.suffix in (".log", ".txt") else "pcap", str(source)).stdout
    words = words_of(sample_page(tmp_path, name).read_text(encoding="utf-8"))
    verdict = next(line for line in table.splitlines() if re.match(r"\d+ clients?( in \d+ flows)?[:,]", line))
    assert verdict.partition(". ")[0].rstrip(".") in words
    for since in re.findall(r"Trouble since [\d:]+\.", table):
        assert since in words


def test_the_page_tells_what_is_broken_for_whom_and_how_to_mend_it(tmp_path: Path) -> None:
    words = words_of(sample_page(tmp_path, "wrong-password").read_text(encoding="utf-8"))
    for said in (
        "The phone asks to be registered, and the server says no.",
        "frank@lab.invalid",
        "403 since 11:53:46, 3 tries",
        "the response does not match the password given",
        "Fix: enter the same password at the phone and at the registrar.",
        "bob@10.9.0.1",
        "not renewed, gone at 11:54:08",
        "37 responses checked: 33 right, 4 wrong.",
    ):
        assert said in words


def test_what_mends_the_cause_that_the_log_tells_stands_with_the_trouble(tmp_path: Path) -> None:
    words = words_of(sample_page(tmp_path, "asterisk-own-words").read_text(encoding="utf-8"))
    broken = words.partition("What the log itself says")[0]
    assert (
        "(line 492) lab/1 at 127.0.0.1:5102 Fix: set remove_existing=yes at the AOR, or raise max_contacts." in broken
    )
    assert "Fix: enter the same password at the phone and at the registrar." in broken  # a finding comes first
    assert broken.count("Fix:") >= 5


def test_a_storm_stands_at_the_top(tmp_path: Path) -> None:
    words = words_of(sample_page(tmp_path, "storm-restart").read_text(encoding="utf-8"))
    assert "Storm: Everybody registered again at once after a restart." in words
    assert "From 14:35:23 to 14:35:37; at most 68 requests in a second, at 14:35:34." in words
    assert "At worst 100 users had no registration that works." in words
    assert "The picture goes by what the server had said before: in the storm up to 100 users asked it in vain" in words
    assert "let phones wait a random time after a failure" in words.lower()


def test_of_a_storm_that_left_everybody_registered_no_loss_is_told(tmp_path: Path) -> None:
    words = words_of(sample_page(tmp_path, "storm-scan").read_text(encoding="utf-8"))
    assert "Storm: Somebody is trying names or passwords. From 14:33:27 to 14:33:37; at most 96 requests" in words
    assert "no registration that works" not in words
    assert "asked it in vain" not in words


def test_who_was_refused_did_not_ask_a_silent_server(tmp_path: Path) -> None:
    words = words_of(sample_page(tmp_path, "storm-auth-loop").read_text(encoding="utf-8"))
    assert "At worst 51 users had no registration that works." in words
    assert "asked it in vain" not in words


TOLD = {
    "wrong-password": ("Trouble since 11:53:43.", "frank@10.9.0.1", "the response does not match the password given"),
    "server-down": ("Trouble since 12:00:38.", "dave@127.0.0.1", "the network says: port unreachable"),
    "asterisk-own-words": ("Trouble since 00:42:13.", "nobody@lab.invalid", "the server has no peer or endpoint"),
    "storm-auth-loop": ("Trouble since 14:30:27.", "u000@lab.invalid and 49 more", "its credentials were refused"),
    "storm-restart": ("From 14:35:23 to 14:35:37", "100 users", "Everybody registered again at once after a restart."),
    "storm-scan": ("Trouble since 14:33:27.", "1000@lab.invalid and 399 more", "Somebody looks for users"),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_top_of_a_page_tells_what_is_broken_for_whom_and_since_when(tmp_path: Path, name: str) -> None:
    """Before the reader meets a header or a clause: in the verdict, in what is broken, in the finding's own words."""
    page = sample_page(tmp_path, name).read_text(encoding="utf-8")
    top = words_of(page).partition("All clients State")[0]
    for said in TOLD[name]:
        assert said in top
    assert "Fix:" in top or "Let phones wait a random time" in top


def test_calm_traffic_is_no_storm(tmp_path: Path) -> None:
    assert "Storm:" not in words_of(sample_page(tmp_path, "storm-none").read_text(encoding="utf-8"))


def test_every_state_has_its_meaning() -> None:
    assert list(MEANING) == sorted(MEANING, key=list(MEANING).index)
    assert set(MEANING) == {state.word for state in STATES}


def test_the_offending_octets_are_marked() -> None:
    page = page_of("> REGISTER sip:bob@example.com\n< 200", rules=None)
    assert "<mark>sip:bob@example.com</mark>" in page


def test_a_digest_is_shown_with_its_secret_masked() -> None:
    secrets = Secrets.of({"bob": "other-Secret-9"})
    page = page_of(LOGIN % 403, rules=all_rules(), secrets=secrets)
    words = words_of(page)
    assert "MD5(bob:example.com:••••••••)" in words
    assert "MD5(REGISTER:sip:example.com)" in words
    assert "does not match the password given" in words
    assert "other-Secret-9" not in page
    assert re.search(r'response="<mark>[0-9a-f]{32}</mark>"', page.replace("&#34;", '"'))


def test_what_is_not_shown_is_said() -> None:
    flow = "\n".join(user(f"u{number}") for number in range(60))
    words = words_of(page_of(flow))
    assert "The messages of 2 of 60 clients are shown" in words


def test_few_clients_are_all_shown() -> None:
    page = page_of("\n".join(user(f"u{number}") for number in range(30)))
    assert page.count('class="card"') == 30


def test_troubled_clients_come_before_healthy_ones() -> None:
    many = "\n".join(user(f"u{number}", 403 if number >= 95 else 200) for number in range(100))
    page = page_of(many)
    cards = re.findall(r'<details class="card".*?</h3>', page, re.DOTALL)
    assert len(cards) >= 5
    assert all("refused" in card for card in cards[:5])
    assert "refused" not in cards[5]


def chatty(registers: int) -> list[RawMessage]:
    """One client that says so much."""
    items = []
    for number in range(registers):
        branch, cseq = f"z9hG4bK{number}", number + 1
        items.append(request(number * 10.0, branch=branch, cseq=cseq))
        items.append(answer(number * 10.0 + 0.1, branch=branch, cseq=cseq))
    for number, item in enumerate(items):
        item.place = Frame("flow", number + 1)
    return items


def test_a_client_with_very_many_messages_is_cut_and_says_so() -> None:
    items = chatty(400)
    words = words_of(drawn(shown_of(analyzed(items), items)))
    assert "800 messages" in words
    assert "500 messages of this client not shown here" in words


def test_ten_times_as_many_messages_of_a_client_make_no_larger_page() -> None:
    few, many = (chatty(registers) for registers in (400, 4000))
    small, large = (drawn(shown_of(analyzed(items), items)) for items in (few, many))
    assert "8,000 messages" in words_of(large)
    assert len(large) < 1.05 * len(small)  # numbers have more digits, and the timeline more steps


def test_a_source_without_clock_has_no_timeline() -> None:
    items = [item for item in read_flow("> REGISTER sip:example.com\n< 200") if isinstance(item, RawMessage)]
    for item in items:
        item.time = None
    words = words_of(drawn(shown_of(analyzed(items), items)))
    assert "no clock" in words
    assert "Who could be called" not in words
    assert "1 client, registered." in words


def test_messages_that_are_gone_are_counted() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n< 200"))
    words = words_of(drawn(shown_of(analyzed(items), items[:1])))
    assert "1 message could not be read a second time" in words


def test_nothing_at_all_is_a_page_too() -> None:
    items = list(read_flow("> OPTIONS sip:example.com\n< 200"))
    page = drawn(shown_of(analyzed(items), items))
    assert_inert(page)
    assert "No registration: no REGISTER was seen (but 1 OPTIONS)." in words_of(page)
