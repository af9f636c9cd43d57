"""`--format junit`: a test suite for CI, a test case for each step, a failure where an outcome differs.

A step fails by the measure of the exit code: the last of a chain of requests was answered with another status than
then, or was not sent. What differs beside is told as the case's output: a registrar may challenge where it did not, or
change its Server header, without breaking anything.
"""

from __future__ import annotations

from typing import IO
from xml.etree import ElementTree

from analyzer.escape import visible
from analyzer.views import ViewOptions
from replay.record import Planned, Result

NAME = "junit"


def render(result: Result, out: IO[str], options: ViewOptions) -> None:
    """Write the XML document."""
    del options
    failures = [row for row in result.rows if _fails(row, result.mode)]
    skipped = [row for row in result.rows if row.result is None and row not in failures]
    suite = ElementTree.Element(
        "testsuite",
        name=visible(f"sipcheck replay {result.mode} {result.title}"),
        tests=str(len(result.rows)),
        failures=str(len(failures)),
        skipped=str(len(skipped)),
        errors="0",
    )
    for row in result.rows:
        _case(suite, row, result.mode)
    ElementTree.indent(suite)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(ElementTree.tostring(suite, encoding="unicode") + "\n")


def _fails(row: Planned, mode: str) -> bool:
    if not row.step.is_last or mode == "plan":
        return False
    return row.result is None or row.result.status != row.step.exchange.status


def _case(suite: ElementTree.Element, row: Planned, mode: str) -> None:
    latency = row.result.tries[-1].latency if row.result is not None and row.result.tries else None
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname="replay",
        name=visible(f"{row.step.number} {row.editor.start}"),
        time=f"{(latency or 0) / 1e9:.6f}",
    )
    told = "\n".join(visible(line) for line in row.differences)
    if _fails(row, mode):
        ElementTree.SubElement(case, "failure", message=_message(row)).text = told
    elif row.result is None:
        ElementTree.SubElement(case, "skipped", message="not sent")
    elif told:
        ElementTree.SubElement(case, "system-out").text = told


def _message(row: Planned) -> str:
    then = row.step.exchange.status or "none"
    if row.result is None:
        return f"not sent now, {then} then"
    error = row.result.tries[-1].error if row.result.tries else ""
    now = row.result.status
    said = f"answered {now}" if now else f"no answer ({visible(error)})" if error else "no answer"
    return f"{said} now, {then} then"
