"""Makes this sample again: `python make.py` (see scripts/stormlab.py). The registrar is killed for ten seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

phones = Phones().register(20)
for _ in range(4):
    phones.wait(10_000).register(20)
with lab(HERE) as made:
    background(made)
    made.fleet(phones, 100, 10)
    time.sleep(22)
    made.kill()
    time.sleep(10)
    made.start()
