"""Names and addresses that a peer or a capture writes lead nowhere: traced by the kernel's own calls, and counted."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer.evidence import Endpoint
from analyzer.sip.message import parse_bytes
from replay.net.links import LinkError, addresses_of
from replay.responses import destination
from replay.target import Refused, addresses_without_asking, check_name
from tests.capture.build import ethernet, ip4, pcap, udp
from tests.replay.memory import MemoryRegistrar
from tests.replay.playing import sample
from tests.replay.registrar_stage import request
from tests.replay.scripted import answer_to, scripted_peer
from tests.replay.spaces import Space
from tests.replay.traced import children, elsewhere, reached, traced
from tests.shared import ROOT

CLI = (sys.executable, "-m", "analyzer", "replay")
TWICE = str(sample("cseq-not-raised"))


# A name is looked up only if it was allowed.


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the resolver was asked for; it knows one address for all."""
    names: list[str] = []

    def getaddrinfo(host: str, port: int, **given: Any) -> list[Any]:
        del given
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.7", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


NAMES = [
    "pbx.example.com",
    "PBX",
    "127.1",
    "0x7f.1",
    "2130706433",
    "localhost.example.com",
    "1.2.3",
    "x%lo",
    "ä.example",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("allowed", [(), ("other.example",), ("192.0.2.7",), ("*",), ("",)])
def test_a_name_that_is_not_allowed_is_refused_before_it_is_looked_up(
    name: str, allowed: tuple[str, ...], asked: list[str]
) -> None:
    with pytest.raises(Refused, match="is not looked up"):
        addresses_of(name, 5060, "UDP", allowed)
    assert asked == []


def test_a_name_that_is_allowed_is_looked_up_and_that_is_said(asked: list[str]) -> None:
    told: list[str] = []
    found = addresses_of("PBX.example.com", 5070, "UDP", ["pbx.EXAMPLE.com"], asking=told.append)
    assert found == [Endpoint("192.0.2.7", 5070)]
    assert told == asked == ["PBX.example.com"]
    check_name("fd00::1", ["[fd00::1]"])


@pytest.mark.parametrize("host", ["192.0.2.1", "::1", "2001:db8::1", "fe80::1%eth0", "127.0.0.1"])
def test_an_address_is_its_own(host: str, asked: list[str]) -> None:
    assert addresses_of(host, 5060, "TCP") == [Endpoint(host, 5060)]
    assert asked == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "phone.localhost"])
def test_this_machine_is_known_without_asking(host: str, asked: list[str]) -> None:
    assert addresses_of(host, 5060, "TCP") == [Endpoint("::1", 5060), Endpoint("127.0.0.1", 5060)]
    assert addresses_without_asking(f"{host}x") == () == addresses_without_asking("notlocalhost")
    assert asked == []


def test_an_allowed_name_without_an_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(host: str, port: int, **given: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(LinkError, match=r"no\.such: name or service not known"):
        addresses_of("no.such", 1, "UDP", ["no.such"])


@pytest.mark.parametrize(
    "words",
    [
        ("client", TWICE, "--target", "pbx.example.com"),
        ("client", TWICE, "--target", "pbx.example.com:5070", "--transport", "tcp", "--allow", "192.0.2.1"),
        ("client", TWICE, "--target", "127.1", "--transport", "tls"),
        ("registrar", "--listen", "pbx.example.com:0"),
        ("registrar", TWICE, "--listen", "pbx.example.com:0", "--transport", "tcp"),
    ],
    ids=["client", "an address of it allowed", "a number of old", "registrar", "tcp"],
)
def test_no_call_is_made_for_a_refused_name(words: tuple[str, ...], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = subprocess.run(
        traced(trace, *CLI, *words), capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert done.returncode == 2 and "is not looked up" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1
    assert reached(trace) == set()


def test_within_a_namespace_a_name_is_looked_up_if_it_was_allowed(space: Space, tmp_path: Path) -> None:
    """The other half of the test above: with --allow the trace has the query, which finds no way out of here."""
    trace = tmp_path / "trace"
    words = traced(trace, *CLI, "client", TWICE, "--target", "pbx.example.com", "--allow", "pbx.example.com")
    done = space.run(*words, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "sipcheck: looking up pbx.example.com, which --allow names" in done.stderr
    assert elsewhere(reached(trace)) or ("127.0.0.1", 53) in reached(trace)
    refused = space.run(*CLI, "client", TWICE, "--target", "pbx.example.com")
    assert refused.returncode == 2 and "is not looked up" in refused.stderr


# A registrar answers its peer, whatever a Via says.

VIAS = [
    "192.0.2.1:5060",
    "pbx.example.com",
    "pbx.example.com:5070;rport",
    "192.0.2.1:0",
    "192.0.2.1:65536;rport=65536",
    "192.0.2.1:99999999999999999999",
    "192.0.2.1:-1",
    "192.0.2.1;received=192.0.2.2",
    "192.0.2.1;received=192.0.2.2;rport=5099",
    "192.0.2.1;received=pbx.example.com;rport",
    "192.0.2.1;maddr=192.0.2.3",
    "192.0.2.1;maddr=224.0.1.75;ttl=255",
    "192.0.2.1;maddr=255.255.255.255",
    "192.0.2.1;maddr=0.0.0.0",
    "192.0.2.1;maddr=pbx.example.com",
    "192.0.2.1;maddr=127.1",
    "192.0.2.1;maddr=[ff02::1]",
    "192.0.2.1;maddr=[fe80::1%lo]",
    "192.0.2.1;maddr=[::1%pbx.example.com]",
    "192.0.2.1;maddr=::ffff:192.0.2.9",
    "192.0.2.1;maddr=[2001:db8::1]:5060;rport",
    "192.0.2.1;maddr=",
    "[fe80::1%eth0]:5060",
    "[2001:db8::1]",
    "[::]:5060",
    "0.0.0.0:5060;rport",
    "255.255.255.255",
    "127.0.0.1:0;rport=0",
    ",SIP/2.0/UDP 192.0.2.5",
]
PEERS = ["127.0.0.1", "127.0.0.9"]


@pytest.mark.parametrize("via", VIAS)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.9.0.7", "2001:db8::77", "fe80::7%eth0"])
@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_the_answer_goes_to_the_source_address(via: str, peer: str, transport: str) -> None:
    asked = parse_bytes(request(via=f"SIP/2.0/{transport} {via};branch=z9hG4bKx"))
    to = destination(asked, Endpoint(peer, 40_000), transport)
    assert to.host == peer and 0 < to.port < 65536
    assert transport == "UDP" or to.port == 40_000, "on a stream the connection is the way back"


@contextlib.contextmanager
def traced_registrar(trace: Path, *words: str) -> Iterator[tuple[str, int]]:
    """A registrar under strace; after the block it is interrupted, and must have lived until then."""
    command = traced(trace, *CLI, "registrar", *words, "--listen", "127.0.0.1:0", "--count", "0", "--timeout", "90")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"listening on (\S+):(\d+) over", line)
            assert found, line
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield found[1], int(found[2])
            (program,) = children(process.pid)
            os.kill(program, signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("words", [(), (TWICE,)], ids=["plain", "captured"])
def test_no_packet_of_a_registrar_leaves_for_whom_a_via_names(words: tuple[str, ...], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with traced_registrar(trace, *words) as to, contextlib.ExitStack() as stack:
        phones = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in PEERS]
        for host, phone in zip(PEERS, phones, strict=True):
            phone.bind((host, 0))
            phone.settimeout(20)
            for number, via in enumerate(VIAS):
                octets = request(
                    via=f"SIP/2.0/UDP {via};branch=z9hG4bK{host}{number}",
                    call_id=f"{host}-{number}",
                    contact=f"<sip:alice@192.0.2.66:{5000 + number}>",
                    extra=("Route: <sip:192.0.2.67;lr>", "Record-Route: <sip:192.0.2.68;lr>", "Path: <sip:192.0.2.69>"),
                )
                phone.sendto(octets, to)
                phone.sendto(octets, to)  # a copy gets the same answer at the same place
            phone.sendto(request(via=f"SIP/2.0/UDP {host};rport;branch=z9hG4bKlast", call_id=f"last-{host}"), to)
            while b"last-" not in phone.recv(65536):
                pass
    found = reached(trace)
    assert {host for host, _ in found} == set(PEERS)
    assert {("127.0.0.1", 5060), ("127.0.0.1", 5070)} - found == {("127.0.0.1", 5070)}, "rport wins over sent-by"


# A client speaks to its target, whatever the answer says.

TRICKS = [
    (302, ("Contact: <sip:bob@192.0.2.1:5060>",)),
    (305, ("Contact: <sip:192.0.2.2;transport=tcp>", "Record-Route: <sip:192.0.2.3;lr>")),
    (200, ("Service-Route: <sip:192.0.2.4;lr>", "Path: <sip:192.0.2.5;lr>", "Contact: <sip:carol@192.0.2.6>")),
    (200, ("Record-Route: <sip:192.0.2.7;lr>", "P-Associated-URI: <sip:192.0.2.8>", "Alert-Info: <http://192.0.2.9/>")),
    (401, ('WWW-Authenticate: Digest realm="r", nonce="n", domain="sip:192.0.2.10 http://192.0.2.11/", qop="auth"',)),
    (407, ('Proxy-Authenticate: Digest realm="r", nonce="n", domain="sip:pbx.example.com"',)),
    (503, ("Retry-After: 0", "Contact: <sip:192.0.2.12>", "Alt-Svc: h2=192.0.2.13")),
    (380, ("Contact: <sip:pbx.example.com;maddr=192.0.2.14>", "Via: SIP/2.0/UDP 192.0.2.15;received=192.0.2.16")),
    (100, ("Contact: <sip:192.0.2.17>",)),
    (301, ("Contact: <sips:192.0.2.18>, <sip:192.0.2.19>",)),
]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("many", [False, True], ids=["one", "many users"])
def test_no_packet_of_a_client_leaves_for_whom_an_answer_names(transport: str, many: bool, tmp_path: Path) -> None:
    trace, users = tmp_path / "trace", tmp_path / "users.csv"
    users.write_text("carol,,carolpw\n" + "".join(f"u{number},,pw\n" for number in range(20) if many))
    tricks = iter(TRICKS * 50)

    def answers(asked: bytes) -> list[bytes]:
        status, rows = next(tricks)
        return [answer_to(asked, 200, *rows) if status == 100 else answer_to(asked, status, *rows)]

    with scripted_peer(answers, transport="udp" if transport == "udp" else "tcp") as peer:
        words = ["client", TWICE, "--target", peer.target, "--speed", "0", "--transport", transport]
        words += ["--users" if many else "--credentials", str(users)]
        done = subprocess.run(
            traced(trace, *CLI, *words), capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
        )
        met = len(peer.received)
    assert done.returncode in (0, 1), done.stderr
    assert met >= (20 if many else 2)
    assert reached(trace) <= {peer.address} and reached(trace)


def test_no_name_of_a_capture_is_looked_up(tmp_path: Path) -> None:
    """Request-URI, Via, Route, Contact of the captured flow name hosts that would have to be asked for."""
    capture = tmp_path / "flow.pcap"
    octets = request(
        uri="sip:registrar.example.com",
        via="SIP/2.0/UDP phone.example.com:5060;branch=z9hG4bKx",
        contact="<sip:alice@phone.example.com>",
        extra=("Route: <sip:proxy.example.com;lr>",),
    )
    answer = answer_to(octets, 200, "Contact: <sip:alice@phone.example.com>")
    sent = ethernet(ip4(udp(octets, 5060, 5060), source="192.0.2.10", destination="192.0.2.1"))
    came = ethernet(ip4(udp(answer, 5060, 5060), source="192.0.2.1", destination="192.0.2.10"))
    capture.write_bytes(pcap([sent, came]))
    traces = [tmp_path / f"trace{number}" for number in range(2)]
    registrar = MemoryRegistrar()
    with scripted_peer(registrar) as peer:
        for trace, words in zip(
            traces,
            [("replay", "client", str(capture), "--target", peer.target, "--speed", "0"), ("pcap", str(capture))],
            strict=True,
        ):
            done = subprocess.run(
                traced(trace, *CLI[:3], *words), capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
            )
            assert done.returncode in (0, 1), done.stderr
    assert registrar.requests and b"registrar.example.com" in registrar.requests[0]
    assert reached(traces[0]) == {peer.address} and reached(traces[1]) == set()
