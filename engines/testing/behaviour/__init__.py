"""What a change changes: the same calls and the same tests on the code before and after it."""
