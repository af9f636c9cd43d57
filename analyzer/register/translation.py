"""Where a translator (NAT) lets a client appear, and what became of the client's bindings when that changed.

A registrar sees a phone behind a NAT at the address and port that the NAT chose for it, and says so in the response
(`received` and `rport` of the topmost Via, RFC 3261 18.2.1, RFC 3581 4). A NAT that restarts, or whose mapping ran out
between two requests, chooses another one, though the phone's own socket (its Via's sent-by) is what it was. Nobody
breaks a rule by that. What follows from it is told as what it is:

- a phone that puts into its Contact what the last response told it names the former port once more: it learns of the
  new one with the response to that request, so its Contact is one refresh behind;
- the contact with the former port stays bound beside the new one until it runs out, where the registrar lists both:
  calls then go to a port that nothing hears, too.

Behind a connection (TCP, TLS, WebSocket) a new port is a new connection, and no word is said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from analyzer.evidence import SECOND, Endpoint, Evidence
from analyzer.register.binding import Binding, BindingTable
from analyzer.register.requested import requested_contacts
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.transports import SIP_PORT, SIPS_PORT

if TYPE_CHECKING:
    from analyzer.register.registration import Registration

KEPT_MOVES = 4
"""Changes of one client that are kept, the latest; the rest are counted."""


class Move(NamedTuple):
    """From `before` on the registrar saw the client at `after`, first with the request at `evidence`. `behind` counts
    the requests that were granted though their Contact named `before` still, `first_behind` is the first of them,
    `caught_up` the first request after them that names `after`. `left` is the response that lists a contact with
    `before` beside one with `after`, `left_until` when that one runs out or was taken away (nanoseconds; None: it is
    not known, or there is none)."""

    before: Endpoint
    after: Endpoint
    evidence: Evidence
    behind: int = 0
    first_behind: Evidence | None = None
    caught_up: Evidence | None = None
    left: Evidence | None = None
    left_until: int | None = None


class Translation(NamedTuple):
    """How a client behind a translator is seen: it sends from `sent_by`, as its Via has it, in the stream of `call_id`,
    and was seen last at `seen`. `moves` are the latest changes, `changes` is how many there were."""

    sent_by: str
    call_id: str
    seen: Endpoint
    moves: tuple[Move, ...] = ()
    changes: int = 0


def seen_at(transaction: Transaction) -> Endpoint | None:
    """Where the next hop saw the client, by what its final response says, else by where the request came from; None
    where neither tells, or where the capture is of both sides."""
    final = transaction.final
    via = final.via if final is not None and b"rport=" in final.raw else None
    if via is not None and via.rport:
        port = int(via.rport) if via.rport.isascii() and via.rport.isdecimal() and len(via.rport) < 6 else 0
        return Endpoint(via.received or via.host, port) if port else None
    if transaction.request_ways or not transaction.source.port:
        return None
    return transaction.source


def was_bound(registration: Registration, at: int | None, granted: int | None) -> bool:
    """Whether what a client was `granted` last, in seconds, held yet when it was seen `at`."""
    if at is None:
        return any(outcome == "registered" for outcome, _ in registration.outcome_counts)
    if registration.last_success is None or granted is None:
        return False
    return at <= registration.last_success + granted * SECOND


def followed(
    known: Translation | None,
    transaction: Transaction,
    *,
    is_bound: Callable[[], bool],
    bindings: Callable[[], Sequence[Binding]],
) -> Translation | None:
    """What is known of a client's translator after the final response to a REGISTER of it. `is_bound` tells whether a
    binding of the client was in force when it was sent, `bindings` are those of the client now."""
    if transaction.stream or transaction.via_count != 1 or transaction.request is None or transaction.final is None:
        return known
    if known is None and _is_where_it_says(transaction):
        return None
    seen = seen_at(transaction)
    if seen is None:
        return known
    known = _of_the_phone(known, transaction, seen)
    if known is None:
        return None
    if seen != known.seen:
        known = _moved(known, Move(known.seen, seen, transaction.evidence), is_counted=is_bound())
    if not known.moves or known.moves[-1].after != seen or not 200 <= transaction.status < 300:
        return known
    last = _after(known.moves[-1], transaction, bindings())
    return known if last == known.moves[-1] else known._replace(moves=(*known.moves[:-1], last))


def _is_where_it_says(transaction: Transaction) -> bool:
    """Whether the response shows the client at the very host of its Via, as it does where nothing translates
    on the way."""
    final, at = transaction.final, transaction.source
    via = final.via if final is not None else None
    return via is not None and via.host == at.host and via.received in (None, at.host)


def _of_the_phone(known: Translation | None, transaction: Transaction, seen: Endpoint) -> Translation | None:
    """What was known, where it is of the same socket of the same phone; else a beginning, or None for a client that
    nothing translates. Some take the address that they learned into their Via, too."""
    sent_by, call_id = transaction.sent_by, transaction.call_id
    if known is not None and sent_by == known.sent_by and call_id == known.call_id:
        return known
    is_near = known is not None and (known.call_id == call_id or known.seen.host == seen.host)
    if known is not None and is_near and sent_by in (known.sent_by, known.seen.written):
        return known._replace(sent_by=sent_by, call_id=call_id)
    if Endpoint(seen.host, 0).written == sent_by.rpartition(":")[0]:
        return None
    return Translation(sent_by, call_id, seen)


def _moved(known: Translation, move: Move, *, is_counted: bool) -> Translation:
    """The client is seen elsewhere. Where nothing was bound before nothing comes of that."""
    if not is_counted:
        return known._replace(seen=move.after)
    return known._replace(seen=move.after, moves=(*known.moves[1 - KEPT_MOVES :], move), changes=known.changes + 1)


def _after(move: Move, transaction: Transaction, bindings: Sequence[Binding]) -> Move:
    """What a granted request tells of a change that it comes with, or after."""
    request, final = transaction.request, transaction.final
    assert request is not None and final is not None
    named = {_place_of(contact) for contact in requested_contacts(request)}
    if move.before in named and move.after not in named:
        move = move._replace(behind=move.behind + 1, first_behind=move.first_behind or transaction.evidence)
    elif move.after in named and move.behind and move.caught_up is None:
        move = move._replace(caught_up=transaction.evidence)
    bound = [one for one in bindings if one.certainty == "present"]
    old = next((one for one in bound if _place_of(one.address) == move.before), None)
    if old is not None and any(_place_of(one.address) == move.after for one in bound):
        return move._replace(left=move.left or final.raw_message.evidence, left_until=old.end)
    now, until = final.raw_message.time, move.left_until
    if old is None and until is not None and now is not None and now < until:
        return move._replace(left_until=now)
    return move


def _place_of(contact: Address) -> Endpoint | None:
    """The host and port that a contact names; None for one without."""
    uri = contact.uri
    if uri is None or not uri.is_sip or not uri.host:
        return None
    return Endpoint(uri.host.lower().strip("[]"), uri.port or (SIPS_PORT if uri.scheme == "sips" else SIP_PORT))


def follow(registration: Registration, transaction: Transaction, granted: int | None, bindings: BindingTable) -> None:
    """Take in the final response to a REGISTER of a client; `granted` are the seconds that it was granted before."""
    registration.translation = followed(
        registration.translation,
        transaction,
        is_bound=lambda: was_bound(registration, transaction.first, granted),
        bindings=lambda: bindings.known(registration.registrar, registration.aor),
    )
