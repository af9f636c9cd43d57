"""Changes to how a request travels: Via, Max-Forwards, Route, lengths, lines that are no headers (8.1.1, 18)."""

from __future__ import annotations

import re

from analyzer.evidence import Fidelity
from analyzer.sip.grammar import LWS, PORT
from analyzer.sip.scalar import decimal
from analyzer.sip.text import segments
from analyzer.sip.via import MAGIC_COOKIE, Via
from replay.agent import Agent
from replay.flow import Exchange
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.rewrite.names import MANDATORY, SYNTAX
from replay.uris import hostport

BRANCH_COOKIE = "R3261-8.1.1.7-branch-cookie"
BRANCH_REUSE = "R3261-8.1.1.7-branch-reuse"
MAX_FORWARDS = "R3261-8.1.1.6-max-forwards"
LENGTH = "R3261-18.3-content-length"
_FOREIGN = frozenset(("received", "rport", "branch", "maddr", "ttl"))
"""Via parameters that belong to the captured hop (18.2.1, RFC 3581)."""


_ADDED = re.compile(r"\s*;\s*(?:(?:received|maddr|ttl)\s*=\s*[^;\s]*|(rport)\s*=\s*[^;\s]*)", re.IGNORECASE)
"""What the server added to a Via (18.2.1), the port it saw, of which the question stays, and the address; and what
would send the responses to somebody in the captured network (18.2.2)."""
_SENT = re.compile(
    rf"(\s*SIP\s*/\s*[^/\s]+\s*/\s*)([^\s;,]+)(\s+)(?:\[[^\]]*\]|[^\s;:,]+)(?:\s*:\s*{PORT})?", re.IGNORECASE
)
"""Protocol, transport, blanks and sent-by of a Via (25.1), folded or not."""
_LIVE = "the live address"
_STREAM = "on a stream nothing else ends it (18.3)"


def repair_rows(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """7, 7.3: lines that end in CRLF, an empty one after the last header, and nothing but headers between."""
    del step, agent
    editor.drop_lines(SYNTAX, "a line that is no header field")
    editor.uncover(SYNTAX, "the start line comes first")
    editor.complete(SYNTAX, "an empty line ends the headers")
    editor.straighten(SYNTAX, "each line ends in CRLF")
    editor.cut(LENGTH, "octets beyond Content-Length are nobody's")


def put_ends(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """On a stream a message needs its ends (18.3): those of a captured datagram may be missing."""
    del step
    if agent.transport == "UDP":
        return
    editor.complete(why=_STREAM)
    editor.cut(why="on a stream it would be the next message")
    if editor.first("content-length") is None:
        editor.change("content-length", str(len(editor.body)), why=_STREAM)


def repair_via(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """8.1.1.7: one Via with the live address and a branch of its own; by rport the response finds back (RFC 3581)."""
    via = step.exchange.request.via
    if via is None:
        editor.change("via", _via(None, agent, agent.branch()), MANDATORY, "Via is missing")
        return
    rule, why = None, "the live address and a fresh branch"
    if not (via.branch or "").startswith(MAGIC_COOKIE):
        rule, why = BRANCH_COOKIE, "a branch begins with the magic cookie"
    elif step.before is not None and _branch(step.before) == via.branch:
        rule, why = BRANCH_REUSE, "each request has a branch of its own"
    editor.change("via", _via(via, agent, agent.branch()), rule, why)


def _branch(exchange: Exchange) -> str | None:
    via = exchange.request.via
    return via.branch if via is not None else None


def put_via(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """The live address in the topmost Via, all else as captured: a response goes where Via says (18.2.2)."""
    del step
    editor.patch("via", 0, lambda row: _sent_by(row, agent), why=_LIVE)


def _sent_by(row: str, agent: Agent) -> str:
    first, *others = segments(row)
    found = _SENT.match(first)
    if found is None:  # nothing that could be kept but parameters
        end = len(first.rstrip(LWS))
        params = first[first.index(";") : end] if ";" in first else ""
        head, rest = f" SIP/2.0/{agent.transport} {hostport(agent.local)}", params + first[end:]
    else:
        transport = found[2] if found[2].upper() == agent.transport else agent.transport
        head, rest = f"{found[1]}{transport}{found[3]}{hostport(agent.local)}", first[found.end() :]
    rest = _ADDED.sub(lambda added: f";{added[1]}" if added[1] else "", rest)
    return ",".join([head + rest, *others])


def _via(captured: Via | None, agent: Agent, branch: str) -> str:
    """Nothing of the captured hop stays but parameters that are its own (alias, keep, ...)."""
    kept = ""
    if captured is not None:
        for name, value in captured.params.items():
            if name.lower() not in _FOREIGN:
                kept += f";{name}={value}" if value else f";{name}"
    return f"SIP/2.0/{agent.transport} {hostport(agent.local)};rport;branch={branch}{kept}"


def repair_max_forwards(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """8.1.1.6: Max-Forwards is there, and lets the request arrive."""
    del step, agent
    value = editor.first("max-forwards")
    if value is None:
        editor.change("max-forwards", "70", MANDATORY, "Max-Forwards is missing")
        return
    number = decimal(value)
    if number is None or not 0 < number <= 255:
        editor.change("max-forwards", "70", MAX_FORWARDS, "a number from 1 to 255, and 70 is recommended")


def repair_routes(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """The way through the captured network is none here."""
    del agent
    editor.drop("route", why="it leads through the captured network")
    if len(step.exchange.request.vias) > 1:
        editor.drop("record-route", why="a proxy put it there")
        editor.drop("path", why="a proxy put it there")


def repair_length(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """18.3: Content-Length tells how long the body is."""
    del agent
    value, right = editor.first("content-length"), str(len(editor.body))
    if value is None:
        editor.change("content-length", right, why="a stream needs it (18.3)")
    elif decimal(value) != len(editor.body):
        raw_message = step.exchange.request.raw_message
        printed, cut = raw_message.fidelity is Fidelity.TEXT_LOG, bool(raw_message.missing)
        why = "a log loses line ends" if printed else "the capture is cut" if cut else "as long as the body is"
        editor.change("content-length", right, None if printed or cut else LENGTH, why)
