"""The flow as it was captured: each request with its faults, and exactly the response that it had then.

A request that nobody answered is sent once, and nothing is waited for but the recorded time. What SIPp cannot keep (the
Call-ID, its address, the digest of a nonce that is another now) the comments name, request by request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analyzer.register.digest.arithmetic import verify
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.auth_headers import CHALLENGED_IN
from replay.flow import Exchange
from replay.plan import Step
from replay.sipp.requests import Speaker
from replay.sipp.script import Branch, Script


@dataclass(slots=True)
class Captured:
    """Writes the steps of a flow into `script`; `pause` gives the milliseconds to wait before a step."""

    script: Script
    speaker: Speaker
    pause: Callable[[Step], int]
    secrets: Secrets

    def write(self, steps: Sequence[Step]) -> None:
        """All steps."""
        realms: set[str | None] = set()
        for step in steps:
            exchange = step.exchange
            editor, edits = self.speaker.verbatim(step, challenged=bool(realms))
            self.speaker.explain(self.script, step, edits)
            wait = self.pause(step)
            if wait:
                self.script.pause(wait)
            wrong = bool(realms) and is_wrong(exchange, realms, self.secrets)
            if wrong:
                self.script.comment("the credentials did not fit then, and do not now")
            self.script.send(self.speaker.message(editor, wrong=wrong), begins=True, once=not exchange.status)
            if exchange.status:
                provisional = sorted({100, *exchange.provisional})
                self.script.receive(exchange.status, branches=tuple(Branch(status) for status in provisional))
            if exchange.final is not None and exchange.status in CHALLENGED_IN:
                realms |= {challenge.realm for challenge in exchange.final.challenges} or {None}


def is_wrong(exchange: Exchange, realms: set[str | None], secrets: Secrets) -> bool:
    """Whether the captured credentials are for no realm that challenged, or of another password than is known."""
    request = exchange.request
    for sent in request.credentials[:1]:
        if sent.realm not in realms:
            return True
        known = [one for one in secrets.lookup(sent.username or "", sent.realm or "") if one.kind == "password"]
        digest = from_credentials(sent, request.method, request.body)
        return bool(known) and not any(verify(digest, secret) for secret in known)
    return False
