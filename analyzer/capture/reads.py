"""The page on what sipcheck reads, made of what formats, dialects and carriers declare of themselves."""

from __future__ import annotations

import inspect
from types import ModuleType

from analyzer import plugins
from analyzer.capture import dialects, formats
from analyzer.capture.asterisk.wordings import TRACES
from analyzer.capture.dialects import LogDialect
from analyzer.capture.flows.mending import REPAIRS
from analyzer.capture.formats import CaptureFormat
from analyzer.capture.newest_first import CODE, SAYS
from analyzer.capture.text.carrier_kinds import CARRIERS, COLLAPSED, OF_ALL
from analyzer.capture.text.grammar import NO_HINT
from analyzer.capture.text.records import RECORDS
from analyzer.capture.text.wraps import WRAPS

_HEAD = """# What sipcheck reads

Printed by `make docs` from what each file of `analyzer/capture/formats/` and `analyzer/capture/dialects/` declares.

Every input may be compressed with gzip, bzip2 or xz, and be standard input (`-`), but for `annotate` and `redact`,
which read a file twice. What it is, its content says: `sipcheck pcap` and `sipcheck annotate` take captures,
`sipcheck log` takes texts, and every other command that reads files both. `--dialect NAME` goes before what the content
says. Where several dialects know a text, the one that gets most out of its beginning reads it; where two get as much,
both are named. A text that was put together of those of several programs is read as all of them.

"""
_CARRIERS = """
## Hex dumps

The digits are read, whoever printed them: with offsets or without, as octets or as words of two (hexdump, od -x), as
strings and arrays of a program's source. A dump with headers is a packet, and goes the way of those of a capture:
fragments, TCP, tunnels. One that begins with a message is a payload, and has the ends and the time that the line above
it prints. Where characters beside the digits contradict them, the message says so (`repaired-hex`) and is told with
less confidence; where rows are lost (`hex-gap`), it ends there, and is one that lost a part.

## Programs that nobody knows

Where no dialect knows a text, the line above each message is read for what it says in so many words (`announced`): a
time, an arrow between two addresses, `from` and `to`, a word for sent or received. What it does not say, and where it
contradicts Via, stays unknown. Messages without such a line are read alone (`bare`).

## What may stand around the lines of a text

The same text comes in many wrappings. UTF-16, byte order marks, Windows line ends and carriage returns alone are read
as they are. What follows is taken off, where a dialect knows what is left, records that span lines (exports of log
servers, mails) first; each message then says so, and what is found in it is told with less confidence. An indentation
that all lines have in common is taken off likewise, or those around the first message where prose stands around it, and
what any logger writes before each line, if it differs in its digits alone. A text that lists the newest message first,
all through (exports of log servers and capture servers do), is turned round to the order of its times; one that lists
the newest call first, the messages of each in their order, likewise, and one without times, if every answer stands
above its request. One that lists the newest line first (`tac`, exports with a line of the log in each record) is turned
line by line before it is read. What is longer than 128 MiB, 200,000 messages or 4 million lines is read as it stands,
and that is said.

| repair | the lines are |
| --- | --- |
"""


_LOGGING = """
## How a program is told to log its messages

What `sipcheck log` says, too, where a text of such a program holds none.

| name | what helps |
| --- | --- |
"""
_REPAIRS = """
## What is put right in call flows

Call flows of RFCs, slides and pages of the web (`flow-text`) were copied, often more than once. Each message says what
was put right in it, and what is found in it is told with less confidence. An indentation, the order of sections, and
folded lines are read as they are.

| repair | the lines are |
| --- | --- |
"""


def as_markdown() -> str:
    """The whole page."""
    rows = [_HEAD, "## Captures\n\n| name | what it is | more |\n| --- | --- | --- |\n"]
    rows += [_row(one) for one in plugins.load_all(formats, CaptureFormat)]  # type: ignore[arg-type]
    rows.append("\n## Texts\n\n| name | what it is | more |\n| --- | --- | --- |\n")
    rows += [_row(one) for one in plugins.load_all(dialects, LogDialect)]  # type: ignore[arg-type]
    rows.append(_LOGGING)
    rows += [f"| `{name}` | {how} |\n" for name, how in _hints().items()]
    rows.append(_CARRIERS)
    says = {one.code: one.says for one in (*CARRIERS, *OF_ALL, COLLAPSED)} | RECORDS
    rows += [f"| `{code}` | {text} |\n" for code, text in says.items()]
    rows.append(f"| `repaired-wraps` | {WRAPS} |\n")
    rows.append(f"| `{CODE}` | {SAYS} |\n")
    rows.append(_REPAIRS)
    rows += [f"| `{code}` | {says} |\n" for code, says in REPAIRS.items()]
    return "".join(rows)


def _hints() -> dict[str, str]:
    """What helps where a text of a dialect holds no message, for those that say so."""
    found = {}
    for module in plugins.load_all(dialects, LogDialect):
        grammar = getattr(module, "GRAMMAR", None)
        if grammar is not None and grammar.hint != NO_HINT:
            found[module.NAME] = grammar.hint
    found |= {"asterisk-chan_sip": TRACES["chan_sip"], "asterisk-pjsip": TRACES["res_pjsip"]}
    return dict(sorted(found.items()))


def _row(module: ModuleType) -> str:
    """A line of a table: what the module is called, and what its docstring begins with."""
    paragraph = inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| `{module.NAME}` | {module.TITLE} | {paragraph} |\n"
