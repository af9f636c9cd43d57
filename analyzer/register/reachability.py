"""Could the client be called? The timeline of one client: from when to when the registrar had a contact of it bound.

Built from the registrar's own words (RFC 3261 10.3 step 8): every 2xx to whomever lists what is bound at that instant
and for how long, so a contact that a list names is bound until the time that is granted or left, and one that it does
not name is gone. A binding that ran out before the next grant is a gap. Where nothing was granted in numbers, where
nothing tells when, or the clock was set back, it is unknown until the next list says more; of the time before the first
list nothing is known, and nothing is said. The bindings (`binding.py`) are what is bound contact by contact; this is
what they come to, and `reached.py` keeps the two together.

Of a client at most `KEPT` stretches are kept, the first half and the last; gaps are counted and summed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analyzer.evidence import SECOND, Evidence

Reach = Literal["bound", "unbound", "unknown"]
Cause = Literal[
    "registered",
    "ran out",
    "refreshed too late",
    "refused",
    "not answered",
    "challenge not answered",
    "signed off",
    "not listed",
    "taken away",
    "taken over",
    "removed",
    "no expiry",
    "no time",
    "clock stepped",
]
_GONE: tuple[Cause, ...] = ("not listed", "taken away", "taken over", "removed")
KEPT = 40
"""Stretches of a client that are kept."""
SLACK = 2 * SECOND
"""Tolerance at the end of a binding (RFC 3261 leaves the clocks of both sides apart)."""


@dataclass(slots=True)
class Stretch:
    """A time with one state: `start` and `end` in nanoseconds, `end` None while it lasts. `cause` is why it began, `by`
    what shows that, `finding` the rule whose violation explains it. A bound stretch ends at the latest at `expires`."""

    state: Reach
    start: int
    cause: Cause
    by: Evidence | None = None
    end: int | None = None
    expires: int | None = None
    finding: str = ""


class Reachability:
    """The stretches of one client, in order; `gaps` counts those without a binding between two with one, but for
    those that the client wanted (it had signed off), `lost` sums them in nanoseconds. `epoch` counts the steps of the
    clock that it knows of; behind such a step times begin again earlier than those before."""

    __slots__ = ("_kept", "dropped", "epoch", "gaps", "lost")

    def __init__(self) -> None:
        self._kept: tuple[Stretch, ...] = ()
        self.dropped = self.gaps = self.lost = self.epoch = 0

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The stretches that are kept, in order of time."""
        return self._kept

    @property
    def current(self) -> Stretch | None:
        """The stretch that lasts."""
        return self._kept[-1] if self._kept else None

    @property
    def bound_until(self) -> int | None:
        """Until when calls go to the client by the last that the registrar said; None where it is not bound."""
        current = self.current
        return current.expires if current is not None and current.state == "bound" else None

    @property
    def is_doubted(self) -> bool:
        """Whether the last word is a list that does not name it, of a registrar that may not list others."""
        current = self.current
        return current is not None and current.state == "unknown" and current.cause == "not listed"

    @property
    def ran_out(self) -> int | None:
        """Since when it is not bound because nobody renewed it, whatever kept the client from that; None where that is
        not how it is."""
        current = self.current
        if current is None or current.state != "unbound" or current.cause in ("signed off", *_GONE):
            return None
        return current.start

    @property
    def is_taken_away(self) -> bool:
        """Whether a 2xx was the last word that lists no contact of the client any more, though it did not ask for that,
        or by which the contact is another client's now."""
        current = self.current
        return current is not None and current.state == "unbound" and current.cause in _GONE

    def until(self, time: int) -> int | None:
        """Until when it stayed bound from `time` on, or is bound as far as is known; `time` itself where it was not
        bound then, None where that is not known."""
        for stretch in reversed(self._kept):
            if stretch.start <= time:
                if stretch.state != "bound":
                    return time if stretch.state == "unbound" else None
                return stretch.end if stretch.end is not None else stretch.expires
        return None

    def granted(self, now: int, until: int | None, by: Evidence, *, asked: bool = True) -> None:
        """A 2xx at `now` lists a contact of the client, bound until `until` (None: it does not say); `asked`: because
        the client asks for that, or else as what is left of an earlier grant, which then never ran out."""
        current = self.current
        if current is not None and now < current.start:
            return  # a response that was seen late, or clocks that differ: the later word stands
        if until is None:
            self._lapse(now)
            self._come_back(now)
            self._go("unknown", now, "no expiry", by)
            return
        if current is not None and current.state == "bound":
            if not asked or current.expires is None or now <= current.expires + SLACK:
                current.expires = until
                return
            self._ran_out(current)
        self._come_back(now)
        self._go("bound", now, "registered", by, expires=until)

    def _come_back(self, now: int) -> None:
        """It is there again: what was unbound until now was a gap, if it did not want that."""
        gap = self.current
        if gap is None or gap.state != "unbound" or gap.cause == "signed off":
            return
        if gap.cause == "ran out":
            gap.cause = "refreshed too late"
        self.gaps += 1
        self.lost += now - gap.start

    def unclear(self, earliest: int, by: Evidence) -> None:
        """A 2xx that is not before `earliest`, and of which no more is known: what it grants, and until when, is not
        known either. It may have come before anything that was bound then ran out."""
        self._lapse(earliest)
        current = self.current
        self._go("unknown", earliest if current is None else max(earliest, current.start), "no time", by)

    def gone(self, now: int, cause: Cause, by: Evidence) -> None:
        """A 2xx at `now` does not list the client's contact any more, or takes it away."""
        current = self.current
        if current is None or current.state == "unbound" or now < current.start:
            return
        if current.state == "bound" and current.expires is not None and now > current.expires + SLACK:
            self._ran_out(current)
            return
        self._go("unbound", now, cause, by)

    def doubted(self, now: int, by: Evidence) -> None:
        """A 2xx at `now` to another client does not list the client's contact, which may mean nothing."""
        self._lapse(now)
        current = self.current
        if current is not None and current.state == "bound" and now >= current.start:
            self._go("unknown", now, "not listed", by)

    def clock_stepped(self, before: int, now: int, epoch: int = 0) -> None:
        """The capture's clock was set back from `before` to `now`: what was known of ends cannot be compared with what
        follows. `epoch` counts such steps."""
        self.epoch = epoch
        self._lapse(before)
        current = self.current
        if current is not None:
            current.end = max(current.start, before)
            self._go("unknown", now, "clock stepped", None, ended=current.end)

    def settle(self, end: int | None) -> None:
        """The source has ended at `end`: what ran out before that is over."""
        if end is not None:
            self._lapse(end)

    def _lapse(self, now: int) -> None:
        """What ran out before `now` is over."""
        current, until = self.current, self.bound_until
        if current is not None and until is not None and until + SLACK < now:
            self._ran_out(current)

    def _ran_out(self, current: Stretch) -> None:
        assert current.expires is not None
        self._go("unbound", max(current.start, current.expires), "ran out", None)

    def _go(
        self,
        state: Reach,
        now: int,
        cause: Cause,
        by: Evidence | None,
        *,
        expires: int | None = None,
        ended: int | None = None,
    ) -> None:
        kept = self._kept
        if ended is None and kept and kept[-1].state == state and state != "bound":
            return
        if kept:
            kept[-1].end = now if ended is None else ended
        if len(kept) >= KEPT:
            kept = (*kept[: KEPT // 2], *kept[KEPT // 2 + 1 :])
            self.dropped += 1
        self._kept = (*kept, Stretch(state, now, cause, by, None, expires))
