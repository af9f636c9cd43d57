"""Several logs are one log in time order, whatever order a shell lists them in."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from analyzer.run.pipeline import analyze

MESSAGE = """\
[2026-11-20 {hour:02}:00:00] VERBOSE[1] chan_sip.c:
<--- SIP read from UDP:192.0.2.10:5060 --->
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK{hour}
Max-Forwards: 70
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: c1
CSeq: {hour} REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Expires: 3600
Content-Length: 0

<------------->
"""


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_gives_the_same(tmp_path: Path, order: tuple[int, ...]) -> None:
    paths = []
    for number in range(3):
        path = tmp_path / f"full.{number}"
        path.write_text("".join(MESSAGE.format(hour=2 * number + hour) for hour in (1, 2)))
        paths.append(str(path))
    report = analyze([paths[number] for number in order])
    assert [row.cseq for row in report.transactions] == [1, 2, 3, 4, 5, 6]
    assert not [finding for finding in report.findings if "cseq" in finding.rule]
