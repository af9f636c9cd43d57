"""How much speaks for a restart of the user agent where its Call-ID changed (docs/rules/order.md R3261-10.2-callid).

RFC 3261 10.2 wants one Call-ID from boot to boot, so a restart makes a change legal. Silence counts against the
interval that the client was granted: a phone that refreshes every half hour is not silent for ten minutes.
Boot traffic (DHCP, TFTP, provisioning) would add two points; the reader sees only SIP.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import SECOND
from analyzer.register.identity import Client
from analyzer.register.registration import Registration
from analyzer.register.timers import BOOT_SILENCE
from analyzer.register.transaction import Transaction

RESTART = 3
"""From this score on a change of Call-ID is taken for a restart."""
_FAR_DOWN = 100


class BootScore(NamedTuple):
    """Points and what gave them."""

    points: int
    signs: tuple[str, ...]

    @property
    def is_restart(self) -> bool:
        """Enough speaks for a restart."""
        return self.points >= RESTART


def boot_score(registration: Registration, earlier: Transaction, later: Transaction, client: Client) -> BootScore:
    """Score the change from `earlier` to `later`; `registration` is as it was before `later`."""
    signs: list[tuple[int, str]] = []
    if registration.outcome == "removed":
        signs.append((2, "the old binding was removed first"))
    silence = None if later.first is None or earlier.last is None else later.first - earlier.last
    granted = registration.granted
    longest = BOOT_SILENCE if granted is None else granted * SECOND
    if silence is not None and silence > longest:
        signs.append((2, f"silent for {silence // SECOND} s before"))
    if later.cseq < earlier.cseq and (later.cseq <= 2 or earlier.cseq - later.cseq > _FAR_DOWN):
        signs.append((1, f"CSeq starts again at {later.cseq}"))
    if registration.preemptive and not later.has_credentials:
        signs.append((1, "no credentials, though it used to send them unasked"))
    if client.user_agent != registration.client.user_agent:
        signs.append((1, "another User-Agent"))
    if client.host != registration.client.host:
        signs.append((1, "another source address"))
    if later.stream and later.stream != earlier.stream:
        signs.append((1, "a new connection"))
    return BootScore(sum(points for points, _ in signs), tuple(sign for _, sign in signs))
