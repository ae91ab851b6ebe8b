"""Trains causal language models, in full or as LoRA adapters: see `engine.train`."""
