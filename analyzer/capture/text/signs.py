"""What program wrote a text that no dialect takes, by cheap signs of its content, and what would help instead.

A sign is a line that hardly anything else writes. It is only asked where every dialect has said no: a dialect that is
learned later takes its text before it comes here. The order is that of the table where several have equally many signs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LOOKED_AT = 1 << 16
"""Octets of a text that are looked at, at most."""
_ENOUGH = 20


class Sign(NamedTuple):
    """A program: what its text is called, what to do, and a line of it."""

    title: str
    advice: str
    line: re.Pattern[bytes]


_CAPTURE = "capture instead: tcpdump -i any -s 0 -w FILE port 5060, and give FILE to sipcheck pcap"
_END = rb"(?:\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,80})[:.]\d{1,5}"


def _sign(title: str, advice: str, line: bytes) -> Sign:
    return Sign(title, advice, re.compile(line, re.MULTILINE))


SIGNS: tuple[Sign, ...] = (
    _sign(
        "ngrep output",
        "save a capture with ngrep -O FILE and give it to sipcheck pcap",
        rb"^(?:[UT](?:\(\d+\))? (?:[+\d/:. ]{8,40} )?"
        + _END
        + rb" -> "
        + _END
        + rb"|(?:interface|filter|match): \S.*)",
    ),
    _sign(
        "a log of pjsua or another pjsip program",
        "log whole messages: `--log-level 5` and `--app-log-level 5` (pjsua), level 5 and msgLogging in its settings",
        rb"^[ \t]{0,4}(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3} {1,24}\S{1,40}  ?[.!]{0,12}\S|"
        rb"[TR]X \d{1,6} bytes (?:Request|Response) msg .{1,80} (?:to|from) \w{2,4} |^--end msg--",
    ),
    _sign(
        "text that sngrep saved",
        "save as .pcap in sngrep (F2), or sngrep -O FILE, and give it to sipcheck pcap",
        rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} " + _END + rb" -> " + _END + rb"[ \t\r]*$",
    ),
    _sign(
        "a FreeSWITCH siptrace (sofia global siptrace on)",
        _CAPTURE,
        rb"(?:send|recv) \d{1,6} bytes (?:to|from) (?:udp|tcp|tls|wss?|sctp)/\[",
    ),
    _sign(
        "a log of Kamailio or OpenSIPS",
        "let it write whole messages (sipdump module of Kamailio, HEP to a capture agent), or " + _CAPTURE,
        rb"(?:kamailio|opensips|openser)\[\d{1,10}\]: |"
        rb"^ ?\d{1,3}\(\d{1,10}\) (?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT): ",
    ),
    _sign(
        "a SIPp message trace (-trace_msg)",
        _CAPTURE,
        rb"^-{20,60} \d{4}-\d\d-\d\d[ \t]+\d\d:\d\d:\d\d|^(?:UDP|TCP|TLS|SCTP) message (?:sent|received) (?:\(|\[)",
    ),
    _sign("a SIP trace of baresip", _CAPTURE, rb"^(?:\x1b\[[0-9;]*m)?#?(?:UDP|TCP|TLS|WSS?) " + _END + rb" -> " + _END),
    _sign(
        "a log of Linphone (belle-sip)",
        "log whole messages: linphonec -d 6, or Settings, Advanced, Debug in the program",
        rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[:.]\d{3} [\w.-]{1,40}-(?:message|warning|error|debug)-|"
        rb"channel \[(?:0x)?[0-9a-f]{4,16}\]: (?:message (?:sent|received)|received)",
    ),
    _sign("a debug log of a Cisco router (debug ccsip messages)", _CAPTURE, rb"/SIP/Msg/ccsipDisplayMsg:"),
    _sign(
        "tcpdump's text output",
        "have tcpdump write a capture: tcpdump -w FILE instead of -A, -v or -X, and give FILE to sipcheck pcap",
        rb"^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{6} (?:[\w.]{1,20} +(?:In|Out) +)?IP6? .{3,120} > .{3,120}: ",
    ),
    _sign(
        "text that Wireshark or tshark printed",
        "save the packets as a capture (Wireshark: File, Save As; tshark: -w FILE) and give it to sipcheck pcap",
        rb"^ {0,6}\d{1,9}\s+\d{1,10}\.\d{3,9}\s+\S{2,60}\s+(?:\xe2\x86\x92|->)\s+\S{2,60}\s+SIP|"
        rb'^Frame \d{1,9}: \d{1,7} bytes on wire|"_index": ?"packets-\d|^<p[ds]ml version=|^% Wireshark - ',
    ),
    _sign(
        "a hex dump of packets",
        "no SIP message is in the dumps of its beginning: print those of the packets of port 5060",
        rb"^[ \t]{0,8}(?:0x)?[0-9a-fA-F]{4,8}:?[ \t]{1,3}(?:[0-9a-fA-F]{2} ?){8}",
    ),
    _sign(
        "a log of FreeSWITCH",
        "let it log the messages: `sofia global siptrace on` in fs_cli",
        rb"^(?:[0-9a-f-]{36} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} (?:[\d.]{1,6}% )?"
        rb"\[[A-Z]{3,8}\] \w{2,40}\.c:\d{1,6} ",
    ),
    _sign(
        "a SIPp trace of short messages or of statistics (-trace_shortmsg, -trace_stat)",
        "it holds no messages: run SIPp with -trace_msg",
        rb"^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d[.:]\d{1,6}\t\d{9,10}\.\d{1,6}\t[SR]\t|"
        rb"^StartTime;LastResetTime;CurrentTime;",
    ),
    _sign(
        "output of baresip",
        "let it print the messages: baresip -s, or /sip_trace on its prompt",
        rb"^baresip v?\d|^(?:Populated \d{1,3} (?:account|audio codec)|baresip is ready\.)",
    ),
    _sign(
        "text of JsSIP or SIP.js",
        "let it log the messages: JsSIP.debug.enable('JsSIP:*'), or logLevel 'debug' and traceSip of SIP.js",
        rb"JsSIP:\w{2,40} |\| sip\.[A-Z]\w{2,40} \|",
    ),
    _sign(
        "the events of a FRITZ!Box",
        "it holds no messages: save a capture on its page http://fritz.box/html/capture.html (sipcheck pcap reads it)",
        rb"Anmeldung der Internetrufnummer|Internettelefonie mit \S{1,80} \S{1,20} \S{1,80} war nicht erfolgreich"
        rb"|Registration of (?:the )?[Ii]nternet (?:telephone )?number",
    ),
    _sign(
        "a page of the web",
        "save the log or the capture that is shown in it",
        rb"\A(?:\xef\xbb\xbf)?\s{0,80}<(?i:!doctype html|html|head|body)\b",
    ),
    _sign(
        "SIP messages without the lines of a log around them",
        f"from where to where they went is not in it; {_CAPTURE}",
        rb"^(?:[A-Z]{3,12} sips?:\S{1,200} SIP/2\.0|SIP/2\.0 [1-6]\d\d .{0,80})[ \t.\r]*$",
    ),
)


def program_of(head: bytes) -> tuple[str, str]:
    """What wrote a text that begins with `head`, and what to do; both empty where nothing tells it. The one with the
    most signs, so that a few quoted lines in a log of another program do not decide; bare messages come last."""
    head = head[:LOOKED_AT]
    *programs, bare = SIGNS
    counts = [(_count(sign, head), sign) for sign in programs]
    best, sign = max(counts, key=lambda pair: pair[0])
    if not best:
        best, sign = _count(bare, head), bare
    return (sign.title, sign.advice) if best else ("", "")


def _count(sign: Sign, head: bytes) -> int:
    found = 0
    for _ in sign.line.finditer(head):
        found += 1
        if found == _ENOUGH:
            break
    return found
