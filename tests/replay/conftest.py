"""Fixtures of the replay's tests: counterparts that several tests share, and their logs where a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.replay.peers import Kamailio, Space, TlsKeys, kamailio_server, make_keys, namespace


@pytest.fixture(scope="session")
def kamailio() -> Iterator[Kamailio]:
    """A plain Kamailio for all tests of the run: take a user of your own, so that nobody else's bindings meet yours.

    It works on datagrams in their order: of two children one may still bind by a copy what the other has removed.
    """
    with kamailio_server("CHILDREN=1") as server:
        yield server


@pytest.fixture
def space() -> Iterator[Space]:
    """A network namespace of the test's own."""
    with namespace() as made:
        yield made


@pytest.fixture(scope="session")
def tls_keys(tmp_path_factory: pytest.TempPathFactory) -> TlsKeys:
    """An authority and server certificates for loopback."""
    return make_keys(tmp_path_factory.mktemp("tls"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the log of the servers that it had as fixtures."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Kamailio):
                report.sections.append((f"log of {name}", value.log[-8000:]))
    return report
