"""Where the program runs: the machine's own network, or a namespace without a way out."""

from __future__ import annotations

import os
from pathlib import Path

from replay.target import Surroundings


def surroundings(proc: Path = Path("/proc"), names: Path = Path("/run/netns")) -> Surroundings:
    """Look at the network namespace of this process; any doubt means that it is not enclosed.

    It is not the machine's own if it is not that of process 1 or, where nobody may look at that, if `ip netns` has made
    it and given it a name.
    """
    try:
        own = os.readlink(proc / "self/ns/net")
        routes = [(proc / "self/net/route").read_text().splitlines()[1:], _ipv6_routes(proc)]
    except OSError:
        return Surroundings()
    ways_out = [line for line in routes[0] if _leads_on(*line.split()[1:3])] + routes[1]
    return Surroundings(enclosed=_is_apart(own, proc, names) and not ways_out)


def _is_apart(own: str, proc: Path, names: Path) -> bool:
    try:
        return own != os.readlink(proc / "1/ns/net")
    except OSError:
        pass
    try:
        return own in {f"net:[{name.stat().st_ino}]" for name in names.iterdir()}
    except OSError:
        return False


def _leads_on(destination: str, gateway: str = "") -> bool:
    """A route to everywhere, or to anywhere through a gateway: who knows where that leads."""
    return destination.strip("0") == "" or gateway.strip("0") != ""


def _ipv6_routes(proc: Path) -> list[str]:
    """Routes to everywhere or through a gateway, but on `lo` (where the kernel has unreachable ones)."""
    rows = [line.split() for line in (proc / "self/net/ipv6_route").read_text().splitlines()]
    return [" ".join(row) for row in rows if row[-1] != "lo" and (row[1] == "00" or row[4].strip("0"))]
