"""A registrar writes what it accepts into its location service, and reads it again.

The location service itself is not seen (RFC 3261 10.1), its consequence is: what a 200 granted is in the list of the
next one for the same user, as long as it has time left. So the contacts that were granted are counted (`granted`), and
those of them that a later 200 listed again (`listed-again`).

Where one is missing in a later list, that is told by R3261-10.3-8-contact-list and R3261-10.3-8-other-bindings, which
know what may have come in between.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.findings import NOT_APPLICABLE, Answer, Rule, Seen, good, seen
from analyzer.register.fleet import FleetSubject


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Count what was granted, and what was listed again (RFC 3261 10.1)."""
    del context
    granted = again = 0
    for registration in subject.registrations:
        for binding in registration.bindings:
            granted += 1
            again += binding.learned != binding.bound_from
    if not granted:
        yield NOT_APPLICABLE
        return
    yield Seen("granted", granted)
    if again:
        yield Seen("listed-again", again)


_TWICE = "> REGISTER sip:h\n< 200\n@1800 > REGISTER sip:h\n< 200"

RULE = Rule(
    id="R3261-10.1-ls-rw",
    title="Registrar can write and read the location service",
    short_title="The registrar keeps what it accepts",
    question="whether registrars keep what they accept",
    clause="RFC 3261 §10.1 last ¶",
    force="MUST",
    severity="info",
    at_fault="registrar",
    group="E",
    subject="fleet",
    check=check,
    is_fact=True,
    observed_at="last",
    why="Not observable directly; only its consequence is.",
    fix="nothing: what a registrar lost is told by R3261-10.3-8-contact-list and R3261-10.3-8-other-bindings",
    examples=(
        seen("> REGISTER sip:h\n< 200", "granted"),
        seen(_TWICE, "granted", "listed-again", title="a refresh"),
        good("> REGISTER sip:h\n< 403", title="nothing was granted"),
    ),
)
