"""The manual pages are those of the commands, and a wheel has them."""

from __future__ import annotations

import re

import click
import pytest

from scripts.manual import FOLDER, pages, whole_group

PRINTED = dict(pages())


def test_they_are_as_the_commands_are() -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.1")}
    assert kept == PRINTED, "run `make docs`"


def test_every_command_has_one() -> None:
    names = {"sipcheck.1"}
    for name, command in whole_group().commands.items():
        names.add(f"sipcheck-{name}.1")
        if isinstance(command, click.Group):
            names |= {f"sipcheck-{name}-{inner}.1" for inner in command.commands}
    assert set(PRINTED) == names


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_it_carries_no_date_and_names_the_options(name: str) -> None:
    text = PRINTED[name]
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text.partition("\n.SH")[0])
    assert ".SH NAME" in text and "SYNOPSIS" in text
