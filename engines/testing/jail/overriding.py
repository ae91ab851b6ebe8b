"""`typing.override` for Python 3.11, without a dependency inside the jail."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import override as override
else:

    def override(function):
        """Mark a method as overriding; no effect when run."""
        return function
