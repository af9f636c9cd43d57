"""One storm for many tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.columnar import captures


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where captures are made once."""
    return tmp_path_factory.mktemp("columnar")


@pytest.fixture(scope="session")
def calm(folder: Path) -> Path:
    """A storm of fifty phones, five rounds."""
    return captures.storm(folder, 1000, 50)


@pytest.fixture(scope="session")
def quiet(folder: Path) -> Path:
    """A storm without a packet that is sent again: the messages of a phone are one exchange after the other."""
    return captures.storm(folder, 1000, 50, seed=5, rate=20.0, lost=0.0)


@pytest.fixture(scope="session")
def calmly(calm: Path) -> captures.Both:
    """The storm of `calm`, read both ways."""
    return captures.assert_same(calm)


@pytest.fixture(scope="session")
def quietly(quiet: Path) -> captures.Both:
    """The storm of `quiet`, read both ways."""
    return captures.assert_same(quiet)
