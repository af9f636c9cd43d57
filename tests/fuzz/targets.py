"""The targets by name: what is checked, and what to begin with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import on_captures, on_flow, on_job, on_logs, on_sip, seeds

CASES = Path(__file__).resolve().parent / "cases"
"""A folder per target with the inputs that once failed, and those that must not."""


class Target(NamedTuple):
    """`check` holds for any octets or fails; `seeds` gives the inputs to begin with."""

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


TARGETS: dict[str, Target] = {
    "pcap": Target(on_captures.check_pcap, seeds.pcaps),
    "pcapng": Target(on_captures.check_pcapng, seeds.pcapngs),
    "inlet": Target(on_captures.check_inlet, seeds.compressed),
    "links": Target(on_captures.check_links, seeds.link_frames),
    "packets": Target(on_captures.check_packets, lambda: seeds.fragments() + seeds.tunnels()),
    "hep": Target(on_captures.check_hep, seeds.hep_packets),
    "tcp": Target(on_captures.check_tcp, seeds.tcp_talks),
    "websocket": Target(on_captures.check_websocket, seeds.websockets),
    "framing": Target(on_captures.check_framing, seeds.streams),
    "message": Target(on_sip.check_message, seeds.sip_messages),
    "digest": Target(on_sip.check_digest, seeds.digests),
    "chan_sip": Target(on_logs.check_chan_sip, seeds.chan_sip_logs),
    "pjsip": Target(on_logs.check_pjsip, seeds.pjsip_logs),
    "credentials": Target(on_logs.check_credentials, seeds.credential_files),
    "file": Target(on_job.check_file, seeds.files),
    "talk": Target(on_job.check_talk, seeds.talks),
    "lines": Target(on_flow.check_lines, seeds.choices),
    "flow": Target(on_flow.check_flow, seeds.choices),
}


def cases(name: str) -> list[Path]:
    """The files kept for a target, in name order."""
    return sorted((CASES / name).glob("*"))
