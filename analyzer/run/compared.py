"""Whether two reports say the same to the octet, and where they begin to differ (`--columnar check`)."""

from __future__ import annotations

import json
from typing import Any

from analyzer.escape import visible
from analyzer.run.report import Report

_SHOWN = 160
"""Characters of each side that are shown."""


def first_difference(one: Report, other: Report) -> str:
    """The first place in the JSON of two reports at which they differ, with both sides; empty where nothing does."""
    return difference(one.to_dict(), other.to_dict())


def difference(one: Any, other: Any, place: str = "") -> str:
    """The same of values of JSON; the order of keys counts, too."""
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        return next((found for key in one if (found := difference(one[key], other[key], f"{place}.{key}"))), "")
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        for at, pair in enumerate(zip(one, other, strict=False)):
            if found := difference(*pair, f"{place}[{at}]"):
                return found
        return "" if len(one) == len(other) else f"{place[1:]} has {len(one)} and {len(other)} entries"
    written = _written(one), _written(other)
    if written[0] == written[1]:
        return ""
    return visible(f"{place[1:]} is {written[0][:_SHOWN]} and {written[1][:_SHOWN]}")


def _written(value: Any) -> str:
    return json.dumps(value, default=str)
