"""Search in texts: by words, by meaning, and by both."""
