"""Who answered which of several challenges, and what is said of who answered none."""

from __future__ import annotations

import json

import pytest

from analyzer.judge.choosers import chooser_of, choosers, sentences, warning
from analyzer.rules import all_rules
from analyzer.views.formats import json as json_view
from tests.views.reports import drawn, report_of

BOTH = (
    '< 401\nWWW-Authenticate: Digest realm="h", nonce="n", qop="auth", algorithm=MD5\n'
    'WWW-Authenticate: Digest realm="h", nonce="n", qop="auth", algorithm=SHA-256\n'
)
SHA = '< 401\nWWW-Authenticate: Digest realm="h", nonce="n", qop="auth", algorithm=SHA-256\n'
MD5 = '< 401\nWWW-Authenticate: Digest realm="h", nonce="n", qop="auth", algorithm=MD5\n'


def client(name: str, offer: str, answer: str = "", *, agent: str = "", server: str = "") -> str:
    """One client that is offered something, and what it answers, if anything."""
    to = (
        f"{server}> REGISTER sip:example.com\nTo: <sip:{name}@example.com>\nFrom: <sip:{name}@example.com>;tag={name}\n"
    )
    to += f"Call-ID: {name}\nContact: <sip:{name}@192.0.2.10>\n" + (f"User-Agent: {agent}\n" if agent else "")
    flow = to + offer
    if answer:
        flow += f"{to}Authorization: {{{name} x realm=h nonce=n algorithm={answer}}}\n< 200\n"
    return flow


def text_of(flow: str, *, tail: float = 60.0) -> str:
    return " ".join(drawn(report_of(flow, rules=all_rules(), tail=tail), 200).split())


def test_who_answered_what_is_one_sentence() -> None:
    flow = "".join(
        (
            client("a", BOTH, "MD5", agent="sipsak 0.9.8.1"),
            client("b", BOTH, "MD5", agent="sipsak 0.9.8.1"),
            client("c", BOTH, "MD5"),
            client("d", BOTH, "SHA-256", agent="Fine/1"),
            client("e", BOTH, agent="Twinkle/1.10.2"),
            client("f", SHA, "MD5", agent="sibilant/0.4.2"),
        )
    )
    text = text_of(flow)
    assert (
        "Offered MD5 and SHA-256: 3 clients answered MD5 (sipsak 0.9.8.1 and 1 without a name), 1 answered SHA-256 "
        "(Fine/1), 1 answered none (Twinkle/1.10.2)." in text
    )
    assert "Offered SHA-256 alone: 1 client answered MD5 (sibilant/0.4.2)." in text


def test_of_md5_alone_nothing_is_said() -> None:
    assert "Offered" not in text_of(client("a", MD5, "MD5"))


def test_many_kinds_are_counted() -> None:
    flow = "".join(client(f"u{n}", BOTH, "MD5", agent=f"Kind{n}/1") for n in range(7))
    assert "7 clients answered MD5 (Kind0/1, Kind1/1, Kind2/1, Kind3/1 and 3 other kinds)." in text_of(flow)


def test_a_hostile_name_is_cut_and_harmless() -> None:
    text = text_of(client("a", BOTH, "MD5", agent="\\x1b[2J" + "A" * 500))
    assert "\x1b" not in text
    assert "A" * 60 not in text.partition("Offered")[2]


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Twinkle/1.10.2", "; Twinkle 1.10.2 looks at the last challenge alone, and knows MD5 alone"),
        ("baresip v1.1.0", "; baresip 1.0.0 and 1.1.0 answers nothing where SHA-256 is offered"),
        ("Unheard-of/1", ": it may look at the first of them alone, or at the last, or give up over one"),
        ("pyVoIP 1.6.8", ": it may look at the first of them alone"),
    ],
)
def test_who_gave_up_is_told_with_what_was_offered(agent: str, said: str) -> None:
    text = text_of(client("a", BOTH, agent=agent))
    assert f"never answered the challenge, which offers MD5 and SHA-256{said}" in text
    assert "no password set" not in text
    assert "The phone does not answer the challenge: offered MD5 and SHA-256, it sends no credentials" in text
    assert "explains 1 failed attempt" in text


def test_one_that_may_not_know_the_only_one() -> None:
    text = text_of(client("a", SHA, agent="Unheard-of/1"))
    assert "never answered the challenge, which offers SHA-256 alone: it may not know that" in text
    assert "no password set" not in text


def test_of_plain_md5_the_password_is_the_first_thought() -> None:
    assert "no password set in the phone, or the challenge was lost" in text_of(client("a", MD5))


def test_who_is_still_open_is_told_with_what_was_offered() -> None:
    text = text_of(client("a", BOTH), tail=6)
    assert "offered MD5 and SHA-256, and no credentials so far; the capture ends 6 s later" in text


def test_who_answered_before_is_told_with_both() -> None:
    flow = client("a", MD5, "MD5") + "@100 " + client("a", SHA)
    text = text_of(flow)
    assert "did not answer the challenge, which offers SHA-256 alone; it answered one at frame 3" in text


def test_the_json_has_the_choice() -> None:
    import io

    from analyzer.views import ViewOptions

    out = io.StringIO()
    json_view.render(report_of(client("a", BOTH, "MD5") + client("b", MD5, "MD5"), detail=True), out, ViewOptions())
    one, other = json.loads(out.getvalue())["registrations"]
    assert one["choice"] == {"realm": "h", "offered": ["MD5", "SHA-256"], "answered": ["MD5"]}
    assert other["choice"] is None


# What the advice to offer more than MD5 warns of.


def fixes(flow: str) -> list[str]:
    found = report_of(flow, rules=all_rules(), tail=60).findings
    return [finding.fix for finding in found if finding.rule == "DET-weak-md5"]


def test_programs_that_are_known_to_fail_are_named_where_better_is_advised() -> None:
    flow = client("a", MD5, "MD5", agent="baresip v1.0.0 (x86_64/linux)") + client("b", MD5, "MD5", agent="Fine/2")
    (fix,) = fixes(flow)
    assert "try each kind of phone first" in fix
    assert fix.endswith(
        "; of those here, baresip v1.0.0 (x86_64/linux) answers nothing where SHA-256 is offered, whatever stands "
        "beside it (measured with 1.0.0 and 1.1.0)"
    )


def test_what_was_seen_to_fail_elsewhere_in_the_capture_is_named_too() -> None:
    flow = client("a", MD5, "MD5", agent="Mine/1") + client("b", BOTH, agent="Mine/1", server="dst=198.51.100.7:5060 ")
    (fix,) = fixes(flow)
    assert fix.endswith("; of those here, Mine/1 answered none of MD5 and SHA-256 here")


def test_of_others_nothing_is_claimed() -> None:
    (fix,) = fixes(client("a", MD5, "MD5", agent="Fine/2") + client("b", MD5, "MD5"))
    assert "of those here" not in fix


def test_programs_at_other_servers_are_not_meant() -> None:
    far = client("b", MD5, "MD5", agent="Twinkle/1.10.2", server="dst=198.51.100.7:5060 ")
    near, other = sorted(fixes(client("a", MD5, "MD5", agent="Fine/2") + far), key=len)
    assert "Twinkle" not in near
    assert "Twinkle" in other


def test_no_more_than_a_few_are_named() -> None:
    agents = [f"{chooser.name}/9" for chooser in choosers().values()]
    assert warning(agents, ()).count("measured with") == 4
    assert warning((), [(f"K{n}", "MD5") for n in range(50)]).count("answered none") == 4
    assert warning((), ()) == ""


@pytest.mark.parametrize("chooser", choosers().values(), ids=lambda chooser: chooser.name)
def test_each_program_is_found_by_its_name(chooser: object) -> None:
    name = chooser.name  # type: ignore[attr-defined]
    assert chooser_of(f"{name}/1.2 (x)") is chooser
    assert chooser_of(name.upper()) is chooser
    assert chooser_of(f"not {name}") is None


def test_one_sentence_for_each_program() -> None:
    assert len(list(sentences(["baresip v1", "baresip v2", "Twinkle/1", "Fine"]))) == 2
