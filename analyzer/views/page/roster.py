"""The list of all clients, as the page's script searches it: rows of small values, the troubled first, bounded by size.

Texts are made visible here and stand in a data block as JSON, which no browser runs; the script sets them as text. The
characters by which a text could end that block are written as escapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzer.escape import visible
from analyzer.register.registration import Registration
from analyzer.views.states import STATES, ClientSummary, State, address_of
from analyzer.views.table.clients import rank
from analyzer.views.table.phrases import what
from analyzer.views.words import place_words

MOST_OCTETS = 3_500_000
"""Octets of the list in the page."""
MOST_RULES_OF_ONE = 24
LONGEST_NAME, LONGEST_AGENT, LONGEST_ADDRESS, LONGEST_WHAT = 96, 60, 60, 160


@dataclass(slots=True)
class Roster:
    """`rows` are JSON, each a list: name, state, what happened, where, User-Agent, address, number of the ladder (0:
    none), rules, status of the last answer; state, User-Agent and rules by their numbers in `STATES`, `agents`,
    `rules`. `first` are the first
    rows as they are read without a script; `left_out` counts clients that the list has no room for."""

    rows: list[str] = field(default_factory=list)
    first: list[tuple[str, State, str, str, str, str, int]] = field(default_factory=list)
    agents: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    left_out: int = 0

    def data(self, titles: dict[str, str]) -> str:
        """The data block."""
        head = {
            "states": [[state.word, state.sign, class_of(state)] for state in STATES],
            "agents": list(self.agents),
            "rules": [[rule, titles.get(rule, rule)] for rule in self.rules],
        }
        return f'{{"head":{harmless(head)},"rows":[{",".join(self.rows)}]}}'


FIRST = 25
"""Rows that stand in the page without a script."""


def class_of(state: State) -> str:
    """The class of a state in the style sheet."""
    if state.trouble:
        return "bad"
    return "warn" if state.listed else "good" if state is STATES[0] else "dim"


def harmless(value: Any) -> str:
    """JSON that can stand in a page: no character in it ends the block, or begins another."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def roster_of(clients: ClientSummary, ladders: set[int]) -> Roster:
    """The list; `ladders` are the registrations that are shown with their messages."""
    roster, size = Roster(), 0
    rules = _rules_by_client(clients)
    order = sorted(clients.states, key=lambda pair: (rank(pair[1]), clients.since(pair[0]) or 0, pair[0].id))
    for number, (one, state) in enumerate(order):
        cells = _cells(clients, one, state)
        ladder = one.id if one.id in ladders else 0
        own = [roster.rules.setdefault(rule, len(roster.rules)) for rule in rules.get(one.id, ())]
        name, happened, where, agent, address = cells
        size += 0 if agent in roster.agents else len(harmless(agent)) + 1
        agent_number = roster.agents.setdefault(agent, len(roster.agents))
        values = [name, STATES.index(state), happened, where, agent_number, address, ladder, own, one.status or 0]
        row = harmless(values)
        size += len(row) + 1
        if size > MOST_OCTETS:
            roster.left_out = len(order) - number
            break
        roster.rows.append(row)
        if number < FIRST:
            roster.first.append((name, state, happened, where, agent, address, ladder))
    roster.left_out += clients.report.unlisted.total()
    return roster


def _cells(clients: ClientSummary, one: Registration, state: State) -> Sequence[str]:
    """Name, what happened, where, User-Agent, address."""
    return (
        cut(name_of(one), LONGEST_NAME),
        cut(what(clients, one, state), LONGEST_WHAT),
        place_words(clients.place(one)),
        cut(one.user_agent, LONGEST_AGENT),
        cut(address_of(one), LONGEST_ADDRESS),
    )


def name_of(one: Registration) -> str:
    """A client as the table calls it."""
    return one.aor.removeprefix("sip:") or "(no address)"


def cut(text: str, length: int) -> str:
    """`text` made visible, and cut in the middle to `length` characters."""
    shown = visible(text if len(text) <= 4 * length else f"{text[: 2 * length]}{text[-2 * length :]}")
    if len(shown) <= length:
        return shown
    return f"{shown[: length // 2]}…{shown[-(length - length // 2 - 1) :]}"


def _rules_by_client(clients: ClientSummary) -> dict[int, dict[str, None]]:
    found: dict[int, dict[str, None]] = {}
    for finding in clients.report.findings:
        if finding.registration is not None:
            own = found.setdefault(finding.registration, {})
            if len(own) < MOST_RULES_OF_ONE:
                own[finding.rule] = None
    return found


def titles_of(clients: ClientSummary) -> dict[str, str]:
    """Rules by their title in this report."""
    return {each.rule: visible(each.short_title or each.title) for each in reversed(clients.report.findings)}


def shown_first(roster: Roster) -> Iterable[dict[str, Any]]:
    """The first rows for the template."""

    def rows() -> Iterator[dict[str, Any]]:
        for name, state, happened, where, agent, address, ladder in roster.first:
            yield {
                "name": name, "word": state.word, "sign": state.sign, "style": class_of(state), "what": happened,
                "where": where, "agent": agent, "address": address, "ladder": ladder,
            }  # fmt: skip

    return rows()
