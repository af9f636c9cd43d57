"""A reconstruction that forgets nothing for want of room that columns do not forget, either (docs/columnar.md)."""

from __future__ import annotations

import sys

from analyzer.register.reconstruct import Reconstructor


def keep_all(reconstructor: Reconstructor) -> None:
    """Keep the exchanges, Call-IDs and hosts of all clients, whatever memory that takes."""
    reconstructor.exchanges.keep_all()
    reconstructor.registry.keep_all()
    answering = reconstructor.table.answering
    reconstructor.heard.limit = answering.pairs.limit = answering.ports.limit = sys.maxsize
