"""The form of a digest: whether the phone answered what the challenge asked for, apart from whether the value is right.

A response may be right for the password and be refused all the same, because it was computed in a form that nobody
asked for: a server that offers no qop computes the older formula (RFC 2069), in which nc and cnonce have no place. So
credentials are held against the challenge whose nonce they use (RFC 7616 3.4, RFC 2617 3.2.2, RFC 3261 22.4 item 8).
Of what was never seen nothing is said: without its challenge a form is unknown.

A server may put one nonce into several challenges, one for each algorithm (RFC 7616 3.9.1); the one that the
credentials are nearest to is the one they answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from analyzer.register.bounded import brief
from analyzer.register.digest.input import clip
from analyzer.sip.auth import Challenge, Credentials
from analyzer.sip.grammar import NC_VALUE

FormWord = Literal["as-asked", "other-form", "unknown"]
MOST_OFFERS = 8
"""Different offers that are kept for one nonce, and qop values of one offer."""
_COUNT = re.compile(NC_VALUE)
_LONGEST_KEPT = 2048
"""Octets of credentials whose shape is remembered with what it differs in."""


class Offer(NamedTuple):
    """What a challenge asks for: `algorithm` lower-case, `md5` where it names none (RFC 2617 3.2.1); `qop` the values
    offered, lower-case; `opaque` empty where there is none, and shortened to be compared."""

    algorithm: str
    qop: tuple[str, ...]
    opaque: str


class Difference(NamedTuple):
    """One way in which credentials differ from what was asked; `kind` is for rules, `text` a phrase for people. `sent`
    and `asked` are the two values, where it is one."""

    kind: Literal[
        "uninvited",
        "omitted",
        "not-offered",
        "incomplete",
        "without-qop",
        "algorithm",
        "opaque-missing",
        "opaque-other",
        "opaque-invented",
        "count-format",
        "count-repeated",
        "malformed",
    ]
    text: str
    sent: str = ""
    asked: str = ""


class DigestForm(NamedTuple):
    """JSON `digests[].form` is `word`; `differences` are what makes it `other-form`, `why` why it is unknown."""

    word: FormWord
    differences: tuple[Difference, ...] = ()
    why: str = ""

    @property
    def reason(self) -> str:
        """What differs, or why that is not known; empty for a form as asked."""
        return "; ".join(difference.text for difference in self.differences) or self.why

    def of_kind(self, *kinds: str) -> tuple[Difference, ...]:
        """The differences of these kinds."""
        return tuple(difference for difference in self.differences if difference.kind in kinds)


AS_ASKED = DigestForm("as-asked")
NOT_SEEN = DigestForm("unknown", why="the challenge with this nonce is not in the capture")
NO_RESPONSE = DigestForm("unknown", why="there is no response value")
TOO_MANY_OFFERS = DigestForm("unknown", why=f"more than {MOST_OFFERS} different challenges have this nonce")


class Shape(NamedTuple):
    """What the form of credentials depends on, beside opaque: values as written (None: absent), and whether there is a
    cnonce. Phones of a kind have one shape, whatever they hash."""

    algorithm: str | None
    qop: str | None
    nc: str | None
    has_cnonce: bool

    @property
    def is_session(self) -> bool:
        """Whether the algorithm is a `-sess` one, which needs its cnonce with or without qop (RFC 7616 3.4.2)."""
        return _algorithm(self.algorithm).endswith("-sess")

    @property
    def beside_qop(self) -> dict[str, bool]:
        """Which of the parameters that come with qop alone are there."""
        beside = {"nc": self.nc is not None}
        return beside if self.is_session else {**beside, "cnonce": self.has_cnonce}


@lru_cache(maxsize=4096)
def _offer(algorithm: str, qop: tuple[str, ...], opaque: str) -> Offer:
    return Offer(algorithm, qop, opaque)  # most challenges of a server offer the same: equal ones are one object


def offer_of(challenge: Challenge) -> Offer:
    """What a Digest challenge asks for (RFC 7616 3.3)."""
    qop = tuple(map(brief, challenge.qop_options[:MOST_OFFERS]))
    return _offer(brief(_algorithm(challenge.algorithm)), qop, brief(challenge.opaque or ""))


def _algorithm(written: str | None) -> str:
    return (written or "").strip().lower() or "md5"


def form_of(credentials: Credentials, offers: Sequence[Offer], *, count_repeated: bool = False) -> DigestForm:
    """Hold credentials against the offers that were made with their nonce; none: it was not seen given out.

    `count_repeated`: the nonce count does not rise over that of an earlier request of this client (RFC 7616 3.4).
    """
    if not (credentials.response or "").strip():
        malformed = credentials.malformed
        return DigestForm("unknown", why=f"the header is malformed: {malformed}") if malformed else NO_RESPONSE
    get = credentials.get
    shape = Shape(get("algorithm"), get("qop"), get("nc"), get("cnonce") is not None)
    is_short, opaque = len(credentials.raw) <= _LONGEST_KEPT, brief(get("opaque") or "")
    own = _own(shape) if is_short else _own.__wrapped__(shape)
    if credentials.malformed:
        own = (Difference("malformed", f"a malformed header: {credentials.malformed}"), *own)
    if count_repeated:
        own = (*own, _repeated(shape))
    elif len(offers) == 1 and is_short and not own and opaque == offers[0].opaque:
        found = _asked(shape, offers[0].algorithm, offers[0].qop)
        return DigestForm("other-form", found) if found else AS_ASKED
    asked = _asked if is_short else _asked.__wrapped__
    answers = [asked(shape, algorithm, qop) + _opaque(opaque, offered) for algorithm, qop, offered in offers]
    found = min(answers, key=len, default=()) if len(answers) != 1 else answers[0]
    if found and len(offers) >= MOST_OFFERS:
        return DigestForm("other-form", own) if own else TOO_MANY_OFFERS
    if found or own:
        return DigestForm("other-form", (*found, *own))
    return AS_ASKED if offers else NOT_SEEN


def _repeated(sent: Shape) -> Difference:
    count = f"nc={clip(sent.nc or '')}"
    text = f"{count}, which does not rise over that of an earlier request with this nonce"
    return Difference("count-repeated", text, count, "a count above those before")


@lru_cache(maxsize=1024)
def _asked(sent: Shape, algorithm: str, qop: tuple[str, ...]) -> tuple[Difference, ...]:
    """How a shape differs from the algorithm and qop of an offer."""
    return tuple(_differences(sent, algorithm, qop))


def _differences(sent: Shape, algorithm: str, qop: tuple[str, ...]) -> Iterator[Difference]:
    own = brief(_algorithm(sent.algorithm))
    if own != algorithm:
        used, asked = clip(own.upper()), clip(algorithm.upper())
        text = f"algorithm {used} although the challenge asks for {asked}"
        yield Difference("algorithm", text, used, asked)
    yield from _qop(sent, qop)


def _qop(sent: Shape, offered: tuple[str, ...]) -> Iterator[Difference]:
    """RFC 7616 3.4: qop is one of those offered, and MUST be sent where any is (RFC 3261 22.4 item 8)."""
    qop, all_offered = (sent.qop or "").lower(), clip(_all(offered))
    own, wanted = f"qop={clip(qop)}", f"qop={clip(' or '.join(offered))}"
    if qop and not offered:
        there = [name for name, is_there in sent.beside_qop.items() if is_there]
        yield Difference("uninvited", f"{_all([own, *there])} although the challenge offers no qop", own, "no qop")
    elif offered and not qop:
        yield Difference("omitted", f"no qop although the challenge offers {all_offered}", "no qop", wanted)
    elif qop and brief(qop) not in offered:
        yield Difference("not-offered", f"{own} although the challenge offers {all_offered}", own, wanted)


@lru_cache(maxsize=1024)
def _own(sent: Shape) -> tuple[Difference, ...]:
    """What no challenge asks for: nc and cnonce come with qop, and never without it (RFC 2617 3.2.2)."""
    return tuple(_own_differences(sent))


def _own_differences(sent: Shape) -> Iterator[Difference]:
    qop, beside = (sent.qop or "").lower(), sent.beside_qop
    there = [name for name, is_there in beside.items() if is_there]
    lacking = [name for name, is_there in beside.items() if qop and not is_there]
    if sent.is_session and not sent.has_cnonce:
        lacking.append("cnonce")
    if not qop and there:
        yield Difference("without-qop", f"{_all(there)} without qop")
    if lacking:
        what = f"qop={clip(qop)}" if qop else "a -sess algorithm"
        yield Difference("incomplete", f"{what} without {_all(lacking)}")
    if qop and sent.nc is not None and not _COUNT.fullmatch(sent.nc):
        count, digits = f"nc={clip(sent.nc)}", "eight hexadecimal digits"
        yield Difference("count-format", f"{count} is not {digits}", count, f"nc of {digits}")


def _opaque(sent: str, offered: str) -> tuple[Difference, ...]:
    """RFC 7616 3.3: what is opaque SHOULD be returned unchanged. An empty one says as much as none."""
    if sent == offered:
        return ()
    if not sent:
        return (Difference("opaque-missing", "no opaque although the challenge has one"),)
    if not offered:
        return (Difference("opaque-invented", "an opaque although the challenge has none"),)
    return (Difference("opaque-other", "another opaque than that of the challenge"),)


def _all(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
