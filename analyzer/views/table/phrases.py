"""What happened to a client, in a few words, and why as far as that is known; or what to do to know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.evidence import SECOND
from analyzer.register.causes import FORBIDDEN, RIGHT
from analyzer.register.identity import domain_of
from analyzer.register.registration import Registration
from analyzer.register.scanners import is_scanner
from analyzer.register.server_words import ServerWords
from analyzer.views.states import (
    AGAIN,
    ASKED,
    GAVE_UP,
    IN_DOUBT,
    NO_ANSWER,
    NOT_SIGNED_OFF,
    OPEN,
    RAN_OUT,
    REFUSED,
    REGISTERED,
    SIGNED_OFF,
    TAKEN_AWAY,
    UNCLEAR,
    ClientSummary,
    State,
)
from analyzer.views.table.credentials import (
    OF_CREDENTIALS,
    about_credentials,
    how_it_chooses,
    other_name,
    refused_for_nothing_known,
    though,
    unanswered_offer,
    which_offers,
)
from analyzer.views.table.silence import network_words, silence, way_back
from analyzer.views.table.unbound import (
    answered_too_late,
    listed_as,
    not_signed_off,
    ran_out,
    taken_away,
    why_in_doubt,
    why_listed_again,
    why_ran_out,
    why_taken_away,
)
from analyzer.views.table.witness import told_by_log, witnessed
from analyzer.views.words import count, duration, listed, place_words, times

_STATUS = {
    200: "the registrar says OK, but lists no binding of this phone",
    400: "the registrar cannot read the request",
    403: "the registrar forbids it",
    404: "the registrar does not know this user",
    405: "the server takes no REGISTER",
    408: "the server itself got no answer in time",
    416: "the registrar does not know this kind of URI (sips, tel)",
    420: "the registrar does not know an extension that the phone insists on",
    421: "the registrar demands an extension that the phone does not offer",
    423: "the registrar wants a longer time than the phone asks for",
    439: "the first hop does not support outbound (RFC 5626)",
    480: "the registrar cannot serve this user now",
    481: "the registrar takes the request for part of a call",
    482: "the request came to the same server twice: a loop",
    483: "the request went over too many hops: a loop, or Max-Forwards began too low",
    494: "the registrar insists on a security agreement",
    500: "the registrar failed",
    501: "the server takes no REGISTER",
    503: "the registrar is overloaded or down",
    505: "the server does not know this version of SIP",
    513: "the request is too long for the server",
    504: "the server got no answer from one behind it",
}
_OF_DIGESTS = ("R7616-", "R2617-", "R3261-22.3-", "R3261-22.4-", "R3261-25-digest")
"""Rules on digests: what they find, the digest's own verdict says."""
_VERDICTS = ("R7616-digest-",)
"""Rules that say whether a digest is right, and nothing of why it is refused all the same."""
_OF_OFFERS = ("R8760-2.3-",)
"""Rules on what a phone does not answer: what it was offered, and how it chooses, says more."""
_OF_DOMAINS = (403, 404)
"""Statuses by which a registrar refuses users of a domain that it does not have (RFC 3261 10.3 steps 4, 5)."""
_GENERAL = (200, 400, 500)
"""Statuses that say nothing of their own where the reason is known."""
_HEADER_WORDS = {
    "p-registrar-error": "P-Registrar-Error:",
    "contact": "it lists",
    "warning": "Warning:",
    "reason": "Reason:",
    "retry-after": "Retry-After",
    "min-expires": "Min-Expires",
    "allow": "it allows",
    "unsupported": "it does not support",
    "require": "it demands",
}
MANY_BOUND = 2
"""Contacts of an address-of-record that are worth a word beside a refusal."""
_OF_A_CROWD = ("contact", "binding", "registration", "too many", "max")
"""Words of a reason phrase that say that the address-of-record is full, whatever the status is."""
_CLASS = {
    3: "the registrar sends the phone elsewhere",
    5: "the registrar failed",
    6: "the registrar refuses everywhere",
}


def what(clients: ClientSummary, one: Registration, state: State) -> str:
    """What happened: `403 since 11:47:09, 2 tries`."""
    return _WHAT[state](clients, one)


def what_all(clients: ClientSummary, several: Sequence[Registration], state: State) -> str:
    """What happened to many: the status, and since when for the first of them."""
    known = [(since, one) for one in several if (since := clients.since(one)) is not None]
    status = f"{several[0].status} " if several[0].status >= 300 and state not in (RAN_OUT, TAKEN_AWAY) else ""
    if not known:
        return status.strip()
    since, one = min(known, key=lambda pair: pair[0])
    return f"{status}since {clients.clock(one.place).at(since)}"


def why(clients: ClientSummary, one: Registration, state: State) -> str:
    """The cause as far as it is known."""
    teller = _WHY.get(state)
    found = teller(clients, one) if teller is not None else ""
    if state.trouble and not one.was_well and is_scanner(one.user_agent):
        guesses = "it calls itself by the name of a tool that guesses accounts and passwords"
        return f"{guesses}: {found}" if found else guesses
    return found


def why_all(clients: ClientSummary, one: Registration, state: State) -> str:
    """The cause that many share; `one` is the first of them."""
    if state is RAN_OUT:
        return f"no renewal is in the {clients.medium(one.place)}"
    if state is IN_DOUBT:
        return "answers to other clients do not list their contacts, which this registrar may never do"
    if state is TAKEN_AWAY:
        return "answers to other clients of the same address-of-record list their contacts no more"
    if state is OPEN and not way_back(one):
        return f"the {clients.medium(one.place)} ends before it is decided"
    wrong = clients.wrong(one)
    if wrong is not None and wrong.judged.diagnosis is not None:
        return f"WRONG DIGEST ({wrong.judged.diagnosis.hypothesis}){though(wrong)}, the first: {wrong.judged.reason}"
    return why(clients, one, state)


def alike(clients: ClientSummary, one: Registration, state: State) -> tuple[object, ...]:
    """What is equal for clients with the same trouble."""
    if state in (GAVE_UP, OPEN) and one.unheard is not None:
        way = one.unheard
        return (one.status, way.is_astray, way.is_translated, way.asks_rport)  # its ports are its own
    if state in (RAN_OUT, TAKEN_AWAY, IN_DOUBT, OPEN, REGISTERED):
        return (one.status,)  # their reasons name times and places
    if state is GAVE_UP:
        return (one.status, clients.answered_challenge(one) is None)
    if told := told_by_log(one):
        return (one.status, told)
    wrong = clients.wrong(one)
    if wrong is not None:
        return (one.status, wrong.judged.diagnosis.hypothesis if wrong.judged.diagnosis else "")
    return (one.status, why(clients, one, state))


def _since(clients: ClientSummary, one: Registration) -> str:
    if one.failure_count > 1:
        return f"{clients.since_words(one, ' since ')}, {count(one.failure_count, 'try')}"
    return clients.since_words(one)


def _refused(clients: ClientSummary, one: Registration) -> str:
    again = " again and again" if one.status in (401, 407) and one.failure_count > 2 else ""
    return f"{_first_otherwise(one)}{one.status or 'failed'}{again}{_since(clients, one)}"


def _first_otherwise(one: Registration) -> str:
    """`401, then `: how the failures began that still last, where that was another answer."""
    running = one.history.episodes[-1] if one.history.is_troubled else None
    others = [status for status in running.statuses if status != one.status] if running is not None else []
    return f"{listed([str(status) if status else 'no answer' for status in others])}, then " if others else ""


def _silent(clients: ClientSummary, one: Registration) -> str:
    last = one.history.last
    sends = max(1, last.sends) if last is not None else 1
    over = last.end - last.start if last is not None and last.start is not None and last.end is not None else 0
    spread = f" in {duration(over)}" if over > 0 and sends > 1 else ""
    answered = sum(1 for failure in one.failures if failure.status)
    silent = one.failure_count - answered if len(one.failures) == one.failure_count else 0  # not all are kept
    again = f", {times(silent)}" if silent > 1 else ""
    since = clients.since_words(one, f", {count(one.failure_count, 'failure')} since " if answered else " since ")
    first = ", the first" if since.startswith((" between", " after")) else ""
    return f"{_first_otherwise(one)}{count(sends, 'send')}{spread}{again}{first}{since}"


def _gave_up(clients: ClientSummary, one: Registration) -> str:
    return f"after {one.status or 'the answer'}{_since(clients, one)}"


def _registered(clients: ClientSummary, one: Registration) -> str:
    granted = f" for {one.granted} s" if one.granted is not None else ""
    current = one.reach.current
    is_new = one.reach.gaps or any(stretch.state == "unknown" for stretch in one.reach.stretches)
    since = current.start if is_new and current is not None else one.since
    if one.outcomes["registered"] > 1 and since is not None:
        return f"{clients.at(one, since, 'since ')}{granted}"
    last = clients.at(one, one.last_success, " ")
    return f"registered{last or clients.since_words(one, ' ')}{granted}"


def _asked(clients: ClientSummary, one: Registration) -> str:
    told = f" ({one.status})" if one.status >= 300 else ""
    return f"asked what is registered{told}{clients.at(one, one.since, ', ')}"


def _open(clients: ClientSummary, one: Registration) -> str:
    return f"{one.status or 'no answer yet'}{clients.at(one, one.last)}"


def _why_refused(clients: ClientSummary, one: Registration) -> str:
    about = about_credentials(clients, one) if one.status in OF_CREDENTIALS else ""
    found = explained(clients, one, but=_OF_DIGESTS if about else ())
    if about in (RIGHT, FORBIDDEN) and (known := explained(clients, one, but=_VERDICTS)):
        about, found = "", f"the response is right for the password given, but refused: {known}"
    is_open = about in (RIGHT, FORBIDDEN)
    if not about and one.status in OF_CREDENTIALS:
        found = found or explained(clients, one, but=_VERDICTS)
        about = "" if found else refused_for_nothing_known(clients, one)
        is_open = bool(about)
    last = one.history.last
    is_said = about or (found and one.status in (*_GENERAL, *OF_CREDENTIALS))
    is_said = is_said or (last is not None and last.words.explains)
    meaning = "" if is_said else _STATUS.get(one.status) or _CLASS.get(one.status // 100, "")
    parts = [about, found, meaning, server_words(one), _crowd(one), witnessed(one), _all_the_same(one)]
    if one.status in _OF_DOMAINS and one.credentials_place is None and (domain := clients.other_domain(one)):
        parts.append(
            f"it registers as a user of {domain_of(one.aor)}, and whom the registrar lets in is a user of {domain}"
        )
    if is_open:
        parts.insert(1, other_name(clients, one))
    if told_by_log(one):
        parts = [witnessed(one), server_words(one), _crowd(one), _all_the_same(one)]
    return "; ".join(part for part in parts if part)


def _all_the_same(one: Registration) -> str:
    """That a refusal has bound it, if it has."""
    current = one.reach.current
    if not one.bound_by_refusal or one.status != one.bound_by_refusal or current is None or current.state != "bound":
        return ""
    return f"it is bound all the same: the {one.status} lists its contact"


def explained(clients: ClientSummary, one: Registration, *, but: tuple[str, ...] = ()) -> str:
    """The finding that broke the latest attempt, by its title; not of rules whose ids begin with one of `but`."""
    last = one.history.last
    rule = next((rule for rule in last.findings if not rule.startswith(but)), "") if last is not None else ""
    return clients.title(rule, last.id) if last is not None and rule else ""


def server_words(one: Registration) -> str:
    """What the registrar says beside the status: `the registrar says "Too Many Contacts", Retry-After 60`."""
    last = one.history.last
    words = last.words if last is not None else ServerWords()
    said = [f'the registrar says "{words.reason}"'] if words.reason else []
    names = _HEADER_WORDS | ({"contact": "it sends the phone to"} if one.status < 400 else {})
    return ", ".join([*said, *(f"{names.get(name, name)} {value}" for name, value in words.headers)])


def _crowd(one: Registration) -> str:
    last = one.history.last
    if last is None or last.bound < MANY_BOUND:
        return ""
    if one.status in OF_CREDENTIALS and not any(word in last.words.reason.lower() for word in _OF_A_CROWD):
        return ""
    return f"{last.bound} contacts of this address were bound then"


def _why_not_signed_off(clients: ClientSummary, one: Registration) -> str:
    if one.reach.is_listed_again:
        return why_listed_again(one)
    found = witnessed(one) if told_by_log(one) else explained(clients, one)
    if one.outcome == "abandoned" and not told_by_log(one):
        place = clients.answered_challenge(one)
        whom = clients.answered_whom(one)
        answered = f"; it answered one{whom} at {place_words(place)}" if place is not None else ""
        told = f"did not answer the challenge{which_offers(one)}{answered}"
        return "; ".join(part for part in (found, told) if part)
    about = about_credentials(clients, one) if one.status in OF_CREDENTIALS and not told_by_log(one) else ""
    if one.outcome == "timeout" and not told_by_log(one):
        return _why_silent(clients, one)
    if one.outcome == "timeout":
        return found or _why_silent(clients, one)
    asked = one.status in OF_CREDENTIALS and not told_by_log(one)
    return about or found or (refused_for_nothing_known(clients, one) if asked else "") or server_words(one)


def _why_silent(clients: ClientSummary, one: Registration) -> str:
    found = explained(clients, one)
    if late := answered_too_late(one):
        return late
    if found and one.history.last is not None and one.history.last.findings[0] != "R3261-17.2-unanswered":
        return found
    if one.last_seen is not None and one.last_seen.aborted:
        return network_words(one.last_seen.aborted)
    return "; ".join(part for part in (silence(clients, one), witnessed(one)) if part)


def _why_gave_up(clients: ClientSummary, one: Registration) -> str:
    unheard = way_back(one)
    if unheard:
        return unheard
    if told := witnessed(one):
        return told
    place = clients.answered_challenge(one)
    if place is not None:
        answered = f"it answered one{clients.answered_whom(one)} at {place_words(place)}"
        return f"did not answer the challenge{which_offers(one)}; {answered}"
    if one.failures and one.failures[-1].cause:
        return one.failures[-1].cause
    if found := explained(clients, one, but=_OF_OFFERS):
        return found
    if one.choice is not None:
        return f"never answered the challenge{which_offers(one)}{how_it_chooses(one)}"
    return "never answered the challenge: no password set in the phone, or the challenge was lost"


def _why_open(clients: ClientSummary, one: Registration) -> str:
    unheard = way_back(one)
    if unheard:
        return unheard
    end, last, medium = clients.end(one.place), one.last, clients.medium(one.place)
    offered = unanswered_offer(one) if one.status in OF_CREDENTIALS else ""
    if end is None or last is None:
        return f"{offered}the {medium} ends before it is decided"
    return f"{offered}the {medium} ends " + (f"{duration(end - last)} later" if end - last > SECOND else "there")


_Teller = Callable[[ClientSummary, Registration], str]


def _unclear(clients: ClientSummary, one: Registration) -> str:
    current = one.reach.current
    if one.reach.is_unseen and current is not None:
        return f"not known whether it is bound{clients.at(one, current.start, ' since ')}"
    return f"what came of it was not seen{clients.at(one, one.since, ', ')}"


def _why_unclear(clients: ClientSummary, one: Registration) -> str:
    registrar = one.registrar.endpoint
    current, medium = one.reach.current, clients.medium(one.place)
    if one.reach.is_unseen and current is not None and current.by is not None:
        request = f"the request at {place_words(current.by.place)}"
        return f"{request} was not repeated, as if it was answered: the answer may be missing in the {medium}"
    if registrar in clients.answering:
        return f"its request was not repeated, as if it was answered: the answer may be missing in the {medium}"
    who = registrar.written if clients.other_ports(registrar) else registrar.host
    return f"its request was not repeated, and no answer of {who} came in time, as far as the {medium} shows"


_WHAT: dict[State, _Teller] = {
    REGISTERED: _registered,
    AGAIN: _registered,
    NOT_SIGNED_OFF: not_signed_off,
    REFUSED: _refused,
    NO_ANSWER: _silent,
    GAVE_UP: _gave_up,
    RAN_OUT: ran_out,
    TAKEN_AWAY: taken_away,
    IN_DOUBT: _registered,
    SIGNED_OFF: lambda clients, one: f"signed off{clients.at(one, clients.since(one))}",
    ASKED: _asked,
    OPEN: _open,
    UNCLEAR: _unclear,
}
_WHY: dict[State, _Teller] = {
    REGISTERED: lambda clients, one: "; ".join(part for part in (way_back(one), listed_as(one)) if part),
    AGAIN: lambda clients, one: listed_as(one),
    REFUSED: _why_refused,
    ASKED: lambda clients, one: server_words(one),
    NOT_SIGNED_OFF: _why_not_signed_off,
    NO_ANSWER: _why_silent,
    GAVE_UP: _why_gave_up,
    RAN_OUT: why_ran_out,
    TAKEN_AWAY: why_taken_away,
    IN_DOUBT: why_in_doubt,
    OPEN: _why_open,
    UNCLEAR: _why_unclear,
}
