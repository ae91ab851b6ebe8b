"""Small wrong changes of the code under test, and which calls would notice them."""
