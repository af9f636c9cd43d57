"""The flow as a client says it that keeps to the rules, in branches, for the live registrar may answer otherwise.

Each matter (a request, and what a challenge or a 423 makes of it) is up to five requests. None of them is a loop, so
that a registrar which refuses for ever ends the call:

    bare --401/407--> with credentials --401/407--> once more, where the nonce may be one of an earlier matter
      |                     |                            |
     423                   423                          423
      v                     v                            v
    bare, Expires as Min-Expires asks --401/407--> the same with credentials

The branch of the 423 is there where the captured registrar said it, and elsewhere if `wary`. A 200 anywhere ends the
matter. CSeq is SIPp's own count: one more with each request, whatever the branch (10.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from replay.contacts import requested_bindings
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.sipp.requests import Speaker, raise_expiry, remove_contacts
from replay.sipp.script import NOTE_CHALLENGE, READ_MIN_EXPIRES, Action, Branch, Script

_MENDED = frozenset((401, 403, 407, 423))
"""Refusals that right credentials and a longer expiry turn into a 200."""


@dataclass(slots=True)
class _Matter:
    """`bare` the request, `raised` the one after a 423 (None: none can come), `remembers` whether a nonce of
    before may serve, `refusal` the status that is as good an end as 200 (0: none)."""

    bare: MessageEditor
    raised: MessageEditor | None = None
    remembers: bool = False
    refusal: int = 0


@dataclass(slots=True)
class Fixed:
    """Writes the matters of a flow into `script`; `pause` gives the milliseconds to wait before a step."""

    script: Script
    speaker: Speaker
    pause: Callable[[Step], int]
    keep: bool = False
    wary: bool = True
    _note: Action | None = None
    _bound: dict[str, str] = field(default_factory=dict)

    def write(self, steps: Sequence[Step]) -> None:
        """All matters, and the removal of what they have bound."""
        matters = matters_of(steps)
        if any(matter[0].exchange.request.has_credentials for matter in matters[1:]):
            self._note = NOTE_CHALLENGE
        for number, steps_of_it in enumerate(matters):
            matter = self._prepared(steps_of_it)
            matter.remembers = number > 0 and steps_of_it[0].exchange.request.has_credentials
            wait = self.pause(steps_of_it[0])
            if wait:
                self.script.pause(wait)
            self._note_bound(matter)
            self._say(matter)
        if self._bound and not self.keep:
            self._remove(matters[-1][-1])

    def _prepared(self, steps: Sequence[Step]) -> _Matter:
        drafts = []
        for step in steps:
            editor, edits = self.speaker.repaired(step)
            self.speaker.explain(self.script, step, edits)
            drafts.append(editor)
        refusal = _refusal(steps)
        if refusal:
            self.script.comment(f"{refusal} as then is a good end, too: no rule was broken, so nothing was mended")
        return _Matter(drafts[0], self._raised(steps, drafts), refusal=refusal)

    def _raised(self, steps: Sequence[Step], drafts: list[MessageEditor]) -> MessageEditor | None:
        brief = next((at for at, step in enumerate(steps) if step.exchange.status == 423), None)
        if brief is None and not self.wary:
            return None
        editor = deepcopy(drafts[0 if brief is None else min(brief + 1, len(drafts) - 1)])
        return editor if raise_expiry(editor, self.speaker.marks.min_expires) else None

    def _say(self, matter: _Matter) -> None:
        script, done, answer = self.script, self.script.new_label(), self.script.new_label()
        longer = script.new_label() if matter.raised is not None else 0
        ends: tuple[Branch, ...] = (Branch(100),)
        if longer:
            ends += (Branch(423, longer, READ_MIN_EXPIRES),)
        if matter.refusal:
            ends += (Branch(matter.refusal, done),)
        signed = self.speaker.sign(deepcopy(matter.bare))
        if matter.remembers:
            script.skip(answer, "challenged")
        self._request(matter.bare, (*ends, *self._challenges(answer)), done, begins=True)
        script.label(answer)
        if matter.remembers:
            again = script.new_label()
            self._request(signed, (*ends, *self._challenges(again)), done, begins=True)
            script.label(again)
        self._request(signed, ends, done)
        if matter.raised is not None:
            script.label(longer)
            self._say_raised(matter.raised, done)
        script.label(done)

    def _say_raised(self, raised: MessageEditor, done: int) -> None:
        answer = self.script.new_label()
        self._request(raised, (Branch(100), *self._challenges(answer)), done)
        self.script.label(answer)
        self._request(self.speaker.sign(deepcopy(raised)), (Branch(100),), done)

    def _request(self, editor: MessageEditor, branches: tuple[Branch, ...], done: int, *, begins: bool = False) -> None:
        self.script.send(self.speaker.message(editor), begins=begins)
        self.script.receive(200, branches=branches, next_label=done)

    def _challenges(self, label: int) -> tuple[Branch, Branch]:
        return Branch(401, label, self._note), Branch(407, label, self._note)

    def _note_bound(self, matter: _Matter) -> None:
        """Which contacts of ours its 200 leaves bound (10.3 step 8)."""
        if matter.refusal:
            return
        editor = matter.raised or matter.bare
        for uri, raw in requested_bindings(editor.all("contact"), editor.first("expires")):
            if raw:
                self._bound[uri] = raw
            elif uri == "*":
                self._bound.clear()
            else:
                self._bound.pop(uri, None)

    def _remove(self, last: Step) -> None:
        editor, _ = self.speaker.repaired(last)
        remove_contacts(editor, list(self._bound.values()))
        self.script.comment("the bindings of this scenario are removed (RFC 3261 10.2.2)")
        self._say(_Matter(editor))


def matters_of(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that go on with the same matter, together."""
    matters: list[list[Step]] = []
    for step in steps:
        if step.continues and matters:
            matters[-1].append(step)
        else:
            matters.append([step])
    return matters


def _refusal(steps: Sequence[Step]) -> int:
    status = steps[-1].exchange.status
    mended = status < 300 or status in _MENDED or any(step.exchange.rules for step in steps)
    return 0 if mended else status
