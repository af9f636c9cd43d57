"""`sipcheck schema`: the JSON Schema that an installation carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from analyzer.cli.schema import schema_file
from analyzer.views.json_schema import SCHEMA
from tests.shared import ROOT

jsonschema: Any = pytest.importorskip("jsonschema")  # it has no stubs of its own
SAMPLES = [
    "pjsip-log/input.log",
    "asterisk-own-words/input.log",
    "flow-text-slides/input.txt",
    "server-down/input.pcapng",
]


def printed() -> dict[str, Any]:
    done = CliRunner().invoke(sipcheck, ["schema"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def test_it_prints_what_the_declaration_makes() -> None:
    assert printed() == SCHEMA, "run `make docs`"
    assert schema_file().read_text(encoding="ascii").endswith("}\n")


@pytest.mark.parametrize("sample", SAMPLES)
def test_results_keep_it(sample: str) -> None:
    command = "log" if Path(sample).suffix in (".log", ".txt") else "pcap"
    done = CliRunner().invoke(sipcheck, [command, str(ROOT / "samples" / sample), "--format", "json"])
    result = json.loads(done.stdout)
    jsonschema.validate(result, printed())
    del result["registrations"][0]["reachability"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(result, printed())
