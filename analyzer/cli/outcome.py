"""What becomes of a report beside the exit code: the file that it is written to, the baseline that it is held against,
and the one that it makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from analyzer.cli.run import die, write_out

if TYPE_CHECKING:
    from analyzer.judge.findings import Finding
    from analyzer.run.baseline import Baseline
    from analyzer.run.report import Report

_READ = ("credentials", "password_file", "tls_keylog")
MOST_OCTETS = 64 << 20
"""Octets of a baseline that are read: some 300,000 entries."""


class Outcome:
    """One run's: `check_places`, before anything is read, then `weigh`, `show`, `keep`."""

    def __init__(self, output: str | None, baseline: str | None, write_baseline: str | None) -> None:
        self._output = None if output == "-" else output
        self._known_from = baseline
        self._write_to = write_baseline
        self._known: Baseline | None = None
        self._found: Baseline | None = None

    @property
    def is_in_file(self) -> bool:
        """Whether the result goes to a file."""
        return self._output is not None

    @property
    def is_accepted(self) -> bool:
        """Whether what was found was written as known."""
        return self._found is not None

    def knows(self, finding: Finding) -> bool:
        """Whether the baseline has a finding, as it is now."""
        if self._known is None:
            return False
        from analyzer.run.baseline import knows

        return knows(self._known, finding)

    def check_places(self, given: dict[str, Any]) -> None:
        """Refuse to write over what is read, and read the baseline: exit 2, before the work is done for nothing."""
        if self._output is not None or self._write_to is not None:
            from analyzer.cli.outfile import check_place

            inputs = list(_names(given))
            if self._output is not None:
                known = [name for name in (self._known_from, self._write_to) if name is not None]
                check_place("--output", self._output, [*inputs, *known])
            if self._write_to is not None:
                check_place("--write-baseline", self._write_to, inputs)
                _check_replaceable(self._write_to)
        if self._known_from is not None and not self._is_begun_here():
            self._known = _read(self._known_from)

    def _is_begun_here(self) -> bool:
        """Whether the baseline is the one that this run writes for the first time: a configuration names it already."""
        places = [os.path.realpath(one) for one in (self._known_from, self._write_to) if one is not None]
        return len(places) == 2 and places[0] == places[1] and not os.path.exists(places[0])

    def weigh(self, report: Report) -> None:
        """Say in the report what a configuration changed of it, take out what is known, and note all that was found
        where that is to be written."""
        from analyzer.cli.config import note

        if told := note(click.get_current_context(silent=True)):
            report.notes.insert(0, told)
        if self._known is None and self._write_to is None:
            return
        from analyzer.run.baseline import baseline_of, set_apart

        if self._write_to is not None and not report.interrupted:
            self._found = baseline_of(report)
        if self._known is not None:
            set_apart(report, self._known)

    def show(self, render: Callable[[IO[str]], None]) -> None:
        """Write the result to where it belongs."""
        if self._output is None:
            write_out(render)
            return
        from analyzer.cli import signals
        from analyzer.cli.outfile import replaced

        signals.settle()
        with replaced(self._output) as out:
            render(out)

    def tell_costs(self, report: Report) -> None:
        """What each rule cost, on standard error."""
        from analyzer.views.costs import cost_lines
        from analyzer.views.drawing.output import tell

        for line in cost_lines(report):
            tell(line)

    def keep(self) -> None:
        """Write the baseline; of half a capture there is none."""
        if self._write_to is None:
            return
        from analyzer.views.drawing.output import tell

        if self._found is None:
            tell(f"sipcheck: {self._write_to} is not written: the capture or log was not read to its end")
            return
        from analyzer.cli.outfile import replaced
        from analyzer.run.baseline import dumped

        with replaced(self._write_to) as out:
            out.write(dumped(self._found))
        findings, digests = len(self._found.findings), len(self._found.digests)
        also = (
            f" and {digests:,} digest{'s' * (digests != 1)} that do{'es' * (digests == 1)} not match" if digests else ""
        )
        tell(f"{self._write_to}: {findings:,} finding{'s' * (findings != 1)}{also} known from now on")


def _names(given: dict[str, Any]) -> Iterator[str]:
    """All that this run reads, by name."""
    yield from (name for name in given.get("files", ()) if name != "-")
    for option in _READ:
        value = given.get(option)
        yield from (value if isinstance(value, tuple) else (value,) if value is not None else ())


def _check_replaceable(name: str) -> None:
    """A baseline is replaced without asking, something else never."""
    path = Path(name)
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(64)
    if head.strip() and b'"sipcheck-baseline/' not in head:
        raise click.UsageError(f"--write-baseline {name}: that file is no baseline, so it is not replaced")


def _read(name: str) -> Baseline:
    from analyzer.rules import all_rules
    from analyzer.run.baseline import BaselineError, parsed

    try:
        with open(name, "rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        die(f"{name}: cannot be read: {error.strerror}", 2)
    if len(octets) > MOST_OCTETS:
        die(f"{name}: too long for a baseline", 2)
    try:
        return parsed(octets, all_rules())
    except BaselineError as error:
        die(f"{name}: {error}", 2)
