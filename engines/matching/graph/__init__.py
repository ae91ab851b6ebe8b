"""The developers, the code and the tasks of a history as one graph, and what a network reads off it
(README.md).
"""
