"""Each rule of RFC 3261 25.1 by examples of what it takes and what it leaves, and that it is written once."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import analyzer.sip
from analyzer.sip import grammar
from tests.shared import ROOT

ALL = "-.!%*_+`'~"
MARKS = "-_.!~*'()"

EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "TOKEN": (["a", "Z9", ALL, "100rel"], ["", "a b", "a;b", "é", '"', "a@b", "[::1]"]),
    "WORD": (["a", f'{ALL}()<>:\\"/[]?{{}}'], ["", "a@b", "a b", "é", "a,b", "a;b"]),
    "CALLID": (["a84b4c76e66710@pc33.atlanta.com", "a", "{1}"], ["", "@b", "a@", "a@b@c", "a b"]),
    "QDTEXT": (["", "a b", "a;,<>", "é"], ['"', "\\"]),
    "QUOTED_TEXT": (["", "a b", 'a\\"b', "\\\\", "é"], ['"', "\\", 'a"b']),
    "QUOTED_STRING": (['""', '"a b"', '"\\""', '"\\\\"', '"\r\n "'], ['"', '"a', 'a"', '"a""', '"\\"']),
    "QUOTED_STRING_OR_CUT": (['"a"', '"a', '"', '"\\"', '"a\\'], ["", "a", '"a"b']),
    "GEN_VALUE": (["a", "[::1]", "a=b", "10.0.0.1:5060"], ["", "a b", '"a"', "a,b", "a;b", "<a>"]),
    "GENERIC_PARAM": (
        ["lr", "a=b", "received=[::1]", 'a="b"', 'a=""', '+sip.instance="<urn:uuid:1, 2>"'],
        ["", "=b", "a=", 'a="b', 'a="b"c', 'a="b;c"', 'a="b\\\\c"', "a b"],
    ),
    "ESCAPED": (["%41", "%aF"], ["%4", "%", "%4g", "41", "%411"]),
    "USER_CHARACTER": ([*MARKS, *"&=+$,;?/%", "a", "0"], ["", "@", ":", "[", " ", '"', "#", "é"]),
    "PASSWORD_CHARACTER": ([*MARKS, *"&=+$,%", "a", "0"], ["", *";?/@: "]),
    "PLAIN_USER_CHARACTER": ([*MARKS, *"&=+$,", "a", "0"], ["", *";?/@: %"]),
    "SCHEME": (["sip", "SIPS", "a1+-."], ["", "1a", "+a", "a:", "a_b"]),
    "HOST_CHARACTER": (["a", "0", ".", "-", "_"], ["", ":", "[", "%", "é"]),
    "IPV6_CHARACTER": (["a", "F", ":", "."], ["", "g", "[", "%"]),
    "PORT": (["0", "5060", "99999999"], ["", "-1", "a", "٣"]),
    "PLAIN_PORT": (["1", "9999", "10000", "59999"], ["0", "05060", "60000", "65535", "100000", "٣"]),
    "SIP_VERSION": (["SIP/2.0", "SIP/10.25"], ["SIP/2", "SIP/.0", "SIP/2.", "SIP /2.0", "2.0"]),
    "LHEX": (["0", "a", "F"], ["", "g", "00"]),
    "NC_VALUE": (["00000001", "ABCDEFab"], ["1", "000000001", "0000000g"]),
    "DIGEST": (["0" * 32, "aF" * 32], ["0" * 31, "0" * 33, "0" * 63, "g" * 32]),
    "TOKEN68": (["abc", "YWxhZGRpbg==", "-._~+/"], ["", "=", "a=b", "a b", "a,"]),
    "LWS_CHARACTER": ([*grammar.LWS], ["", "a", "\v", "\x00", "\x85", "\xa0"]),
    "TOKEN_CHARACTER": ([*ALL, "a", "0"], ["", "@", "aa", " "]),
}
FRAGMENTS_OF_SETS = ["ALPHANUM", "UNRESERVED", "LWS", "QUOTED_PAIR"]


def test_every_rule_has_examples() -> None:
    names = {name for name in vars(grammar) if name.isupper()}
    assert names == EXAMPLES.keys() | set(FRAGMENTS_OF_SETS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_rule_takes_and_what_it_leaves(name: str) -> None:
    pattern = re.compile(getattr(grammar, name), re.DOTALL)
    taken, left = EXAMPLES[name]
    assert [text for text in taken if not pattern.fullmatch(text)] == []
    assert [text for text in left if pattern.fullmatch(text)] == []


def test_a_version_is_read_in_any_case() -> None:
    """7.1: "SIP-Version string is case-insensitive"."""
    assert re.fullmatch(grammar.SIP_VERSION, "sIp/2.0", re.IGNORECASE)


def test_tokens_are_those_of_the_abnf() -> None:
    every = [chr(code) for code in range(0x180)]
    legal = {character for character in every if re.fullmatch(grammar.TOKEN, character)}
    assert legal == {c for c in every if c.isascii() and c.isalnum()} | set(ALL)
    unreserved = {character for character in every if re.fullmatch(f"[{grammar.UNRESERVED}]", character)}
    assert unreserved == {c for c in every if c.isascii() and c.isalnum()} | set(MARKS)


def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    """The compiled patterns of all modules that read SIP."""
    modules = [
        importlib.import_module(f"analyzer.sip.{one.name}") for one in pkgutil.iter_modules(analyzer.sip.__path__)
    ]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }


def test_no_possessive_groups_in_what_is_composed() -> None:
    """Python before 3.11.5 matches `(...)*+` wrongly; a pattern made of fragments shows it nowhere in its own line."""
    group = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+")
    found = patterns()
    assert len(found) > 25
    texts = {name: p.decode() if isinstance(p := one.pattern, bytes) else p for name, one in found.items()}
    texts |= {name: getattr(grammar, name) for name in EXAMPLES}
    assert [name for name, text in texts.items() if group.search(text)] == []
    assert group.search("(?:ab)*+")


def test_each_rule_is_written_once() -> None:
    """The character classes that only the grammar has to know."""
    spelled = ("!%*_+`'~", "_.!~*'()", "[0-9A-Fa-f]{8}", "[0-9a-fA-F]{8}", "{32}(?:", r"[^\"\\]*+(?:\\.", "+/]++=*+")
    homes = {
        path.relative_to(ROOT).as_posix()
        for folder in ("analyzer", "replay")
        for path in (ROOT / folder).rglob("*.py")
        if any(text in path.read_text() for text in spelled)
    }
    assert homes <= {"analyzer/sip/grammar.py", "analyzer/sip/uri.py"}  # uri: the characters as a set
