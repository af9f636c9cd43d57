"""Sides to compare: flow text through the real pipeline, and values with what a test wants of them."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.compare.side import Side, side_of
from analyzer.compare.values import ClientFacts, Reached
from analyzer.evidence import SECOND, Evidence, Frame
from analyzer.judge.findings import Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.client_state import ClientState
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items


def side(flow: str, *, rules: Sequence[Rule] | None = None, tail: float = 60, log: bool = False) -> Side:
    """What is kept of a flow, judged by all rules unless some are given."""
    chosen = list(all_rules() if rules is None else rules)
    report = analyze_items(read_flow(flow, tail=tail, log=log), rules=chosen, detail=True, tables=True)
    return side_of(report)


def client(
    name: str = "bob",
    state: ClientState = "registered",
    *,
    instance: str = "",
    token: str = "",
    contact: str = "",
    host: str = "192.0.2.10",
    agent: str = "",
    registrar: str = "192.0.2.1:5060",
    status: int = 200,
    reached: Reached | None = None,
) -> ClientFacts:
    """A client as a side keeps it."""
    return ClientFacts(
        aor=f"sip:{name}@example.com",
        registrar=registrar,
        instance=instance,
        token=token,
        contact=contact,
        host=host,
        user_agent=agent,
        state=state,
        status=status,
        since=None,
        place=Evidence(Frame("made", 1), None),
        reached=reached or Reached(),
        failures=0,
    )


def of_clients(*clients: ClientFacts, seconds: float = 60) -> Side:
    """A side with these clients, that is so long."""
    made = side("", rules=())
    made.clients = list(clients)
    made.aors = frozenset(one.aor for one in clients)
    made.span = round(seconds * SECOND)
    return made
