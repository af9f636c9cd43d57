"""Whether two values that a report uses are the same in everything."""

from __future__ import annotations

from collections import Counter

_PLAIN = (str, bytes, int, float, bool, type(None), Counter)


def differences(one: object, two: object, name: str = "") -> list[str]:
    """The names of what differs between two values, down to plain ones; empty where nothing does."""
    if isinstance(one, _PLAIN) or isinstance(two, _PLAIN):
        return [] if type(one) is type(two) and one == two else [name]
    if type(one) is not type(two):
        return [name]
    if isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        if len(one) != len(two):
            return [f"{name} (length)"]
        pairs = zip(one, two, strict=True)
        return [found for at, pair in enumerate(pairs) for found in differences(*pair, f"{name}[{at}]")]
    slots = [slot for kind in type(one).__mro__ for slot in getattr(kind, "__slots__", ()) if not slot.startswith("__")]
    if not slots:
        return [] if one == two else [name]
    return [
        found
        for slot in slots
        for found in differences(getattr(one, slot, None), getattr(two, slot, None), f"{name}.{slot}")
    ]
