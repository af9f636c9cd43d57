"""What the notices of Asterisk's log mean, as data: the first column, a sentence, and what to do (`wordings.py` has how
they are worded)."""

from __future__ import annotations

from analyzer.capture.text.notice_tables import Cause

NO_CREDENTIALS, NO_ALGORITHM, NO_REQUEST = "no-credentials", "no-algorithm", "no-request"
"""Causes of two lines that belong together: the first (of which there are two) says why, the second whose registration
it is."""

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
