"""What programs were seen to do: `facts.csv` has a row for each fact, `programs.csv` one for each program (with how its
User-Agent or Server header begins, in whatever case), `sources.csv` says what the sources are.

A fact is one of the versions that it names, in their default configuration, and not of the program for ever.

A row says of a program, in the versions that it names and as `side` (client or registrar), what it `does` about a
`topic`, as the end of a sentence; `live_with` is how to get along with it, `source` where it was measured. Where a rule
asks about it, `rule` names that; where what it does breaks the rule, `subs` are the sub-codes of such a finding (`*`:
any, `-`: none), parted by `|`, and `when` is what its detail has, where only then it is the same. `chooses` is of
clients that do not find their way among several challenges: `silent` where they may therefore answer none, `wrong`
where they answer wrongly.

The table explains a finding and changes nothing of it: not its severity, not whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Side = Literal["client", "registrar"]
ANY, NO_SUB = "*", "-"
"""Of a finding with whatever sub-code; of one without any."""
MOST_AGENTS = 4096
"""User-Agents that are remembered with their program."""


class Program(NamedTuple):
    """A program: how its User-Agent or Server begins (empty: it has none), and which of its kinds was measured."""

    id: str
    name: str
    begins: tuple[str, ...]
    about: str


class Fact(NamedTuple):
    """A row of the table."""

    program: Program
    versions: tuple[str, ...]
    side: Side
    topic: str
    rule: str
    subs: tuple[str, ...]
    does: str
    live_with: str
    source: str
    chooses: str = ""
    when: str = ""

    @property
    def named(self) -> str:
        """`baresip 1.0.0 and 1.1.0`."""
        return f"{self.program.name} {listed(self.versions)}"

    @property
    def told(self) -> str:
        """`as baresip 1.0.0 does: answers nothing where SHA-256 is offered`."""
        return f"as {self.named} {'does' if len(self.versions) == 1 else 'do'}: {self.does}"

    def is_shown_by(self, sub: str, detail: str) -> bool:
        """Whether a finding of its rule, with this sub-code and detail, is what the program does."""
        fits = ANY in self.subs or any((code or NO_SUB) in self.subs for code in sub.split(","))
        return fits and self.when in detail

    def as_record(self) -> dict[str, Any]:
        """For a machine: the key `stack` of a finding, and a row of `explain`."""
        return {
            "program": self.program.name,
            "versions": list(self.versions),
            "side": self.side,
            "topic": self.topic,
            "rule": self.rule or None,
            "subs": list(self.subs),
            "does": self.does,
            "live_with": self.live_with or None,
            "source": self.source,
        }


def listed(words: tuple[str, ...]) -> str:
    """`1.0.0`, `1.0.0 and 1.1.0`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _rows(name: str) -> Iterator[dict[str, str]]:
    import csv  # late: most runs have no finding to explain

    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def programs() -> dict[str, Program]:
    """The programs by their ids."""
    return {
        row["id"]: Program(row["id"], row["name"], _parted(row["begins"]), row["about"])
        for row in _rows("programs.csv")
    }


@cache
def sources() -> dict[str, str]:
    """What the number before the point of a fact's source stands for."""
    return {row["id"]: row["text"] for row in _rows("sources.csv")}


@cache
def facts() -> tuple[Fact, ...]:
    """All rows, in their order; what one program does in several versions is one fact with all of them."""
    found: dict[tuple[str, ...], Fact] = {}
    for row in _rows("facts.csv"):
        key = tuple(
            row[name] for name in ("program", "side", "topic", "rule", "subs", "does", "live_with", "chooses", "when")
        )
        one = _fact(row)
        known = found.get(key)
        if known is not None:
            source = f"{known.source}, {one.source}" if one.source not in known.source.split(", ") else known.source
            one = known._replace(versions=(*known.versions, *one.versions), source=source)
        found[key] = one
    return tuple(found.values())


def _parted(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("|")))


def _fact(row: dict[str, str]) -> Fact:
    side: Side = "client" if row["side"] == "client" else "registrar"
    return Fact(
        program=programs()[row["program"]],
        versions=tuple(row["versions"].split(", ")),
        side=side,
        topic=row["topic"],
        rule=row["rule"],
        subs=_parted(row["subs"]),
        does=row["does"],
        live_with=row["live_with"],
        source=row["source"],
        chooses=row["chooses"],
        when=row["when"],
    )


@cache
def _breaking() -> dict[tuple[str, Side, str], tuple[Fact, ...]]:
    """The facts that break a rule, by program, side and rule."""
    found: dict[tuple[str, Side, str], list[Fact]] = {}
    for fact in facts():
        if fact.subs:
            found.setdefault((fact.program.id, fact.side, fact.rule), []).append(fact)
    return {key: tuple(several) for key, several in found.items()}


@lru_cache(maxsize=MOST_AGENTS)
def program_of(agent: str) -> Program | None:
    """The program that a User-Agent or Server names, if the table has it."""
    lower = agent.strip().lower()
    found = [(begin, one) for one in programs().values() for begin in one.begins if lower.startswith(begin.lower())]
    return max(found, key=lambda pair: len(pair[0]))[1] if found else None


def fact_of(agent: str, side: Side, rule: str, sub: str, detail: str = "") -> Fact | None:
    """What the table says of a program, where a finding is exactly that: the version that the `agent` names before
    others. None where it says nothing of it."""
    program = program_of(agent) if agent else None
    if program is None:
        return None
    found = [one for one in _breaking().get((program.id, side, rule), ()) if one.is_shown_by(sub, detail)]
    return max(found, key=lambda one: any(version in agent for version in one.versions), default=None)


def facts_on(rule: str) -> Iterator[Fact]:
    """The facts that a rule asks about."""
    return (fact for fact in facts() if fact.rule == rule)


def sentences(several: Iterable[Fact]) -> tuple[str, ...]:
    """`baresip 1.0.0 and 1.1.0: does this`, with all programs that do the same."""
    does: dict[tuple[str, str], list[str]] = {}
    for fact in several:
        does.setdefault((fact.does, fact.side), []).append(fact.named)
    return tuple(
        f"{', '.join(named)}{' as a registrar' * (side == 'registrar')}: {text}" for (text, side), named in does.items()
    )


def program_called(name: str) -> Program | None:
    """The program of this name or id, in whatever case, with or without a version behind it."""
    lower = name.strip().lower()
    for one in programs().values():
        if lower in (one.id, one.name.lower()):
            return one
    first, blank, version = lower.rpartition(" ")
    return program_called(first) if blank and version[:1].isdigit() else None
