"""Names of the target as a test file writes them: `shapes.area(2)` where it would list too many."""

import io
import tokenize
from collections.abc import Iterable

from engines.testing.assertions import Names
from engines.testing.file_head import names_in
from engines.testing.layout import WIDTH_CHARS


class ModuleNames:
    """The target under its module's name: `prefix` is what stands before the dot."""

    def __init__(self, module: str, names: Names) -> None:
        self._package, _, self.prefix = module.rpartition(".")
        self._own = {
            name
            for identity, name in names.importable.items()
            if identity.partition(":")[0] == module and "." not in name and identity != f"{name}:"
        }

    def names(self, names: Names) -> Names:
        """The same names, with the module itself among them."""
        identity = f"{self._package}:{self.prefix}" if self._package else f"{self.prefix}:"
        return Names({**names.importable, identity: self.prefix})

    def is_wanted(self, body: str) -> bool:
        """Whether the names take several lines to import, and the module's own name is free."""
        used = set(names_in(body))
        listed = ", ".join(used & self._own)
        is_long = len(f"from {self._package}.{self.prefix} import {listed}") > WIDTH_CHARS
        return is_long and self.prefix not in used and self.prefix not in self._own

    def qualified(self, text: str) -> str:
        """The source with the prefix before each name of the module."""
        places = sorted(self._places(text), reverse=True)
        lines = text.splitlines(keepends=True)
        for row, column in places:
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}{self.prefix}.{line[column:]}"
        return "".join(lines)

    def _places(self, text: str) -> Iterable[tuple[int, int]]:
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        except (tokenize.TokenError, SyntaxError):
            return
        before = ""
        for token, after in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
            is_use = before != "." and after.string != "="
            if token.type == tokenize.NAME and token.string in self._own and is_use:
                yield token.start
            before = token.string
