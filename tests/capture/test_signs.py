"""A text that no dialect takes is told by what wrote it, with what would help."""

from __future__ import annotations

import io
import random

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.signs import LOOKED_AT, SIGNS, program_of
from analyzer.defect import SourceError

MESSAGE = """\
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
Call-ID: 1@192.0.2.10
CSeq: 1 REGISTER
Content-Length: 0

"""
DOTTED = MESSAGE.replace("\n", ".\n")

TEXTS = {
    "ngrep": (
        f"interface: eth0 (192.0.2.0/255.255.255.0)\nfilter: (ip or ip6) and ( port 5060 )\n#\n"
        f"U 2019/05/15 09:02:04.629378 192.0.2.140:50441 -> 192.0.2.1:5060\n{DOTTED}",
        "ngrep output",
    ),
    "ngrep without times": (f"#\nU 192.0.2.140:50441 -> 192.0.2.1:5060\n{DOTTED}", "ngrep output"),
    "ngrep with deltas": (f"U +0.005383 [2001:db8::1]:5060 -> [2001:db8::2]:5060\n{DOTTED}", "ngrep output"),
    "pjsua": (
        "22:00:36.905           pjsua_core.c  TX 443 bytes Request msg REGISTER/cseq=1 (tdta0x7f) to UDP "
        f"192.0.2.1:5060:\n{MESSAGE}--end msg--\n",
        "a log of pjsua or another pjsip program",
    ),
    "pjsua 2.13": (
        "22:00:36.905 pjsua_core.c .RX 307 bytes Response msg 423/REGISTER/cseq=1 (rdata0x7f) from tls "
        f"192.0.2.1:5061:\n{MESSAGE}",
        "a log of pjsua or another pjsip program",
    ),
    "sngrep": (f"2024/03/01 10:11:12.345678 192.0.2.1:5060 -> 192.0.2.2:5060\n{MESSAGE}", "text that sngrep saved"),
    "FreeSWITCH": (
        f"recv 443 bytes from udp/[192.0.2.1]:5060 at 10:11:12.345678:\n   {'-' * 60}\n   {MESSAGE}",
        "a FreeSWITCH siptrace (sofia global siptrace on)",
    ),
    "Kamailio": (
        "Mar  1 10:11:12 sbc /usr/sbin/kamailio[991]: INFO: <script>: REGISTER from sip:bob@example.com\n",
        "a log of Kamailio or OpenSIPS",
    ),
    "Kamailio on its console": (" 3(991) INFO: <script>: REGISTER from 192.0.2.1\n", "a log of Kamailio or OpenSIPS"),
    "SIPp": (
        f"{'-' * 47} 2024-03-01\t10:11:12.345678\t1709287872.345678\nUDP message sent (443 bytes):\n\n{MESSAGE}",
        "a SIPp message trace (-trace_msg)",
    ),
    "baresip": (f"#\nUDP 192.0.2.10:5060 -> 192.0.2.1:5060\n{MESSAGE}", "a SIP trace of baresip"),
    "Linphone": (
        f"2024-03-01 10:11:12:345 belle-sip-message-channel [0x7f8a1c]: message sent to [UDP://sip.example.com:5060]\n{MESSAGE}",
        "a log of Linphone (belle-sip)",
    ),
    "Cisco": (
        f"Mar  1 10:11:12.345: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:\nSent:\n{MESSAGE}",
        "a debug log of a Cisco router (debug ccsip messages)",
    ),
    "tcpdump": (
        f"10:11:12.345678 IP 192.0.2.10.5060 > 192.0.2.1.5060: SIP: REGISTER sip:example.com SIP/2.0\nE..\n{MESSAGE}",
        "tcpdump's text output",
    ),
    "tcpdump on any": (
        "2024-03-01 10:11:12.345678 eth0  In  IP6 2001:db8::1.5060 > 2001:db8::2.5060: UDP, length 443\n",
        "tcpdump's text output",
    ),
    "tshark": (
        "    1   0.000000   192.0.2.10 → 192.0.2.1    SIP 485 Request: REGISTER sip:example.com  (1 binding) | \n",
        "text that Wireshark or tshark printed",
    ),
    "Wireshark": (
        "Frame 1: 485 bytes on wire (3880 bits), 485 bytes captured\n",
        "text that Wireshark or tshark printed",
    ),
    "tshark -T tabs": (
        "    1\t  0.000000\t  127.0.0.13\t→\t127.0.0.1   \tSIP\t376\tRequest: REGISTER sip:127.0.0.1:5060\n",
        "text that Wireshark or tshark printed",
    ),
    "tshark -T json": ('[\n  {\n    "_index": "packets-2026-11-20",\n', "text that Wireshark or tshark printed"),
    "tshark -T ek": (
        '{"index":{"_index":"packets-2026-11-20","_type":"doc"}}\n',
        "text that Wireshark or tshark printed",
    ),
    "tshark -T pdml": (
        '<?xml version="1.0" encoding="utf-8"?>\n<pdml version="0" creator="wireshark/4.0.17">\n',
        "text that Wireshark or tshark printed",
    ),
    "tshark -T ps": (
        "%!PS-Adobe-2.0\n%\n% Wireshark - Network traffic analyzer\n",
        "text that Wireshark or tshark printed",
    ),
    "tshark -x": (
        "0000  00 00 00 00 00 00 00 00 00 00 00 00 08 00 45 00   ..............E.\n"
        "0010  01 6a 04 a5 40 00 40 11 36 d0 7f 00 00 0d 7f 00   .j..@.@.6.......\n",
        "a hex dump of packets",
    ),
    "pjsua without messages": (
        "14:54:33.467           pjsua_core.c  .PJSUA state changed: CREATED --> INIT\n",
        "a log of pjsua or another pjsip program",
    ),
    "Linphone without messages": (
        "2026-11-29 23:41:57:686 liblinphone-message-Resetting transports\n",
        "a log of Linphone (belle-sip)",
    ),
    "FreeSWITCH without messages": (
        "2026-11-29 15:03:33.486703 97.33% [NOTICE] switch_channel.c:1118 New Channel sofia/internal/1001\n",
        "a log of FreeSWITCH",
    ),
    "SIPp's short messages": (
        "2026-11-29\t15:02:42.916858\t1795964562.916858\tS\t1-1@h\tCSeq:1 REGISTER\tREGISTER sip:h SIP/2.0\n",
        "a SIPp trace of short messages or of statistics (-trace_shortmsg, -trace_stat)",
    ),
    "baresip without messages": ("baresip v1.0.0 Copyright (C) 2010\nbaresip is ready.\n", "output of baresip"),
    "a browser's console": ("2026-11-29T23:42:33.563Z JsSIP:UA start()\n", "text of JsSIP or SIP.js"),
    "a FRITZ!Box": (
        "20.11.26 11:53:43 Anmeldung der Internetrufnummer 1001 war nicht erfolgreich. Ursache: 403\n",
        "the events of a FRITZ!Box",
    ),
    "a page": (f"<!DOCTYPE html>\n<html><body><pre>{MESSAGE}</pre>", "a page of the web"),
    "bare": (f"{MESSAGE}\nSIP/2.0 200 OK\nCall-ID: 1\n\n", "SIP messages without the lines of a log around them"),
}  # fmt: skip


def refusal(text: str, kind: str | None) -> str:
    with pytest.raises(SourceError) as caught:
        open_sources([io.BytesIO(text.encode())], kind=kind)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(("text", "title"), TEXTS.values(), ids=TEXTS)
def test_what_wrote_it(text: str, title: str) -> None:
    """Of the signs alone: a dialect that is read by now never comes to be asked."""
    found, advice = program_of(text.encode())
    assert found == title
    assert advice
    assert program_of(text.replace("\n", "\r\n").encode())[0] == title


def test_every_sign_is_tried() -> None:
    assert {title for _, title in TEXTS.values()} == {sign.title for sign in SIGNS}


@pytest.mark.parametrize("kind", ["log", "capture", None])
def test_the_refusal_says_what_it_is_and_what_would_help(kind: str | None) -> None:
    line = refusal(TEXTS["Wireshark"][0], kind)
    assert line.startswith(
        "stream: is neither a capture nor a log that is known, it looks like text that Wireshark or tshark printed "
        "(save the packets as a capture "
    )
    assert "\n" not in line
    assert "known: " not in line
    unknown = refusal("nothing that anybody knows\n", kind)
    assert ("sipcheck log knows" in unknown) is (kind == "capture")


def test_many_signs_outweigh_a_quoted_line() -> None:
    text = TEXTS["Kamailio"][0] * 5 + "U 192.0.2.140:50441 -> 192.0.2.1:5060\n"
    assert program_of(text.encode())[0] == "a log of Kamailio or OpenSIPS"


@pytest.mark.parametrize("text", ["Dear diary,\n" * 500, "", "a -> b\n", "GET / HTTP/1.1\n", "IP: none > of: yours\n"])
def test_any_other_text_is_text(text: str) -> None:
    assert program_of(text.encode()) == ("", "")


def test_noise_and_long_lines() -> None:
    dice = random.Random(5)
    assert {program_of(dice.randbytes(2000)) for _ in range(200)} == {("", "")}
    for piece in (b"U ", b"TX 1 bytes Request msg ", b"12:00:00.000000 IP a > ", b"1 1.000 a -> ", b"sip:", b" " * 9):
        program_of(piece * (LOOKED_AT // len(piece)))
