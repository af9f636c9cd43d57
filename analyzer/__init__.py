"""sipcheck's analyzer: what was seen of SIP registration, and what it means.

    import analyzer
    report = analyzer.analyze("capture.pcap", credentials="users.csv")
    report.findings, report.registrations, report.digests
    frames = analyzer.tables(report)                          # pandas DataFrames
    analyzer.storms(frames.transactions)                      # registration storms, and why

The public names load late: the command must not pay for what it does not use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.dataframes import tables
    from analyzer.defect import Defect, SourceError
    from analyzer.judge.findings import Confidence, Finding, Rule
    from analyzer.register.digest.secrets import CredentialsError, Secrets
    from analyzer.rules import all_rules
    from analyzer.run.pipeline import analyze
    from analyzer.run.report import Report
    from analyzer.storm.analysis import storms
    from analyzer.storm.values import StormReport

    __version__: str

_HOMES = {
    "Confidence": "analyzer.judge.findings",
    "CredentialsError": "analyzer.register.digest.secrets",
    "Defect": "analyzer.defect",
    "Finding": "analyzer.judge.findings",
    "Report": "analyzer.run.report",
    "Rule": "analyzer.judge.findings",
    "Secrets": "analyzer.register.digest.secrets",
    "SourceError": "analyzer.defect",
    "StormReport": "analyzer.storm.values",
    "all_rules": "analyzer.rules",
    "analyze": "analyzer.run.pipeline",
    "storms": "analyzer.storm.analysis",
    "tables": "analyzer.dataframes",
}

__all__ = [
    "Confidence",
    "CredentialsError",
    "Defect",
    "Finding",
    "Report",
    "Rule",
    "Secrets",
    "SourceError",
    "StormReport",
    "__version__",
    "all_rules",
    "analyze",
    "storms",
    "tables",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # late: it takes as long as the rest of this module

        return version("sipcheck")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
