"""How a response's Contact values relate to those that were asked for (RFC 3261 10.2.4, 19.1.4; RFC 5626 6).

A client finds its own contact among those of the 2xx by comparing URIs (10.2.4). Some registrars, and boxes on the way,
list it in another form: without a parameter, on another port, at the address that a NAT gave it, as its GRUU (RFC
5627). Such a contact is the nearest of those that nobody else has; what differs is the reason, which is told. Two
things never make a match: what is listed just as it was known before belongs to whom it was known of; and a contact
that merely shares an instance is another contact of the same phone, as long as both have no flow number (RFC 5626 6:
the binding is replaced by instance *and* reg-id).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzer.register.contacts import Contacts, same_contact
from analyzer.register.identity import contact_token, instance_of
from analyzer.register.requested import requested_expiry
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip, unescape
from analyzer.sip.transports import SIP_PORT, SIPS_PORT
from analyzer.sip.uri import Uri, canonical_host, uri_equal

MOST_PAIRS = 10_000
"""Comparisons for one answer; beyond it nobody's phone is at the other end."""
MOST_CANDIDATES = 400
"""Pairs of contacts that are not alike to the letter and are looked at for the nearest."""
_OTHER_PORT, _SAME_TOKEN = 3, 5
EXACT = ""
"""The reason of a contact that is listed as it was asked for."""


class Likeness(NamedTuple):
    """How near a listed contact is to the one that was asked for: 0 is equal. `reason` says what differs."""

    rank: int
    reason: str


def is_listed(asked: Address, listed: Address) -> bool:
    """Whether `listed` is the contact that was asked for: equal as URI, or the same instance and flow."""
    return same_contact(asked, listed) or (
        asked.uri is not None and listed.uri is not None and uri_equal(asked.uri, listed.uri)
    )


def is_similar(asked: Address, listed: Address, request: Message) -> bool:
    """Whether `listed` may be the contact that was asked for, rewritten on the way."""
    return likeness(asked, listed, request) is not None


def is_another_form(known: Address, listed: Address) -> bool:
    """Whether `listed` is a contact that was listed otherwise before, and that nobody asks for now. Another port may be
    another phone behind the same address."""
    near = _nearby(known, listed)
    return near is not None and near.rank != _OTHER_PORT


def is_successor(old: Address, new: Address, request: Message) -> bool:
    """Whether `new` is where the phone of `old` is now: the same instance, or what it made up for its contact, or the
    same user at the same host."""
    one, two = instance_of(old).rpartition("#")[0], instance_of(new).rpartition("#")[0]
    if one or two:
        return one == two
    near = likeness(old, new, request)
    return near is not None and near.rank <= _SAME_TOKEN


def likeness(asked: Address, listed: Address, request: Message) -> Likeness | None:
    """How near `listed` is to the contact that `request` asked for; None where it is another."""
    return _nearby(asked, listed) or _elsewhere(asked, listed, request)


def _nearby(asked: Address, listed: Address) -> Likeness | None:
    """The same for what is at the host that was asked for, or a GRUU of it."""
    mine, theirs = asked.uri, listed.uri
    if mine is None or theirs is None:
        return None
    if same_contact(asked, listed):
        return Likeness(0, EXACT)
    if not (mine.is_sip and theirs.is_sip) or _is_another_phone(asked, listed):
        return None
    if _user(mine) == _user(theirs) and canonical_host(mine.host) == canonical_host(theirs.host):
        return _at_the_same_host(mine, theirs)
    return Likeness(4, "as its GRUU") if _is_gruu_of(theirs, asked, listed) else None


def _is_another_phone(asked: Address, listed: Address) -> bool:
    """Both say which phone it is, and which of its flows, and it is not the same."""
    one, two = instance_of(asked), instance_of(listed)
    if not one or not two or one == two:
        return False
    flows = asked.params.get("reg-id"), listed.params.get("reg-id")
    return one.rpartition("#")[0] != two.rpartition("#")[0] or None not in flows


def _user(uri: Uri) -> str | None:
    return None if uri.user is None else unescape(uri.user)


def _at_the_same_host(mine: Uri, theirs: Uri) -> Likeness:
    """User and host are equal; what differs is the port, or the parameters."""
    if mine.port == theirs.port:
        return Likeness(1, _parameters(mine, theirs))
    usual = SIPS_PORT if mine.scheme == "sips" or mine.params.get("transport") == "tls" else SIP_PORT
    if (mine.port or usual) == (theirs.port or usual):
        return Likeness(2, "without its port" if theirs.port is None else f"with port {theirs.port} named")
    return Likeness(_OTHER_PORT, f"on port {theirs.port or usual}")


def _parameters(mine: Uri, theirs: Uri) -> str:
    lost = [name for name in mine.params if name not in theirs.params]
    new = [name for name in theirs.params if name not in mine.params]
    changed = [name for name in mine.params if name in theirs.params and mine.params[name] != theirs.params[name]]
    for word, names in (("without", lost), ("with", new), ("with another", changed)):
        if names:
            return f"{word} ;{clip(names[0])}"
    return f"as {theirs.scheme}" if mine.scheme != theirs.scheme else "in another form"


def _is_gruu_of(theirs: Uri, asked: Address, listed: Address) -> bool:
    """RFC 5627 3.1: a public GRUU names the instance in `gr`; a temporary one has an empty `gr` and goes by the
    instance beside it."""
    if "gr" not in theirs.params:
        return False
    instance = instance_of(asked).rpartition("#")[0]
    named = theirs.params["gr"] or instance_of(listed).rpartition("#")[0]
    return bool(instance) and (named.lower() if named.lower().startswith("urn:uuid:") else named) == instance


def _elsewhere(asked: Address, listed: Address, request: Message) -> Likeness | None:
    """It is at another host: the same by what the phone made up for its contact, or at least by its user part."""
    mine, theirs = asked.uri, listed.uri
    if mine is None or theirs is None or not (mine.is_sip and theirs.is_sip) or _is_another_phone(asked, listed):
        return None
    one, two = contact_token(asked, request), contact_token(listed, request)
    at = f"at {clip(theirs.host)}" + (f":{theirs.port}" if theirs.port is not None else "")
    if one and one == two:
        return Likeness(_SAME_TOKEN, at)
    if (one and two) or mine.user is None or _user(mine) != _user(theirs):
        return None
    return Likeness(6, at)


class Found(NamedTuple):
    """The contact that was asked for, by its position in the request, and in what other form it is listed."""

    asked: int
    reason: str


class Known(NamedTuple):
    """A listed contact that was bound before: how it was asked for then, in what form it was listed, and whether it is
    listed now with no more than what was left of that."""

    asked: Address
    form: str
    is_left_over: bool = False


def match_contacts(
    asked: Sequence[Address],
    listed: Sequence[Address],
    request: Message,
    known: Callable[[Address], Known | None],
) -> dict[int, Found]:
    """Which of the contacts of a 2xx are those that were asked for, by position in the list: those that are equal, and
    of the rest the nearest. `known` tells of a listed contact that was bound before: it is nobody else's now. But where
    it was left as it was, and one as near is listed for as long as was asked, that is the one that was granted: a
    registrar that binds where a request comes from binds a client anew whose NAT has given it another port."""
    index = Contacts(asked)
    found = {at: Found(position, EXACT) for at, one in enumerate(listed) if (position := index.find(one)) is not None}
    if len(found) == len(listed) or not asked:
        return found
    if len(listed) * len(found) <= MOST_CANDIDATES:
        _without_left_over(found, asked, listed, request, known)
    taken = {one.asked for one in found.values()}
    left = [at for at, one in enumerate(asked) if at not in taken and _is_wanted(one, request)]
    free: list[int] = []
    claims: dict[int, list[tuple[bool, int, str]]] = {}
    for at, contact in enumerate(listed):
        if at in found or contact.star or contact.uri is None:
            continue
        before = known(contact)
        if before is None:
            free.append(at)
            continue
        own = next((position for position in left if same_contact(asked[position], before.asked)), None)
        if own is not None:
            claims.setdefault(own, []).append((before.is_left_over, at, before.form))
    for own, several in claims.items():
        old, at, form = min(several)
        if not (old and any(_is_granted_anew(asked[own], listed[one], request) for one in free)):
            found[at] = Found(own, form)
            left.remove(own)
    if left and free and len(left) * len(free) <= MOST_CANDIDATES:
        found |= _nearest(asked, listed, left, free, request)
    return found


def _without_left_over(
    found: dict[int, Found],
    asked: Sequence[Address],
    listed: Sequence[Address],
    request: Message,
    known: Callable[[Address], Known | None],
) -> None:
    """Take back the equal ones that were left as they were, where another was granted in their place."""
    for at, own in list(found.items()):
        before = known(listed[at])
        if before is None or not before.is_left_over:
            continue
        others = (one for number, one in enumerate(listed) if number not in found and known(one) is None)
        if any(_is_granted_anew(asked[own.asked], one, request) for one in others):
            del found[at]


def _is_granted_anew(asked: Address, listed: Address, request: Message) -> bool:
    """Whether `listed` may be the contact that was asked for, and is listed for as long."""
    wanted = requested_expiry(asked, request.expires)
    return wanted is not None and listed.expires == wanted and likeness(asked, listed, request) is not None


def _is_wanted(contact: Address, request: Message) -> bool:
    return not contact.star and contact.uri is not None and requested_expiry(contact, request.expires) != 0


def _nearest(
    asked: Sequence[Address], listed: Sequence[Address], left: list[int], free: list[int], request: Message
) -> dict[int, Found]:
    """The nearest pairs first; none where two are equally near, and the expiry does not tell which is the fresh one."""
    pairs = [(near, one, at) for one in left for at in free if (near := likeness(asked[one], listed[at], request))]
    found: dict[int, Found] = {}
    for near, one, at in sorted(pairs, key=lambda pair: pair[0].rank):
        if at in found or any(other.asked == one for other in found.values()):
            continue
        rivals = [pair for pair in pairs if pair[1] == one and pair[0].rank == near.rank and pair[2] not in found]
        if len(rivals) > 1:
            wanted = requested_expiry(asked[one], request.expires)
            fresh = [pair for pair in rivals if listed[pair[2]].expires == wanted]
            if len(fresh) != 1 or fresh[0][2] != at:
                continue
        found[at] = Found(one, near.reason)
    return found
