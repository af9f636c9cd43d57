"""A headless Chromium for tests of pages, and all that it had to say about one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, LAPTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 900}


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """The browser at `path`; while it runs, this thread has an event loop, so it must not outlive a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Heard:
    """What a page said, and what it asked for."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, path: Path, **options: Any) -> Iterator[tuple[Page, Heard]]:
    """A page in a window of its own."""
    context = browser.new_context(**({"viewport": LAPTOP} | options))
    heard = Heard()
    page = context.new_page()
    page.on("console", lambda message: heard.console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.console.append(f"error: {error}"))
    page.on("request", lambda request: heard.requests.append(request.url))

    def dismiss(dialog: Any) -> None:
        heard.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    try:
        page.goto(path.as_uri())
        yield page, heard
    finally:
        context.close()
