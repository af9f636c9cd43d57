"""Courses of clients are looked at for some of them at a time, and say what all of them together say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar import course
from analyzer.columnar.columns import same_rows
from analyzer.columnar.course import Course, courses_of
from analyzer.columnar.partial import capture_of
from analyzer.columnar.shared import Capture
from tests.columnar.captures import assert_same, storm


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storm of forty phones."""
    return storm(tmp_path_factory.mktemp("courses"), 1200, 40, rate=20.0)


def _classes(capture: Capture) -> set[frozenset[int]]:
    """The transactions of each class, whatever its number is."""
    kind = capture.clients.kind
    return {frozenset(np.flatnonzero(kind == one).tolist()) for one in np.unique(kind).tolist()}


@pytest.mark.parametrize("at_once", [1, 7, 100, 600])
def test_a_few_clients_at_a_time(at_once: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = capture_of(path)
    monkeypatch.setattr(course, "_AT_ONCE", at_once)
    parts = capture_of(path)
    assert (parts.clients.ordinary == whole.clients.ordinary).all()
    assert _classes(parts) == _classes(whole)
    assert parts.clients.facts == whole.clients.facts
    assert (parts.clients.names == whole.clients.names).all()  # by hashes of one run


@pytest.mark.parametrize("at_once", [1, 50])
def test_reports_are_the_same_however_many_are_looked_at_together(
    at_once: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "_AT_ONCE", at_once)
    found = assert_same(path)
    assert found.columnar > 5, found.why


@pytest.mark.parametrize("at_once", [1, 3, 10, 1000])
def test_courses_have_every_client_once_and_whole(at_once: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = capture_of(path)
    clients = capture.clients
    monkeypatch.setattr(course, "_AT_ONCE", at_once)
    several = list(courses_of(capture.shapes, capture.exchanges, clients.order, clients.starts, clients.sizes))
    assert np.concatenate([one.order for one in several]).tolist() == clients.order.tolist()
    assert np.concatenate([one.sizes for one in several]).tolist() == clients.sizes.tolist()
    numbers = [number for one in several for number in range(one.clients.start, one.clients.stop)]
    assert numbers == list(range(len(clients.starts)))
    most = max(at_once + int(clients.sizes.max()), int(clients.sizes.max()))
    assert max(len(one.order) for one in several) <= most


def test_what_came_before_is_of_the_same_client() -> None:
    """Two clients: asked, granted, asked, granted; and asked, asked, granted."""
    grants = np.array([False, True, False, True, False, False, True])
    found = Course(slice(0, 2), np.arange(7), np.array([0, 4]), np.array([4, 3]), grants)
    assert found.before.tolist() == [0, 0, 1, 2, 4, 4, 5]
    assert found.asked.tolist() == [-1, 0, 0, 2, -1, 4, 5]
    assert found.granted.tolist() == [-1, -1, 1, 1, -1, -1, -1]
    assert found.spread(np.array([5, 9])).tolist() == [5, 5, 5, 5, 9, 9, 9]


def test_the_first_row_of_each_class() -> None:
    which, first = same_rows(np.array([4, 5, 4, 6]), np.array([1, 1, 1, 2]))
    assert which[0] == which[2] and len({*which.tolist()}) == 3
    assert first[which].tolist() == [0, 1, 0, 3]
