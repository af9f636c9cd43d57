"""What octets say when they are read in the ways in which programs write a text that is no cipher.

Escapes of URIs (RFC 3986 2.1), of quoted strings (RFC 3261 25.1), of programming languages and of web pages,
quoted-printable (RFC 2045 6.7), hex with and without signs between the octets, base64 and base32 (RFC 4648), UTF-16,
letters of another width, and signs that nobody sees. Each reading is linear in the octets.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_HEX = re.compile(rb"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){4,}(?![0-9A-Za-z])")
_SPACED_HEX = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?:[ :.,-][0-9A-Fa-f]{2}){3,}(?![0-9A-Za-z])")
_BASE64 = re.compile(rb"(?<![0-9A-Za-z+/])[0-9A-Za-z+/_-]{8,}={0,2}")
_BASE32 = re.compile(rb"(?<![0-9A-Za-z])(?:[A-Z2-7]{8})+(?:[A-Z2-7]{2,7})?={0,6}(?![0-9A-Za-z])")
_PRINTABLE = re.compile(rb"(?:=[0-9A-Fa-f]{2}){3}")
_CODE = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([0-3][0-7]{2})|(.))", re.DOTALL)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def readings(octets: bytes) -> Iterator[bytes]:
    """What octets say, in each way in which they may say anything; themselves are not among it."""
    if b"%" in octets:
        yield unquote_to_bytes(octets)
    if b"\\" in octets:
        yield _CODE.sub(_coded, octets)
    if b"&#" in octets:
        yield html.unescape(octets.decode("latin-1")).encode("utf-8")
    if b"\0" in octets:
        yield octets.replace(b"\0", b"")
    if _PRINTABLE.search(octets):
        yield quopri.decodestring(octets)
    if not octets.isascii():
        text = unicodedata.normalize("NFKC", octets.decode("utf-8", "surrogateescape"))
        seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
        yield seen.encode("utf-8", "surrogateescape")
    yield from _in_runs(octets)


def _in_runs(octets: bytes) -> Iterator[bytes]:
    for match in _HEX.finditer(octets):
        yield bytes.fromhex(match[0].decode())
    for match in _SPACED_HEX.finditer(octets):
        yield bytes.fromhex(re.sub(rb"[^0-9A-Fa-f]", b"", match[0]).decode())
    for match in _BASE64.finditer(octets):
        bare = match[0].rstrip(b"=").translate(_URL_SAFE)
        try:
            yield base64.b64decode(bare + b"=" * (-len(bare) % 4))
        except binascii.Error:
            continue
    for match in _BASE32.finditer(octets):
        bare = match[0].rstrip(b"=")
        try:
            yield base64.b32decode(bare + b"=" * (-len(bare) % 8))
        except binascii.Error:
            continue


def _coded(match: re.Match[bytes]) -> bytes:
    code, other, octal, letter = match.groups()
    if letter is not None:
        return letter
    return bytes((int(code or other, 16) if code or other else int(octal, 8),))
