"""The views that `--format` names, one file each: plug-ins alone (`analyzer.views.View` says what one declares)."""
