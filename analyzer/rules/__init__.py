"""The rules, one file each, discovered in name order: `RuleModule` says what one declares, `judge/findings.py: Rule`
what stands on its card, `judge/context.py` what it may know; `make rule ID=...` begins one. `all_rules()` is every
card.

File names are the ids in lower case, with `_` for `-` and `.`. Discovery never catches ImportError, and keeps nothing
mutable behind.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Protocol

from analyzer import plugins
from analyzer.defect import ContractError
from analyzer.judge.findings import Rule


class RuleModule(Protocol):
    """A module of this folder: one rule.

    `RULE` is the card. Its `id` gives the file its name (`module_name`), its `check` is a function of the module, and
    its `examples` are data: one flow at least that must raise a finding, and one that must not. The docstring of the
    module teaches whoever has to mend the fault: what the standard asks for, why, and what is not called a fault.
    """

    RULE: Rule


def module_name(rule_id: str) -> str:
    """The file name (without `.py`) that a rule id must have."""
    return rule_id.lower().replace("-", "_").replace(".", "_")


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the file names. Raises `ContractError`."""
    folder = sys.modules[__name__]
    return tuple(_card(plugins.load(folder, name, RuleModule), name) for name in plugins.names(folder))


def _card(module: RuleModule, name: str) -> Rule:
    """The card of a module, which has to be one, and that of this file."""
    rule = module.RULE
    where = f"{__path__[0]}/{name}.py is no RuleModule"
    if not isinstance(rule, Rule):
        raise ContractError(f"{where}: RULE is {type(rule).__name__}, not Rule")
    if module_name(rule.id) != name:
        raise ContractError(f"{where}: the id {rule.id} belongs to {module_name(rule.id)}.py")
    return rule


def rule_text(rule: Rule) -> str:
    """The teaching text of a rule: the docstring of its file."""
    return (importlib.import_module(f"{__name__}.{module_name(rule.id)}").__doc__ or "").strip()
