"""The steps, in the order that each names the one before it. A step that was released stays."""
