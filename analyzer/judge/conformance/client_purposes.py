"""The purposes of ETSI TS 102 027 for who registers (RG_RT): valid behaviour (V), and timers (TI)."""

from __future__ import annotations

from analyzer.judge.conformance import client_questions as client
from analyzer.judge.conformance import copy_questions as copies
from analyzer.judge.conformance import registrar_questions as registrar
from analyzer.judge.conformance.client_questions import any_request, never
from analyzer.judge.conformance.exchange import Asks
from analyzer.judge.conformance.purpose import Purpose, purpose

_PACE = ("fast", "slow", "reliable")
"""Sub-codes of `R3261-17.1.2.2-retransmit` about the intervals of copies."""
_END = ("past-F",)
"""Its sub-code about their end."""
_CONFIGURED = "which registrar a phone is configured with is not on the wire"


def _timer(number: str, text: str, needs: str, exercised: Asks, shown: Asks, limit: str) -> Purpose:
    return Purpose(id=number, text=text, needs=needs, exercised=exercised, shown=shown, limit=limit, only=_PACE)


CLIENT_PURPOSES = (
    purpose(
        "RG_RT_V_001",
        "The Request-URI is a SIP URI that names the domain, without a user part.",
        "a REGISTER where the phone sent it",
        any_request,
    ),
    purpose(
        "RG_RT_V_002",
        "The list of bindings in a 200 is understood.",
        "a 200 that lists the contacts asked for",
        registrar.accepted_one,
        never,
        "what a phone makes of the list is not on the wire",
    ),
    purpose(
        "RG_RT_V_003",
        "A registrar that is configured is the one that is asked.",
        "a Request-URI with another host than the address-of-record",
        client.other_domain,
        never,
        _CONFIGURED,
    ),
    purpose(
        "RG_RT_V_004",
        "Without a configured registrar, the host of the address-of-record is asked.",
        "a Request-URI with the host of the address-of-record",
        client.own_domain,
    ),
    purpose(
        "RG_RT_V_005",
        "A registrar is looked for by multicast.",
        "a REGISTER to sip.mcast.net (224.0.1.75)",
        client.multicast,
        never,
        "that a phone uses multicast is a fact, and no rule judges it",
    ),
    purpose(
        "RG_RT_V_006",
        "A binding is refreshed (no longer run by ETSI's own suite: see 012).",
        "a REGISTER for a contact that was granted before",
        client.refresh,
    ),
    purpose(
        "RG_RT_V_007",
        "A challenge is answered by a new request with credentials: same Call-ID, next CSeq.",
        "a REGISTER with credentials after a 401 or 407",
        client.challenge_answered,
    ),
    purpose(
        "RG_RT_V_008",
        "To holds the address-of-record, a SIP or SIPS URI.",
        "a REGISTER where the phone sent it",
        any_request,
    ),
    purpose(
        "RG_RT_V_009",
        "From and To hold the same address-of-record, unless somebody else registers it.",
        "a REGISTER where the phone sent it",
        any_request,
    ),
    purpose(
        "RG_RT_V_010",
        "No new registration is sent while one is unanswered.",
        "a REGISTER after one that had to be sent more than once",
        client.after_silence,
    ),
    purpose(
        "RG_RT_V_011",
        "CSeq rises by one with each REGISTER of a Call-ID.",
        "two REGISTERs of one Call-ID",
        client.again,
    ),
    purpose(
        "RG_RT_V_012",
        "A binding is refreshed before the granted time ends, under the same Call-ID.",
        "a REGISTER for a contact that was granted before",
        client.refresh,
        by=("R3261-10.2-callid", "R3261-10.2.4-refresh-late"),
    ),
    purpose(
        "RG_RT_V_013",
        "A binding is removed by a lifetime of 0; `*` stands alone and with Expires: 0.",
        "a REGISTER that removes",
        client.removal,
    ),
    purpose(
        "RG_RT_V_014",
        "Bindings are asked for by a complete REGISTER without Contact.",
        "a REGISTER without Contact",
        client.query,
    ),
    purpose(
        "RG_RT_V_015",
        "A lifetime is suggested, in Expires or in the Contact.",
        "a REGISTER that binds a contact and says for how long",
        client.states_expiry,
    ),
    purpose(
        "RG_RT_V_016",
        "Several contacts are told apart, and ordered by q.",
        "a REGISTER that binds more than one contact",
        client.several,
    ),
    purpose(
        "RG_RT_V_017",
        "The Date of a 200 sets the phone's clock.",
        "a 200 with Date",
        registrar.dated_answer,
        never,
        "a phone's clock is not on the wire",
    ),
    purpose(
        "RG_RT_V_018",
        "A 401 is answered by Authorization for its realm and nonce, and by the right response.",
        "a REGISTER with Authorization, and the password",
        client.registrar_credentials,
        by=("R7616-digest-verify",),
    ),
    purpose(
        "RG_RT_V_019",
        "401 is answered by Authorization, 407 by Proxy-Authorization.",
        "a REGISTER with credentials after a 401 or 407",
        client.challenge_answered,
    ),
    purpose(
        "RG_RT_V_020",
        "A 407 is answered by Proxy-Authorization for each proxy that asked.",
        "a REGISTER with Proxy-Authorization, and the password",
        client.proxy_credentials,
        by=("R7616-digest-verify",),
    ),
    _timer(
        "RG_RT_TI_001",
        "Without a response, the request is sent again after T1.",
        "over UDP, a copy of a REGISTER",
        copies.one_copy,
        copies.at_t1,
        "the first copy did not come T1 (0.5 s) after the request; T1 may be another here",
    ),
    _timer(
        "RG_RT_TI_002",
        "Each interval is twice the one before.",
        "over UDP, two copies of a REGISTER",
        copies.two_copies,
        copies.doubled,
        "an interval was not twice the one before",
    ),
    _timer(
        "RG_RT_TI_003",
        "Intervals grow up to T2, and no further.",
        "over UDP, five copies of a REGISTER",
        copies.five_copies,
        copies.at_t2,
        "the later copies did not come T2 (4 s) apart; some may be missing",
    ),
    Purpose(
        id="RG_RT_TI_004",
        text="After 64*T1 without a response, the request is given up.",
        needs="over UDP, a REGISTER that was repeated and never answered",
        exercised=copies.gave_up,
        only=_END,
    ),
    _timer(
        "RG_RT_TI_005",
        "After a provisional response, the first copy still comes T1 after the request.",
        "over UDP, a 1xx before the first copy of a REGISTER",
        copies.trying_before_copy,
        copies.trying_at_t1,
        "the first copy did not come T1 (0.5 s) after the request",
    ),
    _timer(
        "RG_RT_TI_006",
        "After a provisional response, further copies come T2 apart.",
        "over UDP, two copies of a REGISTER after a 1xx",
        copies.copies_after_trying,
        copies.trying_at_t2,
        "the copies did not come T2 (4 s) apart",
    ),
    Purpose(
        id="RG_RT_TI_007",
        text="After a provisional response and 64*T1, the request is given up.",
        needs="over UDP, a REGISTER with a 1xx and no final response",
        exercised=copies.gave_up_after_trying,
        only=_END,
    ),
)
"""In their order."""
