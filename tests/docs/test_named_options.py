"""Commands and options that the prose of a page names are there: what is not pasted is not run, and is held to this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scripts.manual import whole_group
from tests.docs.test_page_links import PAGES
from tests.shared import ROOT

OTHERS = {
    *("--no-dashboard", "--nthreads", "--local-directory", "--memory-limit"),  # Dask's
    *("--large", "--part"),  # of `python -m benchmarks`
    *("--log-level", "--app-log-level"),  # pjsua's
    *("--help", "--version"),  # of every command
}
"""Options of other programs that pages name."""
NAMED = [page for page in PAGES if "samples" not in page.parts and page.name != "CHANGELOG.md"]
_SPAN = re.compile(r"`([^`\n]+)`")
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def options_of(command: click.Command) -> set[str]:
    return {name for one in command.params for text in (*one.opts, *one.secondary_opts) for name in text.split("/")}


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))


COMMANDS = dict(commands(whole_group()))
ALL = {option for command in COMMANDS.values() for option in options_of(command)} | OTHERS


def spans(text: str) -> list[str]:
    """What stands in backquotes, beside the blocks."""
    return _SPAN.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def faults(span: str) -> list[str]:
    """What a span names that is not there."""
    words = span.replace("\\|", "|").split()
    if words[0] != "sipcheck" or len(words) == 1:
        return [option for option in _OPTION.findall(span) if option not in ALL]
    if words[1].startswith("-"):
        return [word for word in words[1:2] if word not in ("--help", "--version")]
    if not re.fullmatch(r"[a-z|-]+", words[1]):
        return []  # `sipcheck COMMAND --help`, what a comment begins with
    several = [one for one in words[1].split("|") if (one,) not in COMMANDS]
    name = tuple(words[1:3]) if len(words) > 2 and tuple(words[1:3]) in COMMANDS else (words[1].split("|")[0],)
    known = options_of(COMMANDS[name]) | {"--help"} if name in COMMANDS else ALL
    return several + [option for option in _OPTION.findall(span) if option not in known]


@pytest.mark.parametrize("page", NAMED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_is_there(page: Path) -> None:
    wrong = {span: found for span in spans(page.read_text(encoding="utf-8")) if (found := faults(span))}
    assert wrong == {}


def test_what_is_not_there_is_found() -> None:
    assert faults("sipcheck pcap FILE --nothing") == ["--nothing"]
    assert faults("sipcheck nothing FILE") == ["nothing"]
    assert faults("--nothing") == ["--nothing"]
    assert faults("sipcheck replay registrar FILE --min-expires 3") == faults("sipcheck log --follow FILE") == []
    assert faults("sipcheck replay registrar --follow") == ["--follow"]
    assert faults("sipcheck --version") == faults("sipcheck COMMAND --help") == []
