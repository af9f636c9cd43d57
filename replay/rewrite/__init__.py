"""What changes between a captured request and the one that is sent now, each change with its reason and its rule.

Two ways. `repaired` mends what the rules find, and does what a client that speaks for itself must do. `verbatim` keeps
every octet but those that cannot be kept: the address that it speaks from, and the digest, whose nonce is another now.
Each function below makes one kind of change, looks for itself whether there is something to change, and names the rule
that the captured form breaks; a change without a rule is one that every replay has to make.
"""

from __future__ import annotations

from collections.abc import Callable

from replay.agent import Agent
from replay.message_editor import MessageEditor
from replay.plan import Step
from replay.rewrite.auth import drop_credentials, repair_credentials, say_credentials_again
from replay.rewrite.contact import put_contact, repair_contact
from replay.rewrite.names import map_names, repair_call_id, repair_cseq, repair_from, repair_request_uri, repair_to
from replay.rewrite.path import (
    put_ends,
    put_via,
    repair_length,
    repair_max_forwards,
    repair_routes,
    repair_rows,
    repair_via,
)

Change = Callable[[MessageEditor, Step, Agent], None]

REPAIRS: tuple[Change, ...] = (
    repair_rows,
    repair_request_uri,
    repair_via,
    repair_max_forwards,
    repair_routes,
    repair_from,
    repair_to,
    repair_call_id,
    repair_cseq,
    repair_contact,
    repair_credentials,
    repair_length,
)
"""In this order: credentials come after the Request-URI that they sign, the length after all."""

NECESSITIES: tuple[Change, ...] = (map_names, put_via, put_contact, say_credentials_again, put_ends)
"""What even a verbatim replay cannot keep."""

BARE: tuple[Change, ...] = (*REPAIRS[:-2], drop_credentials, repair_length)
"""As `REPAIRS`, without credentials: how a client begins that knows no challenge."""


def written(step: Step, agent: Agent, changes: tuple[Change, ...] = REPAIRS) -> MessageEditor:
    """The request of a step after these changes, and the list of them."""
    editor = MessageEditor(step.exchange.request)
    for change in changes:
        change(editor, step, agent)
    return editor
