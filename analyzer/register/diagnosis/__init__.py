"""Diagnosis of digest mismatches (RULES section 3): which single mistake makes the response come out."""

from __future__ import annotations

from analyzer.register.diagnosis.context import DigestContext, Sent
from analyzer.register.diagnosis.diagnoser import Diagnoser
from analyzer.register.diagnosis.engine import Diagnosis, diagnose, without_secret

__all__ = ["Diagnoser", "Diagnosis", "DigestContext", "Sent", "diagnose", "without_secret"]
