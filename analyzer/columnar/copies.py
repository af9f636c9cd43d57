"""Packets that two interfaces of a capture show, as `capture/sightings.py` tells them (docs/columnar.md).

The reader of packets takes such a packet once. Columns take none: where there is one, the object path reads all.
"""

from __future__ import annotations

import numpy as np

from analyzer.capture import links
from analyzer.capture.sightings import WINDOW, packet_of
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Unsuited


def hold_single(packets: Packets) -> None:
    """Raise `Unsuited` where a packet that is no media was seen on one interface, and on another one a moment later."""
    records = packets.records
    if records.interface is None:
        return
    rows = np.sort(np.concatenate([packets.plain, packets.odd]))
    which, time = records.interface[rows], records.time[rows]
    if not len(rows) or (which == which[0]).all():
        return
    decode = links.table()[records.link]
    contents = []
    for row in rows.tolist():
        begin = int(records.at[row]) + records.header
        frame = records.octets[begin : begin + int(records.size[row])].tobytes()
        contents.append(hash(packet_of(frame, *decode(frame)) or row))
    content = np.array(contents, np.int64)
    order = np.argsort(content, kind="stable")
    one, other = order[:-1], order[1:]
    again = (content[one] == content[other]) & (which[one] != which[other]) & (time[other] - time[one] <= WINDOW)
    if again.any():
        raise Unsuited("two interfaces show the same packets")


__all__ = ["hold_single"]
