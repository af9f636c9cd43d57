"""A reconstruction that forgets nothing for want of room that columns do not forget, either (docs/columnar.md)."""

from __future__ import annotations

import sys

from analyzer.register.reconstruct import Reconstructor


def keep_all(reconstructor: Reconstructor) -> None:
    """Keep the exchanges, Call-IDs, hosts, bursts and refusals of all clients, whatever memory that takes."""
    reconstructor.exchanges.keep_all()
    reconstructor.registry.keep_all()
    reconstructor.retries.keep_all()
    reconstructor.surroundings.signs.keep_all()
    reconstructor.reached.refusals.keep_all()
    answering = reconstructor.table.answering
    reconstructor.fleet.most_users = sys.maxsize
    reconstructor.heard.limit = answering.pairs.limit = answering.ports.limit = sys.maxsize
