"""Conformance tests that were written for somebody who sends, answered by what was seen: purposes, and verdicts."""
