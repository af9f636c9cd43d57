"""A directory is all captures, or logs, in it; what is left out is said, and nothing hangs or runs away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.capture import directories
from analyzer.capture.directories import expand
from analyzer.capture.inputs import has_directory
from analyzer.defect import SourceError
from analyzer.run.pipeline import analyze
from tests.capture.build import OK, REGISTER, frame, pcap
from tests.capture.deep import snoop, stand_in
from tests.capture.test_asterisk_notices import MESSAGE

NOTES = "Dear diary,\n" * 50


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two captures, a log, and what else lies about."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "b.pcap").write_bytes(pcap([frame(OK)]))
    (folder / "a.dump").write_bytes(pcap([frame(REGISTER)]))
    (folder / "asterisk").write_text(MESSAGE)
    (folder / "notes.txt").write_text(NOTES)
    (folder / ".hidden.pcap").write_bytes(pcap([frame()]))
    (folder / "empty").touch()
    (folder / "inner").mkdir()
    (folder / "inner" / "c.pcap").write_bytes(pcap([frame()]))
    return folder


def names(taken: object) -> list[str]:
    assert isinstance(taken, list)
    return [os.path.basename(one) for one in taken]


def test_the_captures_of_a_directory_in_order(mixed: Path) -> None:
    taken, notes = expand([mixed], kind="capture")
    assert names(taken) == ["a.dump", "b.pcap"]
    assert notes == [
        f"2 files of {mixed} were read; left out: asterisk (an Asterisk chan_sip log), empty (empty), "
        "inner (a directory), notes.txt (text); 1 hidden"
    ]


def test_the_logs_of_a_directory(mixed: Path) -> None:
    taken, notes = expand([mixed], kind="log")
    assert names(taken) == ["asterisk"]
    assert notes[0].startswith(
        f"1 file of {mixed} was read; left out: a.dump (a pcap capture), b.pcap (a pcap capture)"
    )


def test_both_where_both_are_wanted(mixed: Path) -> None:
    assert names(expand([mixed]).inputs) == ["a.dump", "asterisk", "b.pcap"]


def test_a_dialect_that_is_named_takes_texts(mixed: Path) -> None:
    assert names(expand([mixed], kind="log", dialect="asterisk-pjsip").inputs) == ["asterisk", "notes.txt"]


def test_beside_files_it_keeps_its_place(mixed: Path) -> None:
    single = mixed / "inner" / "c.pcap"
    with single.open("rb") as stream:
        taken = expand([single, mixed, stream, "absent"], kind="capture").inputs
        assert taken == [single, str(mixed / "a.dump"), str(mixed / "b.pcap"), stream, "absent"]


def test_the_report_is_that_of_the_files(mixed: Path) -> None:
    whole = analyze(mixed, kind="capture")
    files = analyze([mixed / "a.dump", mixed / "b.pcap"], kind="capture")
    assert whole.summary == files.summary
    assert whole.notes == [*expand([mixed], kind="capture").notes, *files.notes]
    assert analyze(mixed, kind="capture", jobs=2).notes == whole.notes


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        expand([tmp_path])
    assert str(caught.value) == f"{tmp_path}: is an empty directory"


def test_a_directory_with_nothing_of_the_kind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(NOTES)
    with pytest.raises(SourceError) as caught:
        expand([tmp_path], kind="capture")
    assert str(caught.value) == f"{tmp_path}: is a directory with no capture in it (notes.txt (text))"


def test_links_loops_pipes_and_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([frame()]))
    (tmp_path / "b.pcap").symlink_to("a.pcap")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    taken, notes = expand([tmp_path], kind="capture")
    assert names(taken) == ["a.pcap"]
    assert notes == [
        f"1 file of {tmp_path} was read; left out: b.pcap (the same file as a.pcap), loop (too many levels of symbolic "
        "links), nowhere (no such file or directory), pipe (no plain file), up (a directory)"
    ]


def test_a_foreign_capture_needs_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([frame()]))
    (tmp_path / "sun").write_bytes(snoop([frame()]))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "sun (a Sun snoop capture, which tshark would read)" in expand([tmp_path], kind="capture").notes[0]
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", "true"))
    assert names(expand([tmp_path], kind="capture").inputs) == ["a.pcap", "sun"]
    assert names(expand([tmp_path]).inputs) == ["a.pcap", "sun"]


def test_many_that_are_left_out_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap([frame()]))
    for number in range(30):
        (tmp_path / f"n{number:02}.txt").write_text(NOTES)
    note = expand([tmp_path]).notes[0]
    assert "n07.txt (text) and 22 more" in note
    assert "n08" not in note


def test_a_directory_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        (tmp_path / f"{number}.pcap").write_bytes(pcap([frame()]))
    monkeypatch.setattr(directories, "MOST_FILES", 5)
    with pytest.raises(SourceError, match=r"more than 5 files to read \(name those that belong together"):
        expand([tmp_path])
    monkeypatch.setattr(directories, "MOST_ENTRIES", 4)
    with pytest.raises(SourceError, match=r"more than 4 entries \(name the files\)"):
        expand([tmp_path])


def test_what_is_no_directory(tmp_path: Path) -> None:
    assert not has_directory(["-", "a\0b", "absent", tmp_path / "absent"])
    assert has_directory(["-", tmp_path])
