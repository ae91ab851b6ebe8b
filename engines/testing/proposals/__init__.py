"""Tests that somebody else proposed for what the search left: asked for, judged, kept."""
