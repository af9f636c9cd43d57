"""On the lab's captures the tables count what tshark and the servers counted (`truth.json` beside each)."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.dataframes.frames import Tables
from tests.shared import LAB, lab_file

TRUTHS = sorted(LAB.glob("*/truth.json"))


@cache
def truth_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def capture_of(path: Path) -> Path | None:
    return next(iter(sorted(path.parent.glob("capture.pcap*"))), None)


COUNTED = [path for path in TRUTHS if "facts" in truth_of(path) and capture_of(path)]


@cache
def frames_of(path: Path) -> Tables:
    capture = capture_of(path)
    assert capture is not None
    return analyzer.tables(analyzer.analyze(capture, rules=()))


@pytest.mark.parametrize("path", COUNTED, ids=lambda path: path.parent.name)
def test_counts_equal_the_truth(path: Path) -> None:
    facts, frames = truth_of(path)["facts"], frames_of(path)
    messages, transactions = frames.messages, frames.transactions
    assert int(messages.request.sum()) == facts["register_packets"]
    assert int((transactions.state != "headless").sum()) == facts["register_transactions"]
    assert int(transactions.retransmissions.sum()) == facts["register_retransmitted_copies"]
    assert int((messages.request & messages["copy"]).sum()) == facts["register_retransmitted_copies"]
    answers = Counter(str(status) for status in messages.status[~messages.request])
    assert answers == facts["register_responses_by_status"]


@pytest.mark.parametrize(
    "path", [path for path in COUNTED if "transactions" in truth_of(path)], ids=lambda path: path.parent.name
)
def test_every_transaction_is_the_truths(path: Path) -> None:
    rows = frames_of(path).transactions
    rows = rows[rows.time.notna()]
    sources = rows.source.astype(str).str.replace(r"[\[\]]", "", regex=True)  # the truth writes IPv6 without brackets
    ours = zip(rows.call_id, rows.cseq, rows.status, rows.retransmissions + 1, sources, rows.frame, strict=True)
    truth = [
        (one["callid"], int(one["cseq"]), one["final"] or 0, one["copies"], one["src"], one["frame"])
        for one in truth_of(path)["transactions"]
    ]
    assert sorted(ours) == sorted(truth)


def test_the_storm_is_whole() -> None:
    """SIPp's and Kamailio's own counters: each answer that was sent, each user, each first copy."""
    path = lab_file("4-storm", "truth.json")
    truth, frames = truth_of(path), frames_of(path)
    transactions = frames.transactions
    firsts = transactions[transactions.time.notna()]
    assert len(firsts) == truth["sipp_counts"]["register_sent_first"]
    assert firsts.retransmissions.sum() == truth["sipp_counts"]["register_retransmitted"]
    assert Counter(firsts.status.tolist()) == {401: 7940, 200: 7920, 403: 20}
    assert firsts.user.nunique() == firsts.call_id.nunique() == truth["pcap"]["call_ids"]
    assert (firsts.status == 0).sum() == truth["pcap"]["transactions_without_response"]
    assert set(firsts.loc[firsts.status == 200, "granted"].dropna()) != set()
    assert firsts.latency.min().value > 0


def test_there_are_truths_to_compare_with() -> None:
    assert len(COUNTED) >= 5
