"""A captured registration as a scenario for SIPp 3.6: an XML file that it plays, and a CSV file of users (`-inf`).

    flow -> requests (rewrite) -> keywords put in (marks) -> steps with branches (fixed, captured) -> XML (script)

What SIPp 3.6.1 does, found out with the program itself, and what follows from it:

- `[` begins a keyword, `\\xHH` is an octet; so all captured octets but plain ASCII are written as `\\xHH` (marks.py).
- It knows a response by its own `[call_id]`, so no captured Call-ID can be replayed; others begin with `N///`.
- `[authentication]` computes MD5 alone, over `-auth_uri`, and ends the program where nobody has challenged; so a
  request with credentials stands behind a branch that a challenge leads into (fixed.py).
- A scenario of 65,536 octets or more is not read.
"""

from __future__ import annotations

from replay.sipp.errors import SippError
from replay.sipp.scenario import Scenario, scenario, write_scenario

__all__ = ["Scenario", "SippError", "scenario", "write_scenario"]
