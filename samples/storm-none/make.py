"""Makes this sample again: `python make.py` (see scripts/stormlab.py). A busy registrar on a good day."""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))

from stormlab import Phones, background, lab  # noqa: E402

with lab(HERE) as made:
    background(made)
    made.fleet(Phones().register(60).wait(30_000).register(60), 150, 5)
    time.sleep(1)
