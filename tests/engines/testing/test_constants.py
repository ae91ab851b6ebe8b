import pytest

from engines.testing.constants import constants_of, with_constant


@pytest.mark.parametrize(
    ("text", "fresh", "expected"),
    [
        ("f(5)", "-7", "f(-7)"),
        ("f(-5)", "7", "f(-7)"),
        ("f(-5)", "-7", "f(7)"),
        ("{'é': 5}", "'ü'", "{'ü': 5}"),
    ],
)
def test_one_constant_is_replaced_and_no_sign_doubled(text: str, fresh: str, expected: str) -> None:
    assert with_constant(text, constants_of(text)[0], fresh) == expected
