"""The gateway: what faces people. Holds the chat tokens; runs no engine and no foreign code."""
