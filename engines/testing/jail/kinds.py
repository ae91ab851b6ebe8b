"""Asks for the class of values of which nothing is known."""


def is_a(value: object, *kinds: type) -> bool:
    """`isinstance`, without telling the type checker more than can be known of the contents."""
    return isinstance(value, kinds)
