"""What Asterisk's log says of registrations beside the SIP messages, as data: wordings, and what each means.

A notice is one line. Its wording was changed between versions (a method more, the port in or out of the quotes, an
address that was not printed before), so each entry takes all of them. The groups of a pattern:

    account   whom it is about: a From header, a name, `user@host`
    peer      the address that the request came from, with or without its port
    hostport  the same, where a port always follows
    server    whom Asterisk, as a client, registers with
    reason    why, in Asterisk's words; `REASONS` knows them where the wording is of no cause of its own
    callid    the Call-ID of the request
    contact   the contact that a binding was of
    method    the method, where the notice is not about REGISTER alone
    status    the status of the response that Asterisk was given
    event, fields of the security log: `Name="value",Name="value"`

An account is what a sender wrote: it may hold a quote, or a whole notice. So patterns take the last separator for the
true one, and who reads a line with two of them claims no address (`notices.py`).
"""

from __future__ import annotations

import re

from analyzer.capture.text.notice_tables import Cause, Wording

NO_CREDENTIALS, NO_ALGORITHM, NO_REQUEST = "no-credentials", "no-algorithm", "no-request"
"""Causes of two lines that belong together: the first (of which there are two) says why, the second whose registration
it is."""

_OUT = rb" on registration attempt to '(?P<account>.*)', "
_PEER = rb"'(?P<peer>[^']{0,100})'"
_CONTACT = rb"Contact (?P<account>[^/\s]{1,120})/(?P<contact>\S.*) is now "
_FROM = rb"(?: \((?P<hostport>[^()]*)\))?"  # since 13


def _wording(module: str, pattern: bytes, cause: str = "") -> Wording:
    return Wording(module, re.compile(pattern), cause)


WORDINGS: tuple[Wording, ...] = (
    # chan_sip, 1.2 to 20: the address with its port since 1.8
    _wording("chan_sip", rb"Registration from '(?P<account>.*)' failed for " + _PEER + rb" - (?P<reason>.{1,200})"),
    _wording("chan_sip", rb"Correct auth, but based on stale nonce received from '(?P<account>.*)'", "stale-nonce"),
    _wording("chan_sip", rb"Sending fake auth rejection for (?:user|device) (?P<account>.*)", "unknown-account"),
    _wording(
        "chan_sip",
        rb"Failed to authenticate (?:user|device) (?P<account>.*?)(?: for (?P<method>[A-Z]{3,12}).*)?",
        "failed",
    ),
    # res_pjsip: without the method up to 13.13, the port outside of the quotes up to 16
    _wording(
        "res_pjsip",
        rb"Request (?:'(?P<method>[^' ]{1,32})' )?from '(?P<account>.*)' failed for "
        + _PEER
        + rb" \(callid: (?P<callid>.*)\) - (?P<reason>.{1,200})",
    ),
    _wording(
        "res_pjsip",
        rb"Registration attempt from endpoint '(?P<account>.*)' (?:\((?P<hostport>[^()]*)\) )?to AOR '.*' "
        rb"(?P<reason>will exceed max contacts of \d+)",
        "max-contacts",
    ),
    _wording("res_pjsip", rb"(?P<reason>AOR '.*' not found) for endpoint '(?P<account>.*?)'" + _FROM, "no-aor"),
    _wording(
        "res_pjsip",
        rb"AOR '.*' (?P<reason>has no configured max_contacts)\. Endpoint '(?P<account>.*?)'"
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
        rb"Removed contact '(?P<contact>.*)' from AOR '(?P<account>.*)' due to (?P<reason>(?!request\Z)[a-z_ ]{1,40})",
        "removed",
    ),
    # whether a phone that is registered answers the server's OPTIONS (qualify): the other half of "it does not ring"
    _wording(
        "chan_sip", rb"Peer '(?P<account>.*)' is now (?P<reason>UNREACHABLE)! {1,2}Last qualify: .*", "unreachable"
    ),
    _wording("chan_sip", rb"Peer '(?P<account>.*)' is now (?P<reason>Reachable)\. \(\d+ms .*", "reachable"),
    _wording(
        "res_pjsip",
        _CONTACT + rb"(?P<reason>Unreachable|Unavail(?:able)?)\.  RTT: .*",
        "unreachable",
    ),
    _wording(
        "res_pjsip",
        _CONTACT + rb"(?P<reason>Reachable|Avail(?:able)?)\.  RTT: .*",
        "reachable",
    ),
    # the security log, of both
    _wording(
        "res_security_log",
        rb'SecurityEvent="(?P<event>\w{1,40})",(?P<fields>.*)',
    ),
    # chan_sip as a client (`register =>`)
    _wording("chan_sip", rb"Registration for '(?P<account>.*)' timed out, trying again \(Attempt #\d+\)", "silent"),
    _wording("chan_sip", rb"Probably a DNS error for registration to (?P<account>\S*), trying REGISTER again.*", "dns"),
    _wording(
        "chan_sip",
        rb"Forbidden - wrong password on authentication for REGISTER for '(?P<account>.*)' to '(?P<server>.*)'",
        "forbidden",
    ),
    _wording("chan_sip", rb"Got 404 Not found on SIP register to service (?P<account>\S*), giving up", "not-found"),
    _wording("chan_sip", rb"Failed to authenticate on REGISTER to '(?P<account>.*)' \([Tt]ries '?\d+'?\)", "unproven"),
    _wording("chan_sip", rb"Got 423 Interval too brief for service (?P<account>\S*), minimum is \d+ .*", "interval"),
    _wording(
        "chan_sip",
        rb"(?:Last Registration Attempt #\d+ failed, )?Giving up forever trying to register '(?P<account>.*)'",
        "gave-up",
    ),
    _wording("chan_sip", rb"Outbound Registration: Expiry for (?P<account>\S*) is \d+ sec.*", "registered"),
    # res_pjsip as a client (`type=registration`)
    _wording("res_pjsip", rb"No response received from '(?P<server>.*)'" + _OUT + rb"retrying in '\d+'.*", "silent"),
    _wording(
        "res_pjsip",
        rb"Tempora(?:l|ry) response '(?P<status>\d{3})' received from '(?P<server>.*)'"
        + _OUT
        + rb"(?P<reason>retrying in '\d+').*",
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
        + rb"(?P<reason>retrying in '\d+').*",
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
        rb"(?:[^:']{0,80}:(?P<host>[0-9A-Fa-f.:%]{2,60})|\w{1,40}: '[^']{0,80}'): "
        rb"(?P<reason>No auth objects matching realm(?:\(s\)|/algorithm\(s\)) '.+') from challenge found\.",
        NO_CREDENTIALS,
    ),
    _wording(
        "res_pjsip",  # up to 18
        rb"(?:\w{1,40}: '[^']{0,80}': )?Unable to create request with auth[.:] ?"
        rb"(?P<reason>No auth credentials for (?:any realms|realm\(s\) '.*') in challenge)\.",
        NO_CREDENTIALS,
    ),
    _wording(
        "res_pjsip",
        rb"[^:']{0,80}:(?P<host>[0-9A-Fa-f.:%]{2,60}): "
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

_NAME = "no question of the password: set the user name in the phone to one that the server has, or create it there"
_ROUTE = "no question of the password: check host, port and transport of the server's address, DNS and the firewall"

CAUSES: dict[str, Cause] = {
    "wrong-password": Cause(
        "refused",
        "the response does not fit the secret that the server has",
        "set the same password at both ends",
        about_password=True,
    ),
    "auth-name": Cause(
        "refused", "the phone authenticates under another name than it registers", "set both names alike in the phone"
    ),
    "unknown-account": Cause(
        "refused", "the server has no peer or endpoint of this name (or with this address)", _NAME
    ),
    "failed": Cause(
        "refused",
        "the digest was not accepted",
        "compare user name, authentication name and password at both ends",
        about_password=True,
    ),
    "auth-error": Cause("refused", "the server failed as it checked the digest", "see what its log says just before"),
    "failed-unknown": Cause(
        "refused",
        "follows from the unknown name, or the access list: no password would have been right, so this says nothing "
        "about it",
    ),
    "domain": Cause(
        "refused",
        "the domain in the request is not one of the server's",
        "register with the server's own domain, or name this one there (chan_sip: domain=, autodomain=)",
    ),
    "acl": Cause(
        "refused",
        "an access list forbids this address",
        "look at permit, deny and acl of the account and in general, if the address is a good one",
    ),
    "contact-acl": Cause(
        "refused",
        "an access list forbids the address in Contact (behind NAT that is the phone's private one)",
        "look at contactpermit, contactdeny and contact_acl of the endpoint",
    ),
    "not-dynamic": Cause(
        "refused", "the server has a fixed address for this account", "set host=dynamic there, or do not register"
    ),
    "transport": Cause(
        "refused", "the account is not for this transport", "set the same transport (UDP, TCP, TLS) at both ends"
    ),
    "max-contacts": Cause(
        "refused",
        "as many devices as are allowed are registered already, perhaps this one under an older address",
        "set remove_existing=yes at the AOR, or raise max_contacts",
    ),
    "no-aor": Cause(
        "refused",
        "the endpoint has no AOR of the name in To",
        "call the AOR what the phone registers, and name it in the endpoint's aors=",
    ),
    "no-max-contacts": Cause("refused", "the AOR takes no registrations", "set max_contacts of the AOR to 1 or more"),
    "no-aors": Cause("refused", "the endpoint takes no registrations", "name its AOR in the endpoint's aors="),
    "no-sip-uri": Cause("refused", "the phone registers something else than a SIP address", "mend its address"),
    "bad-contacts": Cause(
        "refused",
        "the contacts of the request are no valid set (such as `*` with others, or with a time, or a URI too long)",
        "look at Contact and Expires of the request",
    ),
    "bad-path": Cause(
        "refused",
        "a proxy put a Path into it, and the phone does not say `Supported: path`",
        "set support_path=no at the AOR, or let the proxy add `Supported: path`",
    ),
    "unbound": Cause("refused", "the server failed to store the binding", "see what its log says just before"),
    "removed": Cause("removed", "the server took this contact away"),
    "unreachable": Cause(
        "no answer",
        "the phone does not answer the server's OPTIONS (qualify): calls may not reach it, registered or not",
        "see whether its NAT keeps the way open (keep-alives of the phone, or qualify more often than the NAT forgets, "
        "every 30 s), and whether its Contact can be reached",
    ),
    "reachable": Cause("ok", "the phone answers the server's OPTIONS again"),
    "stale-nonce": Cause(
        "challenged", "the password is right, the nonce was an old one: the phone is to try again", statuses=(401, 407)
    ),
    "other": Cause("refused", "the server's reason is all that is known"),
    "silent": Cause("no answer", "no response from the server to Asterisk's REGISTER", _ROUTE, "client"),
    "dns": Cause("no answer", "the server's name was not resolved", "check the name and the DNS server", "client"),
    "forbidden": Cause(
        "refused",
        "403; Asterisk writes `wrong password` for every 403, the provider may have another reason",
        "check user name, password and whether the provider forbids this account or address",
        "client",
        statuses=(403,),
    ),
    "not-found": Cause(
        "refused", "404: the server does not know this user", "check the user name", "client", statuses=(404,)
    ),
    "unproven": Cause(
        "refused",
        "challenged again and again",
        "check user name, authentication name and password",
        "client",
        statuses=(401, 407),
    ),
    "interval": Cause(
        "challenged", "423: the server wants a longer time; Asterisk asks again with it", "", "client", statuses=(423,)
    ),
    "temporary": Cause("refused", "Asterisk takes it for temporary, and tries again", "", "client"),
    "fatal-again": Cause("refused", "Asterisk takes it for final, and tries again all the same", "", "client"),
    "fatal": Cause(
        "refused",
        "Asterisk takes it for final, and does not try any more",
        "mend the cause, then pjsip send register NAME (auth_rejection_permanent=no, or forbidden_retry_interval= and "
        "fatal_retry_interval=, let it try again by itself)",
        "client",
    ),
    NO_CREDENTIALS: Cause(
        "gave up",
        "Asterisk has no credentials for this realm and algorithm",
        "look at realm=, the password and supported_algorithms_uac= (MD5 alone by default) of the object that "
        "outbound_auth= names",
        "client",
        statuses=(401, 407),
    ),
    NO_ALGORITHM: Cause(
        "gave up",
        "the challenge asks for no algorithm that Asterisk knows",
        "let the registrar offer MD5 or SHA-256: Asterisk knows none with -sess",
        "client",
        statuses=(401, 407),
    ),
    NO_REQUEST: Cause(
        "gave up",
        "Asterisk could not answer the challenge",
        "look at outbound_auth= of the registration, and at the line before",
        "client",
        statuses=(401, 407),
    ),
    "gave-up": Cause(
        "gave up",
        "Asterisk does not try any more",
        "mend the cause, then reload (chan_sip: sip reload; pjsip: pjsip send register NAME)",
        "client",
    ),
    "registered": Cause("ok", "registered with the server", "", "client", statuses=(200,)),
}

TRACES = {
    "chan_sip": "`sip set debug on`",
    "res_pjsip": "`pjsip set logger on`",
}
"""How the SIP trace is switched on."""
