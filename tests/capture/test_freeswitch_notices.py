"""What FreeSWITCH's log says of registrations in words of its own, alone and beside a trace of SIP."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture.dialects import freeswitch
from analyzer.capture.freeswitch.notices import is_in, read_notice
from analyzer.capture.freeswitch.wordings import CAUSES
from analyzer.cli import sipcheck
from analyzer.evidence import RawMessage, Source

AT = b"2026-11-18 11:06:40.203456 99.40% [WARNING] sofia_reg.c:3210 "
FAILURE = b"SIP auth failure (REGISTER) on sofia profile 'internal' for [1001@pbx.example.com] from ip 192.0.2.10"
UNKNOWN = b"Can't find user [1001@pbx.example.com] from 192.0.2.10"
CASES = [
    (FAILURE, "failed", "1001@pbx.example.com", "192.0.2.10", 0),
    (FAILURE.replace(b"'internal'", b"internal"), "failed", "1001@pbx.example.com", "192.0.2.10", 0),
    (FAILURE.replace(b"failure", b"challenge"), "challenged", "1001@pbx.example.com", "192.0.2.10", 0),
    (FAILURE.replace(b"192.0.2.10", b"2001:db8::7"), "failed", "1001@pbx.example.com", "2001:db8::7", 0),
    (UNKNOWN, "unknown-account", "1001@pbx.example.com", "192.0.2.10", 0),
    (UNKNOWN.replace(b" from 192.0.2.10", b"").lower(), "unknown-account", "1001@pbx.example.com", "", 0),
    (b'IP 192.0.2.9 Rejected by register acl "domains"', "acl", "", "192.0.2.9", 0),
    (b"tel Failed Registration [403], setting retry to 30 seconds.", "gateway-failed", "tel", "", 403),
    (b"tel Failed Registration, setting retry to 30 seconds.", "gateway-failed", "tel", "", 0),
    (b"tel Registration Failed with status Forbidden [403]. failure #1", "gateway-failed", "tel", "", 403),
    (
        b"Cannot locate any authentication credentials to complete an authentication request for realm '\"tel\"'",
        "no-credentials",
        "",
        "",
        0,
    ),
]


@pytest.mark.parametrize(("text", "cause", "account", "host", "status"), CASES)
def test_each_wording(text: bytes, cause: str, account: str, host: str, status: int) -> None:
    found = read_notice(text)
    assert found is not None
    notice = found.notice
    assert (notice.cause, notice.account, notice.host, notice.status) == (cause, account, host, status)
    assert notice.meaning == CAUSES[cause].meaning


def test_every_cause_has_a_wording() -> None:
    assert {case[1] for case in CASES} == set(CAUSES)


def read(log: bytes) -> tuple[list[RawMessage], Source]:
    source = Source("fs.log", kind="log")
    items = [item for item in freeswitch.read(io.BytesIO(log), source) if isinstance(item, RawMessage)]
    return items, source


def told(source: Source) -> list[tuple[str, str, int, int, int]]:
    return [(one.cause, one.account, one.count, one.first_line, one.last_line) for one in source.notices]


@pytest.mark.parametrize(
    "prefix",
    [AT, b"[WARNING] sofia_reg.c:1 ", b"0a1b2c3d-0000-4000-8000-0123456789ab " + AT, b"fs  | " + AT, b"\x1b[35m" + AT],
)
def test_prefixes(prefix: bytes) -> None:
    _, source = read(prefix + UNKNOWN + b"\nYou must define a domain\n")
    assert told(source) == [("unknown-account", "1001@pbx.example.com", 1, 1, 1)]


def test_an_unknown_user_explains_the_failure_beside_it() -> None:
    log = b"\n".join([AT + UNKNOWN, b"You must define a domain called 'pbx.example.com'", AT + FAILURE, AT + FAILURE])
    _, source = read(log)
    assert told(source) == [
        ("unknown-account", "1001@pbx.example.com", 1, 1, 1),
        ("failed-unknown", "1001@pbx.example.com", 2, 3, 4),
    ]
    assert source.title == "FreeSWITCH log" and source.hint.startswith("let it log the messages")
    assert source.first == source.last == source.notices[0].first is not None


def test_beside_a_trace_both_are_read() -> None:
    log = freeswitch.EXAMPLE + AT + FAILURE + b"\n"
    items, source = read(log)
    assert [item.payload[:8] for item in items] == [b"REGISTER", b"SIP/2.0 "]
    assert [one.cause for one in source.notices] == ["failed"]
    assert source.title != "FreeSWITCH log"


def test_the_same_in_pieces() -> None:
    log = (AT + UNKNOWN + b"\n") * 3 + AT + FAILURE
    whole = told(read(log)[1])

    class Dripping(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            del size
            return super().read(7)

    source = Source("fs.log", kind="log")
    assert list(freeswitch.read(Dripping(log), source)) == []
    assert told(source) == whole


@pytest.mark.parametrize(
    "line",
    [
        UNKNOWN,  # without the prefix of FreeSWITCH it may be anybody's text
        AT.replace(b"sofia_reg.c", b"mod_dptools.c") + UNKNOWN,
        AT + b"SIP auth failure (REGISTER) on sofia profile 'internal' for nobody",
        AT + b"x" * 5000,
    ],
)
def test_other_lines_are_none(line: bytes) -> None:
    assert not is_in(line)
    assert read(line + b"\n")[1].notices == []


def test_a_name_that_holds_a_notice_gives_no_address() -> None:
    forged = b"Can't find user [x] from 203.0.113.9' failed for 'y' failed for '] from 192.0.2.10"
    found = read_notice(forged)
    assert found is not None
    assert found.notice.host == ""


def test_the_command(tmp_path: Path) -> None:
    log = tmp_path / "fs.log"
    log.write_bytes(AT + UNKNOWN + b"\n" + AT + FAILURE + b"\n")
    done = CliRunner(env={"COLUMNS": "120"}).invoke(sipcheck, ["log", str(log)])
    text = " ".join(done.output.split())
    assert done.exit_code == 3
    for words in ("1 account was refused", "says nothing about the password", "sofia global siptrace on"):
        assert words in text
    assert "enter the same password" not in text
