"""From a ranking to a name: who can take it, who should, and who learns from it."""
