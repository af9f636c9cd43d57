"""Makes this sample again: `python make.py` (see scripts/stormlab.py). 150 phones refresh at the same instant."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

phones = Phones().register(20)
for _ in range(5):
    phones.wait(10_000).register(20)
with lab(HERE) as made:
    background(made)
    time.sleep(5)
    made.fleet(phones, 150, 1000)
