"""Traffic of programs that many use, in which nothing was done wrong on purpose: no error, but for those that are true
and explained here. A rule that two widely used programs break in clean traffic is suspect itself.

It reads the table of `test_pinned_hits.py`, which says what each source gets today."""

from __future__ import annotations

import pytest

from scripts.hits import place_of, read

PINNED = read()
_ON_PURPOSE = ("lab/5-v-", "reports/", "samples/", "public/", "texts/")
"""Violations that were made, reports of trouble, captures of others."""
_SIPP = "a SIPp scenario sends again what was refused with 403"
_FOLDED = "SIPp takes the blanks off folded lines, so that these are no headers any more"
EXPLAINED = {
    "R3261-22.1-same-credentials": {"lab/1b-": _SIPP, "lab/2a-": _SIPP, "lab/3-kamailio-md5-qop-nc/": _SIPP},
    "R3261-7.3-syntax/lines": {"lab/1b-": _FOLDED, "lab/2a-": _FOLDED},
    "R3261-7.3-syntax/lines,contact": {"lab/1b-": _FOLDED, "lab/2a-": _FOLDED},
    "R3261-8.1.1.5-cseq-form/malformed": {
        "lab/1g-": "sipsak 0.9.8 puts its count before the old one: `CSeq: 8  7    REGISTER`",
        "lab/2d-": "the same",
    },
    "R3261-25-digest-syntax/lost-value": {
        "clients/realm-with-quote": "pyVoIP and JsSIP repeat a realm with a quote in it unescaped",
    },
    "R3261-8.1.1.2-to-tag": {"clients/sha256-asked-md5-answered-sibilant": "sibilant repeats the tag of the 401"},
    "R7616-3.4-algorithm": {"clients/sha256-asked-md5-answered-sibilant": "sibilant knows MD5 alone, and answers so"},
    "R3261-10.3-atomic/applied-on-failure": {
        "real/kamailio-420-yet-bound": "this Kamailio saves the contact, and then answers 420",
    },
    "R3261-10.2-cseq-increment/repeat": {"real/kamailio-same-cseq-not-renewed": "its client repeats CSeq"},
    "R3261-10.2-cseq-increment/backwards": {"real/netsip-registrar": "its client begins to count anew"},
    "R3261-10.2.3-fetch-unchanged": {"real/netsip-registrar": "Net::SIP forgets what it granted when it is asked"},
    "R3261-10.3-6-star/accepted-invalid": {"real/netsip-registrar": "Net::SIP takes `*` with an expiry"},
    "R3261-10.3-7-423/no-min-expires": {"real/netsip-registrar": "Net::SIP sends a 423 without Min-Expires"},
    "R3261-7.3-syntax/contact": {"real/netsip-registrar": "Net::SIP lists a `*` in angle brackets"},
    "R3261-8.2.6.2-echo/via": {"real/netsip-registrar": "Net::SIP answers with the Via of an older request"},
}
"""By rule and sub-code: the sources (as far as their names begin so), and why it is true."""
PROGRAMS = {
    "Asterisk": ("lab/1a-chansip-real-clients/capture.pcapng", "lab/5-c-clean/asterisk-chan_sip/capture.pcap"),
    "Kamailio": ("lab/5-c-clean/kamailio/capture.pcap", "lab/5-c-star-expires-0/kamailio/capture.pcap"),
    "baresip": ("real/nat-port-changes-contact-stays-baresip.pcap", "printed/baresip-s.txt"),
    "linphone": ("printed/linphone.pcap", "printed/linphone.txt"),
    "pjsua": ("real/one-account-two-phones-in-turn-pjsua2.pcap", "printed/pjsua2-level5.txt"),
    "JsSIP": ("printed/jssip.pcap", "printed/jssip.txt"),
    "SIP.js": ("printed/sipjs.pcap", "printed/sipjs.txt"),
    "SIPp": ("lab/5-c-clean/kamailio/capture.pcap", "printed/sipp-trace_msg.txt"),
}


def _errors(name: str) -> set[str]:
    return {key for key, (severity, _) in PINNED[name].items() if severity == "error"}


def _is_explained(key: str, name: str) -> bool:
    return any(name.startswith(begin) for begin in EXPLAINED.get(key, {}))


@pytest.mark.parametrize("name", [name for name in PINNED if not name.startswith(_ON_PURPOSE)])
def test_clean_traffic_has_no_error_that_is_not_explained(name: str) -> None:
    assert {key for key in _errors(name) if not _is_explained(key, name)} == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_has_traffic_without_any_error(program: str) -> None:
    for name in PROGRAMS[program]:
        assert _errors(name) == set()
        if place_of(name).exists() and place_of(name).suffix != ".pcapng":
            assert place_of(name).stat().st_size > 500


def test_every_explanation_is_needed() -> None:
    """One that no source needs any more would hide the next fault."""
    told = {(key, begin) for key, begins in EXPLAINED.items() for begin in begins}
    needed = {
        (key, begin) for key, begin in told if any(name.startswith(begin) and key in _errors(name) for name in PINNED)
    }
    assert told - needed == set()


def test_what_was_done_wrong_on_purpose_is_told() -> None:
    """The table would show nothing, if nothing were told of anything."""
    wrong = [name for name in PINNED if name.startswith("lab/5-v-") and name.endswith(".pcap")]
    assert len(wrong) > 15
    assert sum(any(severity in ("error", "warning") for severity, _ in PINNED[name].values()) for name in wrong) > 15
