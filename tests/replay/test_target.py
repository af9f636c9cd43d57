"""Who may be sent to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.net.surroundings import surroundings
from replay.target import BadTarget, Refused, Surroundings, check, is_loopback, parse_target
from tests.replay.spaces import Space
from tests.shared import ROOT

HERE = Surroundings()
ENCLOSED = Surroundings(enclosed=True)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:5070", "127.0.0.1", 5070),
        ("127.0.0.1", "127.0.0.1", 5060),
        ("localhost:1", "localhost", 1),
        ("[::1]:5062", "::1", 5062),
        ("[::1]", "::1", 5060),
        ("::1", "::1", 5060),
        ("pbx.example.com", "pbx.example.com", 5060),
    ],
)
def test_targets(text: str, host: str, port: int) -> None:
    assert parse_target(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", ":5060", "host:", "host:0", "host:65536", "host:x", "[::1", "[::1]x", "[]:5", "h:5٠"]
)
def test_what_is_none(text: str) -> None:
    if text == "host:":
        assert parse_target(text) == ("host", 5060)
        return
    with pytest.raises(BadTarget):
        parse_target(text)


@given(st.text(max_size=30))
def test_any_text_is_a_target_or_none(text: str) -> None:
    try:
        host, port = parse_target(text)
    except BadTarget:
        return
    assert host
    assert 0 < port < 65536


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback_is_here(address: str) -> None:
    assert is_loopback(address)
    assert check("localhost", [address], (), HERE)


ELSEWHERE = [
    "10.0.0.1",
    "192.168.1.5",
    "8.8.8.8",
    "0.0.0.0",
    "255.255.255.255",
    "fe80::1%eth0",
    "fd00::1",
    "::",
    "::ffff:10.0.0.1",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_private_and_public_alike_are_elsewhere(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(Refused, match="--allow pbx"):
        check("pbx", [address], (), HERE)


def test_the_host_or_its_address_can_be_allowed() -> None:
    assert not check("pbx", ["10.0.0.1"], ["PBX"], HERE)
    assert not check("pbx", ["10.0.0.1"], ["10.0.0.1"], HERE)
    assert not check("fd00::1", ["fd00::1"], ["[fd00::1]"], HERE)


@pytest.mark.parametrize("allowed", [["other"], ["10.0.0.2"], [""], ["10.0.0.0/8"], ["*"]])
def test_nobody_else_is_allowed_thereby(allowed: list[str]) -> None:
    with pytest.raises(Refused):
        check("pbx", ["10.0.0.1"], allowed, HERE)


def test_all_addresses_of_a_name_count() -> None:
    with pytest.raises(Refused):
        check("both", ["127.0.0.1", "10.0.0.1"], (), HERE)
    with pytest.raises(Refused):
        check("both", ["10.0.0.2", "10.0.0.1"], ["10.0.0.1"], HERE)


def test_a_name_without_an_address_is_not_here() -> None:
    with pytest.raises(Refused):
        check("nowhere", [], (), ENCLOSED)


def test_within_an_enclosed_namespace_every_address_is() -> None:
    assert check("10.9.0.1", ["10.9.0.1"], (), ENCLOSED)


IPV4_OUT = "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0102A8C0\t0003\n"
IPV4_LINK = "Iface\tDestination\tGateway\tFlags\nva0\t0000090A\t00000000\t0001\n"
IPV6_OUT = f"{'0' * 32} 00 {'0' * 32} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003 eth0\n"
IPV6_NONE = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200 lo\n"


@pytest.mark.parametrize(
    ("own", "ipv4", "ipv6", "enclosed"),
    [
        ("net:[2]", IPV4_LINK, IPV6_NONE, True),
        ("net:[1]", IPV4_LINK, IPV6_NONE, False),
        ("net:[2]", IPV4_OUT, IPV6_NONE, False),
        ("net:[2]", IPV4_LINK, IPV6_OUT, False),
        ("net:[2]", IPV4_LINK + "va0\t0000A8C0\t0109090A\t0003\n", IPV6_NONE, False),
        ("net:[2]", IPV4_LINK, IPV6_OUT.replace(f"{'0' * 32} 00", f"20010db8{'0' * 24} 20", 1), False),
    ],
)
def test_a_namespace_of_its_own_without_a_way_out(
    tmp_path: Path, own: str, ipv4: str, ipv6: str, enclosed: bool
) -> None:
    for process, space in (("self", own), ("1", "net:[1]")):
        folder = tmp_path / process / "ns"
        folder.mkdir(parents=True)
        (folder / "net").symlink_to(space)
    routes = tmp_path / "self" / "net"
    routes.mkdir()
    (routes / "route").write_text(ipv4)
    (routes / "ipv6_route").write_text(ipv6)
    assert surroundings(tmp_path).enclosed is enclosed


@pytest.mark.parametrize(("named", "enclosed"), [(True, True), (False, False)])
def test_a_namespace_with_a_name_is_one_where_nobody_may_look_at_process_1(
    tmp_path: Path, named: bool, enclosed: bool
) -> None:
    names = tmp_path / "netns"
    names.mkdir()
    (names / "lab").touch()
    number = (names / "lab").stat().st_ino + (0 if named else 10**6)
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "net").symlink_to(f"net:[{number}]")
    (tmp_path / "self" / "net").mkdir()
    (tmp_path / "self" / "net" / "route").write_text(IPV4_LINK)
    (tmp_path / "self" / "net" / "ipv6_route").write_text(IPV6_NONE)
    assert surroundings(tmp_path, names).enclosed is enclosed
    assert not surroundings(tmp_path, tmp_path / "none").enclosed


def test_a_real_namespace_is_enclosed_and_this_machine_is_not(space: Space) -> None:
    words = "from replay.net.surroundings import surroundings; print(surroundings())"
    inside = space.run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {words}")
    assert inside.stdout.strip() == "Surroundings(enclosed=True)", inside.stderr
    assert not surroundings().enclosed


def test_doubt_means_that_it_is_not_enclosed(tmp_path: Path) -> None:
    assert not surroundings(tmp_path / "nothing").enclosed
