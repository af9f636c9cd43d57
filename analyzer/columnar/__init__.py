"""The same job in columns, for all that is ordinary (docs/columnar.md).

`run/pipeline.py` alone imports this, late: a capture of some size whose clients register as nearly all do is scanned
into columns, joined and counted, and what is not ordinary goes to the object path, client by client. Both make one
report, the same to the octet as the object path alone would make.
"""
