"""FreeSWITCH's lines on registrations, as data: wordings of `sofia_reg.c` from 1.0 to 1.10, and what each means.

`SIP auth challenge` is the ordinary first 401 (it is logged with `log-auth-failures` alone); `SIP auth failure` goes
with a 403. The groups are those of `asterisk/wordings.py`.
"""

from __future__ import annotations

import re

from analyzer.capture.text.notice_tables import Cause, Wording

_FOR = rb" on sofia profile '?(?P<server>[^' ]{1,80})'? for \[(?P<account>.*)\] from ip (?P<peer>\S{1,60})"


def _wording(pattern: bytes, cause: str) -> Wording:
    return Wording("sofia_reg", re.compile(pattern, re.IGNORECASE), cause)


WORDINGS: tuple[Wording, ...] = (
    _wording(rb"SIP auth failure \(REGISTER\)" + _FOR, "failed"),
    _wording(rb"SIP auth failure \((?P<method>INVITE)\)" + _FOR, "failed"),
    _wording(rb"SIP auth challenge \(REGISTER\)" + _FOR, "challenged"),
    _wording(rb"SIP auth challenge \((?P<method>INVITE)\)" + _FOR, "challenged"),
    _wording(rb"(?P<reason>Can't find user) \[(?P<account>.*)\](?: from (?P<peer>\S{1,60}))?", "unknown-account"),
    _wording(rb"IP (?P<peer>\S{1,60}) (?P<reason>Rejected by register acl \"[^\"]{0,80}\")", "acl"),
    _wording(
        rb"(?P<account>\S{1,120}) Failed Registration(?: \[(?P<status>\d{3})\])?, "
        rb"(?P<reason>setting retry to \d+) seconds\.",
        "gateway-failed",
    ),
    _wording(
        rb"(?P<account>\S{1,120}) Registration Failed with status (?P<reason>.{1,80}) \[(?P<status>\d{3})\]\. "
        rb"failure #\d+.*",
        "gateway-failed",
    ),
    _wording(
        rb"(?P<reason>Cannot locate any authentication credentials) to complete an authentication request for realm "
        rb"'(?P<server>.*)'",
        "no-credentials",
    ),
)

CAUSES: dict[str, Cause] = {
    "failed": Cause(
        "refused",
        "403: the digest does not fit, or the user is not in the directory (then `Can't find user` stands beside it)",
        "compare user, domain and password of the phone with the directory (fs_cli: `xml_locate user id USER DOMAIN`)",
        about_password=True,
    ),
    "challenged": Cause(
        "challenged", "the ordinary first answer (401): it means nothing where the phone then registers"
    ),
    "unknown-account": Cause(
        "refused",
        "the directory has no such user in this domain, so this says nothing about the password",
        "set the domain in the phone to one that the directory has, or define it and the user there, then `reloadxml`",
    ),
    "acl": Cause(
        "refused",
        "an access list of the profile (apply-register-acl) forbids this address",
        "look at acl.conf.xml, if the address is a good one, then `reloadacl`",
    ),
    "gateway-failed": Cause(
        "refused",
        "the provider did not register this gateway (408, 5xx and 9xx: no answer, or none that helps)",
        "for 401 and 403 check user name, auth-username, password, realm and from-domain of the gateway; for 408 host, "
        "port and the firewall",
        "client",
    ),
    "no-credentials": Cause(
        "gave up",
        "no gateway has credentials for the realm that the challenge names",
        "set realm of the gateway to exactly that realm",
        "client",
        statuses=(401, 407),
    ),
}
