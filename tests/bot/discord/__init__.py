"""Tests of the Discord face."""
