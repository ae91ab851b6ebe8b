"""A repository's own wishes: `.gryph.toml` on its default branch, read, judged and remembered."""
