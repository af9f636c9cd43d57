"""`sipcheck export`: what stands in OUT afterwards, and the exit code."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import analyzer
from analyzer.capture.savefile import SaveFile
from analyzer.cli import sipcheck
from analyzer.dataframes import plain
from analyzer.dataframes.dictionary import TABLES
from analyzer.dataframes.store import read_parquet
from analyzer.evidence import RawMessage
from tests.shared import ROOT

SAMPLE = str(ROOT / "samples" / "wrong-password" / "input.pcapng")
LOG = str(ROOT / "samples" / "asterisk-first-registration" / "input.txt")
USERS = str(ROOT / "samples" / "wrong-password" / "users.csv")


def run(*words: object) -> Result:
    return CliRunner().invoke(sipcheck, ["export", *map(str, words)])


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_folder_with_a_file_for_each_table(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    done = run(SAMPLE, "--to", form, "-o", out, "--credentials", USERS)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "140 messages, 70 transactions" in done.stderr
    assert {path.name for path in out.iterdir()} == {f"{name}.{form}" for name in TABLES}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_of_one_row_one_is_told(tmp_path: Path) -> None:
    done = run(
        next((ROOT / "samples" / "clean-registration").glob("input.pcap*")), "--to", "csv", "-o", tmp_path / "out"
    )
    assert "3 attempts, 1 registration, 1 binding, 3 digests" in done.stderr


def test_parquet_is_what_python_has(tmp_path: Path) -> None:
    assert run(SAMPLE, "--to", "parquet", "-o", tmp_path / "out", "--credentials", USERS).exit_code == 0
    frames = analyzer.tables(analyzer.analyze(SAMPLE, credentials=USERS))
    back = read_parquet(tmp_path / "out")
    for name, frame in frames:
        pd.testing.assert_frame_equal(frame, getattr(back, name))
    assert set(back.digests.verdict) >= {"match", "mismatch"}


def test_ndjson_is_one_file_of_records(tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    assert run(LOG, "--to", "ndjson", "-o", out).exit_code == 0
    kinds = [json.loads(line)["kind"] for line in out.read_text(encoding="ascii").splitlines()]
    assert kinds[:4] == ["message"] * 4
    assert set(kinds) >= {"message", "transaction", "attempt", "registration", "binding", "digest"}


@pytest.mark.parametrize("source", [SAMPLE, LOG])
def test_pcap_is_read_again(tmp_path: Path, source: str) -> None:
    out = tmp_path / "out.pcap"
    done = run(source, "--to", "pcap", "-o", out)
    assert done.exit_code == 0
    once, again = analyzer.analyze(source, rules=()), analyzer.analyze(out, rules=())
    assert f"{once.summary.messages} messages" in done.stderr
    assert [(row.call_id, row.cseq, row.status) for row in again.transactions] == [
        (row.call_id, row.cseq, row.status) for row in once.transactions
    ]


@pytest.mark.parametrize("form", ["pcap", "csv"])
def test_one_address_of_record(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    assert run(SAMPLE, "--to", form, "-o", out, "--aor", "frank@10.9.0.1").exit_code == 0
    if form == "pcap":
        assert {row.aor for row in analyzer.analyze(out, rules=()).transactions} == {"sip:frank@10.9.0.1"}
    else:
        with (out / "transactions.csv").open(encoding="utf-8", newline="") as file:
            assert {row["user"] for row in csv.DictReader(file)} == {"frank"}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_several_processes_write_the_same(tmp_path: Path, jobs: str) -> None:
    out = tmp_path / "out"
    assert run(SAMPLE, "--to", "ndjson", "-o", out, "--jobs", jobs).exit_code == 0
    alone = tmp_path / "alone"
    run(SAMPLE, "--to", "ndjson", "-o", alone)
    assert out.read_bytes() == alone.read_bytes()


@pytest.mark.parametrize("form", ["pcap", "ndjson"])
def test_what_is_read_is_not_replaced_though_forced(tmp_path: Path, form: str) -> None:
    own = tmp_path / "own.pcap"
    own.write_bytes(Path(SAMPLE).read_bytes())
    done = run(own, "--to", form, "-o", own, "--force")
    assert done.exit_code == 2 and "is read by this command" in " ".join(done.stderr.split())
    assert own.read_bytes() == Path(SAMPLE).read_bytes()


@pytest.mark.parametrize("form", ["pcap", "parquet", "csv", "ndjson"])
def test_what_is_there_stays_unless_forced(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    assert run(SAMPLE, "--to", form, "-o", out).exit_code == 0
    done = run(LOG, "--to", form, "-o", out)
    assert done.exit_code == 2 and "--force" in done.stderr
    before = out.stat().st_ino
    assert run(LOG, "--to", form, "-o", out, "--force").exit_code == 0
    assert out.stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", ["parquet", "csv", "pcap"])
def test_a_folder_with_other_things_is_never_replaced(tmp_path: Path, form: str) -> None:
    precious = tmp_path / "home" / "letter.txt"
    precious.parent.mkdir()
    precious.write_text("dear")
    done = run(SAMPLE, "--to", form, "-o", precious.parent, "--force")
    assert done.exit_code == 2 and "not replaced" in done.stderr
    assert precious.read_text() == "dear"


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run(SAMPLE, "--to", "pcap", "-o", pipe, "--force").exit_code == 2
    assert pipe.is_fifo()


@pytest.mark.parametrize("form", ["pcap", "csv"])
@pytest.mark.parametrize("source", ["README.md", "no-such-file.pcap"])
def test_what_cannot_be_read_leaves_nothing(tmp_path: Path, form: str, source: str) -> None:
    done = run(ROOT / source, "--to", form, "-o", tmp_path / "out")
    assert done.exit_code == 3 and done.stderr.startswith("sipcheck: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["pcap", "parquet"])
def test_no_sip_is_nothing_to_write(tmp_path: Path, form: str) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    done = run(empty, "--to", form, "-o", tmp_path / "out")
    assert done.exit_code == 3 and "no SIP" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["empty.pcap"]


@pytest.mark.parametrize("form", ["pcap", "csv"])
def test_where_nothing_can_be_written(tmp_path: Path, form: str) -> None:
    done = run(SAMPLE, "--to", form, "-o", tmp_path / "nowhere" / "out")
    assert done.exit_code == 3 and "cannot be written: No such file" in done.stderr


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.ndjson"
    out.write_text("before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plain, "write_ndjson", fail)
    done = run(SAMPLE, "--to", "ndjson", "-o", out, "--force")
    assert done.exit_code == 3 and "No space left" in done.stderr
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


@pytest.mark.parametrize("form", ["pcap", "csv"])
def test_keys_without_who_could_use_them_are_usage(tmp_path: Path, form: str) -> None:
    done = run(SAMPLE, "--to", form, "-o", tmp_path / "out", "--engine", "native", "--tls-keylog", "keys")
    assert done.exit_code == 2 and "only tshark opens TLS" in done.stderr


@pytest.mark.needs_tool("tshark")
def test_what_was_opened_by_tshark_is_plain_in_the_capture(tmp_path: Path) -> None:
    folder = ROOT / "samples" / "tls-registration"
    (source,) = folder.glob("input.pcap*")
    (keys,) = folder.glob("*key*")
    out = tmp_path / "out.pcap"
    assert run(source, "--to", "pcap", "-o", out, "--tls-keylog", keys).exit_code == 0
    once = analyzer.analyze(source, tls_keylog=keys, rules=())
    again = analyzer.analyze(out, rules=(), engine="native")
    assert (
        [(row.call_id, row.cseq, row.status) for row in again.transactions]
        == [(row.call_id, row.cseq, row.status) for row in once.transactions]
        != []
    )


def test_what_was_read_before_an_interrupt_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add, out = SaveFile.add, tmp_path / "out.pcap"

    def interrupted(saved: SaveFile, message: RawMessage) -> None:
        if saved.written == 5:
            raise KeyboardInterrupt
        add(saved, message)

    monkeypatch.setattr(SaveFile, "add", interrupted)
    assert run(SAMPLE, "--to", "pcap", "-o", out, "--made").exit_code == 130
    assert analyzer.analyze(out).summary.messages == 5


@pytest.mark.parametrize("form", ["parquet", "csv", "ndjson"])
def test_interrupted_while_it_writes_it_leaves_what_was_there(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analyzer.cli import export

    out = tmp_path / "out"
    assert run(SAMPLE, "--to", form, "-o", out).exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write = export._WRITERS[form]

    def interrupted(frames: object, path: Path) -> None:
        write(frames, path)
        raise KeyboardInterrupt

    monkeypatch.setitem(export._WRITERS, form, interrupted)
    assert run(SAMPLE, "--to", form, "-o", out, "--force").exit_code == 130
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert run(SAMPLE, "--to", form, "-o", tmp_path / "new").exit_code == 130
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("form", ["pcap", "parquet", "csv", "ndjson"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_there_is_no_export_to_standard_output(
    tmp_path: Path, form: str, force: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(SAMPLE, "--to", form, "-o", "-", *force)
    assert done.exit_code == 2 and "-o - is not standard output" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_findings_are_no_failure_of_an_export(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(sipcheck, ["pcap", SAMPLE, "--credentials", USERS])
    assert wrong.exit_code == 1
    assert run(SAMPLE, "--to", "csv", "-o", tmp_path / "out", "--credentials", USERS).exit_code == 0


def test_the_help_names_the_forms_and_the_list_the_command() -> None:
    assert "[pcap|parquet|csv|ndjson]" in run("--help").stdout
    assert "Write what was read as tables" in CliRunner().invoke(sipcheck, ["--help"]).stdout


def test_other_commands_keep_nothing_for_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.run import recording

    def never(*_: object) -> None:
        raise AssertionError("a recorder was made")

    monkeypatch.setattr(recording.Recorder, "__init__", never)
    for words in (["pcap", SAMPLE], ["pcap", SAMPLE, "--format", "json"], ["log", LOG], ["verify-digest", SAMPLE]):
        assert CliRunner().invoke(sipcheck, words).exit_code in (0, 1)
