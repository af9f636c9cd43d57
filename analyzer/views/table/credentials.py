"""What a challenge and the credentials for it say of a client that was refused, or that does not answer."""

from __future__ import annotations

from analyzer.judge.choosers import chooser_of
from analyzer.register.digest.verdict import UNEXPLAINED
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.registration import Registration
from analyzer.sip.text import clip
from analyzer.views.states import ClientSummary

OF_CREDENTIALS = (401, 403, 407)
"""Statuses that are about credentials: only beside these a digest's verdict says why."""


def about_credentials(clients: ClientSummary, one: Registration) -> str:
    """What is known of the digest, where the status is about credentials."""
    wrong = clients.wrong(one)
    if wrong is not None and wrong.judged.diagnosis is not None:
        return f"WRONG DIGEST{though(wrong)}: {wrong.judged.reason}"
    if wrong is not None:
        return f"{UNEXPLAINED.upper()}: the response does not match the password given"
    if one.failures and one.failures[-1].cause:
        return one.failures[-1].cause
    return ""


def refused_for_nothing_known(clients: ClientSummary, one: Registration) -> str:
    """What is left to say of credentials that were refused, where nothing else tells why."""
    last, sent = one.last_seen, clients.sent(one)
    if last is None or not last.has_credentials:
        return ""
    if sent is not None and sent.verdict == "match":
        return "its credentials were refused, though the response is right for the password given"
    ask = "its digest could not be judged" if clients.report.secrets_given else "--credentials FILE tells which"
    return f"its credentials were refused: the password is wrong, or the registrar has another reason ({ask})"


def other_name(clients: ClientSummary, one: Registration) -> str:
    """That the phone authenticates under another name than it registers, or protects the body (qop=auth-int), either of
    which a registrar may not take."""
    sent = clients.sent(one)
    if sent is not None and sent.verdict == "match" and (sent.qop or "").lower() == "auth-int":
        return "it is computed with qop=auth-int: see whether the registrar takes qop=auth"
    user = one.aor.partition(":")[2].rpartition("@")[0]
    name = sent.username.partition("@")[0] if sent is not None else ""
    if not name or not user or name == user:
        return ""
    return f"it authenticates as {clip(name)!r}, and registers {clip(user)!r}: see whether the registrar takes that"


def though(wrong: DigestRecord) -> str:
    """What a wrong digest proves of the password all the same."""
    return ", though the password is right" if wrong.password_is_right else ""


def which_offers(one: Registration) -> str:
    """`, which offers MD5 and SHA-256`: said of a challenge that is more than one plain MD5."""
    return f", which offers {one.choice.words}" if one.choice is not None else ""


def unanswered_offer(one: Registration) -> str:
    """What a client was offered that has not answered so far, before the end of the source is told."""
    choice = one.choice
    return f"offered {choice.words}, and no credentials so far; " if choice is not None and not choice.taken else ""


def how_it_chooses(one: Registration) -> str:
    """What may keep a phone from answering one of several challenges, or one that is not MD5."""
    chooser = chooser_of(one.user_agent)
    if chooser is not None and chooser.is_silent:
        return f"; {chooser.name} {chooser.versions} {chooser.does}"
    if one.choice is not None and len(one.choice.offered) > 1:
        return ": it may look at the first of them alone, or at the last, or give up over one that it does not know"
    return ": it may not know that"
