"""What a client did after a try failed: how soon it tried again, and whether it asked for the same (RFC 3261 10.2.7,
21.4, 21.5.4; RFC 5626 4.5).

A try fails by a final response of 300 and above that is no challenge, by a network error, or by silence, which ends
64*T1 after its first sending (17.1.2.2). How soon the next one comes, and whether anything was changed, is what tells a
client that backs off from one that hammers; one pause alone tells little, so those of a row are kept. A success ends
the row, and so does a challenge that is not answered: what is wrong then is for the rules on digests.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded
from analyzer.register.transaction import Transaction
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.message import Message
from analyzer.sip.timers import TIMER_F

if TYPE_CHECKING:
    from analyzer.register.subjects import TransitionSubject

MOST_ROWS = 20_000
"""Clients whose failures in a row are remembered."""
KEPT = 32
"""Failures of one row that are kept; `count` of the last goes on."""
_VARIABLE = frozenset(
    (
        *CREDENTIALS,
        "call-id",
        "content-length",
        "cseq",
        "date",
        "from",
        "max-forwards",
        "timestamp",
        "to",
        "via",
    )
)
"""Headers that another request has anew, or that are compared as what they name."""


class Retry(NamedTuple):
    """A try that failed, and the one after it. `begun`, `failed_at` and `again_at` are nanoseconds or None; `status` is
    0 where there was no response, `is_cut` where the network ended it. `is_unchanged`: the next request asks for the
    very same; `unchanged` counts how often that was so in a row, up to here and after the same status."""

    begun: int | None
    failed_at: int | None
    again_at: int | None
    status: int
    is_cut: bool
    is_unchanged: bool
    unchanged: int
    evidence: Evidence

    @property
    def wait(self) -> int | None:
        """Nanoseconds between the failure and the next try; None where a time is not known."""
        return None if self.failed_at is None or self.again_at is None else self.again_at - self.failed_at


class Retries:
    """The failures in a row of each client.

    It remembers for rules, which get them from `of`: how long a client waited after each failure, and whether it then
    asked for the same again.
    """

    def __init__(self) -> None:
        self._rows: Bounded[int, tuple[Retry, ...]] = Bounded(MOST_ROWS)

    @property
    def evicted(self) -> int:
        """Clients whose rows made room for others."""
        return self._rows.evicted

    def keep_all(self) -> None:
        """Keep the rows of all clients, whatever memory that takes."""
        self._rows.keep_all()

    def of(self, registration: int) -> tuple[Retry, ...]:
        """The latest failures in a row of a registration, each with the try after it, the latest last."""
        return self._rows.get(registration) or ()

    def note(self, step: TransitionSubject) -> None:
        """Take in that a client sent another request."""
        earlier, number = step.earlier, step.registration.id
        if earlier is None:
            return
        status = earlier.status
        if step.same_attempt and status != 420:  # which goes on within the attempt, mended or not
            return
        if 0 < status < 300 or earlier.challenged:
            if len(self._rows):
                self._rows.pop(number)
            return
        row = self.of(number)
        retry = _retry(earlier, step.later, row[-1] if row else None)
        if retry is not None:
            self._rows[number] = (*row[1 - KEPT :], retry)


def _retry(earlier: Transaction, later: Transaction, last: Retry | None) -> Retry | None:
    """The failure of `earlier`, which `later` follows; None where it has not failed yet."""
    failed_at = earlier.answered_at
    aborted = earlier.aborted if earlier.final is None else None
    if aborted is not None:
        failed_at = aborted.time
    elif earlier.final is None:
        if earlier.first is None or later.first is None or later.first - earlier.first < TIMER_F:
            return None
        failed_at = earlier.first + TIMER_F
    status = earlier.status
    is_unchanged = _asks_the_same(earlier.request, later.request)
    before = last.unchanged if last is not None and last.is_unchanged and last.status == status else 0
    unchanged = before + 1 if is_unchanged else 0
    return Retry(
        earlier.first, failed_at, later.first, status, aborted is not None, is_unchanged, unchanged, earlier.evidence
    )


def _asks_the_same(one: Message | None, two: Message | None) -> bool:
    """Whether two requests differ at most in what every request has anew, and in what their digests are made of."""
    if one is None or two is None or one.raw_message.missing or two.raw_message.missing:
        return False
    names = _who(one), _who(two)
    if names[0] and names[1] and names[0] != names[1]:
        return False
    return one.request_uri == two.request_uri and one.body == two.body and _what(one) == _what(two)


def _who(request: Message) -> frozenset[Hashable]:
    """By whom it is authenticated; empty without credentials."""
    return frozenset((one.username, one.realm) for one in request.credentials if not one.is_empty)


def _what(request: Message) -> tuple[Hashable, ...]:
    rows = tuple((row.key, row.value) for row in request.headers if row.key not in _VARIABLE)
    ends = tuple(one.uri.text if one is not None and one.uri is not None else "" for one in (request.from_, request.to))
    return (*ends, *rows)


def is_unheard(earlier: Transaction | None, later: Transaction) -> bool:
    """Whether the answer to the client's request before may be missing in the source: none was seen, and the client
    goes on before it would have given up (RFC 3261 17.1.2.2)."""
    if earlier is None or earlier.request is None or earlier.final is not None:
        return False
    refused = earlier.aborted.time if earlier.aborted is not None else None
    if earlier.aborted is not None and (refused is None or earlier.last is None or earlier.last <= refused):
        return False  # the network refused its last copy
    return earlier.first is None or later.first is None or later.first - earlier.first < TIMER_F
