"""Rows of Homer, heplify-server and other stores of HEP: a message, with its ends and its time in fields of its own.

They become what Homer's web page saves as text (`dialects/homer.py`), so that one dialect reads both.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

_ENDS = (
    ("srcIp", "srcPort", "dstIp", "dstPort"),
    ("source_ip", "source_port", "destination_ip", "destination_port"),
    ("src_ip", "src_port", "dst_ip", "dst_port"),
)
"""What Homer 7, Homer 5 and others call the ends."""
_PROTOCOLS = {"17": "UDP", "6": "TCP", "132": "SCTP", "22": "TLS"}
"""Numbers of IANA; 22 is what Homer has for TLS."""
_MICRO = 10**6


def banner_of(row: Mapping[str, object]) -> str:
    """The line over the message of a row, and an empty one; "" where it does not name both ends."""
    fields = dict(row)
    for inner in ("protocol_header", "data_header"):
        if isinstance(header := row.get(inner), dict):
            fields.update(header)
    for names in _ENDS:
        values = [str(fields.get(name, "")) for name in names]
        if all(values):
            break
    else:
        return ""
    time = _time(fields)
    protocol = str(fields.get("protocol", fields.get("proto", "17")))
    ends = (f"[{host}]" if ":" in host else host for host in values[::2])
    source, destination = (f"{host}:{port}" for host, port in zip(ends, values[1::2], strict=True))
    return f"proto:{_PROTOCOLS.get(protocol, protocol.upper())} {time}  {source} ---> {destination}\n\n"


def _time(fields: Mapping[str, object]) -> str:
    """ISO 8601, of what Homer counts: seconds and microseconds, or one number of them."""
    seconds, micro = fields.get("timeSeconds"), fields.get("timeUseconds", 0)
    if seconds is None:
        number = str(fields.get("micro_ts", fields.get("timestamp", fields.get("create_date", ""))))
        if not number.isdigit() or len(number) not in (13, 16):
            return number if number[:4].isdigit() and "-" in number else "1970-01-01T00:00:00Z"
        seconds, micro = number[:10], number[10:].ljust(6, "0")
    try:
        moment = datetime.datetime.fromtimestamp(int(str(seconds)), datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(str(micro)) % _MICRO:06}Z"
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00Z"
