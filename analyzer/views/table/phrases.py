"""What happened to a client, in a few words, and why as far as that is known; or what to do to know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.evidence import SECOND
from analyzer.register.registration import Registration
from analyzer.views.states import (
    ASKED,
    GAVE_UP,
    NO_ANSWER,
    OPEN,
    RAN_OUT,
    REFUSED,
    REGISTERED,
    SIGNED_OFF,
    UNCLEAR,
    ClientSummary,
    State,
    bound_until,
)
from analyzer.views.words import count, duration, place_words, times

_STATUS = {
    200: "the registrar says OK, but lists no binding of this phone",
    400: "the registrar cannot read the request",
    403: "the registrar forbids it",
    404: "the registrar does not know this user",
    405: "the server takes no REGISTER",
    408: "the server itself got no answer in time",
    420: "the registrar does not know an extension that the phone insists on",
    423: "the registrar wants a longer time than the phone asks for",
    439: "the first hop does not support outbound (RFC 5626)",
    480: "the registrar cannot serve this user now",
    481: "the registrar takes the request for part of a call",
    494: "the registrar insists on a security agreement",
    500: "the registrar failed",
    501: "the server takes no REGISTER",
    503: "the registrar is overloaded or down",
    504: "the server got no answer from one behind it",
}
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
    status = f"{several[0].status} " if several[0].status and state is not RAN_OUT else ""
    if not known:
        return status.strip()
    since, one = min(known, key=lambda pair: pair[0])
    return f"{status}since {clients.clock(one.place).at(since)}"


def why(clients: ClientSummary, one: Registration, state: State) -> str:
    """The cause as far as it is known."""
    teller = _WHY.get(state)
    return teller(clients, one) if teller is not None else ""


def why_all(clients: ClientSummary, one: Registration, state: State) -> str:
    """The cause that many share; `one` is the first of them."""
    if state is RAN_OUT:
        return f"no renewal is in the {clients.medium(one.place)}"
    if state is OPEN and not way_back(one):
        return f"the {clients.medium(one.place)} ends before it is decided"
    wrong = clients.wrong(one)
    if wrong is not None and wrong.judged.diagnosis is not None:
        return f"WRONG DIGEST ({wrong.judged.diagnosis.hypothesis}), the first: {wrong.judged.reason}"
    return why(clients, one, state)


def before(one: Registration, state: State) -> str:
    """What was before the trouble, or how often all went well."""
    registered = one.outcomes["registered"]
    if state is REGISTERED:
        return f"renewed {times(registered - 1)}" if registered > 1 else ""
    return "was registered before" if registered and state.trouble and state is not RAN_OUT else ""


def alike(clients: ClientSummary, one: Registration, state: State) -> tuple[object, ...]:
    """What is equal for clients with the same trouble."""
    if state in (GAVE_UP, OPEN) and one.unheard is not None:
        way = one.unheard
        return (one.status, way.is_astray, way.is_translated, way.asks_rport)  # its ports are its own
    if state in (RAN_OUT, OPEN, REGISTERED):
        return (one.status,)  # their reasons name times
    if state is GAVE_UP:
        return (one.status, clients.answered_challenge(one) is None)
    wrong = clients.wrong(one)
    if wrong is not None:
        return (one.status, wrong.judged.diagnosis.hypothesis if wrong.judged.diagnosis else "")
    return (one.status, why(clients, one, state))


def _since(clients: ClientSummary, one: Registration) -> str:
    if one.failure_count > 1:
        return f"{clients.at(one, clients.since(one), ' since ')}, {count(one.failure_count, 'try')}"
    return clients.at(one, clients.since(one))


def _refused(clients: ClientSummary, one: Registration) -> str:
    again = " again and again" if one.status in (401, 407) and one.failure_count > 2 else ""
    return f"{one.status or 'failed'}{again}{_since(clients, one)}"


def _silent(clients: ClientSummary, one: Registration) -> str:
    last = one.last_seen
    sends = 1 + last.retransmissions if last is not None else 1
    over = last.last - last.first if last is not None and last.first is not None and last.last is not None else 0
    spread = f" in {duration(over)}" if over > 0 and sends > 1 else ""
    again = f", {times(one.failure_count)}" if one.failure_count > 1 else ""
    return f"{count(sends, 'send')}{spread}{again}{clients.at(one, clients.since(one), ' since ')}"


def _gave_up(clients: ClientSummary, one: Registration) -> str:
    return f"after {one.status or 'the answer'}{_since(clients, one)}"


def _ran_out(clients: ClientSummary, one: Registration) -> str:
    return f"not renewed, gone{clients.at(one, bound_until(one))}"


def _registered(clients: ClientSummary, one: Registration) -> str:
    granted = f" for {one.granted} s" if one.granted is not None else ""
    if one.outcomes["registered"] > 1 and one.since is not None:
        return f"{clients.at(one, one.since, 'since ')}{granted}"
    return f"registered{clients.at(one, one.last_success, ' ')}{granted}"


def _open(clients: ClientSummary, one: Registration) -> str:
    return f"{one.status or 'no answer yet'}{clients.at(one, one.last)}"


def _why_refused(clients: ClientSummary, one: Registration) -> str:
    wrong = clients.wrong(one)
    if wrong is not None and wrong.judged.diagnosis is not None:
        return f"WRONG DIGEST: {wrong.judged.reason}"
    if wrong is not None:
        return "WRONG PASSWORD: the response does not match the password given"
    last = one.last_seen
    if one.failures and one.failures[-1].cause:
        return one.failures[-1].cause
    if last is not None and last.has_credentials and one.status in (401, 403, 407):
        ask = "" if clients.report.secrets_given else " (--credentials FILE tells which)"
        return f"password wrong or refused{ask}"
    known = _STATUS.get(one.status) or _CLASS.get(one.status // 100, "")
    reason = last.reason.strip() if last is not None else ""
    return known or (f'the registrar says "{reason}"' if reason else "")


def _why_silent(clients: ClientSummary, one: Registration) -> str:
    if one.last_seen is not None and one.last_seen.aborted:
        return f"the network says: {one.last_seen.aborted}"
    host = one.registrar.endpoint.host
    if one.reasons or one.outcomes["registered"]:
        return f"{host} answered this phone before"
    if host in clients.answering:
        return f"{host} answers others, not this phone"
    return f"{host} answers nobody here" if clients.hosts[host] > 1 else f"nothing came from {host}"


def _why_gave_up(clients: ClientSummary, one: Registration) -> str:
    unheard = way_back(one)
    if unheard:
        return unheard
    place = clients.answered_challenge(one)
    if place is not None:
        return f"did not answer the challenge; it answered one at {place_words(place)}"
    return "never answered the challenge: no password set in the phone, or the challenge was lost"


def way_back(one: Registration) -> str:
    """Which way the latest answer went, where the phone has not heard it; else nothing."""
    way = one.unheard
    if way is None:
        return ""
    if not way.is_astray:
        return f"the {way.status} goes to {way.to}, and the phone repeats its request as if it did not hear it"
    if way.to.host != way.source.host:
        return f"the {way.status} goes to {way.to}, but the phone sends from {way.source}"
    nat = f"its NAT {way.to.host}" if way.is_translated else f"{way.to.host}"
    asks = "" if way.asks_rport else " and does not ask for rport"
    return f"the {way.status} goes to port {way.to.port} of {nat}; the phone sends from port {way.source.port}{asks}"


def _why_gone(clients: ClientSummary, one: Registration) -> str:
    until, end = bound_until(one), clients.end(one.place)
    if until is None or end is None:
        return ""
    granted = f"registered for {one.granted} s; " if one.granted is not None else ""
    return f"{granted}the {clients.medium(one.place)} goes on for {duration(end - until)} without a renewal"


def _why_open(clients: ClientSummary, one: Registration) -> str:
    unheard = way_back(one)
    if unheard:
        return unheard
    end, last, medium = clients.end(one.place), one.last, clients.medium(one.place)
    if end is None or last is None:
        return f"the {medium} ends before it is decided"
    return f"the {medium} ends " + (f"{duration(end - last)} later" if end - last > SECOND else "there")


_Teller = Callable[[ClientSummary, Registration], str]


def _why_unclear(clients: ClientSummary, one: Registration) -> str:
    host = one.registrar.endpoint.host
    return "" if host in clients.answering else f"nothing that {host} sends is in the {clients.medium(one.place)}"


_WHAT: dict[State, _Teller] = {
    REGISTERED: _registered,
    REFUSED: _refused,
    NO_ANSWER: _silent,
    GAVE_UP: _gave_up,
    RAN_OUT: _ran_out,
    SIGNED_OFF: lambda clients, one: f"signed off{clients.at(one, one.since)}",
    ASKED: lambda clients, one: f"asked what is registered{clients.at(one, one.since, ', ')}",
    OPEN: _open,
    UNCLEAR: lambda clients, one: f"what came of it was not seen{clients.at(one, one.since, ', ')}",
}
_WHY: dict[State, _Teller] = {
    REGISTERED: lambda clients, one: way_back(one),
    REFUSED: _why_refused,
    NO_ANSWER: _why_silent,
    GAVE_UP: _why_gave_up,
    RAN_OUT: _why_gone,
    OPEN: _why_open,
    UNCLEAR: _why_unclear,
}
