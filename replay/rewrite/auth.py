"""Changes to credentials: computed for the live challenge, as RFC 7616 3.4 and RFC 3261 22.4 have them."""

from __future__ import annotations

from functools import partial

from analyzer.sip.auth import AuthParam, Credentials
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.message import Message
from replay.agent import Agent
from replay.message_editor import MessageEditor
from replay.plan import Step

DIGEST_URI = "R3261-22.4-digest-uri"
REALM = "R7616-3.4-realm"
QOP = "R3261-22.4-qop-returned"
COUNT = "R7616-3.4-nc-count"
VERIFY = "R7616-digest-verify"
NONCE = "R7616-3.4-nonce-current"
_FRESH = "computed for the challenge of now"
_UNCHALLENGED = "nobody has challenged yet"


def repair_credentials(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Credentials for every realm that has challenged, where the captured request had some."""
    request = step.exchange.request
    if not request.has_credentials:
        return
    _answer(editor, step, agent)


def answer_challenge(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Credentials for every realm that has challenged, whatever the captured request had."""
    _answer(editor, step, agent)


def drop_credentials(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """No credentials: they are for a challenge that nobody gave."""
    del step, agent
    for key in CREDENTIALS:
        editor.drop(key, why=_UNCHALLENGED)


def say_credentials_again(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """Captured credentials with the nonce of now, and a response that fits (or does not) as the captured one did."""
    request = step.exchange.request
    for key in CREDENTIALS:
        for at, sent in enumerate(one for one in request.credentials if one.header == key):
            params = agent.digest_client.said_again(sent, request.method, request.body)
            if params is not None:
                editor.patch(key, at, partial(_in_place, sent, params), why="the nonce is another now")


def _in_place(sent: Credentials, params: list[tuple[AuthParam, str]], row: str) -> str:
    """The row with these parameters in place of the captured ones, one after the other; all of it anew where they are
    not to be found, because one is folded within."""
    said, rest = "", row
    for then, now in params:
        before, found, rest = rest.partition(then.raw)
        if not found:
            return f" {sent.scheme} {', '.join(now for _, now in params)}\r\n"
        said += before + now
    return said + rest


def _answer(editor: MessageEditor, step: Step, agent: Agent) -> None:
    request = step.exchange.request
    uri = editor.start.split(" ")[1]
    found = agent.digest_client.credentials(request.method, uri, editor.body)
    if not found:
        if len(agent.digest_client.secrets):
            drop_credentials(editor, step, agent)
        return  # without a secret the captured credentials are all there is
    rule, why = _broken(step, request)
    answered = {key for key, _ in found}
    for key in CREDENTIALS:
        if key not in answered:
            editor.drop(key, why=_UNCHALLENGED)
    for key in answered:
        values = [value for name, value in found if name == key]
        editor.change(key, values[0], rule, why)
        for value in values[1:]:
            editor.add(key, value)


def _broken(step: Step, request: Message) -> tuple[str | None, str]:
    """The rule that the captured credentials break, for want of any None."""
    for rule in (VERIFY, NONCE):
        if rule in step.exchange.rules:
            return rule, _FRESH
    for credentials in request.credentials:
        for rule, broken, why in _checks(step, request, credentials):
            if broken:
                return rule, why
    return None, _FRESH


def _checks(step: Step, request: Message, sent: Credentials) -> list[tuple[str, bool, str]]:
    before = step.before
    challenges = before.final.challenges if before is not None and before.final is not None else []
    earlier = [one for one in before.request.credentials if one.nonce == sent.nonce] if before is not None else []
    offered = {option for challenge in challenges for option in challenge.qop_options}
    counts = [one.nc.lower() for one in earlier if one.nc is not None]
    return [
        (DIGEST_URI, sent.uri != request.request_uri, "its uri is the Request-URI"),
        (REALM, bool(challenges) and sent.realm not in [one.realm for one in challenges], "the realm that challenged"),
        (QOP, bool(offered) and (sent.qop or "").lower() not in offered, "qop is returned where it was offered"),
        (COUNT, sent.nc is not None and bool(counts) and sent.nc.lower() <= max(counts), "nc counts the nonce's uses"),
    ]
