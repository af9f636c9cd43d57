"""Over every sample: the same findings, and nothing of the original left, in whatever way it is written."""

from __future__ import annotations

import base64
import io
import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dpkt
import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Frame, NetworkError, RawMessage
from analyzer.redact.digests import marked
from analyzer.redact.leaks import LeakSearch
from analyzer.redact.redaction import Leak, Wishes
from analyzer.redact.sameness import differences
from analyzer.redact.vocabulary import LABELS, TOP_LEVEL, WORDS
from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze
from analyzer.sip.message import Message, parse
from tests.redact.redacted import redacted
from tests.shared import DATA, ROOT

PATHS = [
    *(ROOT / "samples").glob("*/input.*"),
    *DATA.glob("real/*.pcap*"),
    *DATA.glob("clients/*.pcap*"),
    *DATA.glob("reports/*/input.*"),
    *(DATA / "lab").glob("*/capture.pcap*"),
]
CAPTURES = sorted(path for path in PATHS if ".pcap" in path.name)
LOGS = sorted(path for path in PATHS if ".pcap" not in path.name)


def options(path: Path) -> dict[str, Any]:
    """How a file is read: by our own reader, or with its keys by tshark."""
    keys = path.parent / "keylog.txt"
    return {"tls_keylog": str(keys)} if keys.exists() else {"engine": "native"}


def name_of(path: Path) -> str:
    return path.parent.name if path.name.startswith("input.") else path.name


def lost(path: Path, out: Path) -> list[str]:
    """What of a file's findings its redaction, written to `out`, does not keep."""
    redacted(path, out, **options(path))
    return differences(analyze(path, **options(path)), analyze(out))


@pytest.mark.parametrize("path", [*CAPTURES, *LOGS], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_findings_are_the_same_and_nothing_of_the_original_is_left(
    path: Path, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    if "tls_keylog" in options(path):
        tool("tshark")
    out = tmp_path / "out"
    assert lost(path, out) == []
    assert_nothing_is_left(path, out)


def messages(path: Path) -> Iterator[Message]:
    with open_sources([path], **options(path)) as reading:
        yield from (parse(item) for item in reading if isinstance(item, RawMessage) and item.payload.strip())


def identifiers(path: Path) -> set[str]:
    """What a reader of the original knows of people and devices, by the parser and not by what redaction uses."""
    found: set[str] = set()
    for message in messages(path):
        uris = [address.uri for address in (message.to, message.from_, *message.contacts) if address is not None]
        for uri in (*uris, message.uri):
            if uri is not None:
                found |= {uri.user or "", *(uri.host or "").split(".")}
        for address in (message.to, message.from_):
            found |= {address.tag or "", *(address.display or "").split()} if address is not None else set()
        found |= {message.call_id.partition("@")[0], *(via.branch or "" for via in message.vias)}
        for one in message.credentials:
            found |= {one.username or "", one.nonce or "", one.response or "", one.cnonce or "", one.opaque or ""}
        found |= {one.nonce or "" for one in message.challenges} | {one.opaque or "" for one in message.challenges}
        found |= set(re.findall(r"[0-9a-f]{12}", message.raw.decode("latin-1").lower()))
    return {one.lower() for one in found if one}


def addresses_in(path: Path) -> set[str]:
    found: set[str] = set()
    with open_sources([path], **options(path)) as reading:
        for item in reading:
            found |= {item.source.host, item.destination.host}
    for message in messages(path):
        found |= set(re.findall(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", message.raw.decode("latin-1")))
    return {one for one in found if _is_somebody(one)}


def _is_somebody(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (text.startswith("0.") or address.is_loopback or address.is_unspecified or address.is_multicast)


def encodings(text: str) -> set[bytes]:
    octets = text.encode("utf-8", "surrogateescape")
    return {
        octets,
        quote(text, errors="surrogateescape").encode().lower(),
        "".join(f"%{octet:02x}" for octet in octets).encode(),
        base64.b64encode(octets).rstrip(b"=").lower(),
        octets.hex().encode(),
    }


def is_staying(word: str) -> bool:
    words = set(re.findall(r"[a-z]+|\d+", word))
    return word in LABELS or words <= WORDS | LABELS | TOP_LEVEL or (word.isdigit() and len(word) < 6)


def assert_nothing_is_left(path: Path, out: Path) -> None:
    octets = out.read_bytes().lower()
    words = set(re.findall(rb"[0-9a-z\x80-\xff]+", octets))
    for one in identifiers(path):
        if is_staying(one):
            continue
        if len(one) >= 8:
            assert not [form for form in encodings(one) if form in octets], one
        elif len(one) >= 4:
            assert not encodings(one) & words, one
    text = octets.decode("latin-1")
    for one in addresses_in(path):
        for form in {one.lower(), ".".join(reversed(one.split(".")))}:
            assert not re.search(rf"(?<![0-9a-f.:]){re.escape(form)}(?![0-9a-f.:])", text), form
        packed = ipaddress.ip_address(one).packed
        assert packed not in {field for packet in _packets(out) for field in packet}, one


def _packets(path: Path) -> Iterator[tuple[bytes, bytes]]:
    octets = path.read_bytes()
    if octets[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return
    for _, packet in dpkt.pcap.Reader(io.BytesIO(octets)):
        head = dpkt.ip6.IP6(packet) if packet[0] >> 4 == 6 else dpkt.ip.IP(packet)
        yield head.src, head.dst


def test_checksums_and_lengths_are_right(tmp_path: Path) -> None:
    for name in ("server-down", "websocket-compressed", "udp-fragments"):
        path = next(one for one in CAPTURES if one.parent.name == name)
        out = tmp_path / name
        redacted(path, out)
        with out.open("rb") as file:
            for _, octets in dpkt.pcap.Reader(file):
                packet = dpkt.ip.IP(octets)
                assert packet.len == len(octets) and dpkt.in_cksum(octets[:20]) == 0
                if isinstance(packet.data, dpkt.udp.UDP):
                    assert packet.data.ulen == len(packet.data)
                if isinstance(packet.data, dpkt.icmp.ICMP):
                    assert dpkt.in_cksum(bytes(octets[20:])) == 0


def test_the_same_key_gives_the_same_file_and_another_another(tmp_path: Path) -> None:
    path = next(one for one in CAPTURES if one.parent.name == "wrong-password")
    made = []
    for number, key in enumerate((b"k" * 32, b"k" * 32, b"l" * 32)):
        redacted(path, tmp_path / f"{number}", key=key)
        made.append((tmp_path / f"{number}").read_bytes())
    assert made[0] == made[1] != made[2]


def test_times_and_ports_stay(tmp_path: Path) -> None:
    path = next(one for one in CAPTURES if one.parent.name == "two-registrars")
    redacted(path, tmp_path / "out")
    before, after = list(messages(path)), list(messages(tmp_path / "out"))
    for one, other in zip(before, after, strict=True):
        assert one.raw_message.time == other.raw_message.time
        assert one.raw_message.source.port == other.raw_message.source.port


def test_times_are_shifted_with_the_dates_if_asked(tmp_path: Path) -> None:
    path = next(one for one in LOGS if one.parent.name == "asterisk-first-registration")
    redacted(path, tmp_path / "out", wishes=Wishes(shift=86_400 * 10**9))
    before, after = list(messages(path)), list(messages(tmp_path / "out"))
    dates = [(one.date, other.date) for one, other in zip(before, after, strict=True) if one.date is not None]
    assert dates and all(other == one + 86_400 for one, other in dates)
    times = [(one.raw_message.time, other.raw_message.time) for one, other in zip(before, after, strict=True)]
    assert all(other == one + 86_400 * 10**9 for one, other in times if one is not None and other is not None)


def test_digests_of_known_passwords_can_be_verified_with_the_new_ones(tmp_path: Path) -> None:
    path = next(one for one in CAPTURES if one.parent.name == "wrong-password")
    secrets = Secrets.load([str(path.parent / "users.csv")])
    redaction, told = redacted(path, tmp_path / "out", secrets=secrets)
    accounts = list(redaction.digests.accounts())
    new = Secrets([Secret(one.password, username=one.username, realm=one.realm) for one in accounts])
    before, after = analyze(path, secrets=secrets), analyze(tmp_path / "out", secrets=new)
    assert after.summary.digests == before.summary.digests
    assert after.summary.digests["match"] == 33 and after.summary.digests["mismatch"] == 4
    assert (told.verifiable, told.opaque) == (33, 4)
    assert differences(before, after) == []
    old = Secrets.load([str(path.parent / "users.csv")])
    assert analyze(tmp_path / "out", secrets=old).summary.digests["match"] == 0


def responses(path: Path) -> list[str]:
    return [one.response or "" for message in messages(path) for one in message.credentials]


def test_digests_of_unknown_passwords_are_marked(tmp_path: Path) -> None:
    path = next(one for one in CAPTURES if one.parent.name == "wrong-password")
    _, told = redacted(path, tmp_path / "out")
    before, after = responses(path), responses(tmp_path / "out")
    assert (told.verifiable, told.opaque) == (0, 37)
    assert len(after) == len(before) >= 37
    assert all(len(one) == 32 and one.startswith("00000000") for one in after)
    assert not any(one.startswith("00000000") for one in before)
    pairs = set(zip(before, after, strict=True))
    assert len(pairs) == len(set(before)) == len(set(after))  # the same stays the same, and nothing else


def test_digests_of_known_passwords_are_not_marked(tmp_path: Path) -> None:
    path = next(one for one in CAPTURES if one.parent.name == "wrong-password")
    redacted(path, tmp_path / "out", secrets=Secrets.load([str(path.parent / "users.csv")]))
    assert not any(one.startswith("00000000") for one in responses(tmp_path / "out"))


@pytest.mark.parametrize("response", ["", "0123", "x" * 32, "0123456789abcdef-123456789abcdef"])
def test_what_is_no_hash_is_not_marked(response: str) -> None:
    assert marked(response) == response


def test_a_mark_keeps_length_and_case() -> None:
    assert marked("AB" * 16) == "00000000" + "AB" * 12


@pytest.mark.parametrize(
    "written",
    [b"wilhelmina", b"WilhelMina", b"%77%69%6c%68%65%6c%6d%69%6e%61", b"wilhelm%69na",
     base64.b64encode(b"user:wilhelmina"), base64.urlsafe_b64encode(b"wilhelmina"), b"wilhelmina".hex().encode(),
     b"192.0.2.77", b"77.2.0.192.in-addr.arpa", b"x wilhelmina@b",
     b"=77=69=6C=68=65=6C=6D=69=6E=61", b"wilhelm=69=6E=61",
     "".join(f"\\u{ord(one):04x}" for one in "wilhelmina").encode(), b"\\w\\i\\l\\h\\e\\l\\m\\i\\n\\a",
     b"wilhelmina".hex(" ").encode(), b"wilhelmina".hex(":").upper().encode(), base64.b32encode(b"wilhelmina"),
     base64.b64encode(base64.b64encode(b"wilhelmina")), "wilhelmina".encode("utf-16-le"),
     "wil\u200bhelm\u00adina".encode(),
     "".join(chr(ord(one) + 0xFEE0) for one in "wilhelmina").encode(), b"wilhelm&#105;na", b"wilhelm&#x69;na",
     base64.b64encode(b"wilhelm%69na"), rb"\167\151\154\150\145\154\155\151\156\141", rb"wilhelm\x69na"],
)  # fmt: skip
def test_the_search_finds_every_form(written: bytes) -> None:
    search = LeakSearch(["wilhelmina"], ["192.0.2.77"])
    assert search.found(b"Subject: " + written + b" \r\n")
    assert not search.found(b"Subject: somebody else 192.0.2.7 192.0.2.177 wilhelminas\r\n")


def test_the_search_does_not_take_what_stays_for_a_leak() -> None:
    search = LeakSearch(["5060", "register", "sip", "abc"], [])
    assert not search.found(b"REGISTER sip:abc SIP/2.0\r\nVia: SIP/2.0/UDP a:5060\r\n")


def test_the_search_takes_a_nonce_count_for_no_name() -> None:
    search = LeakSearch(["00000001", "0000000a", "00123456"], [])
    assert not search.found(b"nc=00000001, nc=0000000a") and search.found(b"00123456")


def test_a_leak_ends_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.redact.redaction.Redaction._rewritten", lambda self, item: item)
    search = LeakSearch(["carol"], [])
    monkeypatch.setattr("analyzer.redact.redaction.Redaction._search", lambda self: search)
    with pytest.raises(Leak) as told:
        redacted(next(one for one in CAPTURES if one.parent.name == "clean-registration"), tmp_path / "out")
    assert "carol" not in str(told.value)


def test_a_quoted_message_has_no_name() -> None:
    from tests.redact.redacted import Parts

    parts = Parts()
    quoted = b"REGISTER sip:acme.de SIP/2.0\r\nFrom: <sip:renfield@acme.de>;tag=1\r\nTo: <sip:renf"
    ends = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)
    error = NetworkError(1, Frame("made", 1), *ends, "UDP", "icmp", "port unreachable", quoted)
    parts.rewriter.error(error)
    parts.settle()
    made = parts.rewriter.error(error)
    assert b"renf" not in made.quoted and b"acme" not in made.quoted and made.source != error.source
