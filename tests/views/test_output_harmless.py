"""Whatever a sender writes, wherever: each octet that leaves the program is one of those allowed here.

The whole command runs, on captures and on logs, in every view. Allowed on a terminal: printable characters that stay
where they are, line feeds, and in the coloured table the colours. JSON is ASCII, and so are its decoded strings
printable: whoever prints a value with `jq -r` is as safe as the reader of the table.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.cli import sipcheck
from analyzer.judge.tally import Tally
from analyzer.views import ViewOptions, load_view, view_names
from analyzer.views.formats.csv import COLUMNS
from tests.shared import ROOT
from tests.views.hostile_traffic import EVERYTHING, MARK, PLACES, TEXTS, capture, filled, log, shuffled
from tests.views.test_table_hostile import hostile_report

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FORBIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
KINDS: dict[str, Callable[[dict[str, str]], bytes]] = {"pcap": capture, "log": log}
VIEWS = {
    "table": ("--format", "table", "--all"),
    "colours": ("--format", "table", "--color", "always"),
    "json": ("--format", "json"),
    "ndjson": ("--format", "ndjson"),
    "csv": ("--format", "csv"),
    "junit": ("--format", "junit"),
    "sarif": ("--format", "sarif"),
}
ANYTHING = st.text(st.characters(codec=None), max_size=40)


def run(command: str, *arguments: str) -> Result:
    """Run the command in this process; its streams are octets in UTF-8."""
    return CliRunner().invoke(sipcheck, [command, *arguments], color=True)  # as on a terminal: click strips nothing


def assert_harmless(octets: bytes, *, colours: bool = False) -> None:
    text = octets.decode("utf-8")
    text = COLOURS.sub("", text) if colours else text
    bad = [character for character in text if unicodedata.category(character) in FORBIDDEN and character != "\n"]
    assert not bad, f"{bad!r} in {text!r}"


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    for inner in value.items() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from strings(inner)


def assert_json_is_harmless(octets: bytes, view: str) -> None:
    assert octets.isascii()
    text = octets.decode("ascii")
    for value in [json.loads(text)] if view == "json" else map(json.loads, text.splitlines()):
        for string in strings(value):
            assert_harmless(string.replace("\n", "\x00").encode("utf-8", "surrogatepass"))


def assert_values_are_harmless(octets: bytes, view: str) -> None:
    """What a reader of the format gets out of it is as harmless as the file."""
    if view in ("json", "ndjson"):
        assert_json_is_harmless(octets, view)
    elif view == "sarif":
        assert octets.isascii()
        (run,) = json.loads(octets)["runs"]
        run["tool"]["driver"]["rules"] = [
            {"id": rule["id"]} for rule in run["tool"]["driver"]["rules"]
        ]  # texts of ours
        assert_json_is_harmless(json.dumps(run).encode(), "json")
    elif view == "junit":
        assert octets.isascii()
        for element in ElementTree.fromstring(octets).iter():
            assert_harmless("".join([element.text or "", *element.attrib.values()]).encode("utf-8", "surrogatepass"))
    elif view == "csv":
        for row in csv.reader(io.StringIO(octets.decode("utf-8"))):
            assert len(row) == len(COLUMNS)
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


def hold(folder: Path, places: dict[str, str], *credentials: str) -> dict[str, str]:
    """Run every view on the capture and on the log, hold all output to the list, and give it: `pcap json` -> text."""
    said = {}
    for command, write in KINDS.items():
        path = folder / f"traffic.{command}"
        path.write_bytes(write(places))
        for view, options in VIEWS.items():
            result = run(command, str(path), *options, *credentials)
            assert result.exit_code in (0, 1, 3), result
            assert_harmless(result.stdout_bytes, colours=view == "colours")
            assert_harmless(result.stderr_bytes)
            if result.stdout_bytes:
                assert_values_are_harmless(result.stdout_bytes, view)
            said[f"{command} {view}"] = result.stdout
    return said


def test_every_view_is_looked_at() -> None:
    assert {options[1] for options in VIEWS.values()} == set(view_names())


@pytest.mark.parametrize("name", TEXTS)
def test_one_text_in_every_place(tmp_path: Path, name: str) -> None:
    hold(tmp_path, filled(TEXTS[name]))


SHOWN = {
    "method", "uri", "branch", "user", "domain", "call_id", "contact", "agent",
    "reason", "realm", "nonce", "qop", "username",
}  # fmt: skip
"""Places that a view shows; the others are read and held, and not printed today."""


@pytest.mark.parametrize("place", PLACES)
def test_every_text_in_one_place(tmp_path: Path, place: str) -> None:
    said = hold(tmp_path, filled(EVERYTHING, place))
    shown = {view for view, text in said.items() if MARK.lower() in text.lower()}
    views = {f"{command} {view}" for command in KINDS for view in ("json", "ndjson")}
    if place == "method":  # on the wire it is no SIP any more: a Method is a token (RFC 3261 7.1)
        views = {"log json", "log ndjson"}
    assert (place not in SHOWN) or views <= shown


@pytest.mark.parametrize("seed", range(12))
def test_texts_at_random(tmp_path: Path, seed: int) -> None:
    hold(tmp_path, shuffled(seed))


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(PLACES), ANYTHING, max_size=6))
def test_any_text_anywhere(tmp_path_factory: pytest.TempPathFactory, places: dict[str, str]) -> None:
    safe = {place: text.encode("utf-8", "replace").decode() for place, text in places.items()}
    hold(tmp_path_factory.mktemp("any"), safe)


@pytest.mark.parametrize("view", ["json", "ndjson", "csv", "junit", "sarif"])
@settings(max_examples=30)
@given(st.lists(ANYTHING, min_size=1, max_size=4))
def test_every_text_of_a_report_is_written_out(view: str, texts: list[str]) -> None:
    report = hostile_report([*texts, EVERYTHING])
    report.outcomes[texts[-1]] = Tally(not_judged={texts[0]: 1})
    report.summary.methods[texts[0]] = 1
    out = io.StringIO()
    load_view(view)(report, out, ViewOptions())
    octets = out.getvalue().encode()
    assert_harmless(octets)
    assert_values_are_harmless(octets, view)


@pytest.mark.parametrize("name", TEXTS)
def test_the_words_of_a_credentials_file(tmp_path: Path, name: str) -> None:
    text = TEXTS[name].replace("\0", "")
    users = tmp_path / "users.csv"
    row = f'username,realm,password\n"bob{text}",,secret\nbob,"lab{text}",other\n'
    users.write_bytes(row.encode("utf-8", "surrogateescape"))
    path = tmp_path / "traffic.pcap"
    path.write_bytes(capture(filled(text, "username", "realm")))
    for options in VIEWS.values():
        result = run("verify-digest", str(path), *options, "--credentials", str(users))
        assert_harmless(result.stdout_bytes, colours="always" in options)
        assert_harmless(result.stderr_bytes)
    users.write_bytes(b"\0" + row.encode("utf-8", "surrogateescape"))
    assert_harmless(run("pcap", str(path), "--credentials", str(users)).stderr_bytes)


def named(folder: Path, text: str, octets: bytes) -> str:
    """A file whose name is hostile."""
    name = text.replace("/", "").replace("\0", "").encode("utf-8", "surrogateescape")[:80] + b"\n.x"
    path = os.path.join(os.fsencode(folder), name)
    Path(os.fsdecode(path)).write_bytes(octets)
    return os.fsdecode(path)


@pytest.mark.parametrize("name", TEXTS)
def test_names_of_files(tmp_path: Path, name: str) -> None:
    first = named(tmp_path, TEXTS[name], capture({}))
    second = named(tmp_path, "2" + TEXTS[name], capture({"user": "x"}))
    empty = named(tmp_path, "3" + TEXTS[name], b"")
    users = named(tmp_path, "4" + TEXTS[name], b"\0\1nothing of the kind")
    printed = named(tmp_path, "5" + TEXTS[name], log({}))
    aor = ["--aor", f"sip:{TEXTS[name]}@x"]
    for view, options in VIEWS.items():
        for words in (["pcap", first], ["pcap", first, second], ["pcap", first, second, *aor], ["log", printed]):
            result = run(*words, *options)
            assert result.exit_code in (0, 1)
            assert_harmless(result.stdout_bytes, colours=view == "colours")
            assert_values_are_harmless(result.stdout_bytes, view)
    for wrong in ([empty], [first + "-absent"], [first, "--credentials", users], [first, "--password-file", empty]):
        result = run("pcap", *wrong)
        assert result.exit_code in (2, 3)
        assert_harmless(result.stderr_bytes)
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "no-such-{}"),
        ("log", "x", "--select", "no-such-{}x"),
        ("log", "x", "--ignore", "no-such-{}x"),
        ("log", "x", "--select", "R3261-10.2-callid:{}x"),
        ("log", "x", "--config", "no-such-{}x"),
        ("log", "x", "--baseline", "no-such-{}x"),
        ("log", "x", "--dialect", "{}"),
        ("log", "x", "--format", "{}"),
        ("log", "x", "--{}"),
        ("log", "x", "-{}"),
        ("{}",),
        ("rules", "{}"),
        ("rules", "--format={}"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", TEXTS)
def test_arguments_in_usage_errors(name: str, arguments: tuple[str, ...]) -> None:
    text = TEXTS[name].replace("\0", "")
    result = run(*(argument.format(text) for argument in arguments))
    assert result.exit_code == 2, result.stderr
    assert_harmless(result.stderr_bytes)
    assert_harmless(result.stdout_bytes)


def on_a_terminal(environment: dict[str, str], *arguments: str) -> bytes:
    """What a terminal gets on both streams: the master end of a pseudo-terminal that the command writes to."""
    ours, theirs = pty.openpty()
    try:
        known = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "90"} | environment
        command = [sys.executable, "-m", "analyzer", *arguments]
        with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=known) as running:
            os.close(theirs)
            said = b"".join(_until_closed(ours))
        assert running.returncode in (0, 1, 2), said
        return said
    finally:
        os.close(ours)


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            octets = os.read(terminal, 65536)
        except OSError:  # Linux says EIO where the other end was closed
            return
        if not octets:
            return
        yield octets


@pytest.mark.parametrize(
    "environment", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["UTF-8", "C"]
)
@pytest.mark.parametrize("command", ["pcap", "log"])
def test_a_real_terminal(tmp_path: Path, command: str, environment: dict[str, str]) -> None:
    path = tmp_path / "traffic"
    path.write_bytes(KINDS[command](filled(EVERYTHING, "user", "agent", "realm", "reason")))
    for view in ("table", "json", "ndjson"):
        said = on_a_terminal(environment, command, str(path), "--format", view)
        assert MARK.encode() in said
        assert_harmless(said.replace(b"\r\n", b"\n"), colours=view == "table")
        assert (b"\x1b" in said) == (view == "table")
    said = on_a_terminal(environment, command, str(path), "--select", EVERYTHING.replace("\0", ""))
    assert_harmless(said.replace(b"\r\n", b"\n"))


def test_a_traceback_is_harmless_too() -> None:
    script = "import analyzer.cli, analyzer.run.pipeline as pipeline\n"
    script += "pipeline.analyze = lambda *_, **__: int('\\x1b[2J\\u202e')\n"
    script += "import sys\nsys.argv = ['sipcheck', 'log', 'x']\nanalyzer.cli.main()"
    script = script.replace("int(", "exec('raise ValueError(chr(27)+chr(0x202e))')or int(")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 1
    assert b"ValueError: \\x1b\\u202e" in done.stderr
    assert_harmless(done.stderr)
