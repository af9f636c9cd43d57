"""The folders of plug-ins, each with the Protocol of its modules: the one list of them in the tests.

Whatever lies in one of these folders is found here, and so by the tests of contracts, fuzz, hardness and second
opinion: a new plug-in is named in none of them.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from analyzer import plugins, rules
from analyzer.capture import dialects, formats, links
from analyzer.register.digest import credential_files
from analyzer.register.digest.diagnosis import hypotheses
from analyzer.views import formats as views
from replay.views import formats as replay_views


class Folder(NamedTuple):
    """A folder, and where the Protocol of its modules is (mypy is told the name, the tests load it)."""

    package: ModuleType
    home: str
    contract: str

    def names(self) -> list[str]:
        """The modules that are there now."""
        return plugins.names(self.package)

    def load(self, name: str) -> Any:
        """One of them, held to its contract."""
        home = __import__(self.home, fromlist=[self.contract])
        return plugins.load(self.package, name, getattr(home, self.contract))


FOLDERS = {
    "format": Folder(formats, "analyzer.capture.formats", "CaptureFormat"),
    "dialect": Folder(dialects, "analyzer.capture.dialects", "LogDialect"),
    "link": Folder(links, "analyzer.capture.links", "LinkLayer"),
    "rule": Folder(rules, "analyzer.rules", "RuleModule"),
    "view": Folder(views, "analyzer.views", "View"),
    "replay-view": Folder(replay_views, "replay.views", "ReplayView"),
    "credentials": Folder(credential_files, "analyzer.register.digest.credential_files", "CredentialFormat"),
    "hypothesis": Folder(hypotheses, "analyzer.register.digest.diagnosis.hypothesis", "HypothesisModule"),
}


def found(*kinds: str) -> list[tuple[str, str]]:
    """Kind and name of every plug-in of these kinds (default: of all), in order."""
    return [(kind, name) for kind in kinds or FOLDERS for name in FOLDERS[kind].names()]


def loaded(kind: str, name: str) -> Any:
    """A plug-in, held to its contract."""
    return FOLDERS[kind].load(name)


def labels(*kinds: str) -> list[str]:
    """Test ids for `found`."""
    return [f"{kind}-{name}" for kind, name in found(*kinds)]
