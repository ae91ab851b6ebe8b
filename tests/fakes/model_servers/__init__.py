"""Servers of language models, as their public documentation tells: OpenAI-compatible, Anthropic."""
