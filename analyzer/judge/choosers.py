"""Programs that were seen not to find their way among several challenges, by their User-Agent.

Measured with the versions named, in their default configuration, against a registrar that offers MD5 and SHA-256 in one
401 in either order, and SHA-256 alone: facts about these versions, not about the programs for ever. What RFC 8760 2.4
asks for is the first challenge that a client can answer; no order suits all of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from analyzer.judge.stacks import facts, listed, program_of
from analyzer.sip.text import clip

MOST_NAMED = 4
"""Programs that are named in one sentence."""


class Chooser(NamedTuple):
    """A program: its name, the versions measured, and what it does, as the end of a sentence. `is_silent`: it may
    therefore answer no challenge at all."""

    name: str
    versions: str
    does: str
    is_silent: bool = True


@cache
def choosers() -> dict[str, Chooser]:
    """Those of the table (`judge/stacks`), by their ids there."""
    return {
        fact.program.id: Chooser(fact.program.name, listed(fact.versions), fact.does, fact.chooses == "silent")
        for fact in facts()
        if fact.chooses
    }


def chooser_of(user_agent: str) -> Chooser | None:
    """What was measured of a program, if anything."""
    program = program_of(user_agent)
    return None if program is None else choosers().get(program.id)


def sentences(user_agents: Iterable[str]) -> Iterator[str]:
    """`baresip v1.0.0 (x86_64/linux) answers nothing ... (measured with 1.0.0 and 1.1.0)`, one for each program."""
    found: dict[Chooser, str] = {}
    for agent in user_agents:
        chooser = chooser_of(agent)
        if chooser is not None:
            found.setdefault(chooser, agent)
    for chooser, agent in found.items():
        yield f"{clip(agent, 40)} {chooser.does} (measured with {chooser.versions})"


def warning(answering: Iterable[str], unanswering: Iterable[tuple[str, str]]) -> str:
    """Of whom to beware before more than MD5 is offered: programs that answered here, by what was measured of them, and
    those that answered none of what they were offered, each with that; empty where there are none."""
    seen = [f"{clip(agent, 40)} answered none of {offered} here" for agent, offered in unanswering]
    named = [*seen, *sentences(answering)][:MOST_NAMED]
    return f"of those here, {'; '.join(named)}" if named else ""
