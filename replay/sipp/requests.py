"""One request of the scenario: a captured one, rewritten, with SIPp keywords in the places that change.

`Speaker` is the user agent that SIPp will be: what it says of itself are words (marks.py) that become keywords.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analyzer.evidence import Frame
from analyzer.register.digest.secrets import Secrets
from analyzer.register.requested import requested_expiry
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.scalar import decimal
from replay.agent import Agent, Mapping
from replay.contacts import contacts_of, taken_away, with_param
from replay.digest_client import DigestClient
from replay.message_editor import Edit, MessageEditor
from replay.plan import Step
from replay.rewrite import BARE, NECESSITIES, auth, written
from replay.sipp.marks import Marks
from replay.sipp.script import Script

_BRANCH = re.compile(r"(;[ \t]*branch[ \t]*=[ \t]*[^;,\s]*)", re.IGNORECASE)
_SHOWN = 80
_COMPUTED = frozenset(("Authorization", "Proxy-Authorization"))
UNBROKEN = frozenset((auth.REALM, auth.QOP, auth.COUNT, auth.NONCE))
"""Rules about credentials that SIPp's own never break."""
_OF_CSV = "the user of the CSV file, or the mapping asked for"


@dataclass(slots=True)
class Speaker:
    """`transport` is that of Via, `username` (as keywords) whom the digest is for. `offset` is the number that the
    first CSeq goes beyond SIPp's count, which begins with 1; `uris` are the Request-URIs used."""

    marks: Marks
    transport: str
    mapping: Mapping
    username: str
    offset: int = 0
    uris: list[str] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)
    _agent: Agent = field(init=False)

    def __post_init__(self) -> None:
        word = self.marks.token
        digest_client = DigestClient(Secrets(), "", lambda: word)
        self._agent = Agent(
            self.marks.local, self.transport, lambda: word, digest_client, self.mapping, self.marks.call_id
        )

    def repaired(self, step: Step) -> tuple[MessageEditor, tuple[Edit, ...]]:
        """The request of a step without credentials, and the edits that mend it."""
        agent, marks, exchange = self._agent, self.marks, step.exchange
        begins = agent.cseq is None
        editor = written(step, agent, BARE)
        if begins and agent.cseq is not None:
            self.offset = agent.cseq - 1
        if exchange.status == 423 and exchange.final is not None:
            agent.min_expires = max(agent.min_expires, exchange.final.min_expires or 0)
        edits = tuple(edit for edit in editor.edits if edit.rule or edit.what not in _COMPUTED)
        editor.change("cseq", f"{marks.cseq} {exchange.request.method}")
        editor.change("content-length", marks.length)
        editor.change("from", with_param(editor.first("from") or "", "tag", marks.token))
        self._note_uri(editor)
        return editor, edits

    def verbatim(self, step: Step, *, challenged: bool) -> tuple[MessageEditor, tuple[Edit, ...]]:
        """The request of a step as captured; with credentials of SIPp's where it has some and somebody challenged."""
        marks, request = self.marks, step.exchange.request
        editor = written(step, self._agent, NECESSITIES)
        editor.uncover(why="SIPp sends none")
        editor.complete(why="SIPp ends every head")
        editor.patch(
            "via",
            0,
            lambda row: _BRANCH.sub(rf"\1-{marks.token}", row, count=1),
            why="each call has branches of its own",
        )
        number = self._numbers.setdefault(request.call_id, len(self._numbers))
        if editor.first("call-id") is not None:
            own = f"{number}///{marks.call_id}" if number else marks.call_id
            editor.change("call-id", own, why="SIPp knows an answer by its own Call-ID")
        if challenged and request.has_credentials:
            self.sign(editor)
        self._note_uri(editor)
        return editor, tuple(editor.edits)

    def sign(self, editor: MessageEditor) -> MessageEditor:
        """Put the place of the credentials into a request: instead of the first ones, or before Content-Length."""
        present = [key for key in CREDENTIALS if editor.first(key) is not None]
        for key in present[1:]:
            editor.drop(key, why="SIPp answers one challenge")
        key = present[0] if present else "authorization"
        editor.change(key, self.marks.credentials, why="computed by SIPp for the latest challenge")
        return editor

    def message(self, editor: MessageEditor, *, wrong: bool = False) -> str:
        """The text of the `<send>`; `wrong` spoils the password, where the captured one was wrong."""
        head = editor.head()
        if b"\0" in head:  # SIPp does not find the body beyond it
            head = head.replace(self.marks.length.encode(), b"%d" % len(editor.body))
        password = "not [field2]" if wrong else "[field2]"
        return self.marks.message(
            head,
            editor.body + editor.trailing,
            transport=self.transport,
            cseq=f"[cseq{self.offset:+d}]" if self.offset else "[cseq]",
            credentials=f'[authentication username="{self.username}" password="{password}"]',
        )

    def explain(self, script: Script, step: Step, edits: tuple[Edit, ...]) -> None:
        """Comments: where the request was seen, what was answered then, each edit with its rule; those that every
        request needs once."""
        place, status = step.exchange.place, step.exchange.status
        at = f"frame {place.number}" if isinstance(place, Frame) else f"line {place.first}"
        script.comment(f"step {step.number}: {at} of {place.source}; then {status or 'nobody'} answered")
        for edit in edits:
            if edit.rule or (edit.what, edit.why) not in self._told:
                self._told.add((edit.what, edit.why))
                script.comment(self._sentence(edit))
        for rule in digest_rules(step):
            script.comment(f"{rule}: credentials are computed by SIPp")

    def _sentence(self, edit: Edit) -> str:
        rule = f"{edit.rule}: " if edit.rule else ""
        why = _OF_CSV if edit.why == "--map" else edit.why
        if edit.what in _COMPUTED:
            return f"{rule}{edit.what}: {why}"
        before, after = (_clipped(self.marks.shown(value)) for value in (edit.before, edit.after))
        return f"{rule}{edit.what}: {before or '(none)'} becomes {after or '(none)'}: {why}"

    def _note_uri(self, editor: MessageEditor) -> None:
        parts = editor.start.split(" ")
        if len(parts) > 1 and parts[1] not in self.uris:
            self.uris.append(parts[1])


def digest_rules(step: Step) -> list[str]:
    """The rules about credentials that the captured request breaks."""
    return sorted(step.exchange.rules & {auth.DIGEST_URI, auth.VERIFY, *UNBROKEN})


def raise_expiry(editor: MessageEditor, word: str) -> bool:
    """Put `word` for each expiry that is not zero (RFC 3261 10.2.8); False where there is nothing to raise."""
    contacts, header = contacts_of(editor.all("contact")), decimal(editor.first("expires") or "")
    if all(one.star or requested_expiry(one, header) == 0 for one in contacts):
        return False
    raised = [with_param(one.raw, "expires", word) if one.expires else one.raw for one in contacts]
    if raised != [one.raw for one in contacts]:
        editor.change("contact", ", ".join(raised))
    if header != 0:
        editor.change("expires", word)
    return True


def remove_contacts(editor: MessageEditor, contacts: list[str]) -> None:
    """Make it take these contacts away (RFC 3261 10.2.2)."""
    editor.change("contact", taken_away(contacts))
    editor.change("expires", "0")


def _clipped(value: str) -> str:
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
