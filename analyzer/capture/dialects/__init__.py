"""Text logs, one file each: plug-ins alone (`analyzer/capture/formats/__init__.py` says what one declares)."""
