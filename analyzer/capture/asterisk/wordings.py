"""How Asterisk's log words what it says of registrations beside the SIP messages, as data; `causes.py` has the meaning.

A notice is one line. Its wording was changed between versions (a method more, the port in or out of the quotes, an
address that was not printed before), so each entry takes all of them. The groups of a pattern:

    account   whom it is about: a From header, a name, `user@host`
    peer      the address that the request came from, with or without its port
    hostport  the same, where a port always follows
    server    whom Asterisk, as a client, registers with
    reason    why, in Asterisk's words, which stand in the pattern
    why       the same, where they do not: `REASONS` and `REMOVALS` know the usual ones
    callid    the Call-ID of the request
    contact   the contact that a binding was of
    method    the method, where the notice is not about REGISTER alone
    status    the status of the response that Asterisk was given
    event, fields of the security log: `Name="value",Name="value"`
    forbidden the status 403, where its name stands beside it
    aor, endpoint, endpoint_of  more names, which nothing is read from; `kind` is what the last one is of
    realms    of a challenge: realms, or realms with algorithms
    number, rest  counts and seconds; what else follows

What is not in a group is Asterisk's own: whoever rewrites a line (`analyzer/redact/notices.py`) keeps that alone.

An account is what a sender wrote: it may hold a quote, or a whole notice. So patterns take the last separator for the
true one, and who reads a line with two of them claims no address (`notices.py`).
"""

from __future__ import annotations

import re

from analyzer.capture.asterisk.causes import NO_ALGORITHM, NO_CREDENTIALS, NO_REQUEST
from analyzer.capture.text.notice_tables import Wording

_OUT = rb" on registration attempt to '(?P<account>.*)', "
_AGAIN, _REST = rb"retrying in '(?P<number>\d+)'", rb"(?P<rest>.*)"
_PEER = rb"'(?P<peer>[^']{0,100})'"
_CONTACT = rb"Contact (?P<account>[^/\s]{1,120})/(?P<contact>\S.*) is now "
_WHO = rb"(?P<kind>\w{1,40}): '(?P<endpoint_of>[^']{0,80})'"
_FROM = rb"(?: \((?P<hostport>[^()]*)\))?"  # since 13


def _wording(module: str, pattern: bytes, cause: str = "") -> Wording:
    return Wording(module, re.compile(pattern), cause)


WORDINGS: tuple[Wording, ...] = (
    # chan_sip, 1.2 to 20: the address with its port since 1.8
    _wording("chan_sip", rb"Registration from '(?P<account>.*)' failed for " + _PEER + rb" - (?P<why>.{1,200})"),
    _wording("chan_sip", rb"Correct auth, but based on stale nonce received from '(?P<account>.*)'", "stale-nonce"),
    _wording("chan_sip", rb"Sending fake auth rejection for (?:user|device) (?P<account>.*)", "unknown-account"),
    _wording(
        "chan_sip",
        rb"Failed to authenticate (?:user|device) (?P<account>.*?)(?: for (?P<method>[A-Z]{3,12})(?P<rest>.*))?",
        "failed",
    ),
    # res_pjsip: without the method up to 13.13, the port outside of the quotes up to 16
    _wording(
        "res_pjsip",
        rb"Request (?:'(?P<method>[^' ]{1,32})' )?from '(?P<account>.*)' failed for "
        + _PEER
        + rb" \(callid: (?P<callid>.*)\) - (?P<why>.{1,200})",
    ),
    _wording(
        "res_pjsip",
        rb"Registration attempt from endpoint '(?P<account>.*)' (?:\((?P<hostport>[^()]*)\) )?to AOR '(?P<aor>.*)' "
        rb"(?P<reason>will exceed max contacts of (?P<number>\d+))",
        "max-contacts",
    ),
    _wording(
        "res_pjsip", rb"(?P<reason>AOR '(?P<aor>.*)' not found) for endpoint '(?P<account>.*?)'" + _FROM, "no-aor"
    ),
    _wording(
        "res_pjsip",
        rb"AOR '(?P<aor>.*)' (?P<reason>has no configured max_contacts)\. Endpoint '(?P<account>.*?)'"
        + _FROM
        + rb" unable to register",
        "no-max-contacts",
    ),
    _wording("res_pjsip", rb"Endpoint '(?P<account>.*?)'" + _FROM + rb" (?P<reason>has no configured AORs)", "no-aors"),
    _wording(
        "res_pjsip",
        rb"Endpoint '(?P<account>.*?)'" + _FROM + rb" (?P<reason>attempted to register to an AOR with a non-SIP URI)",
        "no-sip-uri",
    ),
    _wording(
        "res_pjsip",
        rb"(?P<reason>Failed to validate contacts) in REGISTER request from '(?P<account>.*)'",
        "bad-contacts",
    ),
    _wording(
        "res_pjsip",
        rb"(?P<reason>Invalid modifications) made to REGISTER request from '(?P<account>.*)' by intervening proxy",
        "bad-path",
    ),
    _wording("res_pjsip", rb"(?P<reason>Unable to bind contact) '(?P<contact>.*)' to AOR '(?P<account>.*)'", "unbound"),
    # what it tells of bindings at verbose 3: all reasons but `request`, which the messages tell themselves
    _wording(
        "res_pjsip",
        rb"Removed contact '(?P<contact>.*)' from AOR '(?P<account>.*)' due to (?P<why>(?!request\Z)[a-z_ ]{1,40})",
        "removed",
    ),
    # whether a phone that is registered answers the server's OPTIONS (qualify): the other half of "it does not ring"
    _wording(
        "chan_sip",
        rb"Peer '(?P<account>.*)' is now (?P<reason>UNREACHABLE)! {1,2}Last qualify: (?P<rest>.*)",
        "unreachable",
    ),
    _wording(
        "chan_sip",
        rb"Peer '(?P<account>.*)' is now (?P<reason>Reachable)\. \((?P<number>\d+)ms (?P<rest>.*)",
        "reachable",
    ),
    _wording(
        "res_pjsip",
        _CONTACT + rb"(?P<reason>Unreachable|Unavail(?:able)?)\.  RTT: (?P<rest>.*)",
        "unreachable",
    ),
    _wording(
        "res_pjsip",
        _CONTACT + rb"(?P<reason>Reachable|Avail(?:able)?)\.  RTT: (?P<rest>.*)",
        "reachable",
    ),
    # the security log, of both
    _wording(
        "res_security_log",
        rb'SecurityEvent="(?P<event>\w{1,40})",(?P<fields>.*)',
    ),
    # chan_sip as a client (`register =>`)
    _wording(
        "chan_sip",
        rb"Registration for '(?P<account>.*)' timed out, trying again \(Attempt #(?P<number>\d+)\)",
        "silent",
    ),
    _wording(
        "chan_sip",
        rb"Probably a DNS error for registration to (?P<account>\S*), trying REGISTER again(?P<rest>.*)",
        "dns",
    ),
    _wording(
        "chan_sip",
        rb"Forbidden - wrong password on authentication for REGISTER for '(?P<account>.*)' to '(?P<server>.*)'",
        "forbidden",
    ),
    _wording("chan_sip", rb"Got 404 Not found on SIP register to service (?P<account>\S*), giving up", "not-found"),
    _wording(
        "chan_sip",
        rb"Failed to authenticate on REGISTER to '(?P<account>.*)' \([Tt]ries '?(?P<number>\d+)'?\)",
        "unproven",
    ),
    _wording(
        "chan_sip",
        rb"Got 423 Interval too brief for service (?P<account>\S*), minimum is (?P<number>\d+) (?P<rest>.*)",
        "interval",
    ),
    _wording(
        "chan_sip",
        rb"(?:Last Registration Attempt #(?P<number>\d+) failed, )?"
        rb"Giving up forever trying to register '(?P<account>.*)'",
        "gave-up",
    ),
    _wording(
        "chan_sip",
        rb"Outbound Registration: Expiry for (?P<account>\S*) is (?P<number>\d+) sec(?P<rest>.*)",
        "registered",
    ),
    # res_pjsip as a client (`type=registration`)
    _wording("res_pjsip", rb"No response received from '(?P<server>.*)'" + _OUT + _AGAIN + _REST, "silent"),
    _wording(
        "res_pjsip",
        rb"Tempora(?:l|ry) response '(?P<status>\d{3})' received from '(?P<server>.*)'"
        + _OUT
        + rb"(?P<reason>"
        + _AGAIN
        + rb")"
        + _REST,
        "temporary",
    ),
    _wording(
        "res_pjsip",
        rb"Fatal response '(?P<status>\d{3})' received from '(?P<server>.*)'"
        + _OUT
        + rb"(?P<reason>stopping outbound registration)",
        "fatal",
    ),
    _wording(
        "res_pjsip",
        rb"(?:'(?P<status>\d{3})'|(?P<forbidden>403) Forbidden) fatal response received from '(?P<server>.*)'"
        + _OUT
        + rb"(?P<reason>"
        + _AGAIN
        + rb")"
        + _REST,
        "fatal-again",
    ),
    _wording(
        "res_pjsip",
        rb"(?P<reason>Maximum retries reached) when attempting outbound registration to '(?P<server>.*)' "
        rb"with client '(?P<account>.*)', stopping registration attempt",
        "gave-up",
    ),
    _wording(
        "res_pjsip",
        rb"Fatal registration attempt to '(?P<account>.*)', (?P<reason>stopping outbound registration)",
        "gave-up",
    ),
    # before it the endpoint, or `noendpoint`, and since 22 who asked: the line that follows tells the registration
    _wording(
        "res_pjsip",
        rb"(?:(?P<endpoint>[^:']{0,80}):(?P<host>[0-9A-Fa-f.:%]{2,60})|" + _WHO + rb"): "
        rb"(?P<reason>No auth objects matching realm(?:\(s\)|/algorithm\(s\)) '(?P<realms>.+)') from challenge found\.",
        NO_CREDENTIALS,
    ),
    _wording(
        "res_pjsip",  # up to 18
        rb"(?:" + _WHO + rb": )?Unable to create request with auth[.:] ?"
        rb"(?P<reason>No auth credentials for (?:any realms|realm\(s\) '(?P<realms>.*)') in challenge)\.",
        NO_CREDENTIALS,
    ),
    _wording(
        "res_pjsip",
        rb"(?P<endpoint>[^:']{0,80}):(?P<host>[0-9A-Fa-f.:%]{2,60}): "
        rb"(?P<reason>No auth objects matching realm/algorithm\(s\) '') from challenge found\.",
        NO_ALGORITHM,
    ),
    _wording(
        "res_pjsip",
        rb"(?P<reason>Failed to create authenticated REGISTER request) to server '(?P<server>.*)' "
        rb"from client '(?P<account>.*)'",
        NO_REQUEST,
    ),
)

STARTS = re.compile(
    rb"Registration |Correct auth|Sending fake|Failed to|Request |AOR '|Endpoint '|Invalid mod|Unable to bind|"
    rb"Removed contact|"
    rb"SecurityEvent=|Probably a DNS|Forbidden - |Got 4|Last Reg|Giving up|Outbound Reg|No response|Temporal|Fatal |"
    rb"'\d{3}' fatal|403 Forb|Maximum retries|Tempora|Peer '|Contact |(?:\w{1,40}: '[^']{0,80}': )?Unable to create"
)
WITHIN = b": No auth objects"
"""How each of them begins, or what one has within: nearly all lines that hold a mark are none, and need no pattern."""

REASONS: tuple[tuple[bytes, str], ...] = (
    (b"Wrong password", "wrong-password"),
    (b"Username/auth name mismatch", "auth-name"),
    (b"No matching peer found", "unknown-account"),
    (b"No matching endpoint found", "unknown-account"),  # also `... after 6 tries in 2012.412 ms`
    (b"Not a local domain", "domain"),
    (b"Device does not match ACL", "acl"),
    (b"ACL error", "acl"),
    (b"Not match Endpoint ACL", "acl"),
    (b"Not match Endpoint Contact ACL", "contact-acl"),
    (b"Peer is not supposed to register", "not-dynamic"),
    (b"Device not configured to use this transport type", "transport"),
    (b"Failed to authenticate", "failed"),
    (b"Error to authenticate", "auth-error"),
)
"""How the reason of a refusal begins, and the key of `CAUSES`; one that is not known is told as it stands."""

REMOVALS = (b"expiration", b"remove existing", b"remove unavailable", b"shutdown", b"error")
"""Why a contact was removed."""

EVENTS = {
    "InvalidPassword": "wrong-password",
    "ChallengeResponseFailed": "failed",
    "InvalidAccountID": "unknown-account",
    "FailedACL": "acl",
    "InvalidTransport": "transport",
}
"""Events of the security log that are refusals; the others are none, or not of registrations."""

SERVICES = ("SIP", "PJSIP")
"""What the security log calls the two channels; others are no business of ours (AMI)."""

ACLS = {
    "registrar_attempt_exceeds_maximum_configured_contacts": "max-contacts",
    "registrar_requested_aor_not_found": "no-aor",
    "registrar_attempt_without_configured_aors": "no-aor",
    "domain_must_match": "domain",
}
"""What the security log calls an ACL and is none."""

TRACES = {
    "chan_sip": "`sip set debug on`",
    "res_pjsip": "`pjsip set logger on`",
}
"""How the SIP trace is switched on."""
