"""Projects under uncertain durations: how they run, and who or what goes first when they do."""
