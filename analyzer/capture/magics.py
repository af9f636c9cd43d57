"""What a file is by its first octets, where our own readers do not know it: a capture that tshark reads, or no capture.

tshark guesses too: it takes any octets for some format, and a picture for a file of one "packet". A copy for it can be
as long as the input, which may have no end. So only what begins as a capture format does is handed on. The table is
that of Wireshark's wiretap (`wiretap/*.c`), without formats that carry no IP packet (Bluetooth, ISDN, CAN, logs,
pictures); where a format has no magic number, what its header must hold is looked at, as wiretap does.
"""

from __future__ import annotations

import re
import struct

HEAD = 1 << 13
"""Octets that are looked at, at most: the first page of a NetScaler trace has its signature anywhere."""

_CAPTURES = (
    (b"snoop\0\0\0", "a Sun snoop capture"),
    (b"iptrace 1.0", "an AIX iptrace capture"),
    (b"iptrace 2.0", "an AIX iptrace capture"),
    (b"RTSS", "a Microsoft Network Monitor capture"),
    (b"GMBU", "a Microsoft Network Monitor capture"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture"),
    (b"VL\0\0", "a NetXRay capture"),
    (b"XCP\0", "a Sniffer capture"),
    (b"\x42\xd2\x00\x34\x12\x66\x22\x88", "a RADCOM capture"),
    (b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x07\xd0\x00", "an HP-UX nettl capture"),
    (b"TR\0d\0", "an HP-UX nettl capture"),
    (b"\x05VNF", "a Visual Networks capture"),
    (b"\xaa\xaa\xaa\xaa", "an InfoVista 5View capture"),
    (b"ObserverPktBuffe", "a Viavi Observer capture"),
    (b"\x7fver", "a Savvius Peek capture"),
    (b"cpse", "a Colasoft Capsa capture"),
    (b"\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture"),
    (b"+---------+---------------+----------+", "a K12 text capture"),
    (b"Session Transcript", "a Catapult DCT2000 trace"),
    (b"LOGG", "a Vector BLF capture"),
    (b"\x1c\x00\x01\xac", "an Ixia capture"),
    (b"\xac\x01\x00\x1c", "an Ixia capture"),
    (b"\x1c\x00\x01\xab", "an Ixia capture"),
    (b"\xab\x01\x00\x1c", "an Ixia capture"),
    (b"\x04\x22\x4d\x18", "an LZ4 compressed file"),  # tshark looks into it
)
_NETSCALER = re.compile(rb"Net[Ss]caler (?:V\d\d )?Performance Data")
_ERF_META = 27  # tells of the capture itself, and may have no time
_ERF_TYPES = frozenset((*range(1, 8), *range(10, 28), 30, 32, 33))
_DAY = 86_400
_LOOKED_AT = 10
"""Records that are looked at, as wiretap does."""
_FEW, _MANY = 64, 4
"""A pattern, such as blank lines of any encoding, is no header: so many different octets are among the first ones."""
_NCFX = struct.Struct("<IHBBBBBI").unpack_from
_NCF = struct.Struct("<HHBHBBBBBI").unpack_from

_UNPACK = "unpack it first"
_OTHERS = (
    (b"\x89PNG", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"GIF8", "a GIF picture", ""),
    (b"%PDF-", "a PDF document", ""),
    (b"\x7fELF", "a program (ELF)", ""),
    (b"MZ", "a Windows program", ""),
    (b"PK\x03\x04", "a ZIP archive or an office document", _UNPACK),
    (b"PK\x05\x06", "an empty ZIP archive", ""),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x1f\x9d", "a file packed by compress", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd", _UNPACK),
    (b"\xfd7zXZ\0", "a file packed by xz", _UNPACK),
    (b"BZh", "a file packed by bzip2", _UNPACK),
    (b"\x1f\x8b", "a file packed by gzip", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document", ""),
    (b"SQLite format 3\0", "an SQLite database", ""),
    (b"RIFF", "sound or film (RIFF)", ""),
    (b"OggS", "sound or film (Ogg)", ""),
    (b"ID3", "sound (MP3)", ""),
    (b"btsnoop\0", "a Bluetooth capture", ""),
    (b"LPKSHHRH", "a journal of systemd", "journalctl -o cat --file writes it as text"),
)
_TEXT = bytes((*b"\t\n\v\f\r\b\x1b", *range(0x20, 0x100)))
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # byte order marks of UTF-16


def capture(head: bytes) -> str:
    """What capture of a foreign format begins like this, or empty: `head` is up to `HEAD` octets of a file."""
    for magic, title in _CAPTURES:
        if head.startswith(magic):
            return title
    if _NETSCALER.search(head, 0, HEAD):
        return "a NetScaler trace"
    if _is_text(head) or len(set(head[:_FEW])) < _MANY:  # what has no magic number has headers in binary
        return ""
    return next((title for test, title in _TESTS if test(head)), "")


def other(head: bytes) -> tuple[str, str]:
    """What a file that is no capture looks like, and what to do with it; each empty where that is not known."""
    if not head.strip(b"\0"):
        return "nothing but zeros", ""
    if not head.strip(b"\0\t\n\r "):
        return "nothing but blank lines, as far as was looked", "take the blank lines away, if a log comes after them"
    if _is_text(head) and not head.startswith(b"%PDF-"):
        return "text", ""
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it first"
    if head[4:8] == b"ftyp":
        return "a film (MP4)", ""
    for magic, title, hint in _OTHERS:
        if head.startswith(magic):
            return title, hint
    return "", ""


def _is_text(head: bytes) -> bool:
    """Whether there is no control character that text does not have; any encoding of one octet is text."""
    return head.startswith(_WIDE) or not head.translate(None, delete=_TEXT)


def _is_erf(head: bytes) -> bool:
    """Endace ERF has records alone, of types that there are, in the order of time but for a second, and a day apart at
    most. One proves nothing: another must follow, or the file end there."""
    at, last, dated = 0, None, 0
    while len(head) >= at + 16 and dated < _LOOKED_AT:
        seconds, kind = int.from_bytes(head[at + 4 : at + 8], "little"), head[at + 8] & 0x7F
        size, wire = struct.unpack_from(">HxxH", head, at + 10)
        if kind not in _ERF_TYPES or size < 16 or (not wire and kind != _ERF_META):
            return False
        if kind != _ERF_META or seconds:
            if last is not None and not -1 <= seconds - last < _DAY:
                return False
            last, dated = seconds, dated + 1
        at += size
    return dated > 1 or (dated == 1 and at == len(head))


def _is_lanalyzer(head: bytes) -> bool:
    """Novell LANalyzer: a header record, regular or cyclic, with a version and a comment."""
    return head[:2] in (b"\x01\x10", b"\x07\x10") and 2 <= int.from_bytes(head[2:4], "little") < 1024


def _is_peek(head: bytes) -> bool:
    """Savvius Peek, the old form: version 5 to 7, a medium that is known, three reserved words of zeros."""
    if len(head) < 50 or head[0] & 0x7F not in (5, 6, 7):
        return False
    return max(struct.unpack_from(">II", head, 22)) <= 1 and not any(head[38:50])


def _is_ncf(head: bytes) -> bool:
    """TamoSoft CommView, both forms: a length and a date in each packet's header."""
    if len(head) < 24:
        return False
    size, year, month, day, hour, minute, second, micros = _NCFX(head)
    if 20 <= size <= 1 << 18 and _is_date(year, month, day) and hour < 24 and minute < 60 and second < 61:
        return bool(micros < 1_000_000)
    size, whole, version, year, month, day, hour, minute, second, micros = _NCF(head)
    dated = _is_date(year, month, day) and hour < 24 and minute < 60 and second < 61
    return dated and version == 0 and bool(0 < size <= whole and micros < 1_000_000)


def _is_date(year: int, month: int, day: int) -> bool:
    return 1970 <= year < 2100 and 1 <= month <= 12 and 1 <= day <= 31


_TESTS = (
    (_is_erf, "an Endace ERF capture"),
    (_is_lanalyzer, "a Novell LANalyzer capture"),
    (_is_peek, "a Savvius Peek capture"),
    (_is_ncf, "a TamoSoft CommView capture"),
)
