"""The targets by name: what is checked, and what to begin with.

Capture formats, dialects, link layers, credential files and views are found in their folders, so that a new one is a
target, or part of one, as soon as its file is there. A target of a format or dialect has the name of its file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import on_captures, on_flow, on_job, on_logs, on_plugins, on_readers, on_replay, on_sip, seeds

CASES = Path(__file__).resolve().parent / "cases"
"""A folder per target with the inputs that once failed, and those that must not."""


class Target(NamedTuple):
    """`check` holds for any octets or fails; `seeds` gives the inputs to begin with."""

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


MORE_SEEDS = {
    "pcap": seeds.pcaps,
    "pcapng": seeds.pcapngs,
    "asterisk_chan_sip": seeds.chan_sip_logs,
    "asterisk_pjsip": seeds.pjsip_logs,
}
"""Seeds beside those that every plug-in has; none needs any."""


def discovered() -> dict[str, Target]:
    """A target for each capture format and dialect that is there."""
    return {
        name: Target(check, partial(on_plugins.seeds_of, kind, name, MORE_SEEDS.get(name)))
        for kind in on_plugins.CHECKS
        for name, check in on_plugins.checks(kind).items()
    }


TARGETS: dict[str, Target] = discovered() | {
    "inlet": Target(on_captures.check_inlet, seeds.compressed),
    "links": Target(on_captures.check_links, seeds.link_frames),
    "packets": Target(on_captures.check_packets, lambda: seeds.fragments() + seeds.tunnels()),
    "interfaces": Target(on_captures.check_interfaces, lambda: seeds.fragments() + seeds.tunnels()),
    "pcap-layouts": Target(on_readers.check_layouts, seeds.layouts),
    "udp-tunnels": Target(on_readers.check_udp_tunnel, seeds.udp_tunnels),
    "hep": Target(on_captures.check_hep, seeds.hep_packets),
    "hep-fixed": Target(on_captures.check_hep_fixed, seeds.hep_fixed_packets),
    "tcp": Target(on_captures.check_tcp, seeds.tcp_talks),
    "websocket": Target(on_captures.check_websocket, seeds.websockets),
    "websocket-deflate": Target(on_readers.check_deflate, seeds.deflated),
    "framing": Target(on_captures.check_framing, seeds.streams),
    "message": Target(on_sip.check_message, seeds.sip_messages),
    "digest": Target(on_sip.check_digest, seeds.digests),
    "credentials": Target(on_logs.check_credentials, seeds.credential_files),
    "credential-format": Target(on_plugins.check_credential_format, seeds.credential_files),
    "replay": Target(on_replay.check_replay, seeds.talks),
    "file": Target(on_job.check_file, seeds.files),
    "talk": Target(on_job.check_talk, seeds.talks),
    "lines": Target(on_flow.check_lines, seeds.choices),
    "flow": Target(on_flow.check_flow, seeds.choices),
}


def cases(name: str) -> list[Path]:
    """The files kept for a target, in name order."""
    return sorted((CASES / name).glob("*"))
