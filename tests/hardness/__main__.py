"""Measure the traps of a test module: counts for the tests, or, with `--full`, seconds and memory for a person."""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time

from tests.hardness import rewrite
from tests.hardness.meter import work_of


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hardness", description=__doc__)
    parser.add_argument("module", help="for example tests.hardness.test_linear_sip")
    parser.add_argument("--only", default="", help="one trap")
    parser.add_argument("--full", action="store_true", help="seconds and memory at the full size")
    parser.add_argument("--size", type=int, default=0, help="another size than the trap's own")
    return parser.parse_args()


def _counted(arguments: argparse.Namespace) -> None:
    for package in ("analyzer", "replay"):
        rewrite.install(package)
    importlib.import_module(arguments.module)
    growth = importlib.import_module("tests.hardness.growth")
    counts = {}
    for name, one in growth.traps(arguments.module).items():
        if arguments.only in ("", name):
            size = arguments.size or one.size
            work_of(one.build(size // 10))  # what is learned once is not counted
            counts[name] = [work_of(one.build(size)), work_of(one.build(growth.TIMES * size))]
    json.dump(counts, sys.stdout)


def _timed(arguments: argparse.Namespace) -> None:
    """One trap without counters, at full size."""
    importlib.import_module(arguments.module)
    growth = importlib.import_module("tests.hardness.growth")
    one = growth.traps(arguments.module)[arguments.only]
    size = arguments.size or one.full
    run = one.build(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    run()
    seconds = time.process_time() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{one.name:42} {size:>10,} {seconds:8.2f} s {before >> 10:6} MiB then {after >> 10:6} MiB\n")


def main() -> None:
    """Measure, and write the result to standard output."""
    arguments = _arguments()
    if not arguments.full:
        _counted(arguments)
        return
    if arguments.only:
        _timed(arguments)
        return
    importlib.import_module(arguments.module)
    for name in importlib.import_module("tests.hardness.growth").traps(arguments.module):
        subprocess.run([sys.executable, "-m", "tests.hardness", *sys.argv[1:], "--only", name], check=False)


if __name__ == "__main__":
    main()
