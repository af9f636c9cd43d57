"""The two state machines of non-INVITE transactions as tables: RFC 3261 17.1.2 (figure 6) and 17.2.2 (figure 8), as
amended by RFC 4320 (which changes no timer) and RFC 6026 (which is of INVITE). How long the timers are,
`analyzer.sip.timers` says.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

ClientState = Literal["trying", "proceeding", "completed", "terminated"]
ClientEvent = Literal["E", "F", "K", "1xx", "final", "error"]
ClientAction = Literal["send", "pass", "set E", "set E to T2", "set K", "timeout", "error"]
ServerState = Literal["trying", "proceeding", "completed", "terminated"]
ServerEvent = Literal["request", "say 1xx", "say final", "J", "error"]
ServerAction = Literal["send", "again", "set J"]


class ClientMove(NamedTuple):
    """Where an event leads, and what is done, in this order."""

    state: ClientState
    actions: tuple[ClientAction, ...] = ()


CLIENT: dict[tuple[ClientState, ClientEvent], ClientMove] = {
    # 17.1.2.2: "If Timer E fires while in the Trying state ... retransmitted ... reset to MIN(2*T1, T2)"
    ("trying", "E"): ClientMove("trying", ("send", "set E")),
    ("trying", "F"): ClientMove("terminated", ("timeout",)),
    ("trying", "error"): ClientMove("terminated", ("error",)),
    ("trying", "1xx"): ClientMove("proceeding", ("pass",)),
    ("trying", "final"): ClientMove("completed", ("pass", "set K")),
    # "... in the Proceeding state, ... timer E MUST be reset with a value of T2 seconds"
    ("proceeding", "E"): ClientMove("proceeding", ("send", "set E to T2")),
    ("proceeding", "F"): ClientMove("terminated", ("timeout",)),
    ("proceeding", "error"): ClientMove("terminated", ("error",)),
    ("proceeding", "1xx"): ClientMove("proceeding", ("pass",)),
    ("proceeding", "final"): ClientMove("completed", ("pass", "set K")),
    # "The Completed state exists to buffer any additional response retransmissions"
    ("completed", "final"): ClientMove("completed"),
    ("completed", "1xx"): ClientMove("completed"),
    ("completed", "K"): ClientMove("terminated"),
}
"""Figure 6. A pair that is not there changes nothing (a timer that fires late, an error after the response)."""


class ServerMove(NamedTuple):
    """Where an event leads, and what is done, in this order."""

    state: ServerState
    actions: tuple[ServerAction, ...] = ()


SERVER: dict[tuple[ServerState, ServerEvent], ServerMove] = {
    # 17.2.2: "In the "Trying" state, ... request retransmissions are discarded"
    ("trying", "request"): ServerMove("trying"),
    ("trying", "say 1xx"): ServerMove("proceeding", ("send",)),
    ("trying", "say final"): ServerMove("completed", ("send", "set J")),
    # "... the most recently sent provisional response MUST be passed to the transport layer for retransmission"
    ("proceeding", "request"): ServerMove("proceeding", ("again",)),
    ("proceeding", "say 1xx"): ServerMove("proceeding", ("send",)),
    ("proceeding", "say final"): ServerMove("completed", ("send", "set J")),
    ("proceeding", "error"): ServerMove("terminated"),
    # "... MUST pass the final response to the transport layer for retransmission"
    ("completed", "request"): ServerMove("completed", ("again",)),
    ("completed", "say 1xx"): ServerMove("completed"),
    ("completed", "say final"): ServerMove("completed"),
    ("completed", "J"): ServerMove("terminated"),
    ("completed", "error"): ServerMove("terminated"),
}
"""Figure 8. "Any other final responses passed by the TU ... MUST be discarded while in the Completed state"."""
