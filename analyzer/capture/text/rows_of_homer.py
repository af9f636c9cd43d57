"""Rows of Homer, heplify-server and other stores of HEP: a message, with its ends and its time in fields of its own.

They become what Homer's web page saves as text (`dialects/homer.py`), so that one dialect reads both.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

_ENDS = (
    ("srcIp", "srcPort", "dstIp", "dstPort"),
    ("source_ip", "source_port", "destination_ip", "destination_port"),
    ("src_ip", "src_port", "dst_ip", "dst_port"),
)
"""What Homer 7, Homer 5 and others call the ends."""
_PLACES = (("src", "dst"), ("source", "destination"), ("from", "to"))
"""What exports call the ends, in small letters, where address and port are one field."""
_PLACE = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})")
_NO_TIME = _UNTOLD = "-"
_PROTOCOLS = {"17": "UDP", "6": "TCP", "132": "SCTP", "22": "TLS"}
"""Numbers of IANA; 22 is what Homer has for TLS."""
_MICRO = 10**6
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")


def banner_of(row: Mapping[str, object]) -> str:
    """The line over the message of a row, and an empty one; "" where it does not name both ends. Where the row has no
    time that Homer would count, it is dated by what carries it."""
    fields = dict(row)
    for inner in ("protocol_header", "data_header"):
        if isinstance(header := row.get(inner), dict):
            fields.update(header)
    for names in _ENDS:
        values = [str(fields.get(name, "")) for name in names]
        if all(values):
            break
    else:
        values = _places(fields)
        if not values:
            return ""
    time = _time(fields)
    protocol = str(fields.get("protocol", fields.get("proto", _UNTOLD)))
    ends = (f"[{host}]" if ":" in host else host for host in values[::2])
    source, destination = (f"{host}:{port}" for host, port in zip(ends, values[1::2], strict=True))
    return f"proto:{_PROTOCOLS.get(protocol, protocol.upper())} {time}  {source} ---> {destination}\n\n"


def _places(fields: Mapping[str, object]) -> list[str]:
    """Both ends, where each is one field."""
    named = {name.lower(): value for name, value in fields.items() if isinstance(value, str)}
    for names in _PLACES:
        found = [_PLACE.fullmatch(named.get(name, "").strip()) for name in names]
        if all(found):
            return [part.strip("[]") for match in found if match is not None for part in match.groups()]
    return []


def _time(fields: Mapping[str, object]) -> str:
    """ISO 8601, of what Homer counts: seconds and microseconds, or one number of them; a dash where it has neither."""
    seconds, micro = fields.get("timeSeconds"), fields.get("timeUseconds", 0)
    if seconds is None:
        number = str(fields.get("micro_ts", fields.get("timestamp", fields.get("create_date", ""))))
        if not number.isdigit() or len(number) not in (13, 16):
            return number if _STAMP.fullmatch(number) else _NO_TIME
        seconds, micro = number[:10], number[10:].ljust(6, "0")
    try:
        moment = datetime.datetime.fromtimestamp(int(str(seconds)), datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(str(micro)) % _MICRO:06}Z"
    except (ValueError, OverflowError, OSError):
        return _NO_TIME
