"""The program tshark: where it is, whether it will do, what it is told, and what it says of a file before it is read.

Everything that depends on tshark's own options stands here. Two short runs come before the long one: a probe that asks
for the first packet, so that a file that tshark cannot read is refused while it is opened, and, where TLS may be
opened, a survey. TLS says nothing of what it carries, and tshark believes the port: the survey therefore has the
content of every TLS connection read as SIP, and learns which server ports do carry SIP, and which connections the key
log did not open.

tshark is never run by a shell, and every file name it is given is absolute, so that none can look like an option.
"""

from __future__ import annotations

import functools
import io
import os
import re
import shutil
from collections import Counter
from typing import NamedTuple

from analyzer.capture.tshark import child
from analyzer.capture.tshark.mortal import CANNOT_RUN
from analyzer.defect import SourceError
from analyzer.escape import Told

MINIMUM = (3, 0, 0)
"""The first version with `tls.keylog_file`, secrets inside pcapng, and TCP segments put into order."""

FILTER = (
    'sip || udp.payload contains "SIP/2.0" || ((icmp || icmpv6) && (udp || tcp))'
    " || tcp.flags.fin == 1 || tcp.flags.reset == 1"
)
"""What passes: SIP, and what tshark does not take for it (behind an empty line, in HEP); the network's errors; ends of
connections."""

_TIMEOUT = 60  # seconds for a run that reads one packet
_VERSION = re.compile(rb"^T[Ss]hark[^\n]*?(\d+)\.(\d+)\.(\d+)")
_AS_ROOT = re.compile(r"Running as user .* This could be dangerous\.")
_PREFERENCES = {
    "ip.defragment": "TRUE",
    "ipv6.defragment": "TRUE",
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.reassemble_out_of_order": "TRUE",
    "udp.try_heuristic_first": "TRUE",  # SIP by its content, before any port
    "tcp.try_heuristic_first": "TRUE",
    "sip.desegment_headers": "TRUE",
    "sip.desegment_body": "TRUE",
    "tls.desegment_ssl_records": "TRUE",
    "tls.desegment_ssl_application_data": "TRUE",
    "websocket.text_type": "As SIP",
}
_PROTOCOLS = ["--enable-protocol", "sip", "--enable-heuristic", "sip_udp", "--enable-heuristic", "sip_tcp"]
_LINE = re.compile(
    rb"^(?:CLIENT_RANDOM|RSA|[A-Z]+(?:_[A-Z]+)*_SECRET(?:_\d+)?|PMS_CLIENT_RANDOM) [0-9a-fA-F]+ [0-9a-fA-F]+"
)
MOST_KEYS = 1 << 30
"""Octets of a key log that tshark is given: some five million sessions."""
LOOKED_AT = 16 << 20
"""Octets at its beginning in which a line of keys must stand, else it is something else."""
_NO_PACKETS = frozenset(
    ("mime_dlt", "mime_encap", "mpeg", "mp2t", "mp4", "ber", "json", "xml", "tnef", "rfc7468", "ruby_marshal")
)
"""Protocols under which tshark shows a file that holds no packets as one."""
_MOST_NONSENSE = 1000  # lines of a survey; a field can hold a line end, now and then
_MOST_PORTS = 200  # that are told to tshark
_MOST_STREAMS = 1 << 17  # whose handshake is remembered


class Program(NamedTuple):
    """A tshark that will do. `version` as numbers."""

    path: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"tshark {'.'.join(map(str, self.version))}"


class Unusable(Told):
    """There is no tshark that will do; the text says why, in one line."""


class Tls(NamedTuple):
    """What the survey found: packets with records that stayed closed, per server port; the ports that carry SIP.
    `headless` counts those that stayed closed of connections whose handshake was not captured: no key fits these.

    `opened` counts packets with records that could be read; `failure` says what kept tshark from looking at all of it.
    """

    closed: Counter[int]
    ports: tuple[int, ...]
    opened: int
    failure: str
    headless: Counter[int]


def find() -> Program:
    """The tshark on PATH; `Unusable` where there is none, or one older than `MINIMUM`."""
    path = shutil.which("tshark")
    if path is None:
        raise Unusable("tshark is not installed, or not on PATH")
    return _examined(os.path.abspath(path))


@functools.cache
def _examined(path: str) -> Program:
    try:
        done = child.run([path, "--version"], _TIMEOUT)
    except (OSError, child.Failed) as error:
        raise Unusable(f"tshark does not run: {getattr(error, 'strerror', None) or error}") from error
    match = _VERSION.match(done.out)
    if done.code == CANNOT_RUN and match is None:
        raise Unusable(f"tshark does not run: {said(done.said, path)}")
    if match is None:
        raise Unusable(f"tshark does not say its version ({path})")
    major, minor, patch = (int(number) for number in match.groups())
    if (major, minor, patch) < MINIMUM:
        needed = ".".join(map(str, MINIMUM))
        raise Unusable(
            f"tshark is too old: {major}.{minor}.{patch}, and {needed} is the first that reads TLS with keys"
        )
    return Program(path, (major, minor, patch))


def arguments(keylog: str | None, ports: tuple[int, ...] = ()) -> list[str]:
    """What every run is told: preferences, keys, and the TLS ports whose content is SIP."""
    words = list(_PROTOCOLS)
    for name, value in _PREFERENCES.items():
        words += ["-o", f"{name}:{value}"]
    if keylog is not None:
        words += ["-o", f"tls.keylog_file:{os.path.abspath(keylog)}"]
    for port in ports:
        words += ["-d", f"tls.port=={port},sip"]
    return words


def check_keylog(path: str) -> None:
    """Raise `SourceError` where the file cannot be read or holds no line of a key log (NSS key log format)."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise SourceError(path, "the key log must be a plain file", hint="tshark reads it once more")
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_KEYS:
                raise SourceError(path, f"the key log is longer than {MOST_KEYS >> 20} MiB")
            head = io.BytesIO(file.read(LOOKED_AT))
            if any(_LINE.match(line) for line in head):
                return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(path, f"the key log cannot be read: {reason}") from error
    raise SourceError(
        path, "is no TLS key log", hint="its lines begin with CLIENT_RANDOM, CLIENT_TRAFFIC_SECRET_0, ..."
    )


def probe(program: Program, path: str, name: str) -> None:
    """Raise `SourceError`, with tshark's reason, where tshark cannot read the first packet of a file, or takes the
    whole of it for one: it shows pictures, films and programs too."""
    command = [program.path, "-n", *arguments(None), "-r", os.path.abspath(path), "-c", "1", "-T", "fields"]
    try:
        done = child.run([*command, "-e", "frame.number", "-e", "frame.protocols"], _TIMEOUT)
    except (OSError, child.Failed) as error:
        raise SourceError(name, f"tshark cannot read it: {getattr(error, 'strerror', None) or error}") from error
    if done.code and not done.out.strip():
        raise SourceError(name, f"tshark cannot read it: {said(done.said, path) or _ended(done.code)}")
    whole = done.out.strip().partition(b"\t")[2].decode("ascii", "replace").partition(":")
    if whole[0] in _NO_PACKETS:
        raise SourceError(name, f"is no capture: tshark takes it for {whole[2] or whole[0]}")


def said(words: bytes, path: str) -> str:
    """The last thing that tshark said on standard error, as one line without its name and without temporary names."""
    lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line and not _AS_ROOT.search(line)]
    if not lines:
        return ""
    line = lines[-1].removeprefix("tshark: ").replace(f'"{os.path.abspath(path)}"', "it").removesuffix(".")
    return line.replace("The file it isn't", "it isn't").replace("The file it ", "it ")


def _ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def ending(code: int, words: bytes, path: str) -> str:
    """How a run ended that did not end well, in one line; empty where it did."""
    if not code:
        return ""
    reason = said(words, path) if code > 0 else ""
    return f"tshark ended with {_ended(code)}" + (f": {reason}" if reason else "")


def survey(program: Program, path: str, keylog: str | None) -> Tls:
    """Look at all TLS of a capture; where tshark dies of it, `failure` says so."""
    words = [program.path, "-n", *arguments(keylog), "-d", "tls.port==1-65535,sip", "-r", os.path.abspath(path)]
    words += ["-Y", "tls.record", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
    for field in _FIELDS:
        words += ["-e", field]
    found = _Found()
    failure = ""
    running = child.Child(words)
    try:
        with running:
            for line in child.lines(running.pieces()):
                found.take(line)
    except child.Failed as error:
        failure = str(error)
    return found.result(failure or ending(running.code, running.said, path))


class _Found:
    """What the survey counts."""

    def __init__(self) -> None:
        self._closed: Counter[int] = Counter()
        self._headless: Counter[int] = Counter()
        self._ports: Counter[int] = Counter()
        self._hellos: dict[bytes, int] = {}
        self._opened = self._nonsense = 0

    def take(self, line: bytes) -> None:
        """A line of the survey. Raises `Failed` where there are many that are none."""
        try:
            port, stream, hellos, seen = _looked_at(line)
        except ValueError:
            self._nonsense += 1
            if self._nonsense > _MOST_NONSENSE:
                raise child.Failed("tshark wrote what it never writes and was ended") from None
            return
        self._opened += seen in (_OPEN, _SIP)
        self._ports[port] += seen == _SIP
        if hellos:
            self._greet(stream, hellos)
        if seen == _CLOSED:
            whole = self._hellos.get(stream, 0) == _BOTH
            (self._closed if whole else self._headless)[port] += 1

    def _greet(self, stream: bytes, hellos: int) -> None:
        """Note which hellos of a connection were seen: keys fit what both are known of. The oldest are given up."""
        self._hellos[stream] = self._hellos.pop(stream, 0) | hellos
        if len(self._hellos) > _MOST_STREAMS:
            del self._hellos[next(iter(self._hellos))]

    def result(self, failure: str) -> Tls:
        """All that was counted."""
        ports = tuple(port for port, _ in (+self._ports).most_common(_MOST_PORTS))
        return Tls(+self._closed, ports, self._opened, failure, +self._headless)


_FIELDS = ("tcp.srcport", "tcp.dstport", "frame.protocols", "tls.record.content_type", "tls.record.length",
           "tls.segment.data", "sip.Method", "sip.Status-Code", "tcp.stream", "tls.handshake.type")  # fmt: skip
_NOTHING, _CLOSED, _OPEN, _SIP = range(4)
_HELLOS = {b"1": 1, b"2": 2}  # ClientHello and ServerHello (RFC 8446 4)
_BOTH = 3


def _looked_at(line: bytes) -> tuple[int, bytes, int, int]:
    """Server port of a packet with TLS records (the lower one, most likely), its connection, which hellos are in it,
    and what was seen of the content.

    ValueError for a line that tshark does not write.
    """
    columns = line.split(b"\t")
    if len(columns) == len(_FIELDS) and not columns[0]:
        return 0, b"", 0, _NOTHING
    source, destination, protocols, kinds, lengths, piece, method, status, stream, handshakes = columns
    port = min(int(end.rpartition(b",")[2]) for end in (source, destination))
    stream = stream.rpartition(b",")[2]
    hellos = sum(_HELLOS.get(kind, 0) for kind in set(handshakes.split(b",")))
    if method or status:
        return port, stream, hellos, _SIP
    inner = protocols.rpartition(b":tls")[2].split(b":")
    if piece or any(name and not name.startswith(b"x509") for name in inner):  # certificates are not secret
        return port, stream, hellos, _OPEN
    # Of a closed record of TLS 1.3 there is no kind, of one of TLS 1.2 it stands outside.
    shut = b"23" in kinds.split(b",") or len(kinds.split(b",")) * bool(kinds) < len(lengths.split(b","))
    return port, stream, hellos, _CLOSED if shut else _NOTHING
