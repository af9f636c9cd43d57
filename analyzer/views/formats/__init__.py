"""The views that `--format` names, one file each: plug-ins alone (`analyzer/views/__init__.py` says what one
declares)."""
