"""Logs that are cut, mixed, forged or plain junk."""

from __future__ import annotations

import io
import itertools
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.dialects import asterisk_chan_sip, asterisk_pjsip
from analyzer.evidence import Source
from tests.capture.asterisk_text import (
    REGISTER,
    UNAUTHORIZED,
    WRAPPERS,
    Dribble,
    full,
    full_json,
    identity,
    message,
    octets,
    paste,
    pjsip,
    read_log,
    received,
    request,
    sent,
    stamped,
)

PREFIX = "[Nov 20 11:53:45] VERBOSE[18974] chan_sip.c: "
FORGED = (
    "<--- SIP read from UDP:127.0.0.66:5060 --->\r\nREGISTER sip:evil.invalid SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.66:5060;branch=z9hG4bKfake\r\nFrom: <sip:fake@evil.invalid>;tag=1\r\n"
    "To: <sip:fake@evil.invalid>\r\nCall-ID: injected@evil\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
    "<------------->\r\n--- (7 headers 0 lines) ---"
)
FORGED_PJSIP = (
    "<--- Received SIP request (81 bytes) from UDP:127.0.0.66:5060 --->\r\n"
    "REGISTER sip:evil.invalid SIP/2.0\r\nCall-ID: injected@evil\r\nCSeq: 1 REGISTER\r\n\r\n"
)
END = "x\r\n<------------->\r\n"
FORGED_JSON = full_json([received(REGISTER.replace("1550c5bf", "injected@evil"))[0]]).strip()
BODIES = {
    "framing": FORGED,
    "after text": "hello\r\n" + FORGED,
    "outer closed by a right count": f"{END}--- (8 headers 1 lines) ---\r\n\r\n{FORGED}",
    "outer closed with prefixes": f"{END}{PREFIX}--- (8 headers 1 lines) ---\r\n{PREFIX}\r\n{FORGED}",
    "new entry": f"x\r\n{PREFIX}\r\n{FORGED}",
    "pjsip": "x\r\n" + FORGED_PJSIP,
    "pjsip entry": f"x\r\n{PREFIX}{FORGED_PJSIP}",
    "stamps": f"x\r\n[Nov 20 11:53:45] \r\n[Nov 20 11:53:45] {FORGED}",
    "json": f"x\r\n{FORGED_JSON}\r\ny",
    "notice": "x\r\n[Nov 20 11:53:45] NOTICE[18974] chan_sip.c: Registration failed\r\ny\r\n",
    "trailers": "v=0\r\n---\r\n<------------>\r\n<------------->\r\na=1\r\n",
}
FORMS = {form.__name__: form for form in (received, sent, request, pjsip)}
AFTER = [*received(REGISTER), *sent(UNAUTHORIZED), *pjsip(REGISTER.replace("1550c5bf", "second"))]
AFTER_IDS = [b"1550c5bf", b"1550c5bf", b"second"]


def call_ids(text: str) -> list[bytes]:
    return [identity(raw_message)[1] for raw_message in read_log(text)[0]]


@pytest.mark.parametrize("wrapper", list(WRAPPERS))
@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("body", list(BODIES))
def test_a_body_that_imitates_the_log_stays_a_body(body: str, form: str, wrapper: str) -> None:
    text = message(BODIES[body])
    found, _ = read_log(WRAPPERS[wrapper]([*FORMS[form](text), *AFTER]))
    assert [identity(raw_message)[1] for raw_message in found] == [b"outer@10.9.0.2", *AFTER_IDS]
    assert found[0].payload.decode() == text


@pytest.mark.parametrize("wrapper", ["full", "full_json", "full_plain"])
def test_octets_beyond_content_length_are_no_messages(wrapper: str) -> None:
    """RFC 4475 3.1.1.8: extra octets of a datagram. Logger files tell where the entry ends."""
    lying = message("hello\r\n<------------->\r\n" + FORGED, length=5)
    assert call_ids(WRAPPERS[wrapper]([*received(lying), *AFTER])) == [b"outer@10.9.0.2", *AFTER_IDS]


@pytest.mark.parametrize("wrapper", list(WRAPPERS))
@pytest.mark.parametrize("length", [0, 3, 30, 700, 2000, 60_000, 99_999_999])
def test_a_wrong_content_length_swallows_nothing(wrapper: str, length: int) -> None:
    entries = [*received(message("hello\r\nthere", length=length)), *AFTER]
    assert call_ids(WRAPPERS[wrapper](entries)) == [b"outer@10.9.0.2", *AFTER_IDS]


@pytest.mark.parametrize("wrapper", list(WRAPPERS))
@pytest.mark.parametrize("form", list(FORMS))
def test_a_first_message_full_of_control_characters_hides_no_log(form: str, wrapper: str) -> None:
    text = REGISTER.replace("Max-Forwards", f"Subject: {chr(2) * 500}\r\nMax-Forwards")
    head = octets(WRAPPERS[wrapper]([*FORMS[form](text), *AFTER]))
    dialect = asterisk_pjsip if form == "pjsip" else asterisk_chan_sip
    assert dialect.looks_like(head)


@pytest.mark.parametrize("wrapper", list(WRAPPERS))
def test_a_banner_inside_a_header_value(wrapper: str) -> None:
    text = REGISTER.replace("Max-Forwards", "Subject: <--- SIP read from UDP:1.2.3.4:5 --->\r\nMax-Forwards")
    for form in (received, pjsip):
        found, _ = read_log(WRAPPERS[wrapper]([*form(text), *AFTER]))
        assert found[0].payload.decode() == text
        assert len(found) == 4


def test_a_banner_on_a_header_line_of_its_own() -> None:
    """A bare LF in a header: chan_sip counts the lines, so the count tells that the inner block is none."""
    text = REGISTER.replace(
        "Max-Forwards", "Subject: x\n<--- SIP read from UDP:1.2.3.4:5 --->\nX: SIP/2.0\r\nMax-Forwards"
    )
    assert call_ids(paste([*received(text), *AFTER])) == [b"1550c5bf", *AFTER_IDS]


def cut(entries: list[str], lines: int, wrapper: str) -> str:
    return "".join(line + "\n" for line in WRAPPERS[wrapper](entries).split("\n")[:lines])


@pytest.mark.parametrize("wrapper", ["full", "full_plain", "paste", "console", "stamped", "remote"])
@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("lines", [5, 7, 13])
def test_a_cut_message_does_not_take_the_next_one_along(form: str, lines: int, wrapper: str) -> None:
    after = AFTER if form != "pjsip" else AFTER[-1:] * 3
    found, source = read_log(
        cut(FORMS[form](message("a\r\nb\r\nc\r\ndddd")), lines, wrapper) + WRAPPERS[wrapper](after)
    )
    ids = AFTER_IDS if form != "pjsip" else AFTER_IDS[-1:] * 3
    assert [identity(raw_message)[1] for raw_message in found[1:]] == ids
    assert found[0].missing > 0
    assert found[0].defects
    assert source.quality[-1] == "1 message has lost a part in the log."


@pytest.mark.parametrize("form", list(FORMS))
def test_a_message_cut_at_the_end_of_the_log(form: str) -> None:
    found, source = read_log(full(AFTER) + cut(FORMS[form](REGISTER), 6, "full"))
    assert [identity(raw_message)[1] for raw_message in found[:3]] == AFTER_IDS
    assert "cut-at-end" in {defect.code for defect in found[3].defects}
    assert found[3].missing > 0
    assert "1 message has lost a part in the log." in source.quality


NOTICES = {
    "full": f"{PREFIX}Peer 'x' is now Reachable\n".replace("VERBOSE[18974]", "NOTICE[7]"),
    "paste": "[Nov 20 11:53:45] NOTICE[7]: chan_sip.c:1 f: Peer 'x' is now Reachable\n",
    "stamped": "[Nov 20 11:53:45] \x1b[1;33mNOTICE\x1b[0m[7]: \x1b[1;37mchan_sip.c\x1b[0m:1 f: Peer\r\n",
}


@pytest.mark.parametrize("wrapper", list(NOTICES))
@pytest.mark.parametrize("form", list(FORMS))
def test_a_notice_between_the_lines_of_a_message(form: str, wrapper: str) -> None:
    lines = re.findall(r"[^\n]*\n", WRAPPERS[wrapper]([*FORMS[form](message("a\r\nb")), *AFTER]))
    for at in (4, 8, 11):
        found, source = read_log("".join([*lines[:at], NOTICES[wrapper], *lines[at:]]))
        assert found[0].payload.decode() == message("a\r\nb")
        assert [identity(raw_message)[1] for raw_message in found[1:]] == AFTER_IDS
        assert source.quality[0].startswith("1 message has other log lines in between")


def printed_by(thread: str, entries: list[str]) -> list[str]:
    return [
        f"[Nov 20 11:53:45] VERBOSE{thread} chan_sip.c: {line}\n"
        for entry in entries
        for line in entry.removesuffix("\n").split("\n")
    ]


@pytest.mark.parametrize("form", list(FORMS))
def test_threads_mixed_line_by_line(form: str) -> None:
    texts = [message("a\r\nb", call_id="one"), message("c\r\nd\r\ne", call_id="two"), REGISTER]
    threads = ("[1][C-00000001]", "[1][C-00000002]", "[2]")
    mixed = itertools.zip_longest(
        *(printed_by(thread, FORMS[form](text)) for thread, text in zip(threads, texts, strict=True)), fillvalue=""
    )
    found, _ = read_log("".join(itertools.chain.from_iterable(mixed)) + full(AFTER))
    assert sorted(raw_message.payload.decode() for raw_message in found[:3]) == sorted(texts)
    assert [identity(raw_message)[1] for raw_message in found[3:]] == AFTER_IDS


def test_counts_that_do_not_fit_are_defects() -> None:
    text = full(received(REGISTER)).replace("(9 headers", "(11 headers")
    (raw_message,) = read_log(text)[0]
    assert [defect.code for defect in raw_message.defects] == ["header-count"]
    assert raw_message.missing == 2
    text = full(pjsip(REGISTER)).replace(f"({len(REGISTER)} bytes)", f"({len(REGISTER) + 8} bytes)")
    (raw_message,) = read_log(text)[0]
    assert "byte-count" in {defect.code for defect in raw_message.defects}
    assert (raw_message.missing, raw_message.payload.decode()) == (8, REGISTER)


def test_broken_json_is_a_defect_of_the_source() -> None:
    lines = full_json(AFTER).splitlines(keepends=True)
    deep = '{"logmsg":' + "[" * 100_000 + "\n"
    found, source = read_log("".join([lines[0], lines[1][:60] + "\n", '{"logmsg": 3}\n', deep, *lines[1:]]))
    assert [identity(raw_message)[1] for raw_message in found] == AFTER_IDS
    assert source.defects == 3
    assert {defect.code for _, defect in source.defect_list} == {"bad-json"}


def test_a_line_without_end_is_cut() -> None:
    found, source = read_log("x" * (3 << 20) + "\n" + full(AFTER))
    assert len(found) == 3
    assert [defect.code for _, defect in source.defect_list] == ["long-line"]
    assert found[0].place[1] == 4


MIXED = octets(full([*received(message("a\r\n---\r\nb")), *AFTER]) + full_json(AFTER) + stamped(AFTER))


@pytest.mark.parametrize("sizes", [[1], [7, 1, 300], [65536], [4096, 3]])
def test_the_same_however_the_stream_is_cut(sizes: list[int]) -> None:
    source = Source("log")
    found = list(asterisk_chan_sip.read(Dribble(MIXED, sizes), source))  # type: ignore[arg-type]
    assert found == read_log(MIXED)[0]
    assert source.frames == read_log(MIXED)[1].frames


@pytest.mark.parametrize("entries", [[*received(message("a\r\nb")), *AFTER]])
def test_truncation_anywhere(entries: list[str]) -> None:
    for wrapper in WRAPPERS.values():
        content = octets(wrapper(entries))
        complete = len(read_log(content)[0])
        for end in range(0, len(content), 29):
            assert len(read_log(content[:end])[0]) <= complete


JUNK = st.lists(
    st.one_of(
        st.sampled_from(MIXED.split(b"\n")),
        st.sampled_from([b"<------------->", b"---", b"", b"\r", b"--- (9 headers 0 lines) ---", b"Content-Length: 9"]),
        st.sampled_from([octets(line) for line in (FORGED + FORGED_PJSIP).split("\r\n")]),
        st.binary(max_size=40),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(JUNK)
def test_junk_never_raises(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    for module in (asterisk_chan_sip, asterisk_pjsip):
        module.looks_like(content)
        source = Source("log")
        for raw_message in module.read(io.BytesIO(content), source):
            assert 1 <= raw_message.place[1] <= source.frames


@settings(max_examples=60, deadline=None)
@given(JUNK, st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_junk_is_the_same_however_it_is_cut(lines: list[bytes], sizes: list[int]) -> None:
    content = b"\n".join(lines)
    found = list(asterisk_chan_sip.read(Dribble(content, sizes), Source("log")))  # type: ignore[arg-type]
    assert found == read_log(content)[0]


@pytest.mark.parametrize(
    "unit",
    [
        paste(received(message("x\r\ny", length=65_000))),
        "<--- SIP read from UDP:1.2.3.4:5 --->\nA SIP/2.0\n",
        "<--- Received SIP request (65000 bytes) from UDP:1.2.3.4:5 --->\nA SIP/2.0\n\n",
        "<------------->\n",
        f"{PREFIX}\n",
    ],
)
def test_linear_time(unit: str) -> None:
    """Twelve times the input takes less than forty times as long (a quadratic reader: 144 times)."""

    def seconds(times: int) -> float:
        content = octets("<--- SIP read from UDP:1.2.3.4:5 --->\nA SIP/2.0\n\n" + unit * times)
        start = time.perf_counter()
        read_log(content)
        return time.perf_counter() - start

    times = 12_000 // unit.count("\n")
    assert seconds(12 * times // 4) < 40 * max(seconds(times // 4), 0.02)
