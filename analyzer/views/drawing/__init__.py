"""Where a view for a person draws: columns, colours, progress, the escape of wire text, the streams of the process."""
