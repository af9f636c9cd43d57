"""Changes to what is bound and for how long: Contact and Expires (RFC 3261 10.2.1, 10.2.2, 10.2.8)."""

from __future__ import annotations

from analyzer.sip.address import Address
from analyzer.sip.grammar import LWS
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal
from analyzer.sip.text import QUOTED, segments
from replay.agent import Agent
from replay.contacts import contacts_of, rewritten, with_param, with_uris
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.rewrite.names import SYNTAX
from replay.uris import SipUri, hostport

STAR_FORM = "R3261-10.2.2-star-form"
BRIEF_RETRY = "R3261-10.2.8-423-retry"
EXPIRES_VALUE = "R3261-10.2-expires-value"
_LIVE = "the live address"


def repair_contact(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """The live address, `*` in its one form, and every expiry as long as a 423 has asked for."""
    contacts = step.exchange.request.contacts
    if any(contact.star for contact in contacts):
        _repair_star(editor, contacts)
        return
    put_contact(editor, step, agent)
    _repair_form(editor)
    _repair_expires(editor, step)
    if agent.min_expires:
        _raise(editor, step, agent.min_expires)


def put_contact(editor: MessageEditor, step: Step, agent: Agent) -> None:
    """The live address in every Contact that is a SIP URI, unless the captured one is to be kept; all else stays."""
    del step
    if agent.keep_contact:
        return
    taken: set[str] = set()
    for at in range(len(editor.all("contact"))):
        editor.patch("contact", at, lambda row: with_uris(row, lambda one: _live(one, agent, taken)), why=_LIVE)


def _live(contact: Address, agent: Agent, taken: set[str]) -> str | None:
    """The URI of a contact with the live address in it; None for one that is no SIP URI."""
    uri = SipUri.of(contact.uri.text) if contact.uri is not None else None
    if uri is None:
        return None
    user, _ = agent.mapping.apply(uri.user, uri.hostport)
    moved = uri._replace(hostport=hostport(agent.local), userinfo=user).with_transport(agent.transport)
    number = 2
    while moved.text in taken:  # two devices of one capture are one address now, and still two contacts
        moved = moved._replace(userinfo=f"{uri.user or 'contact'}-{number}")
        number += 1
    taken.add(moved.text)
    return moved.text


def _repair_star(editor: MessageEditor, contacts: list[Address]) -> None:
    if len(contacts) > 1:
        editor.change("contact", "*", STAR_FORM, "* stands alone")
    if decimal(editor.first("expires") or "") != 0:
        editor.change("expires", "0", STAR_FORM, "* removes, with Expires: 0")


def _repair_form(editor: MessageEditor) -> None:
    """25.1: no empty element in the list, and no parameter whose quote is never closed: nobody knows its value."""
    empty = any(not element.strip(LWS) for row in editor.all("contact") for element in segments(row))
    contacts = contacts_of(editor.all("contact"))
    torn = any(_torn(contact) for contact in contacts)
    if empty or torn:
        values = [rewritten(one, dict.fromkeys(_torn(one))) if _torn(one) else one.raw.strip(LWS) for one in contacts]
        editor.change("contact", ", ".join(values), SYNTAX, "no empty element, no quote left open")


def _torn(contact: Address) -> list[str]:
    values = {name: value or "" for name, value in contact.params.items_as_written}
    return [name.lower() for name, value in values.items() if value[:1] == '"' and not QUOTED.fullmatch(value)]


def _repair_expires(editor: MessageEditor, step: Step) -> None:
    del step
    value = editor.first("expires")
    if value is not None:
        seconds = decimal(value)
        if seconds is None or seconds > MAX_DELTA_SECONDS:
            editor.change("expires", "3600", EXPIRES_VALUE, "seconds, below 2**32")


def _raise(editor: MessageEditor, step: Step, least: int) -> None:
    """10.2.8: all expiration intervals of the request are equal to or greater than Min-Expires. A contact without one
    has what the registrar likes (10.3 step 6), and that was too brief: it gets one."""
    rule = BRIEF_RETRY if step.before is not None and step.before.status == 423 else None
    why = f"the registrar grants no less than {least} s"
    value, contacts = editor.first("expires"), contacts_of(editor.all("contact"))
    seconds = decimal(value or "")
    unsaid = value is None and any(contact.expires is None for contact in contacts)
    if unsaid or (seconds is not None and 0 < seconds < least):
        editor.change("expires", str(least), rule, why)
    raised = [
        with_param(contact.raw.strip(), "expires", str(least))
        if contact.expires is not None and 0 < contact.expires < least
        else contact.raw.strip()
        for contact in contacts
    ]
    if raised != [contact.raw.strip() for contact in contacts]:
        editor.change("contact", ", ".join(raised), rule, why)
