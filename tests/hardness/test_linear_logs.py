"""Logs and credential files made to be expensive: work grows with their length, not with its square."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable

import pytest

from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.evidence import Source
from analyzer.register.digest.credential_files import parse_credentials
from analyzer.register.digest.secret import CredentialsError
from tests.capture import asterisk_text as log
from tests.hardness.growth import squares, trap

Run = Callable[[], object]
STAMP = b"[Nov 20 11:53:45] VERBOSE[1] chan_sip.c: "
OPEN = b"\n<--- SIP read from UDP:10.9.0.2:5071 --->\n"
PJSIP = b"<--- Received SIP request (%d bytes) from UDP:10.9.0.2:5071 --->\n"
HEAD = b"MESSAGE sip:x SIP/2.0\nCall-ID: a\nCSeq: 1 MESSAGE\n"


def reading(octets: bytes, sizes: list[int] | None = None) -> Run:
    """All messages of a log, given in pieces of these sizes in turn."""

    def run() -> None:
        stream = log.Dribble(octets, sizes) if sizes else io.BytesIO(octets)
        for _ in asterisk_chan_sip.read(stream, Source("log")):  # type: ignore[arg-type]
            pass

    return run


@trap(4_000_000, full=400_000_000)
def a_line_without_end(n: int) -> Run:
    chunks = itertools.repeat(b"x" * 10_000, n // 10_000)

    class Endless(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return next(chunks, b"")

    return lambda: list(asterisk_chan_sip.read(Endless(), Source("log")))  # type: ignore[arg-type]


@trap(10_000, full=1_000_000)
def a_line_octet_by_octet(n: int) -> Run:
    return reading(b"x" * n, [1])


@trap(500)
def unfinished_blocks(n: int) -> Run:
    return reading((STAMP + OPEN + HEAD) * n)


@trap(500)
def unfinished_blocks_of_a_paste(n: int) -> Run:
    return reading((OPEN + HEAD) * n)


@trap(500)
def banners_alone(n: int) -> Run:
    return reading(OPEN * n + PJSIP % 100 * n)


@trap(1_000)
def closing_lines_alone(n: int) -> Run:
    return reading(OPEN + HEAD + b"<------------->\n" * n + b"--- (3 headers 0 lines) ---\n" * n)


@trap(300, full=100_000)
def bodies_that_imitate_the_framing(n: int) -> Run:
    end, begin = "<------------->\n--- (9 headers 9 lines) ---\n", "<--- SIP read from UDP:10.9.0.9:1 --->\n"
    inner = f"\n{end}\n{begin}OPTIONS sip:x SIP/2.0\n"
    entries = [entry for _ in range(n // 10) for entry in log.received(log.message(inner * 10))]
    return reading(log.octets(log.full(entries)) + log.octets(log.paste(entries)))


@trap(300, full=100_000)
def one_body_that_imitates_the_framing(n: int) -> Run:
    return reading(log.octets(log.full(log.received(log.message("<------------->\n\n" * n)))))


@trap(300, full=100_000)
def lengths_that_promise_more(n: int) -> Run:
    body = HEAD + b"Content-Length: 60000\n\n" + b"x" * 50 + b"\n<------------->\n"
    return reading((STAMP + OPEN + body) * n)


@trap(800, full=4_000)
def blank_lines(n: int) -> Run:
    return reading(STAMP + OPEN + HEAD + b"Content-Length: 60000\n\nx" + b"\n" * n)


@trap(500)
def threads(n: int) -> Run:
    lines = (b"[Nov 20 11:53:45] VERBOSE[%d] chan_sip.c: %b" % (number, OPEN + HEAD) for number in range(n))
    return reading(b"".join(lines))


@trap(500)
def threads_line_by_line(n: int) -> Run:
    prefix = b"[Nov 20 11:53:45] VERBOSE[%d] chan_sip.c: %b\n"
    lines = [b"", OPEN.strip(), *HEAD.split(b"\n"), b"", b"<------------->"]
    return reading(b"".join(prefix % (number % 70, line) for number in range(n // 10) for line in lines))


@trap(2_000)
def announced_and_never_there(n: int) -> Run:
    octets = PJSIP % 9_999_999 + b"x: y\n" * n

    def run() -> None:
        for _ in asterisk_pjsip.read(io.BytesIO(octets), Source("log")):
            pass

    return run


@trap(500)
def turns_of_the_year(n: int) -> Run:
    stamps = (b"[Jan 01 00:00:00]", b"[Jun 01 00:00:00]", b"[Dec 01 00:00:00]")
    line = b" VERBOSE[1] chan_sip.c: x\n"
    return reading(b"".join(stamps[at % 3] + line for at in range(n)) + STAMP + OPEN + HEAD)


@trap(150)
def dates_that_contradict(n: int) -> Run:
    date = b"Date: Fri, 20 Nov 2026 %02d:53:45 GMT\n\n<------------->\n--- (4 headers 0 lines) ---\n"
    return reading(b"".join(STAMP + OPEN + HEAD + date % (at % 24) for at in range(n)))


@trap(30_000)
def escapes_and_prompts(n: int) -> Run:
    texts = (b"\x1b[", b"\x1b[1;33m", b"\r\x1b[K", b"\r", b"\x1b[0Kpbx*CLI> ", b" ", b">", b"\0", b"#012", b"[")
    return reading(b"".join(text * (n // 10) + b"\n" for text in texts))


@trap(5_000)
def json_lines(n: int) -> Run:
    entry = {"hostname": "", "timestamp": "x" * n, "identifiers": {"lwp": 1}, "logmsg": {"message": "\n" * n}}
    deep = b'{"hostname": ' + b"[" * n + b'"logmsg"\n' + b'{"hostname": ' + b"9" * n + b"}\n"
    return reading(json.dumps(entry).encode() + b"\n" + deep)


@trap(100_000)
def prefixes(n: int) -> Run:
    starts = (b"[", b"[Nov 20 11:53:45", b"VERBOSE[1]", b"<--- ", b"Transmitting (", b"--- (", b"{", b"<------------")
    return reading(OPEN + b"".join(start + b"1" * n + b"\n" + start * (n // 10) + b"\n" for start in starts))


def credentials(octets: bytes) -> Run:
    """The secrets of a file, or its fault."""

    def run() -> None:
        try:
            parse_credentials(octets, "users")
        except CredentialsError:
            pass

    return run


@trap(1_000, full=300_000)
def credentials_in_csv(n: int) -> Run:
    return credentials(b"".join(b"u%d,r,p\n" % number for number in range(n)))


@trap(1_000, full=300_000)
def credentials_in_sql(n: int) -> Run:
    rows = b",".join(b"('u%d','d','p','','')" % number for number in range(n))
    return credentials(b"INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES " + rows + b";")


@trap(200, full=100_000)
def credentials_in_many_statements(n: int) -> Run:
    statement = b"INSERT INTO subscriber (username, domain, password) VALUES ('u','d','p');\n"
    return credentials(b"CREATE TABLE subscriber (\n" + b"  a int,\n" * n + b");\n" + statement * n)


@trap(200, full=100_000)
def credentials_in_many_columns(n: int) -> Run:
    columns = b"".join(b", c%d" % number for number in range(n))
    return credentials(b"COPY subscriber (username, domain, password" + columns + b") FROM stdin;\n" + b"a\td\tp\n" * n)


@trap(200, full=100_000)
def credentials_that_inherit(n: int) -> Run:
    chain = b"".join(b"[t%d](t%d)\nk%d=v\nsecret=x\n" % (number + 1, number, number) for number in range(n))
    return credentials(b"[t0](!)\na=b\n" + chain)


@trap(1_000, full=300_000)
def credentials_in_xml(n: int) -> Run:
    user = b'<user id="1"><params><param name="password" value="$${a}$${a}"/></params></user>'
    head = b'<i><X-PRE-PROCESS cmd="set" data="a=' + b"x" * 50 + b'"/>'
    return credentials(head + user * n + b"</i>")


@trap(20_000)
def credentials_in_one_line(n: int) -> Run:
    starts = (b"a:", b"a,", b"[", b"<!--", b"INSERT INTO subscriber ", b"INSERT ", b"'", b'"', b"$${", b";--", b"a\\;")
    files = [credentials(start * (n // 10)) for start in starts]
    return lambda: [run() for run in files]


@pytest.mark.timeout(600)
def test_work_grows_with_the_log() -> None:
    assert squares(__name__) == {}
