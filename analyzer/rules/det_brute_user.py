"""Somebody tries passwords for one user.

A guesser and a phone with a wrong password both are refused again and again. What tells them apart: the phone has one
password, one address and one contact. `proven` is said where one challenge was answered five
times with different responses while user, realm, nonce, uri, count and cnonce were the same: then nothing but the
password can have changed. `rate` is said of twenty refused tries within ten minutes (or a hundred in a day) that do not
look like one phone: from a program that calls itself by the name of a scanner, or from one address with a new contact
and Call-ID each time; and, as a warning, from five addresses or contacts and more: a user who has that many phones and
has changed the password looks the same.

A single phone that loops is DET-auth-loop, which is folded into this where both see the same tries. A try that was
refused with `stale=true` does not count, nor one that left out what another server on its way wanted.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Violated, bad, good
from analyzer.judge.parameters import BRUTE, BRUTE_DAY, BRUTE_HOSTS, BRUTE_WINDOW, PROVEN, is_scanner
from analyzer.register import marks
from analyzer.register.guesses import KEPT, KEPT_TIMES, Guesses
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

assert KEPT_TIMES == BRUTE


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look at the refused tries for the user of a refused request (heuristic)."""
    del context
    if not subject.digests:
        return NOT_APPLICABLE
    guesses = subject.signs.guesses
    if guesses is None or guesses.latest is None:
        return PASSED
    user, server = clip(guesses.latest.username), subject.transaction.destination.host
    aor = subject.registration.aor if subject.registration is not None else ""
    if guesses.different >= PROVEN:
        return Violated(
            f"{guesses.different} different responses for {user!r} to one challenge, all else being equal: as many "
            "passwords were tried",
            "proven",
            replaces="rate",
            related=(guesses.first,),
            group_key=(server, aor),
        )
    if not _is_fast(guesses) or not _is_no_phone(guesses):
        return PASSED
    how = _how(guesses)
    detail = f"credentials for {user!r} were refused {guesses.total} times{_within(guesses)}, {how}"
    is_sure = _is_sure(guesses)
    return Violated(
        detail,
        "rate",
        severity="error" if is_sure else "warning",
        count=guesses.total,
        related=(guesses.first,),
        group_key=(server, aor),
        at_fault="attacker" if is_sure else "attacker / UAC",
        fix="" if is_sure else _LOOK,
    )


def _is_fast(guesses: Guesses) -> bool:
    span = guesses.span
    return (span is not None and 0 <= span <= BRUTE_WINDOW) or guesses.today >= BRUTE_DAY


def _is_no_phone(guesses: Guesses) -> bool:
    if any(map(is_scanner, guesses.agents)):
        return True
    several = min(len(guesses.contacts), len(guesses.call_ids))
    return len(guesses.hosts) >= BRUTE_HOSTS or several >= BRUTE_HOSTS


def _is_sure(guesses: Guesses) -> bool:
    """No user has so many phones at one address: or it is a tool that says so itself."""
    if any(map(is_scanner, guesses.agents)):
        return True
    return len(guesses.hosts) == 1 and min(len(guesses.contacts), len(guesses.call_ids)) >= KEPT


def _how(guesses: Guesses) -> str:
    scanner = next(filter(is_scanner, guesses.agents), "")
    if scanner:
        return f"by a program that calls itself {clip(scanner, 40)!r}"
    several = guesses.hosts if len(guesses.hosts) >= BRUTE_HOSTS else guesses.contacts
    many = f"{len(several)} {'or more ' if len(several) >= KEPT else ''}"
    return f"from {many}addresses" if several is guesses.hosts else f"with {many}contacts"


def _within(guesses: Guesses) -> str:
    """The pace, by the latest tries."""
    span = guesses.span
    if span is None or not 0 <= span <= BRUTE_WINDOW:
        return f", {guesses.today} of them within a day"
    return f", the latest {KEPT_TIMES} within {max(1, round(span / SECOND))} s"


_LOOK = (
    "look whether these are the user's own phones with an old password; if not, block those addresses, and give the "
    "user a long random password"
)
_TRY = (
    "@{0} src={1}:5060 > REGISTER sip:example.com\nCall-ID: {2}\nUser-Agent: {3}\nContact: <sip:bob@{1}>\n< 401\n"
    "src={1}:5060 > REGISTER sip:example.com\nCall-ID: {2}\nUser-Agent: {3}\nContact: <sip:bob@{1}>\n"
    "Authorization: {{bob pw{0}}}\n< {4}\n"
)
_SAME = "> REGISTER sip:example.com\nAuthorization: {{bob pw{} nonce=AAAA}}\n< 401\n"


def _tries(count: int, hosts: int, agent: str, *, pace: int = 5, status: int = 403) -> str:
    return "".join(
        _TRY.format(pace * turn, f"203.0.113.{turn % hosts + 1}", f"c{turn if hosts > 1 else 0}", agent, status)
        for turn in range(count)
    )


RULE = Rule(
    id="DET-brute-user",
    title="Password guessing against one user",
    short_title="Somebody guesses a password",
    question="whether passwords of a user are guessed",
    clause="heuristic",
    force="none",
    severity="error",
    at_fault="attacker",
    group="I",
    subject="transaction",
    check=check,
    supersedes=("DET-auth-loop", "R3261-22.1-same-credentials"),
    applies_if=marks.DIGESTS,
    violates_only_if=marks.SIGNS,
    needs=(Need.S2C,),
    why="Active attack.",
    fix="block those addresses, give the user a long random password, and look whether one of the tries was let in",
    examples=(
        bad("> REGISTER sip:example.com\n< 401\n" + "".join(map(_SAME.format, range(6))), "proven", severity="error"),
        bad(_tries(25, 5, "Phone"), "rate", title="from five addresses", severity="warning"),
        bad(_tries(22, 1, "friendly-scanner"), "rate", title="by a tool that says so", severity="error"),
        bad(
            "".join(
                _TRY.format(turn, "203.0.113.7", f"c{turn}", "Phone", 403).replace("<sip:bob@", f"<sip:{turn}@")
                for turn in range(25)
            ),
            "rate",
            title="with another contact and Call-ID each time",
            severity="error",
        ),
        bad(_tries(101, 6, "Phone", pace=600), "rate", title="slowly, for a day"),
        good(_tries(60, 1, "Phone"), title="one phone in a loop: DET-auth-loop"),
        good(_tries(60, 3, "Phone"), title="three phones of one user with an old password"),
        good(_tries(19, 5, "Phone"), title="not enough of them"),
        good(_tries(40, 5, "Phone", status=200), title="five phones that are let in"),
        good(
            "> REGISTER sip:example.com\n< 401\n" + _SAME.format(1) * 6,
            title="the same response again and again is one password",
        ),
        good(
            "".join(
                f"@{turn} > REGISTER sip:example.com\nAuthorization: {{bob x nonce=n{turn}}}\n"
                f'< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n{turn + 1}", stale=true\n'
                for turn in range(30)
            ),
            title="nonces that are too old",
        ),
    ),
)
