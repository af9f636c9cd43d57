"""Tools that guess passwords, by their name: what is said of one that is refused."""

from __future__ import annotations

import pytest

from analyzer.register.scanners import AS_A_WORD, is_scanner
from analyzer.storm import scans
from tests.views.reports import drawn, report_of

GUESSES = "> REGISTER sip:example.com\nUser-Agent: {}\n< 401\n" + "".join(
    f"> REGISTER sip:example.com\nUser-Agent: {{}}\nAuthorization: {{{{bob guess-{number}}}}}\n< 401\n"
    for number in range(5)
)
NAMED = "it calls itself by the name of a tool that guesses accounts and passwords"


@pytest.mark.parametrize("name", ["friendly-scanner", "SIPVicious 0.3", "sipcli/v1.8", "iWar"])
def test_names_of_tools(name: str) -> None:
    assert is_scanner(name)


@pytest.mark.parametrize(
    "name", ["", "Friendly Phone 1", "baresip v1.0.0", "sip-client", "SIPp", "BetterSIPClient 1.0"]
)
def test_names_of_others(name: str) -> None:
    assert not is_scanner(name)


def test_the_storm_analysis_knows_the_same() -> None:
    """It stands on tables alone, and has the names for itself."""
    assert scans._SCANNERS == AS_A_WORD


def said(agent: str, flow: str = GUESSES) -> str:
    text = flow.replace("{}", agent).replace("{{", "{").replace("}}", "}")
    return " ".join(drawn(report_of(text, passwords={"bob": "secret"}, tail=60), 200).split())


def test_a_guesser_is_called_one_and_a_phone_is_not() -> None:
    assert f"{NAMED}: " in said("friendly-scanner")
    assert NAMED not in said("Snom 300")


def test_one_that_got_in_is_not_called_one_of_whom_it_fails() -> None:
    """An own test with such a tool, which registers: its later refusal is told as any."""
    flow = "> REGISTER sip:example.com\nUser-Agent: {}\n< 200\n@30 > REGISTER sip:example.com\nUser-Agent: {}\n< 403\n"
    assert NAMED not in said("sipcli/v1.8", flow)
