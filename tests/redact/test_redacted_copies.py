"""Logs that were copied, cut or broken give the same findings when they are redacted, once and twice."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from analyzer.redact.sameness import differences
from analyzer.run.pipeline import analyze
from tests.redact.redacted import redacted
from tests.shared import ROOT, shared

NAMES = (
    "asterisk-console-few-stamps", "asterisk-first-registration", "pjsip-log", "text-kamailio-sipdump", "text-ngrep",
    "text-wireshark", "text-sipp", "text-jssip",
)  # fmt: skip
"""Samples of which each is read otherwise, or shows more when its lines are damaged."""
FLOWS = "flow-text-rfc", "flow-text-slides"


def folded(text: str, width: int) -> str:
    return "\n".join(line[at : at + width] for line in text.split("\n") for at in range(0, max(len(line), 1), width))


WAYS: dict[str, Callable[[str], str]] = {
    "quoted": lambda text: "\n".join(f"> {line}" for line in text.split("\n")),
    "escaped": lambda text: html.escape(text, quote=False),
    "syslog": lambda text: "\n".join(f"Nov 20 11:53:43 pbx prog[12]: {line}" for line in text.split("\n")),
    "wrapped": lambda text: folded(text, 72),
    "indented": lambda text: "\n".join(f"    {line}" for line in text.replace("\r", "").split("\n")),
    "ended": lambda text: text[: len(text) * 3 // 5],
    "narrow": lambda text: "\n".join(line[:60] for line in text.split("\n")),
    "gaps": lambda text: "\n".join(line for at, line in enumerate(text.split("\n")) if at % 37 not in (30, 31, 32)),
}


def assert_stays(path: Path, folder: Path) -> None:
    """Redacted once, and what came of it again."""
    before = analyze(path)
    one, two = folder / "one", folder / "two"
    redacted(path, one)
    assert differences(before, analyze(one)) == []
    redacted(one, two, key=b"another key of thirty-two octets")
    assert differences(before, analyze(two)) == []


def sample(name: str) -> Path:
    return next((ROOT / "samples" / name).glob("input.*"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_log_gives_the_same_findings(name: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(WAYS[way](sample(name).read_bytes().decode("latin-1")).encode("latin-1"))
    assert_stays(path, tmp_path)


@pytest.mark.parametrize("way", ["quoted", "ended", "gaps"])
@pytest.mark.parametrize("name", FLOWS)
def test_a_damaged_document_gives_the_same_findings(name: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "flows.txt"
    path.write_bytes(WAYS[way](sample(name).read_bytes().decode("latin-1")).encode("latin-1"))
    assert_stays(path, tmp_path)


def transports(path: Path) -> list[str]:
    with open_sources([path]) as reading:
        return [item.transport for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("name", ["text-jssip", "text-sipjs", "text-linphone", "text-announced", "text-opensips"])
def test_the_transports_of_a_log_stay(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    redacted(sample(name), out)
    assert transports(out) == transports(sample(name))


def test_ipv6_without_brackets_is_redacted_twice(tmp_path: Path) -> None:
    assert_stays(sample("ipv6"), tmp_path)


def test_what_is_cut_in_the_output_of_sipgrep_stays_cut(tmp_path: Path) -> None:
    assert_stays(shared("texts", "sipgrep.txt"), tmp_path)


@pytest.mark.parametrize("name", ["console-remote-colour.ansi", "console-remote-nocolour.txt"])
def test_a_console_without_stamps(name: str, tmp_path: Path) -> None:
    assert_stays(shared("captures", "lab", "5-v-cseq-not-incremented", "asterisk-chan_sip", name), tmp_path)
