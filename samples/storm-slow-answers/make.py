"""Makes this sample again: `python make.py` (see scripts/stormlab.py). The registrar's workers take 0.2 s a request."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

with lab(HERE) as made:
    background(made)
    made.fleet(Phones().register(600), 200, 8)
    time.sleep(8)
    made.slow(True)
    time.sleep(14)
    made.slow(False)
