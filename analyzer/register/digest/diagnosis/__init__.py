"""Diagnosis of digest mismatches (docs/rule-catalogue.md 3): which single mistake makes the response come out.

Nothing is imported here: only a run with secrets pays for it.
"""
