"""The document of a test report for a CI server, whatever its suites are about (`--format junit`)."""

from __future__ import annotations

from typing import IO
from xml.etree import ElementTree


def write_suites(root: ElementTree.Element, out: IO[str]) -> None:
    """Write `testsuites` with the sums of its suites, in ASCII: it is the same whatever the terminal's encoding is."""
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    out.write(ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True).decode("ascii") + "\n")
