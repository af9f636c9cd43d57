"""What `pyproject.toml` cannot say: a distribution carries the samples, which lie beside the packages, inside of one.

They are copied while a wheel is built, not mapped to a package: a folder has one import name, or none.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SAMPLES = Path(__file__).resolve().parent / "samples"


class BuildWithSamples(build_py):
    """`analyzer/_samples` is in what is built (`sipcheck samples` writes it out); a checkout has the folder itself."""

    def run(self) -> None:
        """Build, and copy what the examples read and say; not the scripts that made it."""
        super().run()
        if not self.editable_mode:
            there = Path(self.build_lib, "analyzer", "_samples")
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(SAMPLES, there, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".*"))


setup(cmdclass={"build_py": BuildWithSamples})
