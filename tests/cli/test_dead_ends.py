"""What cannot be used says what to do, in a form that scripts can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck as command
from analyzer.views.json_schema import SCHEMA
from tests.shared import ROOT

jsonschema: Any = pytest.importorskip("jsonschema")  # it has no stubs of its own

NOTICES = """\
[Jul  6 15:53:33] NOTICE[1] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '<sip:1002@pbx>' failed for \
'192.0.2.45:5060' (callid: x) - No matching endpoint found
[Jul  6 15:53:33] NOTICE[1] res_pjsip/pjsip_distributor.c: Request 'REGISTER' from '<sip:1002@pbx>' failed for \
'192.0.2.45:5060' (callid: x) - Failed to authenticate
[Jul  6 15:54:10] NOTICE[1] chan_sip.c: Registration from '<sip:104@pbx>' failed for '198.51.100.6:1' - Wrong password
[Jul  6 15:54:12] NOTICE[1] chan_sip.c: Registration from '<sip:104@pbx>' failed for '198.51.100.6:2' - Wrong password
"""


def sipcheck(*words: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    result = CliRunner().invoke(command, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def notices(tmp_path: Path) -> Path:
    path = tmp_path / "messages"
    path.write_text(NOTICES)
    return path


def test_a_report_is_no_capture_and_is_sent_to_no_command_that_cannot_read_it_either(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert sipcheck("report", ROOT / "samples" / "wrong-password" / "input.pcapng", "-o", page)[0] == 1
    code, _, err = sipcheck("pcap", page)
    assert code == 3 and "it looks like a page of the web (save the log or the capture that is shown in it)" in err
    assert "sipcheck log" not in err
    assert sipcheck("log", page)[0] == 3


def test_notices_are_a_result_and_no_sip(notices: Path) -> None:
    code, out, err = sipcheck("log", notices)
    assert code == 3
    assert err == (
        f"sipcheck: {notices}: no SIP message in 4 lines (what the server's notices say is on standard output)\n"
    )
    said = " ".join(out.replace(" · ", " ").split())
    assert "2 accounts were refused" in said
    assert "1002@pbx from 192.0.2.45:5060 once" in said
    assert '"No matching endpoint found". The server has no peer or endpoint of this name' in said
    assert "no password would have been right" in said
    assert "104@pbx from 198.51.100.6 (2 ports) twice" in said
    assert "`pjsip set logger on`" in said
    assert "`sip set debug on`" in said
    assert "no registration" not in said.lower()
    assert "nothing" not in said.replace("says nothing about it", "")


def test_notices_in_json(notices: Path) -> None:
    code, out, _ = sipcheck("log", "--format", "json", notices)
    assert code == 3
    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert report["summary"]["messages"] == 0
    assert [(one["cause"], one["account"], one["host"], one["count"]) for one in report["notices"]] == [
        ("unknown-account", "1002@pbx", "192.0.2.45", 1),
        ("failed-unknown", "1002@pbx", "192.0.2.45", 1),
        ("wrong-password", "104@pbx", "198.51.100.6", 2),
    ]
    assert report["notices"][2]["first"]["line"] == 3
    assert report["notices"][2]["last"]["line"] == 4


def test_notices_in_lines_of_json(notices: Path) -> None:
    code, out, _ = sipcheck("log", "--format", "ndjson", notices)
    kinds = [json.loads(line)["kind"] for line in out.splitlines()]
    assert (code, kinds.count("notice")) == (3, 3)


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    name = "\x1b]0;x\x07\u202e<script>"
    path.write_text(
        f"[Jul  6 15:54:10] NOTICE[1] chan_sip.c: Registration from '{name}' failed for '192.0.2.1' - a\x1b[2J"
    )
    code, out, err = sipcheck("log", path)
    assert code == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
    assert "\\x1b]0;x\\x07\\u202e<script>" in out


def test_a_log_without_notices_says_how_to_switch_the_trace_on(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_text("[Jul  6 15:54:10] VERBOSE[1] pbx.c: Executing [1@a:1] Answer() in new stack\n")
    code, out, err = sipcheck("log", path)
    assert (code, out) == (3, "")
    assert err.startswith(f"sipcheck: {path}: no SIP message in 1 line (switch the SIP trace on in Asterisk's console")
    assert err.count("\n") == 1


def test_commands_that_show_no_notices_say_it_in_one_line(notices: Path, tmp_path: Path) -> None:
    for words in (("storm", notices), ("export", notices, "--to", "ndjson", "-o", tmp_path / "out")):
        code, out, err = sipcheck(*words)
        assert (code, out) == (3, "")
        assert "`pjsip set logger on`" in err
        assert err.count("\n") == 1


def test_a_log_of_notices_beside_one_with_messages(notices: Path) -> None:
    sample = ROOT / "samples" / "asterisk-first-registration" / "input.txt"
    code, out, err = sipcheck("log", notices, sample)
    assert (code, err) == (0, "")
    assert "messages: No SIP message is in this log" in out
    assert "1 client" in out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A capture and a text."""
    place = tmp_path / "captures"
    place.mkdir()
    (place / "a.pcap").write_bytes((ROOT / "samples" / "clean-registration" / "input.pcap").read_bytes())
    (place / "notes.txt").write_text("Dear diary,\n" * 50)
    return place


def test_a_directory_says_what_was_taken(folder: Path) -> None:
    code, out, err = sipcheck("pcap", folder)
    assert (code, err) == (0, "")
    said = "".join(out.split())  # a long path is broken anywhere
    assert "".join(f"1 file of {folder} was read; left out: notes.txt (text).".split()) in said
    code, out, _ = sipcheck("pcap", folder, "--format", "json")
    assert json.loads(out)["summary"]["notes"] == [f"1 file of {folder} was read; left out: notes.txt (text)"]


@pytest.mark.parametrize("words", [("storm",), ("export", "--to", "pcap"), ("export", "--to", "ndjson")])
def test_commands_without_notes_say_it_on_standard_error(words: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    more = ("-o", tmp_path / "out") if "export" in words else ()
    code, _, err = sipcheck(*words, folder, *more)
    assert code == 0
    assert err.splitlines()[0] == f"sipcheck: 1 file of {folder} was read; left out: notes.txt (text)"


@pytest.mark.parametrize("words", [("log",), ("pcap",), ("verify-digest", "--password=x"), ("storm",)])
def test_an_empty_directory_is_one_clear_line(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    code, out, err = sipcheck(*words, tmp_path / "none")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1] == f"sipcheck: {tmp_path / 'none'}: is an empty directory"
