"""A judgement on a client that is taken back, because what follows refutes it.

A client that leaves a challenge unanswered for 32 s has given up, as far as is known then. If its next request has a
number that is higher by more than one, another request was sent in between, and the capture has lost it: most likely
the one with the credentials. What came of it is not known.
"""

from __future__ import annotations

from analyzer.register.registration import Registration


def reconsider(registration: Registration) -> None:
    """Take back that the latest attempt of a client was abandoned: a request that was not seen may have gone on."""
    record = registration.history.last
    if record is None or record.outcome != "abandoned" or record.id != registration.decided_by:
        return
    registration.history.take_back(record._replace(outcome="unknown"))
    counts = dict(registration.outcome_counts)
    counts["abandoned"] -= 1
    counts["unknown"] = counts.get("unknown", 0) + 1
    registration.outcome_counts = tuple((outcome, number) for outcome, number in counts.items() if number)
    registration.outcome, registration.failures = "unknown", registration.failures[:-1]
    registration.failure_count -= 1
    if not registration.failure_count:
        registration.failing_since = None
