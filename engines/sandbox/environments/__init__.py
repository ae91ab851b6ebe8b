"""The dependencies of the code under test: built apart from it, once per set of requirements."""
