"""The views of a replay that `--format` names, one file each: plug-ins alone."""
