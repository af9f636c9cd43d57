"""Who guesses and who has a wrong password: by transport address, host, name, and name at a host."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.storm.marks import marks_of
from analyzer.storm.traffic import traffic_of
from tests.dataframes.talks import Said, talk


def scans(*said: Said) -> list[bool]:
    """The mark of each transaction, in the order of time."""
    found: list[bool] = marks_of(traffic_of(talk(*said))).scan.tolist()
    return found


def guess(number: int, **named: object) -> list[Said]:
    """A challenge and the guess that answers it, with a Call-ID of their own."""
    first = Said(number / 10, 401, credentials=False, call=f"g{number}", **named)  # type: ignore[arg-type]
    return [first, Said(number / 10 + 0.02, 403, call=f"g{number}", **named)]  # type: ignore[arg-type]


def phones(count: int, tries: int, status: int = 403, **named: object) -> list[Said]:
    """Phones that try again and again with their one Call-ID each, and get `status`."""
    return [
        Said(time + number / 100, status, user=f"phone{number}", **named)  # type: ignore[arg-type]
        for time in range(tries)
        for number in range(count)
    ]


@pytest.mark.parametrize(("names", "found"), [(3, False), (9, False), (10, True), (50, True)])
def test_many_names_from_one_transport_address(names: int, found: bool) -> None:
    said = [one for number in range(names) for one in guess(number, user=f"n{number}", host="h")]
    assert scans(*said) == [found] * len(said)


@pytest.mark.parametrize(("guesses", "found"), [(5, False), (29, False), (30, True), (200, True)])
def test_many_guesses_at_one_name_from_one_transport_address(guesses: int, found: bool) -> None:
    said = [one for number in range(guesses) for one in guess(number, user="admin", host="h")]
    assert scans(*said) == [found] * len(said)


def test_a_port_for_each_guess_does_not_hide_it() -> None:
    said = [one for number in range(60) for one in guess(number, user="admin", host="h", port=2000 + number)]
    assert all(scans(*said))


def test_a_port_for_each_name_does_not_hide_it() -> None:
    said = [one for number in range(60) for one in guess(number, user=f"n{number}", host="h", port=2000 + number)]
    assert all(scans(*said))


def test_many_hosts_against_one_name() -> None:
    said = [one for number in range(60) for one in guess(number, user="admin", host=f"h{number % 20}")]
    assert all(scans(*said))


def test_many_hosts_with_a_name_each_are_phones() -> None:
    said = [one for number in range(60) for one in guess(number, user=f"n{number}", host=f"h{number}")]
    assert not any(scans(*said))


def test_phones_with_wrong_passwords_behind_one_nat_are_no_scanner() -> None:
    said = phones(40, 8, host="nat")
    ported = [Said(one.time, one.status, user=one.user, host="nat", port=3000 + int(one.user[5:])) for one in said]
    assert not any(scans(*ported))


def test_a_proxy_whose_registrar_is_overloaded_is_no_scanner() -> None:
    """All users come from one address, none gets in: but nobody denied them."""
    assert not any(scans(*phones(200, 1, 503, host="sbc")))


def test_a_proxy_with_many_users_let_in_is_no_scanner() -> None:
    said = phones(50, 1, 403, host="sbc") + [
        Said(5 + number / 10, user=f"good{number}", host="sbc") for number in range(10)
    ]
    assert not any(scans(*said))


def test_who_is_let_in_now_and_then_is_still_a_scanner() -> None:
    lucky = [Said(9, user="n7", host="h", call="g7")]
    said = [one for number in range(60) for one in guess(number, user=f"n{number}", host="h")]
    assert all(scans(*said, *lucky))


def test_requests_that_nobody_answers_are_no_guesses() -> None:
    assert not any(scans(*(Said(number, 0, user=f"n{number}", host="h", call=f"c{number}") for number in range(50))))


@pytest.mark.parametrize("agent", ["friendly-scanner", "SIPVicious 0.3", "sundayddr"])
def test_tools_that_say_who_they_are(agent: str) -> None:
    said = [Said(0, agent="Phone"), Said(1, 401, user="b", agent=agent)]
    assert scans(*said) == [False, True]


def test_other_traffic_beside_a_scanner_is_none() -> None:
    said = [one for number in range(40) for one in guess(number, user=f"n{number}", host="h")]
    good = [Said(0.005 + number / 10, user=f"good{number}", host=f"g{number}") for number in range(20)]
    found = np.array(scans(*said, *good))
    assert found.sum() == len(said)
