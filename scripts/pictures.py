"""Draw the pictures of the documents anew into `docs/pictures`: `python -m scripts.pictures` (`make pictures`).

The page is photographed by Chromium, the ladder and the storm are drawn by the commands themselves, all of samples.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
_CALM = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1100,860"),
)
_WRONG = "samples/wrong-password"


def sipcheck(*words: str) -> None:
    """Run the command; a finding is no failure."""
    done = subprocess.run(
        [sys.executable, "-m", "analyzer", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        sipcheck("report", f"{_WRONG}/input.pcapng", "--credentials", f"{_WRONG}/users.csv", "-o", str(page))
        shot = f"--screenshot={FOLDER / 'page.png'}"
        command = ["chromium", *_CALM, f"--user-data-dir={folder}/profile", shot, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
    ladder = str(FOLDER / "ladder.svg")
    Path(ladder).unlink(missing_ok=True)
    sipcheck("ladder", f"{_WRONG}/input.pcapng", "--aor", "frank@10.9.0.1", "--format", "svg", "-o", ladder)
    sipcheck("storm", "samples/storm-restart/input.pcap.gz", "--plot", str(FOLDER / "storm.png"))


if __name__ == "__main__":
    main()
