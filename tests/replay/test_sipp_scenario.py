"""The files that the SIPp export writes: structure, escapes that hold against hostile octets, users, warnings."""

from __future__ import annotations

import os
import re
import stat
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.register.digest.secret import Secret
from analyzer.register.digest.secrets import Secrets
from replay.agent import Mapping
from replay.flow import Flow
from replay.sipp import Scenario, SippError, scenario, write_scenario
from replay.sipp.scenario import MOST_OCTETS
from tests.replay.sipp_peer import CHALLENGE, SIGNED, answer, flow_of, register

_KEYWORDS = re.compile(
    r"\[(?:local_ip|local_port|transport|branch|call_id|len|pid|call_number|field[0-3]|cseq(?:[+-]\d+)?|\$min_expires"
    r'|authentication username="\[field[03]\]" password="(?:not )?\[field2\]")\]'
)
_ALICE = Secrets.of({"alice": "alicepw"})


def _attempt(cseq: int = 1, *rows: bytes) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    return (register(cseq, *rows), answer(401, CHALLENGE)), (register(cseq + 1, SIGNED, *rows), answer(200))


def _root(made: Scenario) -> ElementTree.Element:
    return ElementTree.fromstring(made.xml)


def _sends(made: Scenario) -> list[str]:
    return [element.text or "" for element in _root(made).iter("send")]


def _as_sipp_sends(text: str) -> bytes:
    """What SIPp 3.6.1 makes of a message: blanks at both ends of lines go, line ends are CRLF, `\\xHH` an octet."""
    text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text.strip(" \t\n"))
    if "\n\n" not in text:
        text += "\n\n"
    octets = text.replace("\n", "\r\n").encode("latin-1")
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes.fromhex(found[1].decode()), octets)


def _comments(made: Scenario) -> list[str]:
    return re.findall(r"<!-- (.*?) -->", made.xml)


# Structure


def test_fixed_scenario_walks_each_matter_and_removes_the_binding() -> None:
    made = scenario(flow_of(*_attempt(1), *_attempt(3)), secrets=_ALICE)
    sends = _sends(made)
    assert len(sends) == 4 + 4 + 2, "bare, signed, raised, raised and signed, twice; bare and signed to remove"
    assert [("Expires: 0\n" in text, ";expires=0" in text) for text in sends] == [(False, False)] * 8 + [
        (True, True)
    ] * 2
    assert all("Call-ID: [call_id]\n" in text and "CSeq: [cseq] REGISTER\n" in text for text in sends)
    assert [element.get("milliseconds") for element in _root(made).iter("pause")] == ["250"]


def test_every_branch_leads_to_a_label() -> None:
    made = scenario(flow_of(*_attempt(1), (register(3, SIGNED), answer(200))), secrets=_ALICE)
    root = _root(made)
    labels = [element.get("id") for element in root.iter("label")]
    nexts = {element.get("next") for element in root.iter() if element.get("next")}
    assert len(labels) == len(set(labels))
    assert nexts <= set(labels)
    assert root.find("./nop[@test='challenged']") is not None


def test_each_wait_ends_with_an_answer_that_must_come() -> None:
    made = scenario(flow_of(*_attempt()), secrets=_ALICE)
    elements = list(_root(made))
    for one, following in pairwise(elements):
        if one.tag == "send":
            assert (following.tag, following.get("optional")) == ("recv", "true")
        if one.tag == "recv" and one.get("optional"):
            assert following.tag == "recv"
    waits = [element for element in elements if element.tag == "recv"]
    assert {element.get("timeout") for element in waits} == {"32000"}
    assert {element.get("response") for element in waits if element.get("auth")} == {"401", "407"}
    assert {element.get("response") for element in waits if not element.get("optional")} == {"200"}


def test_keep_keeps_the_binding() -> None:
    assert "Expires: 0\n" not in scenario(flow_of(*_attempt()), keep=True).xml


def test_a_flow_that_removes_its_binding_needs_no_removal() -> None:
    gone = register(2).replace(b"Expires: 60", b"Expires: 0")
    made = scenario(flow_of((register(1), answer(200)), (gone, answer(200))))
    assert "are removed" not in made.xml


def test_captured_scenario_expects_the_very_answers() -> None:
    said = [*_attempt(7), (register(7), answer(500)), (register(9), None)]
    made = scenario(flow_of(*said), repaired=False, secrets=_ALICE, speed=2)
    root = _root(made)
    must = [element.get("response") for element in root.iter("recv") if not element.get("optional")]
    assert must == ["401", "200", "500"]
    assert [re.findall(r"(?m)^CSeq: (.*)$", text)[0] for text in _sends(made)] == [
        f"{n} REGISTER" for n in (7, 8, 7, 9)
    ]
    assert [element.get("retrans") for element in root.iter("send")] == ["500", "500", "500", None]
    assert [element.get("milliseconds") for element in root.iter("pause")] == ["125", "125", "125"]
    assert all("branch=z9hG4bKcaptured" in text and "-[pid]-[call_number]" in text for text in _sends(made))


def test_captured_call_ids_stay_different() -> None:
    other = register(2).replace(b"captured@", b"other@")
    made = scenario(flow_of((register(1), answer(200)), (other, answer(200))), repaired=False)
    assert [re.findall("Call-ID: (.*)", text)[0] for text in _sends(made)] == ["[call_id]", "1///[call_id]"]


def test_captured_credentials_without_challenge_are_said_as_they_were() -> None:
    made = scenario(flow_of((register(5, SIGNED), answer(200))), repaired=False)
    assert "[authentication" not in made.xml
    assert SIGNED.partition(b" ")[2] in _as_sipp_sends(_sends(made)[0])


def test_speed_zero_leaves_pauses_out() -> None:
    assert "<pause" not in scenario(flow_of(*_attempt(1), *_attempt(3)), speed=0).xml


def test_fixed_cseq_begins_as_captured() -> None:
    assert "CSeq: [cseq+41] REGISTER" in scenario(flow_of(*_attempt(42))).xml


def test_423_is_answered_with_what_it_asks_for() -> None:
    brief = answer(423, b"Min-Expires: 90")
    made = scenario(flow_of((register(1), brief), (register(2), answer(200))))
    root = _root(made)
    assert root.find("./recv[@response='423']/action/ereg[@assign_to='min_expires']") is not None
    assert sum("Expires: [$min_expires]\n" in text for text in _sends(made)) == 2


def test_a_refusal_that_no_rule_explains_is_a_good_end() -> None:
    said = (register(1), answer(404))
    assert 'response="404"' in scenario(flow_of(said)).xml
    assert 'response="404"' not in scenario(flow_of(said, rules=("R3261-10.2-callid",))).xml


def test_edits_are_cited_with_their_rules() -> None:
    said = register(1).replace(b"REGISTER sip:lab", b"REGISTER sip:alice@lab").replace(b";tag=then", b"")
    comments = _comments(scenario(flow_of((said, answer(200)))))
    cited = {comment.partition(":")[0] for comment in comments}
    assert {"R3261-10.2-ruri-userinfo", "R3261-8.1.1.3-from-tag"} <= cited


def test_too_long_for_sipp_loses_comments_then_branches_then_is_an_error() -> None:
    def made(count: int) -> Scenario:
        faulty = (register(number).replace(b"REGISTER sip:", b"REGISTER sip:alice@") for number in range(1, count + 1))
        return scenario(flow_of(*((request, answer(200)) for request in faulty)))

    found = [(bool(_comments(one)), "$min_expires" in one.xml) for one in map(made, range(20, 41, 2))]
    assert (
        sorted(set(found), reverse=True) == list(dict.fromkeys(found)) == [(True, True), (False, True), (False, False)]
    )
    assert len(made(40).xml) <= MOST_OCTETS
    with pytest.raises(SippError, match=r"SIPp 3\.6 reads 65,535: choose fewer"):
        made(200)


# Hostile octets

_SIGNS = (
    *(b"[", b"]", b"]]>", b"[field0]", b"[call_id]", b"\\x41", b"\\", b"<", b"&", b"&lt;", b"$", b'"', b"-->", b"<!--"),
    *(b" ", b"\t", b"\0", b"\xff", b"sipp0xb", b"SIPP1Xa", b"--", b"%s", b"<![CDATA["),
)
_NASTY = st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(_SIGNS), max_size=8).map(b"".join))
_VALUE = _NASTY.map(lambda octets: b"a" + octets.replace(b"\r", b"").replace(b"\n", b"") + b"z")


@given(value=_VALUE, body=_NASTY, repaired=st.booleans())
def test_hostile_octets_are_said_and_nothing_else(value: bytes, body: bytes, repaired: bool) -> None:
    said = register(1, b"X-Evil: " + value, body=body)
    made = scenario(flow_of((said, answer(200))), repaired=repaired)
    text = _sends(made)[0]
    assert not set('["]') & set(_KEYWORDS.sub("", text))
    sent = _as_sipp_sends(text)
    assert b"\r\nX-Evil: " + value + b"\r\n" in sent
    assert sent.endswith(b"\r\n\r\n" + body)


@given(name=_VALUE, aor=st.text(max_size=30))
def test_hostile_names_break_neither_file(name: bytes, aor: str) -> None:
    quoted = name.replace(b"\\", b"").replace(b'"', b"")
    said = register(1).replace(b"To: <sip:alice@", b'To: "' + quoted + b'" <sip:' + name + b"@")
    flow = flow_of((said, answer(401, CHALLENGE)))
    for repaired in (True, False):
        made = scenario(Flow(aor, "open", 1, flow.exchanges, sources=(aor,)), repaired=repaired)
        assert all("[" not in _KEYWORDS.sub("", text) for text in _sends(made))
        rows = made.csv.split(b"\n")
        assert (len(rows), rows[0], rows[1].count(b";"), rows[2]) == (3, b"SEQUENTIAL", 3, b"")


@given(edit=_VALUE)
def test_hostile_comments_stay_comments(edit: bytes) -> None:
    said = register(1).replace(b"Max-Forwards: 70", b"Max-Forwards: " + edit)
    made = scenario(flow_of((said, answer(200))))
    tags = {element.tag for element in _root(made).iter()}
    assert tags <= {"scenario", "send", "recv", "label", "action", "ereg"}
    assert made.xml.isascii() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", made.xml)


# Users


def test_passwords_are_in_the_csv_alone() -> None:
    secrets = Secrets.of({"carol": "of-carol", "alice": "of-alice"})
    made = scenario(flow_of(*_attempt()), secrets=secrets)
    assert made.csv == b"SEQUENTIAL\nalice;lab.invalid;of-alice;alice\ncarol;lab.invalid;of-carol;carol\n"
    assert made.users == 2
    assert "of-alice" not in made.xml and "of-alice" not in repr(made) and "of-alice" not in str(made.command("x", "c"))


def test_without_password_the_field_is_empty_and_said_so() -> None:
    made = scenario(flow_of(*_attempt()))
    assert made.csv == b"SEQUENTIAL\nalice;lab.invalid;;alice\n"
    assert made.warnings == ("no password of alice is known: the third field of its line is empty",)


def test_a_hash_is_no_password() -> None:
    secrets = Secrets([Secret("0" * 32, username="alice", realm="lab.invalid", kind="ha1")])
    made = scenario(flow_of(*_attempt()), secrets=secrets)
    assert "only a hash" in made.warnings[0] and b"0" * 32 not in made.csv


def test_another_user_name_of_the_digest_has_its_own_field() -> None:
    signed = SIGNED.replace(b'username="alice"', b'username="a-17"')
    said = [(register(1), answer(401, CHALLENGE)), (register(2, signed), answer(200))]
    made = scenario(flow_of(*said), secrets=Secrets.of({"a-17": "pw"}))
    assert made.csv == b"SEQUENTIAL\nalice;lab.invalid;pw;a-17\n"
    assert '[authentication username="[field3]" password="[field2]"]' in made.xml


@pytest.mark.parametrize("password", ["a;b", "a\nb", "a\rb", "a\0b", "[authentication x]", "x" * 251])
def test_a_password_that_the_file_cannot_hold(password: str) -> None:
    with pytest.raises(SippError) as caught:
        scenario(flow_of(*_attempt()), secrets=Secrets.of({"alice": password}))
    assert "alice" in str(caught.value) and password not in str(caught.value)


@pytest.mark.parametrize("user", ["a;b", 'a"b', "a\nb", "[field0]", "#a", "a b"])
def test_a_user_that_the_file_cannot_hold(user: str) -> None:
    with pytest.raises(SippError, match=r"cannot stand in SIPp's CSV file") as caught:
        scenario(flow_of(*_attempt()), secrets=Secrets.of({"alice": "pw", user: "pw"}))
    assert "\n" not in str(caught.value)


def test_a_captured_user_name_that_the_file_cannot_hold_is_left_out() -> None:
    signed = SIGNED.replace(b'username="alice"', b'username="a;b"')
    made = scenario(flow_of((register(1), answer(401, CHALLENGE)), (register(2, signed), answer(200))))
    assert made.csv == b"SEQUENTIAL\nalice;lab.invalid;;\n"
    assert "a;b cannot stand" in made.warnings[0]


@pytest.mark.parametrize(
    ("host", "domain"), [(b"lab.invalid:5070", "lab.invalid"), (b"[2001:db8::1]:5070", "[2001:db8::1]")]
)
def test_a_port_is_no_part_of_the_domain(host: bytes, domain: str) -> None:
    made = scenario(flow_of((register(1).replace(b"lab.invalid", host), answer(200))), secrets=_ALICE)
    assert made.csv.decode() == f"SEQUENTIAL\nalice;{domain};alicepw;alice\n"
    assert "To: <sip:[field0]@[field1]:5070>" in made.xml
    assert made.auth_uri == host.decode()


def test_mapped_users_and_domains() -> None:
    mapping = Mapping.parse(("alice@lab.invalid=zoe@example.com",))
    made = scenario(flow_of(*_attempt()), secrets=Secrets.of({"zoe": "pw"}), mapping=mapping)
    assert made.csv == b"SEQUENTIAL\nzoe;example.com;pw;zoe\n"
    assert made.auth_uri == "example.com"


# What SIPp cannot do, and the command


@pytest.mark.parametrize(
    ("challenge", "warning"),
    [
        (CHALLENGE + b", algorithm=SHA-256", "SHA-256: SIPp 3.6.1 computes MD5 only"),
        (CHALLENGE + b", algorithm=MD5-sess", "MD5-sess: SIPp 3.6.1 computes MD5 only"),
        (CHALLENGE.replace(b'"auth"', b'"auth,auth-int"'), "auth-int"),
    ],
)
def test_warnings_are_also_comments(challenge: bytes, warning: str) -> None:
    said = [(register(1), answer(401, challenge)), (register(2, SIGNED), answer(200))]
    made = scenario(flow_of(*said), secrets=_ALICE)
    assert [warning in text for text in made.warnings] == [True]
    assert any(warning in comment for comment in _comments(made))


def test_faults_of_credentials_are_cited_and_those_beyond_sipp_named() -> None:
    rules = ("R7616-3.4-realm", "R7616-digest-verify", "R3261-22.4-qop-offered")
    said = [(register(1), answer(401, CHALLENGE)), (register(2, SIGNED), answer(403))]
    flow = flow_of(*said, rules=rules)
    cited = {comment.partition(":")[0] for comment in _comments(scenario(flow))}
    assert cited & set(rules) == {"R7616-3.4-realm", "R7616-digest-verify"}
    assert [text for text in scenario(flow, repaired=False, secrets=_ALICE).warnings if "R7616-3.4-realm" in text]


def test_plain_md5_is_no_reason_to_warn() -> None:
    assert scenario(flow_of(*_attempt()), secrets=_ALICE).warnings == ()


def test_captured_digest_uri_is_kept() -> None:
    said = [(register(1), answer(401, CHALLENGE)), (register(2, SIGNED.replace(b"sip:lab", b"sip:x.lab")), answer(200))]
    assert scenario(flow_of(*said), repaired=False).auth_uri == "x.lab.invalid"
    assert scenario(flow_of(*said)).auth_uri == "lab.invalid"


def test_the_command() -> None:
    words = scenario(flow_of(*_attempt(1), *_attempt(3))).command("s.xml", "u.csv", "127.0.0.1:5060", local="127.0.0.1")
    text = " ".join(words)
    assert text.startswith("sipp 127.0.0.1:5060 -sf s.xml -inf u.csv -t u1 -m 1 -i 127.0.0.1 -auth_uri lab.invalid")
    assert "-timeout 41s -timeout_error" in text and text.endswith("-trace_err")


def test_transport_of_the_flow_or_as_asked() -> None:
    flow = flow_of(*_attempt(), transport="TCP")
    assert "t1" in scenario(flow).command("s", "u") and ";transport=tcp" in scenario(flow).xml
    assert "u1" in scenario(flow, transport="udp").command("s", "u")
    assert any("TLS" in text for text in scenario(flow, transport="tls").warnings)


# Files


def test_files_are_written_and_the_users_are_for_their_owner(tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("what was there before, and longer than what comes, for everybody to read" * 3)
    users.chmod(0o644)
    made = write_scenario(flow_of(*_attempt()), tmp_path / "s.xml", users, secrets=_ALICE)
    assert users.read_bytes() == made.csv
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert (tmp_path / "s.xml").read_text() == made.xml


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SippError, match=r"No such file or directory$"):
        write_scenario(flow_of(*_attempt()), tmp_path / "absent" / "s.xml", tmp_path / "u.csv")
    assert not os.path.exists(tmp_path / "u.csv")


_VIA = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKcaptured1\r\n"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            _VIA,
            b"Via: SIP / 2.0 /UDP\r\n 192.0.2.1:5060 ;branch=b\r\n",
            b"Via: SIP / 2.0 /UDP\r\n LOCAL ;branch=b-ID\r\n",
        ),
        (
            _VIA,
            _VIA + b"v: SIP/2.0/TCP p;branch=c\r\n",
            b";branch=z9hG4bKcaptured1-ID\r\nv: SIP/2.0/TCP p;branch=c\r\n",
        ),
        (b"Content-Length: 0\r\n\r\n", b"Content-Length: 0\r\n\r\nmore", b"Content-Length: 0\r\n\r\nmore"),
        (b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\n", b"Max-Forwards: 70\n"),
        (b"Content-Length: 0\r\n\r\n", b"Content-Length: 0\r\n", b"Content-Length: 0\r\n\r\n"),
        (b"REGISTER sip:lab", b"\r\n\r\nREGISTER sip:lab", b"REGISTER sip:lab.invalid SIP/2.0\r\n"),
    ],
    ids=["folded Via", "rows of Via", "trailing octets", "bare LF", "no end of the head", "leading CRLF"],
)
def test_odd_requests_are_said_as_captured(before: bytes, after: bytes, said: bytes) -> None:
    made = scenario(flow_of((register(1).replace(before, after), answer(200))), repaired=False)
    sent = _as_sipp_sends(_sends(made)[0]).replace(b"[pid]-[call_number]", b"ID")
    sent = sent.replace(b"[local_ip]:[local_port]", b"LOCAL").replace(b"[field1]", b"lab.invalid")
    assert said in sent
    assert not sent.startswith(b"\r\n") and sent.count(b"\r\n\r\n") == 1
