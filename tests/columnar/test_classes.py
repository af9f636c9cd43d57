"""Every class of transactions has one answer of every rule: the gate by which a new rule that looks at more is found
here, and not in the field."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from analyzer.capture.opener import open_sources
from analyzer.columnar import partial as both_paths
from analyzer.columnar.classes import REPRESENTATIVES, Placed, Slot, Told, chosen, is_constant
from analyzer.columnar.partial import capture_of
from analyzer.evidence import Evidence, Frame
from analyzer.judge.findings import PASSED, NotJudged, Violated
from analyzer.register.subjects import MessageSubject
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis
from tests.columnar.captures import packets, storm, write
from tests.columnar.kept_nonces import kept_nonces
from tests.columnar.shared_nonces import shared_nonces

RULES = {rule.id: rule for rule in all_rules()}


@pytest.fixture(autouse=True)
def _all_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every transaction, not of the first ones of each client alone."""
    monkeypatch.setattr("analyzer.columnar.classes._OF_ONE_CLIENT", 10_000)


def _shared_classes(path: Path) -> dict[int, list[list[Told]]]:
    """What was answered of the transactions of each class that has several. All ordinary clients are judged by the
    object path here, and not some that represent them."""
    capture = capture_of(path)
    clients = capture.clients
    everybody = clients.ordinary & ~both_paths._is_early(capture)
    with open_sources([path]) as reading:
        source = reading.sources[0]
        begin = partial(Analysis, detail=True, tables=True)
        nobody = np.zeros_like(everybody)
        run = both_paths._Round(
            capture, source, list(RULES.values()), begin, nobody, everybody, detail=True, tables=True
        )
    run._hold_together()  # every row of theirs is as the columns would make it
    told: dict[int, list[list[Told]]] = {}
    for which, several in run._witness.told.items():
        told.setdefault(int(clients.kind[which]), []).append(several)
    return {kind: several for kind, several in told.items() if len(several) > 1}


@pytest.mark.parametrize(("seed", "rate", "lost"), [(1, 10.0, 0.0), (2, 100.0, 0.3), (3, 500.0, 0.1), (4, 50.0, 0.6)])
def test_each_class_has_one_answer_of_all_rules(folder: Path, seed: int, rate: float, lost: float) -> None:
    shared = _shared_classes(storm(folder, 1600, 100, seed=seed, rate=rate, lost=lost))
    assert sum(map(len, shared.values())) > 400
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


@pytest.mark.parametrize(("at_once", "rate"), [(0.0, 100.0), (0.6, 100.0), (0.9, 20.0)])
def test_so_has_each_class_of_phones_that_keep_a_nonce(folder: Path, at_once: float, rate: float) -> None:
    several = kept_nonces(packets(storm(folder, 2000, 60, seed=6, rate=rate)), at_once=at_once)
    shared = _shared_classes(write(folder / f"kept-{at_once}-{rate}.pcap", several))
    assert sum(map(len, shared.values())) > 200
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


@pytest.mark.parametrize(("seconds", "rate"), [(1.0, 30.0), (0.05, 100.0)])
def test_so_has_each_class_of_phones_that_share_nonces(folder: Path, seconds: float, rate: float) -> None:
    several = shared_nonces(packets(storm(folder, 2000, 120, seed=7, rate=rate)), seconds=seconds)
    shared = _shared_classes(write(folder / f"shared-{seconds}-{rate}.pcap", several))
    assert sum(map(len, shared.values())) > 200
    assert [kind for kind, several in shared.items() if not is_constant(several, RULES)] == []


def test_each_class_is_represented_by_several(folder: Path) -> None:
    clients = capture_of(storm(folder, 1600, 100, seed=2, rate=100.0, lost=0.3)).clients
    speaking = chosen(clients, clients.ordinary)
    assert 0 < speaking.sum() < clients.ordinary.sum()
    of, kinds = speaking[clients.of], clients.kind
    for kind in np.unique(kinds[kinds >= 0]):
        members = kinds == kind
        wanted = min(REPRESENTATIVES, len(np.unique(clients.of[members])))
        assert len(np.unique(clients.of[members & of])) >= wanted


_PLACE = Evidence(Frame("x", 1), 1)
_ANSWER = Violated("so it is")


def _told(*answers: object, name: str = "DET-weak-md5", phase: int = 1) -> list[Told]:
    return [Told(MessageSubject, 7, Slot(True, 0), phase, ((name, answers),))]  # type: ignore[arg-type]


def test_other_answers_are_no_class() -> None:
    assert is_constant([_told(PASSED), _told(PASSED)], RULES)
    assert not is_constant([_told(PASSED), _told(NotJudged("TAIL"))], RULES)
    assert not is_constant([_told(PASSED), _told(PASSED) * 2], RULES)


def test_words_of_one_client_are_no_class() -> None:
    one, other = (Placed(replace(_ANSWER, detail=detail), None, ()) for detail in ("of bob", "of alice"))
    assert is_constant([_told(one), _told(one)], RULES)
    assert not is_constant([_told(one), _told(other)], RULES)


@pytest.mark.parametrize(
    "answer",
    [
        replace(_ANSWER, count=3),
        replace(_ANSWER, replaces="x"),
        replace(_ANSWER, gap=(1, 2)),
        replace(_ANSWER, up_to_cseq=4),
    ],
)
def test_what_speaks_for_more_than_a_transaction_is_not_repeated(answer: Violated) -> None:
    placed = Placed(answer, None, ())
    assert not is_constant([_told(placed), _told(placed)], RULES)


def test_a_place_elsewhere_is_not_repeated() -> None:
    for placed in (Placed(_ANSWER, None, (None,)), Placed(replace(_ANSWER, at=_PLACE), None, ())):
        assert not is_constant([_told(placed), _told(placed)], RULES)
    placed = Placed(replace(_ANSWER, at=_PLACE), Slot(True, 1), (Slot(False, 0),))
    assert is_constant([_told(placed), _told(placed)], RULES)


def test_what_is_seen_when_all_is_over_is_not_repeated() -> None:
    placed = Placed(_ANSWER, None, ())
    assert not is_constant([_told(placed, phase=2), _told(placed, phase=2)], RULES)


def test_what_folds_another_is_not_repeated() -> None:
    folding = next(rule for rule in RULES.values() if rule.supersedes and rule.supersedes[0] in RULES)
    placed = Placed(_ANSWER, None, ())
    both = [*_told(placed, name=folding.id), *_told(placed, name=folding.supersedes[0])]
    assert not is_constant([both, both], RULES)
    assert is_constant([_told(placed, name=folding.id)] * 2, RULES)
