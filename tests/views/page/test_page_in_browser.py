"""Pages in a real browser: quiet, whole at every width, for mouse, keys and screen reader, inert where hostile."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.tools import require_tool
from tests.views.hostile_traffic import EVERYTHING, filled
from tests.views.page.browser import LAPTOP, PHONE, chromium, opened
from tests.views.page.pages import sample_page
from tests.views.page.test_hostile_page import ATTACKS, made

NAMES = ("wrong-password", "storm-restart", "asterisk-own-words", "clean-registration", "server-down", "two-registrars")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages on some samples, made before the browser has its event loop."""
    require_tool("chromium", __name__)
    folder = tmp_path_factory.mktemp("pages")
    made_of = {name: sample_page(folder, name) for name in NAMES}
    hostile = tmp_path_factory.mktemp("hostile")
    for name, text in {**ATTACKS, "everything": EVERYTHING}.items():
        made_of[name] = folder / f"{name}.html"
        made_of[name].write_text(made(hostile, "pcap", filled(text)), encoding="utf-8")
    return made_of


@pytest.fixture(scope="module")
def browser(pages: dict[str, Path]) -> Iterator[Browser]:
    with chromium(require_tool("chromium", __name__)) as running:
        yield running


def violations(page: Any) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_quiet_and_fits(browser: Browser, pages: dict[str, Path], name: str, size: dict[str, int]) -> None:
    with opened(browser, pages[name], viewport=size) as (page, heard):
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert heard.console == []
        assert [url for url in heard.requests if not url.startswith("data:")] == [pages[name].as_uri()]


@pytest.mark.parametrize(
    ("name", "scheme"),
    [*((name, "light") for name in NAMES), ("asterisk-own-words", "dark"), ("wrong-password", "dark")],
)
def test_a_page_is_accessible(browser: Browser, pages: dict[str, Path], name: str, scheme: str) -> None:
    with opened(browser, pages[name], color_scheme=scheme) as (page, _):
        assert violations(page) == []
        page.evaluate("[...document.querySelectorAll('.card')].slice(0, 3).forEach((one) => { one.open = true; })")
        page.evaluate(
            "[...document.querySelectorAll('.step details')].slice(0, 12).forEach((one) => { one.open = true; })"
        )
        assert violations(page) == []


def test_a_page_is_accessible_on_a_phone(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"], viewport=PHONE) as (page, _):
        assert violations(page) == []


def test_what_is_not_accessible_is_seen(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["clean-registration"]) as (page, _):
        page.evaluate("document.querySelector('main').insertAdjacentHTML('afterbegin', '<input>')")
        assert [line.partition(":")[0] for line in violations(page)] == ["label"]


def test_a_click_opens_a_message(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, _):
        step = page.locator(".card").first.locator(".step", has_text="REGISTER with credentials").first
        assert not step.locator(".lines").is_visible()
        step.locator("summary").click()
        assert "Authorization: Digest" in step.locator(".lines").inner_text()
        assert "••••••••" in step.locator(".digest").inner_text()
        assert step.locator(".row.about mark").first.is_visible()
        step.locator("summary").click()
        assert not step.locator(".lines").is_visible()


def test_keys_do_all_that_the_mouse_does(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator(".card").nth(1).locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert page.locator(".card").nth(1).evaluate("(card) => card.open")
        page.keyboard.press("Tab")  # the button that opens all
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator(".card").nth(1).locator(".lines").first.is_visible()


def test_one_button_opens_all_messages_of_a_client(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, _):
        card = page.locator(".card").first
        card.get_by_role("button", name="Open all messages").click()
        assert all(one.is_visible() for one in card.locator(".lines").all())
        card.get_by_role("button", name="Close all messages").click()
        assert not any(one.is_visible() for one in card.locator(".lines").all())


def test_a_link_opens_the_client_that_it_leads_to(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, _):
        link = page.locator(".kind .own").nth(1)
        card = page.locator(str(link.get_attribute("href")))
        assert not card.evaluate("(one) => one.open")
        for _ in range(2):  # closed again, the same link opens it again
            link.click()
            page.wait_for_function("(id) => document.querySelector(id).open", arg=link.get_attribute("href"))
            card.evaluate("(one) => { one.open = false; }")


def test_clients_are_searched_by_user_status_state_and_rule(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, heard):
        rows, told = page.locator("#rows tr"), page.locator("#told")
        assert rows.count() == 13
        page.fill("#words", "frank 403")
        expect(rows).to_have_count(2)
        assert told.inner_text() == "2 of 13 clients."
        page.fill("#words", "carol 200")  # that of an answer that the row does not name
        expect(rows).to_have_count(3)
        page.fill("#words", "")
        page.select_option("#state", label="ran out (1)")
        expect(rows).to_have_count(1)
        assert "bob@10.9.0.1" in rows.first.inner_text()
        page.select_option("#state", label="all")
        rule = next(one for one in page.locator("#rule option").all_inner_texts() if "R7616-digest-verify" in one)
        page.select_option("#rule", label=rule)
        expect(rows).to_have_count(2)
        assert all("frank" in text for text in rows.all_inner_texts())
        page.fill("#words", "nobody of this name")
        expect(rows).to_have_count(0)
        assert told.inner_text() == "0 of 13 clients."
        page.keyboard.press("Enter")  # submits nothing
        assert len([url for url in heard.requests if not url.startswith("data:")]) == 1


def test_a_long_list_comes_in_pieces(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["storm-restart"]) as (page, _):
        rows = page.locator("#rows tr")
        assert rows.count() == 25
        page.locator("#more").click()
        assert rows.count() == 125
        assert page.evaluate("document.activeElement.rowIndex") == 26
        page.locator("#more").click()
        assert rows.count() == 140
        assert not page.locator("#more").is_visible()


def test_without_javascript_all_but_the_search_is_there(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"], java_script_enabled=False) as (page, _):
        assert page.locator("h1").inner_text().startswith("13 clients: 1 registered, 2 refused")
        assert page.locator("#rows tr").count() == 13
        assert not page.locator("#search").is_visible()
        page.locator(".card").first.locator(".step summary").nth(2).click()
        assert page.locator(".card").first.locator(".lines").nth(2).is_visible()


def test_on_paper_there_is_nothing_to_click(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong-password"]) as (page, _):
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert not page.locator("#search").is_visible()
        assert page.locator("h1").is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


def glyphs_of_sheets(pdf: bytes) -> list[int]:
    """How much text each sheet of a PDF of Chromium has: the octets of its strings of glyphs."""
    streams = {
        int(number): zlib.decompress(octets)
        for number, octets in re.findall(
            rb"(\d+) 0 obj\n<<[^>]*/FlateDecode[^>]*>> stream\n(.*?)\nendstream", pdf, re.S
        )
    }
    sheets = re.findall(rb"/Type /Page\n.*?/Contents (\d+) 0 R", pdf, re.S)
    return [sum(map(len, re.findall(rb"<([0-9A-Fa-f]+)>", streams[int(number)]))) for number in sheets]


@pytest.mark.parametrize("name", NAMES)
def test_no_sheet_but_the_last_is_left_nearly_empty(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name]) as (page, _):
        filled_with = glyphs_of_sheets(page.pdf(format="A4"))
        assert len(filled_with) > 1
        assert min(filled_with[:-1]) > max(filled_with) / 4, filled_with


@pytest.mark.parametrize("name", [*ATTACKS, "everything"])
def test_hostile_text_is_shown_and_not_obeyed(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name], viewport=PHONE) as (page, heard):
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.fill("#words", "mk7")
        page.wait_for_timeout(200)
        assert heard.console == []
        assert heard.dialogs == []
        assert len([url for url in heard.requests if not url.startswith("data:")]) == 1
        assert page.evaluate("document.scripts.length") == 2
        assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, base').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert "Mk7" in page.locator("main").inner_text()


def test_the_policy_is_in_force(browser: Browser, pages: dict[str, Path]) -> None:
    """What no text of a source gets into a page, put there by hand: it does not run all the same."""
    with opened(browser, pages["wrong-password"]) as (page, heard):
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.owned = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", '<p onclick="window.owned = 2" id="bait">bait</p>');
            document.getElementById("bait").click();
            document.body.insertAdjacentHTML("beforeend", '<img src="http://192.0.2.1/x.png">');
        }""")
        page.wait_for_timeout(100)
        assert page.evaluate("window.owned") is None
        assert sum("Content Security Policy" in line for line in heard.console) >= 3
