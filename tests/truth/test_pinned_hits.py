"""What every rule says of every capture and log at hand is what it said when somebody last read it: a rule that begins
to speak elsewhere, or is silent where it spoke, shows here. `make hits` renews the table."""

from __future__ import annotations

import pytest

from analyzer.rules import all_rules
from scripts.hits import TABLE, hits_of, place_of, read, sources

PINNED = read()
AT_HAND = dict(sources())


@pytest.mark.parametrize("name", PINNED)
def test_the_rules_say_of_a_source_what_they_said(name: str) -> None:
    if not place_of(name).exists():
        pytest.skip(f"{name}: not in the repository, and no SIPCHECK_MATERIAL")
    assert hits_of(place_of(name)) == PINNED[name]


def test_every_source_at_hand_has_its_row() -> None:
    missing = [name for name, path in AT_HAND.items() if name not in PINNED and hits_of(path) is not None]
    assert missing == [], "`make hits` adds them"


def test_the_table_speaks_of_rules_that_are_there() -> None:
    known = {rule.id for rule in all_rules()}
    assert {key.partition("/")[0] for hits in PINNED.values() for key in hits} <= known


def test_the_table_is_no_empty_one() -> None:
    assert len(PINNED) > 150
    assert len({key.partition("/")[0] for hits in PINNED.values() for key in hits}) > 50
    assert TABLE.stat().st_size < 200_000
