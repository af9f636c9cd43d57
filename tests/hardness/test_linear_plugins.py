"""Every plug-in that is found takes work that grows with its input; a new file is held to that without being named.

The views of a report are all in `test_linear_job`, which takes them as they are found too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.test_discovered import LOG
from tests.hardness.growth import is_linear, squares, traps
from tests.hardness.growth import trap as keep
from tests.hardness.long_plugins import found_traps, long_inputs
from tests.hardness.meter import Work
from tests.plugins.folders import found
from tests.shared import ROOT

for _one in found_traps():
    keep(_one.size, full=_one.full, name=_one.name, module=__name__)(_one.build)


@pytest.mark.timeout(1200)
def test_work_grows_with_the_input() -> None:
    assert squares(__name__) == {}


def test_every_plugin_that_reads_is_a_trap() -> None:
    kinds = ("format", "dialect", "link", "credentials", "replay-view")
    assert set(traps(__name__)) == {f"{kind}-{name}" for kind, name in found(*kinds)}


def test_inputs_are_long_and_begin_as_they_should() -> None:
    inputs = list(long_inputs(b"one\ntwo\n", 1000))
    assert len(inputs) > 5
    assert all(900 < len(octets) < 1100 for octets in inputs)
    assert all(octets.startswith(b"one\ntw") for octets in inputs)


ADDED = """
import sys
from tests.hardness import rewrite
rewrite.install()
from analyzer.capture import dialects
dialects.__path__.append(sys.argv.pop(1))
from tests.hardness.__main__ import main
rewrite.install = lambda *_, **__: None
main()
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("statement", "linear"), [("pass", True), ("kept = b'.' * source.frames", False)])
def test_a_new_dialect_is_held_to_it(statement: str, linear: bool, tmp_path: Path) -> None:
    (tmp_path / "line_log.py").write_text(LOG % statement, encoding="utf-8")
    command = [sys.executable, "-c", ADDED, str(tmp_path), __name__, "--only", "dialect-line_log"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    small, large = (Work(*counts) for counts in json.loads(run.stdout)["dialect-line_log"])
    assert is_linear(small, large) is linear, (small, large)
