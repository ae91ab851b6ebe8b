"""Cuts the files of a repository into chunks, and finds those that a person asks for."""
