"""Makes this sample again: `python make.py` (see scripts/stormlab.py). Fifty phones have an old password."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

phones = Phones()
for _ in range(15):
    phones.register(600, 401).wait(500)
with lab(HERE) as made:
    background(made)
    time.sleep(10)
    made.fleet(phones, 50, 25, wrong=True)
