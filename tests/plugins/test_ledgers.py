"""The list of ledgers that a rule's author reads is complete, and leads to what is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

import pytest

from analyzer.judge import context
from analyzer.judge.context import CaptureContext
from analyzer.register import subjects
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor

TEXT = context.__doc__ or ""
PARAGRAPHS = re.findall(r"^- .*?(?=^- |^$)", TEXT, re.DOTALL | re.MULTILINE)
NAMED = re.findall(r"`register/(\w+)\.py: (\w+)`", TEXT)


def ledgers() -> Iterator[object]:
    """What the reconstruction keeps that remembers."""
    made = Reconstructor(Secrets(), lambda *_: None)
    for one in [*vars(made).values(), made.table.answering]:
        if type(one).__module__.startswith("analyzer.register.") and type(one).__name__ not in ("Notes",):
            yield one


def test_every_ledger_has_its_paragraph() -> None:
    there = {(type(one).__module__.rpartition(".")[2], type(one).__name__) for one in ledgers()}
    assert len(there) >= 7
    assert there <= set(NAMED)
    assert len(PARAGRAPHS) == len(NAMED)


@pytest.mark.parametrize(("module", "name"), NAMED)
def test_what_is_named_is_there_and_says_what_it_remembers(module: str, name: str) -> None:
    ledger = getattr(importlib.import_module(f"analyzer.register.{module}"), name)
    assert ledger.__doc__
    if name not in ("Reconstructor", "MessageCounter"):
        assert "remembers for rules" in ledger.__doc__


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`context\.(\w+)`", TEXT))))
def test_what_a_check_is_told_to_ask_can_be_asked(name: str) -> None:
    assert hasattr(CaptureContext, name)


def test_a_check_finds_all_ledgers_of_its_context() -> None:
    """What of the context is a ledger's answer is named in the list."""
    own = {"resolution", "is_coarse", "slack"}  # of the sources, not of a ledger
    public = {name for name in vars(CaptureContext) if not name.startswith("_")} - own
    assert public <= set(re.findall(r"`context\.(\w+)`", TEXT))


SUBJECTS = {
    "transaction": (subjects.TransactionSubject, ("digests", "in_force", "next_nonce")),
    "step": (subjects.TransitionSubject, ("stream", "earlier", "same_call")),
    "binding": (subjects.BindingSubject, ("event", "registration")),
}


@pytest.mark.parametrize("kind", SUBJECTS)
def test_what_a_subject_is_said_to_carry_it_carries(kind: str) -> None:
    subject, fields = SUBJECTS[kind]
    for name in fields:
        assert name in subject.__slots__  # type: ignore[attr-defined]
        assert f"`{name}`" in TEXT
