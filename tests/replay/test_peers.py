"""The counterparts themselves: they start, do what their names say, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from tests.replay import peers
from tests.replay.peers import Kamailio, Space, TlsKeys


def request(port: int, user: str = "x", method: str = "REGISTER", transport: str = "UDP", **headers: str) -> bytes:
    rows = {
        "Via": f"SIP/2.0/{transport} 127.0.0.1:{port};rport;branch=z9hG4bK{user}{port}",
        "Max-Forwards": "70",
        "From": f"<sip:{user}@lab.invalid>;tag=1",
        "To": f"<sip:{user}@lab.invalid>",
        "Call-ID": f"{user}-{port}",
        "CSeq": f"1 {method}",
        "Contact": f"<sip:{user}@127.0.0.1:{port}>",
        "Content-Length": "0",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} sip:lab.invalid SIP/2.0", *(f"{name}: {value}" for name, value in rows.items()), "", ""]
    return "\r\n".join(lines).encode()


def client(address: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(5)
    made.connect(address)
    return made


def ask(address: tuple[str, int], user: str = "x", method: str = "REGISTER") -> bytes:
    with client(address) as phone:
        phone.send(request(phone.getsockname()[1], user, method))
        return phone.recv(65535)


def test_kamailio_challenges_over_udp_and_both_families(kamailio: Kamailio) -> None:
    addresses = [one for one in (kamailio.address, kamailio.address6) if one is not None]
    answers = [ask(address, "alice") for address in addresses]
    assert all(b" 401 " in answer.splitlines()[0] and b'qop="auth"' in answer for answer in answers)


def test_kamailio_speaks_tcp(kamailio: Kamailio) -> None:
    with socket.create_connection(kamailio.address, timeout=5) as phone:
        phone.send(request(phone.getsockname()[1], "alice", transport="TCP"))
        assert phone.recv(65535).startswith(b"SIP/2.0 401 ")


def test_kamailio_knows_no_nobody(kamailio: Kamailio) -> None:
    assert ask(kamailio.address, "nobody").startswith(b"SIP/2.0 404 ")


@pytest.mark.parametrize(
    ("define", "present", "absent"),
    [
        ("WITH_SHA256", b"algorithm=SHA-256", b"MD5"),
        ("WITH_NOQOP", b"401", b"qop"),
        ("WITH_AUTHINT", b'qop="auth-int"', b'qop="auth"'),
        ("WITH_PROXY", b"\r\nProxy-Authenticate: ", b"WWW-Authenticate"),
        ("WITH_NC", b"401", b"stale"),
        ("WITH_OTN", b"401", b"stale"),
        ("NONCE_EXPIRE=1", b"401", b"stale"),
        ("WITH_OPEN", b"SIP/2.0 200 ", b"Authenticate"),
    ],
)
def test_kamailio_obeys_its_defines(define: str, present: bytes, absent: bytes) -> None:
    with peers.kamailio_server(define) as server:
        answer = ask(server.address, "alice")
    assert present in answer and absent not in answer


def test_kamailio_tells_its_bindings() -> None:
    with peers.kamailio_server("WITH_OPEN") as server:
        assert server.bindings("carol") == [] and server.bound_users() == 0
        ask(server.address, "carol")
        bound, users = server.bindings("carol"), server.bound_users()
    assert len(bound) == 1 and bound[0].startswith("sip:carol@127.0.0.1:")
    assert users == 1


def test_kamailio_dies_and_comes_back_on_its_port() -> None:
    with peers.kamailio_server() as server:
        port = server.port
        server.kill()
        assert not peers.options(server.address)
        server.start()
        assert server.port == port and peers.options(server.address)
        server.pause()
        assert not peers.options(server.address)
        server.resume()
        assert peers.options(server.address, timeout=5)
    assert not peers.options(("127.0.0.1", port))


def test_kamailio_that_cannot_start_shows_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="does not start"), peers.kamailio_server("NONCE_EXPIRE=nonsense"):
        pass
    assert "NONCE_EXPIRE=nonsense" in capsys.readouterr().out


def payloads(path: Path) -> list[bytes]:
    with open_sources([path]) as reading:
        return [item.payload for item in reading if isinstance(item, RawMessage)]


def test_capture_has_the_first_and_the_last_packet(tmp_path: Path) -> None:
    def echo(octets: bytes) -> list[bytes]:
        return [peers.answer_to(octets, 200)]

    for _ in range(3):
        with peers.scripted_peer(echo) as peer:
            with peers.capture(tmp_path / "lo.pcap", f"port {peer.address[1]}") as path:
                answers = [ask(peer.address, f"user{number}") for number in range(20)]
            seen = payloads(path)
        assert [one for one in seen if one.startswith(b"SIP/2.0")] == answers
        assert len(seen) == 40
        assert b"probe" not in path.read_bytes()


def test_capture_reads_its_filter(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="dumpcap ended"),
        peers.capture(tmp_path / "lo.pcap", "port of call"),
    ):
        pass


def numbered(octets: bytes) -> list[bytes]:
    return [b"answer to " + octets]


def talk(*rules: peers.Rule, count: int = 3, expect: int = 3) -> tuple[list[bytes], peers.LossyRelay, list[int]]:
    """Send `count` datagrams through a relay; returns what came back, the relay, and the ports it came from."""
    with (
        peers.scripted_peer(numbered) as server,
        peers.lossy_relay(server.address, *rules) as relay,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
    ):
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        for number in range(count):
            phone.sendto(b"%d" % (number + 1), relay.address)
        came = [phone.recvfrom(65535) for _ in range(expect)]
        phone.settimeout(0.1)
        with pytest.raises(TimeoutError):
            phone.recvfrom(65535)
    return [octets[len("answer to ") :] for octets, _ in came], relay, [source[1] for _, source in came]


@pytest.mark.parametrize(
    ("rules", "came"),
    [
        ((), b"123"),
        ((peers.drop("request", 2),), b"13"),
        ((peers.drop("response", 1, 3),), b"2"),
        ((peers.drop("response"),), b""),
        ((peers.duplicate("response", 3, 2),), b"12223"),
        ((peers.duplicate("request", 2, 1),), b"1123"),
        ((peers.reorder("request", 1),), b"213"),
        ((peers.reorder("response", 2),), b"132"),
        ((peers.delay("response", 0.2, 1),), b"231"),
        ((peers.corrupt("request", lambda octets: octets + b"!", 3),), b"123!"),
        ((peers.drop("request", 1), peers.duplicate("request", 2)), b"2233"),
    ],
)
def test_relay_does_as_told(rules: tuple[peers.Rule, ...], came: bytes) -> None:
    answers, relay, ports = talk(*rules, expect=len(came.replace(b"!", b"")))
    assert b"".join(answers) == came
    assert relay.count("request") == 3
    assert set(ports) <= {relay.address[1]}


def test_relay_forges_the_source() -> None:
    _, relay, ports = talk(peers.spoof(2))
    assert [port == relay.address[1] for port in ports] == [True, False, True]


def test_relay_tries_for_ever() -> None:
    with peers.scripted_peer(numbered) as server:
        with peers.lossy_relay(server.address, peers.forever_trying(0.001)) as relay, client(relay.address) as phone:
            phone.send(request(1))
            came = [phone.recv(65535) for _ in range(20)]
        assert set(came) == {came[0]} and came[0].startswith(b"SIP/2.0 100 Trying\r\nVia: ")
        assert server.received == []


def test_scripted_peer_follows_its_list() -> None:
    with peers.scripted_peer([[b"one"], [], [b"three", b"and more"]]) as peer, client(peer.address) as phone:
        for number in range(4):
            phone.send(b"%d" % number)
        assert peer.wait_for(4)
        assert [phone.recv(99) for _ in range(3)] == [b"one", b"three", b"and more"]
        assert peer.received == [b"0", b"1", b"2", b"3"]


def endless(octets: bytes) -> Iterator[bytes]:
    return (b"SIP/2.0 200 OK\r\nX: %d\r\n" % number for number in count())


def hanging(octets: bytes) -> list[bytes]:
    return [b"half an ans", peers.HANG_UP]


@pytest.mark.parametrize(("answers", "least"), [(endless, 100_000), (hanging, 11)])
def test_scripted_peer_over_tcp(answers: Callable[[bytes], Iterable[bytes]], least: int) -> None:
    with peers.scripted_peer(answers, transport="tcp") as peer:
        with socket.create_connection(peer.address, timeout=5) as phone:
            phone.send(request(1)[:50])
            phone.send(request(1)[50:] + request(2)[:20])
            got = b""
            while len(got) < least and (octets := phone.recv(65535)):
                got += octets
        assert len(got) >= least
        assert peer.received == [request(1)]


def test_answer_copies_what_it_must() -> None:
    answer = peers.answer_to(request(7, "a"), 401, "X: y", change=lambda line: line.replace("CSeq: 1", "CSeq: 2"))
    assert answer == (
        b"SIP/2.0 401 Whatever\r\nVia: SIP/2.0/UDP 127.0.0.1:7;rport;branch=z9hG4bKa7\r\n"
        b"From: <sip:a@lab.invalid>;tag=1\r\nTo: <sip:a@lab.invalid>;tag=scripted\r\nCall-ID: a-7\r\n"
        b"CSeq: 2 REGISTER\r\nX: y\r\nContent-Length: 0\r\n\r\n"
    )


def test_tls_in_front_of_kamailio(kamailio: Kamailio, tls_keys: TlsKeys) -> None:
    context = ssl.create_default_context(cafile=str(tls_keys.authority))
    with peers.tls_relay(kamailio.address, tls_keys) as relay:
        with (
            socket.create_connection(relay.address, timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as phone,
        ):
            phone.send(request(relay.address[1], "alice", transport="TCP"))
            assert phone.recv(65535).startswith(b"SIP/2.0 401 ")
        assert relay.handshakes == 1


@pytest.mark.parametrize("case", ["stranger", "unknown authority"])
def test_tls_certificates_that_must_not_be_trusted(case: str, tls_keys: TlsKeys) -> None:
    authority = tls_keys.authority if case == "stranger" else tls_keys.stranger_authority
    context = ssl.create_default_context(cafile=str(authority))
    with (
        peers.scripted_peer(numbered, transport="tcp") as peer,
        peers.tls_relay(peer.address, tls_keys, stranger=case == "stranger") as relay,
        socket.create_connection(relay.address, timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_namespace_has_its_own_network(space: Space, tmp_path: Path) -> None:
    with peers.kamailio_server(space=space, hosts=("127.0.0.1", space.near)) as server:
        assert peers.options((space.near, server.port), space)
        assert not peers.options(server.address)
        with peers.capture(tmp_path / "inside.pcap", "udp", space=space) as path:
            assert peers.options((space.near, server.port), space)
    assert [octets.split()[0] for octets in payloads(path)] == [b"OPTIONS", b"SIP/2.0"]


def test_namespace_runs_programs_and_ends_them(space: Space) -> None:
    assert "near" in space.run("ip", "link").stdout
    process = space.popen("sleep", "60")
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(5) != 0


@pytest.mark.needs_tool("tc")
def test_netem_loses_what_it_is_told_to(space: Space) -> None:
    space.netem("loss", "100%")
    with peers.kamailio_server("WITH_OPEN", space=space, hosts=("127.0.0.1",)) as server:
        assert not peers.options(server.address, space)
