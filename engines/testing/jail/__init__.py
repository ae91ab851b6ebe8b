"""The part of the testing engine that runs inside the sandbox, next to the code under test."""
