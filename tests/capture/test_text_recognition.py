"""Which dialect a text is of: by what it gets out of it, and `--dialect` goes before that."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.capture import dialects
from analyzer.capture.formats import discover
from analyzer.capture.opener import open_sources
from analyzer.cli import sipcheck
from analyzer.defect import SourceError
from analyzer.evidence import RawMessage
from tests.capture.printing import NAMES, example
from tests.plugins.added import added
from tests.plugins.folders import loaded
from tests.shared import DATA

TEXTS = DATA / "texts"
RIVAL = '''"""A dialect that takes what another one knows."""
from analyzer.capture.dialects import ngrep
from analyzer.evidence import RawMessage
NAME = "rival"
TITLE = "rival's log"
EXAMPLE = ngrep.EXAMPLE

def looks_like(head):
    return ngrep.looks_like(head)

def read(stream, source):
    for item in ngrep.read(stream, source):
        %s
        yield item
'''


def read(text: bytes, dialect: str | None = None) -> tuple[str, list[RawMessage]]:
    with open_sources([io.BytesIO(text)], dialect=dialect) as reading:
        return reading.sources[0].format, [item for item in reading if isinstance(item, RawMessage)]


LAST = {"announced", "bare"}
"""They are asked when all others said no."""


@pytest.mark.parametrize("name", NAMES)
def test_no_other_dialect_claims_an_example(name: str) -> None:
    """Those of messages without a program are asked when all others said no."""
    claims = [form.name for form in discover() if form.kind == "log" and form.looks_like(example(name))]
    assert {one.replace("-", "_") for one in claims} - LAST == {name} - LAST


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("asterisk16-history.txt", "asterisk-history"),
        ("baresip-s.txt", "baresip"),
        ("kamailio-sipdump.data", "kamailio-sipdump"),
        ("kamailio-xlog-mb.txt", "kamailio-log"),
        ("ngrep-byline-t.txt", "ngrep"),
        ("pjsua2-level5.txt", "pjsip"),
        ("sipgrep.txt", "ngrep"),
        ("sipp-trace_msg.txt", "sipp"),
        ("sngrep-saved.txt", "sngrep"),
        ("tcpdump-A.txt", "tcpdump"),
        ("tshark-V.txt", "wireshark"),
        ("jssip.txt", "browser-console"),
        ("sipjs.txt", "browser-console"),
        ("sipsak.txt", "sipsak"),
        ("sofia.txt", "freeswitch"),
    ],
)
def test_texts_of_real_programs(name: str, wanted: str) -> None:
    with open_sources([TEXTS / name]) as reading:
        assert reading.sources[0].format == wanted


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [("item.time = None", "ngrep"), ("item.missing = 1", "ngrep"), ("item.source.port or 1", None)],
)
def test_two_that_claim_a_text(
    statement: str, wanted: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The one that tells more has it; two that tell as much are both named, with what they tell."""
    text = example("ngrep")
    with added(dialects, "rival", RIVAL % statement, monkeypatch, tmp_path):
        if wanted:
            assert read(text)[0] == wanted
        else:
            with pytest.raises(SourceError) as caught:
                read(text)
            assert "looks like ngrep (2 messages, 6 times and addresses) and like rival (2 messages, 6" in str(
                caught.value
            )
            assert "say which with --dialect" in str(caught.value)
        assert read(text, "rival")[0] == "rival"


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_that_is_named_is_taken(name: str) -> None:
    kind = loaded("dialect", name).NAME
    assert read(example(name), kind)[0] == kind
    assert read(b"of nobody, whatever it says\n" * 3, kind) == (kind, [])


def test_an_unknown_dialect_names_dialects_alone() -> None:
    done = CliRunner().invoke(sipcheck, ["log", "--dialect", "nope", str(TEXTS / "sipsak.txt")])
    assert done.exit_code == 2
    names = done.output.partition("known are ")[2].strip().split(", ")
    assert names == sorted(form.name for form in discover() if form.kind == "log")
    assert "pcap" not in names


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("sipp-trace_shortmsg.txt", "run SIPp with -trace_msg"),
        ("asterisk16-history.txt", "`pjsip show history entry N` prints one message"),
    ],
)
def test_a_text_of_a_known_program_without_messages_says_how(name: str, advice: str) -> None:
    done = CliRunner().invoke(sipcheck, ["log", str(TEXTS / name)])
    assert done.exit_code == 3
    assert advice in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("linphone.txt", "linphonec -d 6"),
        ("pjsua2-level5.txt", "--log-level 5"),
        ("jssip.txt", "JsSIP.debug.enable"),
        ("baresip-s.txt", "baresip -s"),
        ("twinkle.txt", "log_show_sip=yes"),
    ],
)
def test_what_is_left_of_a_log_without_its_messages(name: str, advice: str, tmp_path: Path) -> None:
    text = (TEXTS / name).read_bytes()
    with open_sources([io.BytesIO(text)]) as reading:
        taken = {n for item in reading for n in range(item.place.first - 1, item.place.last + 1)}  # type: ignore[union-attr]
    rest = [line for n, line in enumerate(text.split(b"\n"), 1) if n not in taken and b"SIP/2.0" not in line]
    rest = [line for line in rest if not any(one in line for one in (b"msg ", b"message", b"UDP 10."))]
    path = tmp_path / name
    path.write_bytes(b"\n".join(rest))
    done = CliRunner().invoke(sipcheck, ["log", str(path)])
    assert done.exit_code == 3
    assert advice in done.output


def test_prose_around_messages() -> None:
    text = b"Hello,\n\nthis is what I see (192.0.2.10 -> the server):\n\n" + example("bare") + b"\nWhat is wrong?\n"
    kind, messages = read(text)
    assert kind == "bare"
    assert [len(one.payload) for one in messages] == [239, 188]


@pytest.mark.parametrize(
    "mention", [b"the phone sends REGISTER sip:a SIP/2.0 to it\n", b'"SIP/2.0 200 OK"\nwas seen\n']
)
def test_a_mention_is_no_message(mention: bytes) -> None:
    with pytest.raises(SourceError):
        read(mention * 3)
    _, messages = read(example("bare") + mention)
    assert len(messages) == 2


def test_stamps_of_twelve_hours() -> None:
    text = example("bare").replace(b"REGISTER sip:pbx", b"11/29/2026 3:04:05 PM REGISTER sip:pbx")
    from analyzer.capture.text.stamps import parse_stamp

    for written, second in (
        (b"11:04:05 AM", 39845),
        (b"12:00:00 AM", 0),
        (b"12:30:00 PM", 45000),
        (b"3:04:05.5 pm", 54245),
    ):
        stamp = parse_stamp(written)
        assert stamp is not None and stamp.second == second
    assert parse_stamp(b"13:00:00 PM") is None
    assert len(read(text)[1]) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ngrep", "pjsip"),
        ("kamailio_log", "baresip"),
        ("freeswitch", "tcpdump"),
        ("sipp", "linphone"),
        *(("asterisk_pjsip", name) for name in ("ngrep", "sngrep", "pjsip", "twinkle", "asterisk_history")),
        *(("asterisk_chan_sip", name) for name in ("tcpdump", "baresip", "kamailio_sipdump", "wireshark")),
        ("kamailio_log", "asterisk_chan_sip"),
    ],
)
def test_texts_of_two_programs_in_one_file(one: str, other: str) -> None:
    """Put together, or one among the lines of the other: the messages of both, each as its own dialect reads it."""
    text = example(one) + b"\n" + example(other) + b"\n" + example(one)
    kind, messages = read(text)
    assert set(kind.split("+")) == {loaded("dialect", one).NAME, loaded("dialect", other).NAME}
    apart = [item for name in (one, other, one) for item in read(example(name))[1]]
    assert [item.payload for item in messages] == [item.payload for item in apart]
    assert [(item.source, item.destination) for item in messages] == [(item.source, item.destination) for item in apart]
    physical = text.split(b"\n")
    assert all(b"SIP/2.0" in physical[item.place.first - 1] for item in messages)  # type: ignore[union-attr]


def test_messages_that_nothing_announces_are_told_of() -> None:
    """Read they are not, among those of a log: what somebody quotes is no message of it."""
    with open_sources([io.BytesIO(example("sngrep") + b"\n" + example("bare"))]) as reading:
        assert len([item for item in reading if isinstance(item, RawMessage)]) == 2
        told = [one for one in reading.sources[0].quality if "--dialect bare" in one]
    assert told == ["2 messages have no line of the log above: left out, but read with --dialect bare."]


@pytest.mark.parametrize("name", ["sipsak.txt", "tshark-V.txt", "tcpdump-A.txt", "pjsua2-level5.txt", "ngrep-tcp.txt"])
def test_of_what_a_program_prints_itself_it_is_not_told(name: str) -> None:
    with open_sources([TEXTS / name]) as reading:
        assert list(reading)
        assert not any("--dialect bare" in one for one in reading.sources[0].quality)


def test_a_mixed_text_is_not_torn_by_a_body(tmp_path: Path) -> None:
    """What one dialect's message quotes of another is its body."""
    from tests.capture.printing import with_body

    body = [line.rstrip(b"\r") for line in example("sngrep").split(b"\n")[:-1]]
    kind, messages = read(with_body("pjsip", body))
    assert len(messages) == 2
    assert kind in ("pjsip", "pjsip+sngrep")


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x00\x01\x02\x03" * 40, b"\x7fELF" + bytes(60)])
def test_what_is_no_text_is_no_log(head: bytes) -> None:
    with pytest.raises(SourceError):
        read(head + example("bare"))
