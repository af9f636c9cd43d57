"""Every Asterisk log of the lab, and the first log, against what is known about them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.evidence import SECOND, Endpoint, RawMessage, Source
from tests.capture.asterisk_text import Identity, identity, read_log
from tests.shared import LAB, ROOT, SHARED, shared

LOGS = (
    "full",
    "full_plain",
    "full_json",
    "console-foreground.ansi",
    "console-foreground.pasted.txt",
    "console-remote-colour.ansi",
    "console-remote-colour.pasted.txt",
    "console-remote-nocolour.txt",
    "console-remote-nocolour.pasted.txt",
)
FOLDERS = sorted(truth.parent for truth in LAB.rglob("truth.json") if (truth.parent / "full").exists())
FILES = [folder / name for folder in FOLDERS for name in LOGS if (folder / name).exists()]

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LAB)))


@cache
def read(file: Path) -> tuple[list[RawMessage], Source]:
    return read_log(file.read_bytes())


@cache
def truth(folder: Path) -> Any:
    return json.loads((folder / "truth.json").read_text())


def registers(identities: list[Identity]) -> set[tuple[str, int]]:
    found = set()
    for start, call_id, cseq, _ in identities:
        number = re.match(rb"\d+", cseq)
        if start.startswith(b"REGISTER") and number:
            found.add((call_id.decode(), int(number[0])))
    return found


def test_the_lab_is_there() -> None:
    assert len(FILES) > (150 if SHARED else 50)


@each_file
def test_every_transaction_of_the_truth_is_there(file: Path) -> None:
    known = truth(file.parent)
    lost = {tuple(pair) for pair in known.get("log_missing", [])}
    want = {(entry["callid"], entry["cseq"]) for entry in known["transactions"]} - lost
    assert not want - registers([identity(raw_message) for raw_message in read(file)[0]])


@each_file
def test_nothing_is_damaged_or_invented(file: Path) -> None:
    found, source = read(file)
    assert not [raw_message for raw_message in found if raw_message.defects or raw_message.missing]
    assert not [raw_message for raw_message in found if b"injected@evil" in identity(raw_message)[1]]
    assert (source.defects, source.frames) == (0, len(file.read_bytes().removesuffix(b"\n").split(b"\n")))


@each_file
def test_all_wrappers_of_a_case_say_the_same(file: Path) -> None:
    reference = read(file.parent / "full")
    found = read(file)
    assert [identity(raw_message) for raw_message in found[0]] == [
        identity(raw_message) for raw_message in reference[0]
    ]
    assert [raw_message.payload for raw_message in found[0]] == [raw_message.payload for raw_message in reference[0]]
    assert (found[1].keepalives, found[1].other) == (reference[1].keepalives, reference[1].other)


@each_file
def test_places_show_the_start_line(file: Path) -> None:
    lines = file.read_bytes().split(b"\n")
    for raw_message in read(file)[0]:
        assert raw_message.payload.split(b"\r\n")[0] in lines[raw_message.place[1] - 1]


@each_file
def test_one_reader_claims_the_log(file: Path) -> None:
    with file.open("rb") as stream:
        head = stream.read(1 << 18)
    is_pjsip = "pjsip" in str(file.relative_to(LAB))
    assert (asterisk_pjsip.looks_like(head), asterisk_chan_sip.looks_like(head)) == (is_pjsip, not is_pjsip)


def test_the_first_log() -> None:
    file = ROOT / "samples" / "asterisk-first-registration" / "input.txt"
    found, source = read_log(file.read_bytes())
    assert [(raw_message.payload.split(b"\r\n")[0].decode(), raw_message.place[1:3]) for raw_message in found] == [
        ("REGISTER sip:10.49.0.2 SIP/2.0", (8, 18)),
        ("SIP/2.0 401 Unauthorized", (27, 37)),
        ("REGISTER sip:10.49.0.2 SIP/2.0", (44, 55)),
        ("SIP/2.0 200 OK", (63, 75)),
    ]
    assert {raw_message.time for raw_message in found} == {1490873751 * SECOND}
    assert (source.first, source.last) == (1490873740 * SECOND, 1490873766 * SECOND)
    assert (source.zone, source.utc_offset) == ("UTC+2, from Date headers", 7200)
    assert (source.keepalives, source.other, source.defects, source.quality) == (2, 0, 0, [])
    assert found[1].destination == Endpoint("10.49.0.1", 5064)


@pytest.mark.parametrize("number", ["001", "002", "003", "004"])
def test_other_texts_are_no_asterisk_logs(number: str) -> None:
    head = next(shared("seeds").glob(f"{number}_*")).read_bytes()
    assert not asterisk_chan_sip.looks_like(head)
    assert not asterisk_pjsip.looks_like(head)
