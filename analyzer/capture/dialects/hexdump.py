"""Hex dumps (tcpdump -X, tshark -x, Wireshark, ngrep -x, xxd, hexdump): packets with their headers, or payloads.

Headers tell the ends, and everything that they carry goes the way of a capture: fragments, TCP, tunnels. The line above
a dump tells the time. What digits and characters say of each other, and the offsets, is compared.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.evidence import Item, Source

NAME = "hexdump"
TITLE = "hex dump of packets or messages"
EXACT = True
"""It has the octets themselves: where another gets as much out of the text, this one goes first."""
EXAMPLE = b"""\
2026-11-20 11:53:43.746947 IP 192.0.2.10.5060 > 192.0.2.1.5060: SIP
	0x0000:  4500 010b 0001 0000 4011 0000 c000 020a  E.......@.......
	0x0010:  c000 0201 13c4 13c4 00f7 0000 5245 4749  ............REGI
	0x0020:  5354 4552 2073 6970 3a70 6278 2e65 7861  STER.sip:pbx.exa
	0x0030:  6d70 6c65 2e63 6f6d 2053 4950 2f32 2e30  mple.com.SIP/2.0
	0x0040:  0d0a 5669 613a 2053 4950 2f32 2e30 2f55  ..Via:.SIP/2.0/U
	0x0050:  4450 2031 3932 2e30 2e32 2e31 303a 3530  DP.192.0.2.10:50
	0x0060:  3630 3b62 7261 6e63 683d 7a39 6847 3462  60;branch=z9hG4b
	0x0070:  4b31 0d0a 4672 6f6d 3a20 3c73 6970 3a62  K1..From:.<sip:b
	0x0080:  6f62 4065 7861 6d70 6c65 2e63 6f6d 3e3b  ob@example.com>;
	0x0090:  7461 673d 6631 0d0a 546f 3a20 3c73 6970  tag=f1..To:.<sip
	0x00a0:  3a62 6f62 4065 7861 6d70 6c65 2e63 6f6d  :bob@example.com
	0x00b0:  3e0d 0a43 616c 6c2d 4944 3a20 6131 0d0a  >..Call-ID:.a1..
	0x00c0:  4353 6571 3a20 3120 5245 4749 5354 4552  CSeq:.1.REGISTER
	0x00d0:  0d0a 436f 6e74 6163 743a 203c 7369 703a  ..Contact:.<sip:
	0x00e0:  626f 6240 3139 322e 302e 322e 3130 3a35  bob@192.0.2.10:5
	0x00f0:  3036 303e 0d0a 436f 6e74 656e 742d 4c65  060>..Content-Le
	0x0100:  6e67 7468 3a20 300d 0a0d 0a              ngth:.0....
2026-11-20 11:53:43.747421 IP 192.0.2.1.5060 > 192.0.2.10.5060: SIP
	0x0000:  4500 00d8 0001 0000 4011 0000 c000 0201  E.......@.......
	0x0010:  c000 020a 13c4 13c4 00c4 0000 5349 502f  ............SIP/
	0x0020:  322e 3020 3230 3020 4f4b 0d0a 5669 613a  2.0.200.OK..Via:
	0x0030:  2053 4950 2f32 2e30 2f55 4450 2031 3932  .SIP/2.0/UDP.192
	0x0040:  2e30 2e32 2e31 303a 3530 3630 3b62 7261  .0.2.10:5060;bra
	0x0050:  6e63 683d 7a39 6847 3462 4b31 0d0a 4672  nch=z9hG4bK1..Fr
	0x0060:  6f6d 3a20 3c73 6970 3a62 6f62 4065 7861  om:.<sip:bob@exa
	0x0070:  6d70 6c65 2e63 6f6d 3e3b 7461 673d 6631  mple.com>;tag=f1
	0x0080:  0d0a 546f 3a20 3c73 6970 3a62 6f62 4065  ..To:.<sip:bob@e
	0x0090:  7861 6d70 6c65 2e63 6f6d 3e3b 7461 673d  xample.com>;tag=
	0x00a0:  7431 0d0a 4361 6c6c 2d49 443a 2061 310d  t1..Call-ID:.a1.
	0x00b0:  0a43 5365 713a 2031 2052 4547 4953 5445  .CSeq:.1.REGISTE
	0x00c0:  520d 0a43 6f6e 7465 6e74 2d4c 656e 6774  R..Content-Lengt
	0x00d0:  683a 2030 0d0a 0d0a                      h:.0....
"""

_ROW = re.compile(
    rb"^[ \t>|]{0,20}(?:(?:0x)?[0-9a-fA-F]{3,8}:?[ \t]{1,8})?(?:[0-9a-fA-F]{2}){1,4}(?:[ \t][0-9a-fA-F]{2,8}){3}"
    rb"|^[ \t\"]{0,20}(?:[0-9a-fA-F]{32}|(?:\\x[0-9a-fA-F]{2}){4}|0x[0-9a-fA-F]{2},)",
    re.MULTILINE,
)
"""What a row begins with: a text without any is none of these, and is not looked at further."""


def looks_like(head: bytes) -> bool:
    """Whether a SIP message is in one of the dumps of a text."""
    if _ROW.search(head) is None:
        return False
    from analyzer.capture.hexdumps.reader import is_known

    return is_known(head)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the dumps, in their order."""
    from analyzer.capture.hexdumps.reader import Reader

    return Reader(source, time.time()).read(stream)
