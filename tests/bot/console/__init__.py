"""Tests of the console face."""
