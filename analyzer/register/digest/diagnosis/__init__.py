"""Diagnosis of digest mismatches (docs/rules/diagnosis.md): which single mistake makes the response come out.

Nothing is imported here: only a run with secrets pays for it.
"""
