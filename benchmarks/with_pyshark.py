"""The same job with pyshark, as its users write it: `with_pyshark.py FILE PACKETS` prints what it saw of each message.

Only the first PACKETS packets are read, for pyshark takes minutes where the others take seconds.
"""

from __future__ import annotations

import sys
from typing import Any

import pyshark

_VALUES = (
    *("request_line", "status_line", "call_id", "cseq", "via_branch", "from", "to", "contact", "expires"),
    *("user_agent", "auth_username", "auth_realm", "auth_nonce", "auth_uri", "auth_digest_response", "auth_cnonce"),
)


def _line(packet: Any) -> str:
    place = [
        packet.number,
        packet.sniff_timestamp,
        packet.ip.src,
        packet.ip.dst,
        packet.udp.srcport,
        packet.udp.dstport,
    ]
    return "\t".join(str(value or "") for value in [*place, *map(packet.sip.get_field_value, _VALUES)])


def read(path: str, packets: int) -> None:
    """Print one line for each SIP message among the first packets of a capture."""
    capture = pyshark.FileCapture(
        path, display_filter="sip", keep_packets=False, custom_parameters=["-c", str(packets), "-n"]
    )
    try:
        for packet in capture:
            print(_line(packet))
    finally:
        capture.close()


if __name__ == "__main__":
    read(sys.argv[1], int(sys.argv[2]))
