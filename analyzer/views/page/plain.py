"""What each state of a client means, for who has never read a SIP message: a sentence that holds for every client."""

from __future__ import annotations

from analyzer.register.client_state import ClientState

MEANING: dict[ClientState, str] = {
    "registered": "The server knows where to call this phone.",
    "ok again": "The server knows where to call this phone; it was in trouble before.",
    "refused": "The phone asks to be registered, and the server says no.",
    "no answer": "The phone asks to be registered, and has no answer in time.",
    "gave up": "The server asks for a password, and the phone does not go on.",
    "ran out": "The registration was not renewed in time: this server does not know any more where to call the phone.",
    "not removed": "The phone wanted to sign off, and the server did not confirm it.",
    "taken away": "The server has removed this registration, which the phone itself did not ask for.",
    "in doubt": "An answer of the server does not list this registration, which may or may not mean that it is gone.",
    "signed off": "The phone ended its registration itself.",
    "asked": "The phone only asked what is registered.",
    "open": "What became of it is not decided when the capture or log ends.",
    "unclear": "What became of it cannot be seen in the capture or log.",
}
