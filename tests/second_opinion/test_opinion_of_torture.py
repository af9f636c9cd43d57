"""A second opinion on the torture messages of RFC 4475, each in a UDP packet of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture.build import frame, pcap
from tests.second_opinion.differences import WHOLE, Known, differences, unnamed
from tests.second_opinion.readings import ours, tsharks
from tests.shared import needs_shared, shared
from tests.tools import Tool

_REFUSED = "tshark's heuristic refuses the start line; RFC 4475 wants such a message answered, so it must be read: "

KNOWN = {
    "badvers": [Known(WHOLE, None, b"OPTIONS sip:t.watson@example.org SIP/7.0", _REFUSED + "3.1.2.16 (505)")],
    "bigcode": [Known(WHOLE, None, b"SIP/2.0 000 better not break the receiver", _REFUSED + "3.1.2.19 (no status)")],
    "lwsruri": [Known(WHOLE, None, b"INVITE sip:user@example.com; lr SIP/2.0", _REFUSED + "3.1.2.8 (400)")],
    "lwsstart": [Known(WHOLE, None, b"INVITE sip:user@example.com SIP/2.0", _REFUSED + "3.1.2.9 (400)")],
    "trws": [Known(WHOLE, None, b"OPTIONS sip:remote-target@example.com SIP/2.0", _REFUSED + "3.1.2.10 (400)")],
    "intmeth": [
        Known(
            "cseq",
            None,
            (139122385, b"!interesting-Method0123456789_*+`.%indeed'~"),
            "RFC 4475 3.1.1.2: a valid method; tshark gives up methods of more than 16 octets in CSeq",
        )
    ],
    "scalar02": [
        Known(
            "cseq",
            (2**32 - 1, b"REGISTER"),
            (36893488147419103232, b"REGISTER"),
            "RFC 4475 3.1.2.4: beyond 2**31; tshark shows the largest of 32 bits, we keep what is sent",
        )
    ],
    "scalarlg": [
        Known(
            "cseq",
            (2**32 - 1, b"OPTIONS"),
            (9292394834772304023312, b"OPTIONS"),
            "RFC 4475 3.1.2.5: as in scalar02",
        )
    ],
    "wsinv": [
        Known("branch", None, b"390skdjuw", "RFC 4475 3.1.1.1: blanks and folds around `=`; EQUAL of RFC 3261 25.1")
    ],
}


@needs_shared
@pytest.mark.needs_tool("tshark")
def test_torture(tmp_path: Path, tool: Tool) -> None:
    files = sorted(shared("torture").glob("*.dat"))
    path = tmp_path / "torture.pcap"
    path.write_bytes(pcap([frame(file.read_bytes()) for file in files]))
    own = ours(path)
    names = {number: file.stem for number, file in enumerate(files, 1)}
    assert unnamed(differences(tsharks(tool("tshark"), path), own), names, KNOWN) == []
    unread = names.keys() - {one.frame for one in own}
    assert {names[number] for number in unread} == {"test"}  # no message of the RFC: its start line has no version
