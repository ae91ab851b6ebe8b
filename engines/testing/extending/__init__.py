"""New tests in a test file that the repository already has."""
