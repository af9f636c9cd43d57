"""Reports to make tables of: small flows, and every sample."""

from __future__ import annotations

from pathlib import Path

from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze, analyze_items
from analyzer.run.report import Report
from tests.shared import ROOT

SAMPLES = sorted(path for path in (ROOT / "samples").glob("*/input.*") if path.suffix != ".md")
FLOW = """
    > REGISTER sip:example.com
    User-Agent: phone 1.0
    Contact: <sip:bob@192.0.2.10>;expires=600
    < 100
    @0.5 > again
    < 401
    > REGISTER sip:example.com
    User-Agent: phone 1.0
    Contact: <sip:bob@192.0.2.10>;expires=600
    Authorization: {bob secret}
    < 423
    Min-Expires: 1800
    > REGISTER sip:example.com
    Contact: <sip:bob@192.0.2.10>
    Expires: 3600
    < 200
    Contact: <sip:bob@192.0.2.10>;expires=1800
    > OPTIONS sip:example.com
    Call-ID: o
    < 200
"""


def flow_report(flow: str = FLOW, **given: object) -> Report:
    """The report of a flow, with all that tables need, without rules unless they are given."""
    return analyze_items(read_flow(flow), **({"rules": (), "tables": True} | given))


def sample_report(path: Path) -> Report:
    """The report of a sample, with its passwords where it has some."""
    known = path.parent / "users.csv"
    return analyze(path, credentials=[known] if known.is_file() else [], engine="auto")
