"""Makes this sample again: `python make.py` (see scripts/stormlab.py). 400 passwords for one name, a port each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import REFUSE, Phones, background, lab  # noqa: E402

with lab(HERE, REFUSE) as made:
    background(made)
    time.sleep(10)
    made.fleet(Phones("PBX").register(600, 403), 400, 40, prefix="guess", address=99, victim="admin")
