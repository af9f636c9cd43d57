"""Examples on a rule's card: small flows, with what the rule must say of them.

They teach who reads the rule (`sipcheck explain`), and are its tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.judge.findings import Severity


@dataclass(frozen=True, slots=True)
class Example:
    """A small flow in flow text (`analyzer.judge.flowtext`), and the sub-codes of this rule's findings on it.

    A good example expects none. `expect` lists one entry per finding; a rule without sub-codes gives empty strings.
    `passwords` are what the flow's users are known to have, `severity` is that of the worst finding, `log` prints the
    flow as a one-second log would have it. `facts` are those that a rule which is a fact sees in it, each once.
    """

    flow: str
    expect: tuple[str, ...] = ()
    title: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    severity: Severity | None = None
    log: bool = False
    tail: float = 0.0
    facts: tuple[str, ...] = ()


def seen(flow: str, *facts: str, title: str = "", **given: Any) -> Example:
    """Return an example in which a rule that is a fact sees exactly these."""
    return Example(flow, (), title, facts=facts, **given)


def good(flow: str, title: str = "", **given: Any) -> Example:
    """Return an example that must raise nothing: a legal flow or a near miss."""
    return Example(flow, (), title, **given)


def bad(flow: str, *subs: str, title: str = "", **given: Any) -> Example:
    """Return an example that must raise exactly these sub-codes (default: one finding without a sub-code)."""
    return Example(flow, subs or ("",), title, **given)
