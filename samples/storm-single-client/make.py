"""Makes this sample again: `python make.py` (see scripts/stormlab.py). One phone's timer is broken."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

with lab(HERE) as made:
    background(made)
    time.sleep(10)
    made.fleet(Phones(endless=True).register(600).wait(30), 1, 1, prefix="broken")
    time.sleep(10)
    made.stop()
