"""An address stays of its class, neighbours stay neighbours, and who is nobody stays."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redact.addresses import Addresses
from analyzer.redact.pseudonyms import Pseudonyms
from analyzer.register.identity import is_private
from tests.redact.redacted import KEY


def of(*texts: str) -> dict[str, str]:
    names = Pseudonyms(KEY)
    addresses = Addresses(names)
    for text in texts:
        addresses.of(text)
    names.settle()
    addresses.settle()
    return {text: str(addresses.of(text)) for text in texts}


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=20))
def test_different_addresses_stay_different(texts: list[str]) -> None:
    found = of(*texts)
    assert len(set(found.values())) == len(set(texts))


@given(st.ip_addresses(v=4).map(str), st.integers(0, 255), st.integers(0, 255))
def test_the_same_network_stays_the_same(text: str, one: int, other: int) -> None:
    head = text.rpartition(".")[0]
    found = list(of(f"{head}.{one}", f"{head}.{other}").values())
    assert len({each.rpartition(".")[0] for each in found}) == 1


@given(st.ip_addresses(v=4).map(str))
def test_private_stays_private_and_public_comes_out_as_nobody(text: str) -> None:
    found = of(text)[text]
    assert is_private(f"{text}:") == is_private(f"{found}:")
    if ip_address(text).is_global and not ip_address(text).is_multicast:
        assert not ip_address(found).is_global


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"]
)
def test_each_private_block_keeps_its_own(network: str) -> None:
    block = ip_network(network)
    texts = [str(block[number]) for number in (1, 300, 9000)]
    found = of(*texts)
    assert all(ip_address(one) in block for one in found.values())
    assert all(one != other for one, other in found.items())


@pytest.mark.parametrize("text", ["127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.1.75", "::1", "::", "ff02::1"])
def test_who_is_nobody_stays(text: str) -> None:
    assert of(text)[text] == text


def test_a_whole_block_in_use_changes_places() -> None:
    texts = [f"192.168.{number}.7" for number in range(256)]
    found = of(*texts)
    assert len(set(found.values())) == 256


def test_more_public_networks_than_there_are_for_documentation() -> None:
    texts = [f"{high}.{low}.3.4" for high in (8, 9, 20) for low in range(250)]
    found = of(*texts)
    assert len(set(found.values())) == len(texts)
    assert not any(IPv4Address(one).is_global for one in found.values())


@pytest.mark.parametrize(
    ("text", "network"),
    [("fe80::20c:29ff:fe5d:1", "fe80::/10"), ("fd60::2", "fd00::/8"), ("2a00:1450::5", "2001:db8::/32")],
)
def test_the_classes_of_version_6(text: str, network: str) -> None:
    found = of(text)[text]
    assert found != text and ip_address(found) in ip_network(network)


def test_neighbours_of_version_6_stay_neighbours() -> None:
    found = [IPv6Address(one) for one in of("2a00:1450::5", "2a00:1450::6", "2a00:1451::5").values()]
    assert int(found[0]) >> 64 == int(found[1]) >> 64 != int(found[2]) >> 64


def test_the_interface_identifier_tells_no_mac_address() -> None:
    assert "ff:fe" not in of("fe80::20c:29ff:fe5d:1")["fe80::20c:29ff:fe5d:1"]


def test_an_address_of_version_4_within_one_of_6_is_the_same() -> None:
    found = of("10.1.2.3", "::ffff:10.1.2.3")
    assert found["::ffff:10.1.2.3"] == f"::ffff:{found['10.1.2.3']}"


def test_what_is_no_address_is_none() -> None:
    assert Addresses(Pseudonyms(KEY)).of("300.1.2.3") is None
