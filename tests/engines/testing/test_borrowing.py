"""What a module's own text does not have, and its calls need: names of its package's other modules."""

from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.source.module import parse_module
from engines.testing.borrowing import borrowed_by
from engines.testing.engine import write_tests
from engines.testing.places import Borrowed, place_of
from engines.testing.types import TestingRequest

PARSING = '''
class Node:
    def __init__(self, name, children=()):
        self.name = name
        self.children = list(children)


def parse(text: str):
    """Makes `a(b, c)` a node with two children."""
    name, _, rest = text.partition("(")
    return Node(name, [Node(one.strip()) for one in rest.rstrip(")").split(",") if one.strip()])
'''

SHOWING = '''
from __future__ import annotations

from typing import TYPE_CHECKING

from . import parsing

if TYPE_CHECKING:
    from shop.settings import Settings


def shown(node, settings: Settings | None = None) -> str:
    """The names, outermost first.

    >>> import shop
    >>> tree = shop.parse("a(b, c)")
    >>> shown(tree)
    'a b c'
    """
    if not isinstance(node, parsing.Node):
        raise TypeError(node)
    names = [node.name, *(one.name for one in node.children)]
    if settings is not None and settings.is_loud:
        names = [one.upper() for one in names]
    return " ".join(names)
'''

SETTINGS = """
class Settings:
    def __init__(self, is_loud: bool) -> None:
        self.is_loud = is_loud
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {
        "__init__": "from shop.parsing import parse\n",
        "parsing": PARSING,
        "showing": SHOWING,
        "settings": SETTINGS,
    }
    for name, text in files.items():
        file = tmp_path / "shop" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_objects_of_the_package_reach_functions_that_want_them(
    shop: Path, sandbox: Sandbox
) -> None:
    result = write_tests(TestingRequest(shop, "shop/showing.py", cpu_s=4, seed=1), sandbox)
    assert result.after.branch_percent == 100
    assert "import shop\n" in result.source
    assert "from shop.settings import Settings\n" in result.source
    assert result.passed == result.tests


def test_a_class_that_only_its_heirs_can_be_is_tested_through_one(
    shop: Path, sandbox: Sandbox
) -> None:
    (shop / "shop/base.py").write_text(
        "class Language:\n"
        "    def __init__(self):\n"
        "        self.words = list(self.numerals)\n\n"
        "    def plural(self, count, forms):\n"
        "        return forms[0] if count == 1 else forms[1]\n"
    )
    (shop / "shop/english.py").write_text(
        "from shop.base import Language\n\n\n"
        "class English(Language):\n    numerals = ('one', 'two')\n"
    )
    (shop / "shop/__init__.py").write_text("from shop.english import English\n")
    result = write_tests(TestingRequest(shop, "shop/base.py", cpu_s=4, seed=1), sandbox)
    assert "English().plural(" in result.source
    assert result.after.line_percent == 100


def test_a_name_that_only_a_type_checker_sees_is_found_in_the_package(
    shop: Path, sandbox: Sandbox
) -> None:
    (shop / "shop/box.py").write_text(
        "from __future__ import annotations\n\n\n"
        "class Box:\n    def __init__(self, settings: Settings, sizes: list[int]):\n"
        "        self.label = 'loud' if settings.is_loud else 'quiet'\n"
    )
    (shop / "shop/__init__.py").write_text("import shop.settings\n")
    result = write_tests(TestingRequest(shop, "shop/box.py", cpu_s=4, seed=1), sandbox)
    assert "Box(Settings(" in result.source
    assert result.after.branch_percent == 100


def test_only_names_of_the_package_are_borrowed(shop: Path) -> None:
    text = (
        "def one():\n"
        '    """`import os.path` and `from shop.parsing import parse as read`.\n\n'
        "    >>> from shop.parsing import Node, _hidden\n"
        "    >>> from other import thing\n"
        "    >>> from shop.showing import shown\n"
        '    """\n'
        "    from ....above import everything\n"
        "    from .settings import Settings\n"
    )
    found = borrowed_by(parse_module(text, "shop/showing.py"), place_of(shop, "shop/showing.py"))
    assert found == (
        Borrowed("Settings", "shop.settings", "Settings"),
        Borrowed("Node", "shop.parsing", "Node"),
    )
