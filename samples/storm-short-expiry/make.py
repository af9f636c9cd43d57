"""Makes this sample again: `python make.py` (see scripts/stormlab.py). Eighty phones ask for four seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

phones = Phones()
for _ in range(10):
    phones.register(4).wait(2_000)
with lab(HERE) as made:
    background(made)
    time.sleep(8)
    made.fleet(phones, 80, 20)
