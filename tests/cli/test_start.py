"""Small inputs answer at once: what the quick paths may import is held here, name by name.

A module that is missing in these lists costs milliseconds at every start: add it only if the path cannot do without it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from tests.shared import ROOT

SAMPLE = "samples/asterisk-first-registration/input.txt"
SCRIPT = """\
import sys
before = set(sys.modules)
from analyzer.cli import main
sys.argv = ["sipcheck", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print(*sorted(set(sys.modules) - before), sep="\\n", file=sys.stderr)
"""
# What the interpreter and click need, whatever is asked.
ALWAYS = """
    abc ast array atexit bz2 codecs collections contextlib copy copyreg dataclasses datetime dis encodings enum errno
    fnmatch functools gc genericpath gettext importlib inspect io itertools keyword linecache locale lzma math opcode
    operator os pkgutil platform posixpath pwd re reprlib shutil signal stat struct textwrap threading time token
    tokenize types typing uuid warnings weakref zlib click analyzer annotationlib
"""
# What reading, judging and drawing a log need beside that.
LOG = """
    bisect calendar colorsys csv hashlib heapq ipaddress json logging ntpath pathlib pickle random unicodedata urllib
    rich
"""
HELP_MODULES = {
    "analyzer",
    "analyzer.cli",
    "analyzer.cli.options",
    "analyzer.cli.run",
    "analyzer.cli.signals",
    "analyzer.interruption",
    "analyzer.plugins",
    "analyzer.views",
    "analyzer.views.drawing",
    "analyzer.views.drawing.output",
    "analyzer.views.formats",
}
LOG_PACKAGES = ("capture", "cli", "judge", "register", "rules", "run", "sip", "views")
NOT_FOR_LOGS = (
    "capture.asterisk.causes", "capture.asterisk.notices", "capture.asterisk.pairing", "capture.asterisk.wordings",
    "capture.directories",
    "capture.packets", "capture.ip", "capture.tcp", "capture.links", "capture.engine", "capture.tshark", "cluster",
    "cli.outfile", "dataframes", "judge.flowtext", "register.digest.diagnosis.engine",
    "register.digest.diagnosis.hypotheses", "register.digest.credential_files.csv_table", "run.workers", "storm",
    "views.catalogue", "views.formats.csv", "views.formats.json", "views.formats.junit", "views.formats.ndjson",
    "views.formats.sarif", "views.costs", "views.gathered", "views.page", "views.schema", "views.storm",
    "views.table.notices", "run.baseline", "spreadsheet",
)  # fmt: skip


def imported(*arguments: str) -> set[str]:
    """The modules that a command loads; those of the interpreter's own start left out."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    return set(done.stderr.split())


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules if not name.startswith("_")}


def test_help_loads_click_and_the_options() -> None:
    modules = imported("--help")
    assert tops(modules) <= set(ALWAYS.split())
    assert {name for name in modules if name.partition(".")[0] == "analyzer"} == HELP_MODULES


def test_a_log_loads_what_reads_logs() -> None:
    modules = imported("log", SAMPLE)
    assert tops(modules) <= set(ALWAYS.split()) | set(LOG.split())
    own = {name.removeprefix("analyzer.") for name in modules if name.startswith("analyzer.")}
    assert not {name for name in own if name.startswith(NOT_FOR_LOGS)}
    packages = {name.partition(".")[0] for name in own if "." in name}
    assert packages <= set(LOG_PACKAGES)


def test_what_a_log_must_not_load_is_there_to_be_loaded() -> None:
    """Or a module that was moved would be held to nothing."""
    absent = [name for name in NOT_FOR_LOGS if importlib.util.find_spec(f"analyzer.{name}") is None]
    assert absent == []


def test_the_lists_are_no_longer_than_they_must_be() -> None:
    """What a capture needs is not in them."""
    modules = imported("pcap", "samples/cseq-not-raised/input.pcap")
    assert "dpkt" in tops(modules) - set(ALWAYS.split()) - set(LOG.split())
