"""Print the page on programs: `python -m scripts.stacks >docs/stacks.md` (`make docs`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from analyzer.judge.stacks import Fact, programs, sources
from analyzer.views.stacks import TOPICS, facts_of
from analyzer.views.words import capital, count, sentence

_HEAD = """\
# What programs were seen to do

Printed by `make docs` from `analyzer/judge/stacks` (a row a fact: program, version, topic, what it does, how to live
with it, source). A fact is one of the versions that it names, in their default configuration, and not of the program
for ever. `sipcheck explain NAME` prints one program, `sipcheck explain stacks` the list.

Where a finding is exactly what the table has of the program at fault, told by its User-Agent or Server header, the
report says so (`known: as baresip 1.0.0 does`; JSON: `findings[].stack`). That explains the finding, and changes
neither its severity nor whether there is one. Corrections with a capture that shows them are welcome: a fact is a row
of `facts.csv`.
"""


def page() -> Iterator[str]:
    """The lines of the page."""
    yield _HEAD
    yield "A source is the number of one of these, and behind the point that of a question in it:"
    yield ""
    yield from (f"- {number}: {sentence(text)}" for number, text in sources().items())
    for program in programs().values():
        yield ""
        yield f"## {program.name}"
        yield ""
        begins = " or ".join(f"`{one}`" for one in program.begins)
        yield sentence(f"{capital(program.about)}{f'; its header begins with {begins}' if begins else ''}")
        own = facts_of(program)
        for side in ("client", "registrar"):
            several = [fact for fact in own if fact.side == side]
            if several:
                yield ""
                yield f"As a {side}, {count(len(several), 'fact')}:"
                yield ""
                yield "| about | it | versions | rule | live with it | source |"
                yield "| --- | --- | --- | --- | --- | --- |"
                yield from map(_row, several)


def _row(fact: Fact) -> str:
    rule = f"breaks {fact.rule}" if fact.subs else fact.rule
    cells = (TOPICS[fact.topic], fact.does, ", ".join(fact.versions), rule, fact.live_with, fact.source)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace('<', '&lt;') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()) + "\n")
