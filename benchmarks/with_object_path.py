"""What `sipcheck storm` does, without columns: `with_object_path.py CAPTURE` finds the storms of a capture that is read
message by message, as every capture was before there were columns."""

from __future__ import annotations

import sys

from analyzer import analyze
from analyzer.dataframes.frames import transactions
from analyzer.storm.analysis import storms
from analyzer.views import ViewOptions
from analyzer.views.storm.summary import write_table

if __name__ == "__main__":
    report = analyze(sys.argv[1], detail=True, tables=True, columnar="never")
    write_table(report, storms(transactions(report)), sys.stdout, ViewOptions())
