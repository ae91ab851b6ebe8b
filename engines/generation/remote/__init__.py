"""Models behind HTTP: OpenAI-compatible servers and Anthropic's API (docs/decisions/0013)."""
