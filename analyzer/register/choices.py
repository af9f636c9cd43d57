"""Which of several challenges a client answers, if any (RFC 8760 2.4, RFC 7616 3.7).

A server that takes several algorithms sends a challenge for each, the one it likes best first, and a client answers the
first that it can compute. Some look at the first challenge alone, some at the last, and some at none as soon as one of
them is strange to them: what they know is there, and they never answer. Of one plain MD5 challenge there is no choice,
and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.digest.arithmetic import algorithm_of
from analyzer.register.digest.verdict import AKA_TOKENS
from analyzer.register.transaction import Transaction
from analyzer.sip.auth import Challenge
from analyzer.sip.message import Message
from analyzer.sip.text import clip

if TYPE_CHECKING:
    from analyzer.register.registration import Registration

MOST_OFFERED = 8
"""Challenges of one realm that are told one by one."""
_PLAIN = ("MD5",)


def token_of(algorithm: str | None) -> str:
    """An algorithm as the standards write it, MD5 where none is named (RFC 7616 3.3); an unknown one as it came."""
    known = algorithm_of(algorithm or "")
    return known.token if known is not None else clip(algorithm or "", 20)


def words_of(offered: tuple[str, ...]) -> str:
    """`MD5 and SHA-256`, `SHA-256 alone`."""
    return f"{', '.join(offered[:-1])} and {offered[-1]}" if len(offered) > 1 else f"{offered[0]} alone"


def note_offer(registration: Registration, transaction: Transaction) -> None:
    """A challenge has come to a client: keep what it offers, where that is a choice."""
    final, before = transaction.final, registration.choice
    if final is None or not transaction.challenged or (before is None and _is_plain(final)):
        return
    offers = dict(_offers(final))
    chosen = next((realm for realm, offered in offers.items() if offered != _PLAIN), None)
    if chosen is not None:
        offered = offers[chosen]
        known = before is not None and (before.realm, before.offered) == (chosen, offered)
        taken = before.taken if known and before is not None else ()
        registration.choice = Choice(chosen, offered, final.raw_message.evidence, taken)
    elif before is not None and before.realm in offers:
        registration.choice = None  # it has no choice any more


def note_answer(registration: Registration, realm: str, algorithm: str) -> None:
    """A client has answered a challenge."""
    choice = registration.choice
    if choice is not None and choice.realm == realm and (token := token_of(algorithm)) not in choice.taken:
        registration.choice = choice._replace(taken=(*choice.taken[:MOST_OFFERED], token))


def _is_plain(final: Message) -> bool:
    """Whether there is one challenge, of the kind that every phone answers: nearly all are."""
    challenges = final.challenges
    if len(challenges) != 1 or (challenges[0].algorithm or "MD5").upper() != "MD5":
        return False
    return not challenges[0].qop or "auth" in challenges[0].qop_options


def _offers(final: Message) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The realms of a challenge, and what is offered for each, in the order of the rows; but those that a SIM answers,
    which has no choice (RFC 3310)."""
    rows: dict[tuple[str, str], list[Challenge]] = {}
    for challenge in final.challenges:
        if challenge.is_digest:
            rows.setdefault((challenge.header, challenge.realm or ""), []).append(challenge)
    for (_, realm), several in rows.items():
        if not any((one.algorithm or "").lower() in AKA_TOKENS for one in several):
            yield realm, tuple(map(_offer_word, several[:MOST_OFFERED]))


def _offer_word(challenge: Challenge) -> str:
    """`SHA-256`, `MD5 with qop=auth-int`: not every phone can do that (RFC 7616 3.4)."""
    token, options = token_of(challenge.algorithm), challenge.qop_options
    return token if not options or "auth" in options else f"{token} with qop={clip(options[0], 20)}"


class Choice(NamedTuple):
    """What the latest challenge to a client offers for `realm`, in its order (`SHA-256`, `MD5`), and which algorithms
    the client has answered such a challenge with so far."""

    realm: str
    offered: tuple[str, ...]
    evidence: Evidence
    taken: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is offered, for a sentence."""
        return words_of(self.offered)
