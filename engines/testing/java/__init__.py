"""Tests for Java: read by tree-sitter, run by the JVM in the sandbox, written for JUnit 5."""
