"""The rules, one file each, discovered in name order. `all_rules()` is every card; a rule's id equals its file's name.

File names are the ids in lower case, with `_` for `-` and `.`. Discovery never catches ImportError, and keeps nothing
mutable behind.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from analyzer.judge.findings import Rule


def module_name(rule_id: str) -> str:
    """The file name (without `.py`) that a rule id must have."""
    return rule_id.lower().replace("-", "_").replace(".", "_")


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the file names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").RULE for name in names)


def rule_text(rule: Rule) -> str:
    """The teaching text of a rule: the docstring of its file."""
    return (importlib.import_module(f"{__name__}.{module_name(rule.id)}").__doc__ or "").strip()
