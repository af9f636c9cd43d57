"""Could the client be called? The timeline of one client: from when to when the registrar had a contact of it bound.

Built from the registrar's own words (RFC 3261 10.3 step 8): every 2xx to whomever lists what is bound at that instant
and for how long, so a contact that a list names is bound until the time that is granted or left, and one that it does
not name is gone. A binding that ran out before the next grant is a gap. Where nothing was granted in numbers, where
nothing tells when, or the clock was set back, it is unknown until the next list says more; of the time before the first
list nothing is known, and nothing is said.

An answer may be missing in the capture. A client over UDP that hears none sends its request again (RFC 3261 17.1.2.2);
of one that does not, and whose answer was not seen, it is not known what it has from then on: it was renewed before it
would have run out, most likely, or signed off. And who asks in time, and is answered too late, had a gap if the
registrar was slow, and none if the answer was. Nor need a request be there: where a later number, or an answer alone,
shows that one is missing, what ran out before that may have been renewed by it.

The bindings (`binding.py`) are what is bound contact by contact; this is what they come to, and `reached.py` keeps the
two together.

Of a client at most `KEPT` stretches are kept, the first half and the last; gaps are counted and summed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from analyzer.evidence import SECOND, Evidence
from analyzer.sip.timers import T1

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
    "removed by another",
    "removed",
    "no expiry",
    "no time",
    "clock stepped",
    "answer not seen",
    "answered late",
    "request not seen",
    "listed again",
]
_GONE: tuple[Cause, ...] = ("not listed", "taken away", "taken over", "removed by another", "removed")
KEPT = 40
"""Stretches of a client that are kept."""
SLACK = 2 * SECOND
"""Tolerance at the end of a binding (RFC 3261 leaves the clocks of both sides apart)."""


@dataclass(slots=True)
class Stretch:
    """A time with one state: `start` and `end` in nanoseconds, `end` None while it lasts. `cause` is why it began, `by`
    what shows that, `finding` the rule whose violation explains it. A bound stretch, or one in doubt, ends at the
    latest at `expires`."""

    state: Reach
    start: int
    cause: Cause
    by: Evidence | None = None
    end: int | None = None
    expires: int | None = None
    finding: str = ""


class Unanswered(NamedTuple):
    """A request whose answer was not seen so far, though it would be repeated if it was not heard: when it was sent,
    the number of its transaction, where it is, until when it asks to be bound (nanoseconds; None: it does not say), and
    whether it is the client's own: another's may take from it."""

    sent: int
    transaction: int
    by: Evidence
    until: int | None = None
    is_own: bool = True


class Reachability:
    """The stretches of one client, in order; `gaps` counts those without a binding between two with one, but for
    those that the client wanted (it had signed off), `lost` sums them in nanoseconds. `epoch` counts the steps of the
    clock that it knows of; behind such a step times begin again earlier than those before. `wants_away`: its latest
    request is to be bound no more, whatever came of it; `left_by` numbers the transaction by which it had signed off.
    """

    __slots__ = ("_asked", "_kept", "_leaving", "dropped", "epoch", "gaps", "left_by", "lost", "wants_away")

    def __init__(self) -> None:
        self._kept: tuple[Stretch, ...] = ()
        self._asked: Unanswered | None = None
        self._leaving: Unanswered | None = None
        self.wants_away = False
        self.dropped = self.gaps = self.lost = self.epoch = self.left_by = 0

    @classmethod
    def of(cls, *kept: Stretch) -> Reachability:
        """A timeline of these stretches."""
        whole = cls()
        whole._kept = kept
        return whole

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

    @property
    def is_signed_off(self) -> bool:
        """Whether it is not bound any more because it wanted that."""
        current = self.current
        return current is not None and (current.state, current.cause) == ("unbound", "signed off")

    @property
    def is_listed_again(self) -> bool:
        """Whether it had signed off, and the registrar's list has its contact again."""
        current = self.current
        return current is not None and (current.state, current.cause) == ("bound", "listed again")

    @property
    def is_unseen(self) -> bool:
        """Whether the answer to its last request is missing, so that it is not known whether it is bound."""
        current = self.current
        return current is not None and current.state == "unknown" and current.cause == "answer not seen"

    def unseen_before(self, stretch: Stretch) -> Evidence | None:
        """The request whose missing answer had left it unknown until `stretch` began."""
        at = next((at for at, one in enumerate(self._kept) if one is stretch), 0)
        before = self._kept[at - 1] if at else None
        return before.by if before is not None and before.cause == "answer not seen" else None

    def until(self, time: int) -> int | None:
        """Until when it stayed bound from `time` on, or is bound as far as is known; `time` itself where it was not
        bound then, None where that is not known."""
        for stretch in reversed(self._kept):
            if stretch.start <= time:
                if stretch.state != "bound":
                    return time if stretch.state == "unbound" else None
                return stretch.end if stretch.end is not None else stretch.expires
        return None

    def sent(self, request: Unanswered, *, leaving: bool) -> None:
        """The client asks to be bound, or to be bound no more (`leaving`), and has no answer so far."""
        if not self._kept:
            return
        self._see(request.sent)
        if leaving:
            self._leaving = self._leaving or request
        elif self._asked is None or request.sent - self._asked.sent <= T1:
            self._asked = request

    def told(self, transaction: int) -> None:
        """What became of a request is known: it was answered, or sent again, or the network refused it."""
        if self._asked is not None and self._asked.transaction == transaction:
            self._asked = None
        if self._leaving is not None and self._leaving.transaction == transaction:
            self._leaving = None

    def _see(self, now: int) -> None:
        """What a request has come to whose answer was not seen by `now`, as far as that cannot be known."""
        leaving, asked, current = self._leaving, self._asked, self.current
        if current is None or (leaving is None and asked is None):
            return
        if leaving is not None and now - leaving.sent > T1 and current.state == "bound":
            if current.expires is None or leaving.sent <= current.expires + SLACK:
                over = current.expires  # no sign-off makes it longer
                self._go("unknown", max(leaving.sent, current.start), "answer not seen", leaving.by, expires=over)
        elif asked is not None and now - asked.sent > T1 and current.state == "unbound":
            self._come_back(asked.sent)  # until then it was not there for certain
            self._go("unknown", max(asked.sent, current.start), "answer not seen", asked.by, expires=asked.until)
            self._asked = None

    def granted(
        self,
        now: int,
        until: int | None,
        by: Evidence,
        *,
        asked: bool = True,
        since: int | None = None,
        begun: int | None = None,
    ) -> None:
        """A 2xx at `now` lists a contact of the client, bound until `until` (None: it does not say); `asked`: because
        the client asks for that, and has done so `since`, in an attempt that had `begun` before, or else as what is
        left of an earlier grant, which then never ran out."""
        if asked or self._leaving is None:
            self._see(now)
        self._leaving = None  # it is still there, or there again
        current = self.current
        if current is not None and now < current.start:
            return  # a response that was seen late, or clocks that differ: the later word stands
        if until is None:
            self._lapse(now)
            self._come_back(now, begun)
            self._go("unknown", now, "no expiry", by)
            return
        if current is not None and current.state == "bound":
            if not asked or current.expires is None or now <= current.expires + SLACK:
                if asked or current.expires is None or until > current.expires + SLACK:
                    self._asked = None
                current.expires = until
                return
            if since is not None and since <= current.expires + SLACK:
                self._go("unknown", max(current.start, current.expires), "answered late", by)
        self._lapse(now)
        self._asked = None
        self._come_back(now, begun)
        self._go("bound", now, "registered", by, expires=until)

    def returned(self, now: int, until: int | None, by: Evidence) -> None:
        """A 2xx to another client lists its contact again although it had signed off; until when, if that is said."""
        self._go("bound" if until is not None else "unknown", now, "listed again", by, expires=until)

    def _come_back(self, now: int, begun: int | None = None) -> None:
        """It is there again: what was unbound until now was a gap, if it did not want that; it was the phone's only if
        it had not `begun` to ask when it ran out."""
        gap = self.current
        if gap is None or gap.state != "unbound" or gap.cause == "signed off" or self.wants_away:
            return
        if gap.cause == "ran out":
            gap.cause = "answered late" if begun is not None and begun <= gap.start else "refreshed too late"
        self.gaps += 1
        self.lost += now - gap.start

    def unclear(self, earliest: int, by: Evidence) -> None:
        """A 2xx that is not before `earliest`, and of which no more is known: what it grants, and until when, is not
        known either. It may have come before anything that was bound then ran out."""
        self._lapse(earliest)
        current = self.current
        self._go("unknown", earliest if current is None else max(earliest, current.start), "no time", by)

    def gone(self, now: int, cause: Cause, by: Evidence, *, replaces: bool = True) -> None:
        """A 2xx at `now` does not list the client's contact any more, or takes it away; where it `replaces` nothing, a
        renewal that was not seen has not been."""
        self._see(now)
        if self._leaving is not None and self._leaving.is_own and cause != "taken over":
            cause = "signed off"  # as it asked for; the answer to that was not seen
        self._leaving = None
        current = self.current
        if current is None or current.state == "unbound" or now < current.start:
            return
        self._lapse(now)  # where that leaves it unbound, it stays so
        current = self._kept[-1]
        if not replaces and current.state == "unknown" and self._is_assumed(current):
            current.state, current.cause, current.by, current.expires = "unbound", "ran out", by, None
        else:
            self._go("unbound", now, cause, by)

    def _is_assumed(self, current: Stretch) -> bool:
        """Whether it is not known if it is bound, only because what ran out may have been renewed unseen."""
        before = self._kept[-2] if len(self._kept) > 1 else None
        if current.cause not in ("answer not seen", "request not seen") or before is None or before.state != "bound":
            return False
        return before.expires is not None and current.start >= before.expires

    def doubted(self, now: int, by: Evidence) -> None:
        """A 2xx at `now` to another client does not list the client's contact, which may mean nothing."""
        self._lapse(now)
        current = self.current
        if current is not None and current.state == "bound" and now >= current.start:
            self._go("unknown", now, "not listed", by, expires=current.expires)

    def missed(self, by: Evidence, at_most: int) -> None:
        """`by` shows that a request of the client was not seen since its last one. It may have renewed what ran out,
        for `at_most` (nanoseconds) from then on."""
        current, now = self.current, by.time
        if current is None or now is None:
            return
        if current.state == "unbound" and current.cause == "ran out":
            before = self._kept[-2] if len(self._kept) > 1 else None
            if before is not None and before.state == "unknown":
                self._kept, before.end, before.expires = self._kept[:-1], None, now + at_most
                return
            current.state, current.cause, current.by, current.expires = "unknown", "request not seen", by, now + at_most
        elif self._is_over(current, now):
            over = max(current.start, current.expires or 0)
            if current.state == "unknown":
                current.expires = now + at_most
            else:
                self._go("unknown", over, "request not seen", by, expires=now + at_most)

    def clock_stepped(self, before: int, now: int, epoch: int = 0) -> None:
        """The capture's clock was set back from `before` to `now`: what was known of ends cannot be compared with what
        follows. `epoch` counts such steps."""
        self.epoch = epoch
        self._lapse(before)
        self._asked = self._leaving = None
        current = self.current
        if current is not None:
            current.end = max(current.start, before)
            self._go("unknown", now, "clock stepped", None, ended=current.end)

    def settle(self, end: int | None) -> None:
        """The source has ended at `end`: what ran out before that is over."""
        if end is not None:
            self._lapse(end)

    def _lapse(self, now: int) -> None:
        """What ran out before `now` is over; and so is what it may have had then, if that is over, too."""
        self._see(now)
        while (current := self.current) is not None and self._is_over(current, now):
            self._ran_out(current, now)
            self._see(now)

    @staticmethod
    def _is_over(current: Stretch, now: int) -> bool:
        """Whether what was granted has run out, be it still bound until then or in doubt."""
        return current.state != "unbound" and current.expires is not None and now > current.expires + SLACK

    def _ran_out(self, current: Stretch, now: int) -> None:
        """What was granted was over before `now`. A renewal whose answer was not seen may have gone before."""
        assert current.expires is not None
        over, asked = max(current.start, current.expires), self._asked
        if asked is not None and asked.sent <= over + SLACK and now - asked.sent > T1:
            until = None if asked.until is None else max(over, asked.until)
            self._go("unknown", over, "answer not seen", asked.by, expires=until)
            self._asked = None
        else:
            leaving = self._leaving
            if leaving is not None and leaving.is_own:  # in either way
                self._go("unbound", over, "signed off", leaving.by)
            else:
                self._go("unbound", over, "ran out", None)

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
