"""`--format junit`: a test suite for CI, a test case for each step, a failure where the answer differs in its status.

What differs beside the status is told as the case's output: a registrar may change its Server header without breaking
anything.
"""

from __future__ import annotations

from typing import IO
from xml.etree import ElementTree

from analyzer.views import ViewOptions
from analyzer.views._escape import visible
from replay.record import Planned, Result

NAME = "junit"


def render(result: Result, out: IO[str], options: ViewOptions) -> None:
    """Write the XML document."""
    del options
    failures = [row for row in result.rows if _fails(row)]
    suite = ElementTree.Element(
        "testsuite",
        name=visible(f"sipcheck replay {result.mode} {result.title}"),
        tests=str(len(result.rows)),
        failures=str(len(failures)),
        skipped=str(sum(1 for row in result.rows if row.result is None)),
        errors="0",
    )
    for row in result.rows:
        _case(suite, row)
    ElementTree.indent(suite)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(ElementTree.tostring(suite, encoding="unicode") + "\n")


def _fails(row: Planned) -> bool:
    return row.result is not None and row.result.status != row.step.exchange.status


def _case(suite: ElementTree.Element, row: Planned) -> None:
    latency = row.result.tries[-1].latency if row.result is not None and row.result.tries else None
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname="replay",
        name=visible(f"{row.step.number} {row.draft.start}"),
        time=f"{(latency or 0) / 1e9:.6f}",
    )
    told = "\n".join(visible(line) for line in row.differences)
    if row.result is None:
        ElementTree.SubElement(case, "skipped", message="not sent")
    elif _fails(row):
        then, now = row.step.exchange.status, row.result.status
        error = row.result.tries[-1].error if row.result.tries else ""
        said = f"answered {now}" if now else f"no answer ({visible(error)})" if error else "no answer"
        message = f"{said}, then {then}" if then else f"{said}, then none"
        ElementTree.SubElement(case, "failure", message=message).text = told
    elif told:
        ElementTree.SubElement(case, "system-out").text = told
