"""A language model in this process: continuous batching over a transformers model.

`engines.generation.batching.local.LocalModel` is the entry; `README.md` says how it works.
"""
