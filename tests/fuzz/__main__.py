"""Look for octets that break an invariant.

    python -m tests.fuzz NAME --runs 300           the seeds, the cases kept and 300 mutants, always the same
    python -m tests.fuzz NAME --seconds 600        with atheris (`pip install '.[fuzz]'`), guided by coverage
    python -m tests.fuzz NAME FILE...              these inputs alone

What fails is written to `--found` (a folder, by default build/fuzz) under the name of its digest; kept in
tests/fuzz/cases/NAME it is tried again by every run of the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import random
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

from tests.hardness import rewrite


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Look for octets that break an invariant."
    )
    parser.add_argument("name", help="the target")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("build/fuzz"))
    return parser.parse_args()


def try_all(check: Callable[[bytes], None], inputs: Iterable[bytes], found: Path) -> int:
    """Check every input; the number of those that fail."""
    failed = 0
    for octets in inputs:
        try:
            check(octets)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            found.mkdir(parents=True, exist_ok=True)
            place = found / hashlib.sha256(octets).hexdigest()[:16]
            place.write_bytes(octets)
            traceback.print_exc()
            sys.stderr.write(f"{len(octets)} octets in {place}\n\n")
            if failed >= 10:
                break
    return failed


def _guided(check: Callable[[bytes], None], seeds: list[bytes], arguments: argparse.Namespace, atheris: Any) -> None:
    """Hand over to libFuzzer, which does not come back."""
    home: Path = arguments.found / arguments.name
    corpus, begin = home / "corpus", home / "seeds"
    for folder in (corpus, begin):
        folder.mkdir(parents=True, exist_ok=True)
    for octets in seeds:
        (begin / hashlib.sha256(octets).hexdigest()[:16]).write_bytes(octets)
    options = {
        "max_total_time": arguments.seconds,
        "timeout": 120,
        "rss_limit_mb": 4096,
        "max_len": 1 << 14,
        "len_control": 10,
        "print_final_stats": 1,
        "artifact_prefix": f"{home}/",
    }
    flags = [f"-{name}={value}" for name, value in options.items()]
    changed = importlib.import_module("tests.fuzz.mutants").changed

    def mutate(octets: bytes, most: int, seed: int) -> bytes:
        own = changed(octets, random.Random(seed)) if seed % 2 else atheris.Mutate(octets, most)
        return bytes(own[:most])

    atheris.Setup([sys.argv[0], *flags, str(corpus), str(begin)], check, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> int:
    """Run one target; 1 where something failed."""
    arguments = _arguments()
    atheris: ModuleType | None = None
    further: Callable[[CodeType], CodeType] | None = None
    if arguments.seconds:
        atheris = importlib.import_module("atheris")
        patch = importlib.import_module("atheris.instrument_bytecode").patch_code
        further = lambda code: cast(CodeType, patch(code, True))  # noqa: E731
    for package in ("analyzer", "replay"):
        rewrite.install(package, further=further)
    targets = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[arguments.name]
    kept = [path.read_bytes() for path in targets.cases(arguments.name)]
    if atheris is not None:
        _guided(target.check, [*target.seeds(), *kept], arguments, atheris)
    if arguments.files:
        return int(try_all(target.check, (path.read_bytes() for path in arguments.files), arguments.found) > 0)
    mutants = importlib.import_module("tests.fuzz.mutants").mutants
    inputs = [*kept, *mutants(target.seeds(), arguments.runs, arguments.seed)]
    return int(try_all(target.check, inputs, arguments.found) > 0)


if __name__ == "__main__":
    sys.exit(main())
