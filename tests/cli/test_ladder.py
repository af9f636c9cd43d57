"""`sipcheck ladder`: of captures and logs, of one user among many, into a file, in every form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.views.drawing.output import DEFAULT_WIDTH
from tests.capture.build import EPOCH, ethernet, interface, ip4, pcap, section, simple, udp, write
from tests.run.test_kept_conversation import request
from tests.shared import ROOT
from tests.views.hostile_traffic import TEXTS, capture, filled, log

PCAP = ROOT / "samples" / "cseq-not-raised" / "input.pcap"
MANY = ROOT / "samples" / "wrong-password" / "input.pcapng"
LOG = ROOT / "samples" / "asterisk-first-registration" / "input.txt"
DOWN = ROOT / "samples" / "server-down" / "input.pcapng"
FLOWS = ROOT / "samples" / "flow-text-rfc" / "input.txt"


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(sipcheck, ["ladder", *map(str, words)])


def frames(*payloads: bytes) -> bytes:
    return pcap(
        [ethernet(ip4(udp(payload))) for payload in payloads], times=[(EPOCH + n, 0) for n in range(len(payloads))]
    )


def test_the_only_user_is_taken() -> None:
    done = run(PCAP)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Registration of carol@lab.invalid\n")
    assert done.stdout.count("├") == done.stdout.count("┤") == 4
    assert "✗ error  The phone does not count CSeq up: CSeq 2 is used" in done.stdout
    assert all(len(line) <= DEFAULT_WIDTH for line in done.stdout.splitlines())


def test_of_several_users_one_has_to_be_named() -> None:
    done = run(MANY)
    assert done.exit_code == 2 and done.stdout == ""
    assert "there are 10 addresses-of-record: name one with --aor" in done.stderr
    assert "carol@lab.invalid (48)" in done.stderr
    one = run(MANY, "--aor", "frank@10.9.0.1")
    assert one.exit_code == 0 and "403 Wrong Password" in one.stdout


def test_who_is_not_there_is_told_who_is() -> None:
    done = run(MANY, "--aor", "nobody@lab.invalid")
    assert done.exit_code == 2
    assert "no message of nobody@lab.invalid" in done.stderr and "carol@lab.invalid (48)" in done.stderr


@pytest.mark.parametrize("form", ["text", "svg", "mermaid"])
@pytest.mark.parametrize("source", [PCAP, LOG], ids=["capture", "log"])
def test_every_form_of_captures_and_logs(form: str, source: Path, tmp_path: Path) -> None:
    done = run(source, "--format", form)
    assert done.exit_code == 0 and "401 Unauthorized" in done.stdout
    out = tmp_path / "ladder"
    written = run(source, "--format", form, "-o", out)
    assert (written.exit_code, written.stdout) == (0, "")
    assert written.stderr == f"{out}: {8 if source == PCAP else 4} messages\n"
    assert out.read_text(encoding="utf-8") == done.stdout
    if form == "svg":
        ET.fromstring(done.stdout)


def test_a_log_of_whole_seconds_claims_no_fraction() -> None:
    done = run(LOG)
    assert "13:35:51  ├" in done.stdout and "13:35:51.0" not in done.stdout
    assert "line 8" in done.stdout


def test_retransmissions_are_folded_and_errors_of_the_network_drawn() -> None:
    done = run(DOWN, "--aor", "dave@127.0.0.1")
    assert "seen 4 times in 3.5 s" in done.stdout
    assert "port unreachable" in done.stdout
    assert "5 s later" in done.stdout


def test_standard_input_is_read_once_and_drawn() -> None:
    command = [sys.executable, "-m", "analyzer", "ladder", "-"]
    with PCAP.open("rb") as file:
        piped = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        done = subprocess.run(
            command,
            stdin=piped.stdout,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"COLUMNS": "100"},
            timeout=60,
            check=True,
        )
        assert piped.stdout is not None
        piped.stdout.close()
        piped.wait(10)
    lanes = [text[text.index("127.0.0.13:5073") :] for text in (done.stdout, run(PCAP).stdout)]
    assert lanes[0] == lanes[1]


def test_secrets_refine_it() -> None:
    users = ROOT / "samples" / "wrong-password" / "users.csv"
    done = run(MANY, "--aor", "frank@10.9.0.1", "--credentials", users)
    assert "✗ error  Wrong digest" in done.stdout and "Wrong digest" not in run(MANY, "--aor", "frank@10.9.0.1").stdout


def test_options_of_the_judge_count() -> None:
    assert "cseq-increment" not in run(PCAP, "--ignore", "R3261-10.2-cseq-increment").stdout


def test_the_most_is_what_was_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "long.pcap", frames(*map(request, range(1, 500))))
    assert run(path).stdout.count("├") == 300
    few = run(path, "--most", "10")
    assert few.stdout.count("├") == 10 and "left out here" in few.stdout
    assert run(path, "--most", "0").stdout.count("├") == 499
    assert run(path, "--most", "5001").exit_code == 2


def test_a_capture_without_time(tmp_path: Path) -> None:
    octets = [ethernet(ip4(udp(request(number)))) for number in (1, 2)]
    path = write(tmp_path, "x.pcapng", section() + interface(1) + b"".join(map(simple, octets)))
    done = run(path)
    assert done.exit_code == 0
    assert done.stdout.count("no time") == 2 and "no clock" in done.stdout


@pytest.mark.parametrize("form", ["text", "svg", "mermaid"])
@pytest.mark.parametrize("name", TEXTS)
def test_hostile_headers_are_harmless_in_every_form(tmp_path: Path, form: str, name: str) -> None:
    everywhere = filled(TEXTS[name], "agent", "reason", "contact", "call_id", "display", "header", "value", "realm")
    for octets in (capture(everywhere), log(everywhere)):
        path = write(tmp_path, "hostile", octets)
        done = run(path, "--aor", "bob@lab.invalid", "--format", form)
        assert done.exit_code == 0, done.stderr
        assert all(line.isprintable() for line in done.stdout.splitlines())


def test_no_register_is_no_ladder(tmp_path: Path) -> None:
    path = write(tmp_path, "x.pcap", frames(request(1, "bob", "OPTIONS")))
    done = run(path)
    assert done.exit_code == 3 and "no REGISTER, so there is no ladder" in done.stderr


@pytest.mark.parametrize("name", ["no-such.pcap", str(ROOT / "README.md")])
def test_what_cannot_be_read(name: str) -> None:
    assert run(name).exit_code == 3


def test_an_input_is_not_written_over(tmp_path: Path) -> None:
    path = write(tmp_path, "x.pcap", PCAP.read_bytes())
    assert run(path, "-o", path).exit_code == 2
    assert path.read_bytes() == PCAP.read_bytes()


def test_a_document_of_flows_is_parted_by_its_titles() -> None:
    done = run(FLOWS)
    assert done.exit_code == 0, done.stderr
    titles = ("Registration Through an Edge Proxy", "Removal of All Contacts", "A Number That Is Not Raised")
    places = [done.stdout.index(title) for title in titles]
    assert places == sorted(places)
