"""Shapes of messages, each certified by the parser of `analyzer/sip` (docs/columnar.md).

Of each shape some messages are read by the parser: it must find nothing wrong in them, and every column must be what it
read. What the parser says of all else is true of all messages of the shape, since these octets are the same in all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analyzer.columnar.layouts import sequences_of
from analyzer.columnar.records import Flags, Numbers, Unsuited
from analyzer.columnar.scan import Scanned
from analyzer.columnar.template import PLACE, values_of
from analyzer.register.digest.form import Offer, offer_of
from analyzer.register.identity import aor_of
from analyzer.register.requested import expiry_in
from analyzer.sip.layout import SAFE_OVER_UDP
from analyzer.sip.message import Message
from analyzer.sip.sniff import Kind, kind

MOST_SHAPES = 600
"""Shapes that are certified; a capture with more is for the object path."""
_NEEDED = ("branch", "call_id", "cseq", "to_user", "from_user", "from_tag", "sent_by")
_OF_RESPONSE = {401: ("nonce", "to_tag"), 200: ("to_tag", "contact_place")}
_OF_REFUSAL = ("to_tag",)
REFUSALS = (400, 403, 404, 405, 480, 500, 502, 503, 504, 603)
"""Final responses that refuse, and ask for no other request in its place (docs/rules/reconstruction.md 5)."""
_OF_REQUEST = ("contact_place",)
_OF_CREDENTIALS = ("username", "nonce", "response")
_EXTENSIONS = (
    *("require", "proxy-require", "unsupported", "path", "service-route", "flow-timer", "record-route", "route"),
    *("authentication-info", "proxy-authenticate", "proxy-authorization", "security-verify", "min-expires"),
    *("retry-after", "content-type"),
)
"""Headers of what is not ordinary: what they say is remembered for later, depends on the time, or is an extension."""
OTHER_METHODS = ("OPTIONS", "NOTIFY", "SUBSCRIBE")
_TELLING = (401, 404, 407, 420, 480)
"""Answers to other methods that rules remember."""
_WORDS = (b"tls", b"sips:", b"gruu", b"nextnonce", b";bnc", b"pn-")
_NOT_SEEN = Offer("", (), "")


@dataclass(slots=True)
class Shape:
    """What the parser says of every message of a shape. `why` is why its messages are not ordinary, empty where they
    may be. `aor` is the address-of-record around its user; `expires` what a request asks for, or a 200 grants; `stale`
    says that a challenge calls the nonce before it too old; `named` is what a request says of its client and registrar
    beside the columns. `is_other`: it is not ordinary, but of another method, and
    says nothing of a client (`others.py`)."""

    number: int
    example: Message
    why: str = ""
    status: int = 0
    aor: tuple[str, str] = ("", "")
    named: tuple[str, ...] = ()
    expires: int = 0
    has_credentials: bool = False
    stale: bool = False
    is_other: bool = False
    realm: str = ""
    offer: Offer = _NOT_SEEN

    @property
    def has_to_tag(self) -> bool:
        """Whether To has a tag."""
        to = self.example.to
        return to is not None and bool(to.tag)

    @property
    def is_request(self) -> bool:
        """Whether its messages are requests."""
        return not self.status


@dataclass(slots=True)
class Shapes:
    """The shapes of a scan: `of` is the shape of each message, -1 where it has no template; `ordinary` tells those that
    may be ordinary, `other` those of other methods that say nothing of clients."""

    all: list[Shape]
    of: Numbers
    ordinary: Flags
    other: Flags

    def each(self, tell: Callable[[Shape], int], rows: Numbers) -> Numbers:
        """What is told of the shape of each of these messages; 0 where it has none."""
        return np.append(np.array([tell(shape) for shape in self.all], np.int64), 0)[self.of[rows]]

    def alike(self, tell: Callable[[Shape], object], rows: Numbers) -> Numbers:
        """A number for each of these messages, the same where the same is told of their shapes."""
        told = [tell(shape) for shape in self.all]
        return self.each(lambda shape: told.index(told[shape.number]), rows)

    def statuses(self, rows: Numbers) -> Numbers:
        """The status of each of these messages, 0 of requests."""
        return self.each(lambda shape: shape.status, rows)

    def methods(self, rows: Numbers) -> Numbers:
        """A number for the method of each of these messages, that in CSeq of answers."""
        return self.alike(lambda shape: method_of(shape.example), rows)

    def register(self, rows: Numbers) -> Flags:
        """Whether each of these messages is a REGISTER, or an answer to one, as far as it has a shape."""
        found: Flags = self.each(lambda shape: method_of(shape.example) == "REGISTER", rows) > 0
        return found

    def carry(self, rows: Numbers) -> Flags:
        """Whether each of these messages has credentials."""
        found: Flags = self.each(lambda shape: shape.has_credentials, rows) > 0
        return found


def shapes_of(scanned: Scanned) -> Shapes:
    """Certify all shapes of a scan."""
    if not scanned.layout.any():
        raise Unsuited("no message is of a common form")
    first, which = sequences_of(scanned.layouts.kinds[1:])
    count = len(first)
    if count > MOST_SHAPES:
        raise Unsuited("there are too many shapes of messages")
    of: Numbers = np.append(-1, which).astype(np.int16)[scanned.layout]
    order = np.argsort(of, kind="stable")
    ends = np.cumsum(np.bincount(of + 1, minlength=count + 1))
    found = [_certified(scanned, number, order[ends[number] : ends[number + 1]]) for number in range(count)]
    may_be = np.append(np.array([not shape.why for shape in found], np.bool_), False)
    other = np.append(np.array([shape.is_other for shape in found], np.bool_), False)
    return Shapes(found, of, may_be[of], other[of])


def _certified(scanned: Scanned, number: int, rows: Numbers) -> Shape:
    """A shape, by its first message, one in the middle, and its last."""
    samples = [scanned.message(int(rows[at])) for at in sorted({0, len(rows) // 2, len(rows) - 1})]
    first = samples[0]
    shape = Shape(number, first, status=first.status)
    shape.is_other = is_other(first)
    shape.why = _oddity(first) or _missing(scanned, int(rows[0]), first)
    if shape.why and not shape.is_other:
        return shape
    for at, message in zip(sorted({0, len(rows) // 2, len(rows) - 1}), samples, strict=True):
        if message.all_defects() or not _is_as_read(scanned, int(rows[at]), message, shape):
            shape.why, shape.is_other = "the parser reads it otherwise", False
            return shape
    if not shape.is_other:
        _tell(shape, first)
    return shape


def method_of(message: Message) -> str:
    """The method of a request, or of the one that is answered; empty where nothing tells it."""
    return message.method or (message.cseq.method if message.cseq is not None else "")


def _length(scanned: Scanned, row: int, name: str) -> int:
    return int(scanned.layouts.lengths[PLACE[name], scanned.layout[row]])


def _oddity(message: Message) -> str:
    """Why a message of this form is not ordinary, whatever its values are; empty for nothing."""
    if message.cseq is None or message.cseq.method != "REGISTER":
        return "it is of another method"
    return _form_oddity(message) or (_request_oddity(message) if message.method else _response_oddity(message))


def _form_oddity(message: Message) -> str:
    """The same of whatever method it is."""
    if kind(message.raw) is not Kind.SIP or not message.is_good_evidence or message.all_defects():
        return "it is malformed"
    if message.body or message.has_body:
        return "it has a body"
    lower = message.raw.lower()
    if any(map(message.has, _EXTENSIONS)) or any(word in lower for word in _WORDS):
        return "it uses extensions"
    rows = [header.key for header in message.headers]
    return "a header comes twice" if len(set(rows)) != len(rows) or len(message.vias) != 1 else ""


def is_other(message: Message) -> bool:
    """Whether a message of this form is of another method, and says nothing of any client, whatever its values are: no
    credentials, no challenge, no GRUU, and not that nobody is there (`register/fleet.py`)."""
    if message.cseq is None or message.cseq.method not in OTHER_METHODS or message.method not in ("", *OTHER_METHODS):
        return False
    if message.status and (message.status < 200 or message.status in _TELLING):
        return False
    is_silent = not (message.carries_credentials or message.challenges or message.credentials)
    has_names = message.to is not None and message.from_ is not None
    return is_silent and has_names and b";gr" not in message.raw.lower() and not _form_oddity(message)


def _request_oddity(message: Message) -> str:
    contacts, credentials = message.contacts, message.credentials
    if message.method != "REGISTER" or len(contacts) != 1 or contacts[0].uri is None or not contacts[0].uri.is_sip:
        return "it does not ask for one contact"
    if not expiry_in(message, contacts[0]) or "q" in contacts[0].params:
        return "it asks for no time"
    if message.has_credentials != bool(credentials) or not message.has_mandatory:
        return "it lacks a header"
    if credentials and (not credentials[0].is_plain or credentials[0].malformed or credentials[0].userhash):
        return "its credentials are not plain"
    if credentials and credentials[0].get("auts") is not None:
        return "a SIM answers"
    return ""


def _response_oddity(message: Message) -> str:
    if message.status == 200:
        contacts = message.contacts
        if len(contacts) != 1 or contacts[0].uri is None or contacts[0].star or not expiry_in(message, contacts[0]):
            return "it does not list one contact"
        return "it has a challenge" if message.has_challenge else ""
    challenges = message.challenges
    if message.status in REFUSALS:
        return "it refuses, and says more" if message.has("contact") or message.has_challenge else ""
    if message.status != 401 or message.has("contact") or len(challenges) != 1:
        return "it is neither a grant nor a refusal nor one challenge"
    only = challenges[0]
    is_common = only.is_digest and only.is_plain and (only.algorithm or "MD5").upper() == "MD5"
    is_common &= not only.qop or "auth" in only.qop_options
    return "" if is_common and only.realm else "its challenge is not common"


def _missing(scanned: Scanned, row: int, message: Message) -> str:
    needed = [*_NEEDED, *(_OF_REQUEST if message.method else _OF_RESPONSE.get(message.status, _OF_REFUSAL))]
    needed += _OF_CREDENTIALS if message.method and message.has_credentials else ()
    lacking = [name for name in needed if not _length(scanned, row, name)]
    return f"it has no {lacking[0]} of the common form" if lacking else ""


def _is_as_read(scanned: Scanned, row: int, message: Message, shape: Shape) -> bool:
    """Whether the columns of a message hold what the parser reads, and all else is as in the first of its shape."""
    values, first = values_of(message), values_of(shape.example)
    layouts, layout = scanned.layouts, scanned.layout[row]
    for name, column in PLACE.items():
        start, length = int(layouts.starts[column, layout]), int(layouts.lengths[column, layout])
        own = message.raw[start : start + length] if length else first.get(name, b"")
        if values.get(name, b"") != own:
            return False
    return len(message.raw) <= SAFE_OVER_UDP


def _tell(shape: Shape, message: Message) -> None:
    """Note what all messages of the shape say."""
    user = values_of(message)["to_user"].decode("ascii")
    before, found, after = aor_of(message).partition(f"{user}@")
    if not found:
        shape.why = "its address-of-record is not plain"
    shape.aor = (before, f"@{after}")
    shape.has_credentials = bool(message.method) and message.has_credentials
    if message.method:
        shape.named = _named(shape, message)
    if message.contacts:
        shape.expires = expiry_in(message, message.contacts[0]) or 0
    if message.credentials:
        shape.realm = message.credentials[0].realm or ""
    if message.challenges:
        only = message.challenges[0]
        shape.realm, shape.offer, shape.stale = only.realm or "", offer_of(only), only.stale


def _named(shape: Shape, message: Message) -> tuple[str, ...]:
    """The program, the address-of-record and the domain of a request, and its Contact around user and place."""
    values = values_of(message)
    user, place = (values.get(name, b"").decode("ascii") for name in ("contact_user", "contact_place"))
    contact, target = message.contacts[0].uri, message.uri
    domain = "" if target is None else target.host.lower().rstrip(".")
    before, _, after = (contact.text if contact else "").partition(f"{user}@{place}" if user else place)
    return message.user_agent, *shape.aor, domain, before, after
