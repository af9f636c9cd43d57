"""The parameters of rules that several of them have, or that the catalogue gives numbers for (docs/rule-catalogue.md
0.6). Times are nanoseconds."""

from __future__ import annotations

from analyzer.evidence import SECOND

AGAIN = 60 * SECOND
"""Within it credentials that were refused are sent again by the phone itself (R3261-22.1-same-credentials)."""
HUMAN_RETRY = 15 * SECOND
"""What comes later than this may be somebody who typed the password anew."""
