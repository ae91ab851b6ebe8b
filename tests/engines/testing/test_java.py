import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.java.probing import probed
from engines.testing.java.reading import read
from engines.testing.java.toolchain import find_jdk, find_junit
from engines.testing.languages import writer_for
from engines.testing.types import CannotTest, TestingRequest, TestingResult
from engines.watch import Unwatched

Java = Callable[..., TestingResult]
needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK is installed")

CART = """package shop;

import java.util.ArrayList;
import java.util.List;

public class Cart {
    public static final class Item {
        private final int price;

        public Item(int price) {
            if (price < 0) throw new IllegalArgumentException("a price is never negative");
            this.price = price;
        }

        public int getPrice() { return price; }
    }

    private final List<Item> items = new ArrayList<>();

    public void add(Item item) {
        if (item != null)
            items.add(item);
    }

    public int size() { return items.size(); }

    /** {@code initials("ada lovelace") = "AL"}
     * Cart.initials("ada lovelace") = "AL"
     */
    public static String initials(String name) {
        StringBuilder made = new StringBuilder();
        for (String word : name.split(" ")) made.append(word.charAt(0));
        return made.toString().toUpperCase(java.util.Locale.ROOT);
    }

    public static long stamp() { return System.nanoTime(); }
}
"""


@pytest.fixture
def java(sandbox: Sandbox, tmp_path: Path) -> Java:
    """Tests for the text of a class, written to a checkout of its own."""

    def run(text: str, path: str = "src/main/java/shop/Cart.java", **more: object) -> TestingResult:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        request = TestingRequest(tmp_path, path, cpu_s=15.0, **more)  # pyright: ignore[reportArgumentType] -- keyword by keyword
        return writer_for(path)(request, sandbox, Unwatched())

    return run


@needs_jdk
def test_a_class_gets_junit_tests_that_pass_and_cover_it(java: Java) -> None:
    result = java(CART)
    text = result.source
    assert result.test_path == "src/test/java/shop/CartTest.java"
    assert text.startswith("package shop;\n\nimport static org.junit.jupiter.api.Assertions.")
    assert "assertThrows(IllegalArgumentException.class, () -> new Cart.Item(" in text
    assert 'assertEquals("a price is never negative", thrown.getMessage());' in text
    assert "assertEquals(1, subject.size());" in text
    assert re.search(r"AL\b", text)
    assert "stamp" not in text
    assert result.tests == result.passed > 4
    assert result.after.line_percent >= 90
    assert result.before.lines_covered == 0
    assert [one.error.partition(":")[0] for one in result.findings] == [
        "java.lang.StringIndexOutOfBoundsException"
    ]
    assert "JUnit" in result.runner


@needs_jdk
def test_a_missing_library_is_named_with_the_remedy(java: Java) -> None:
    text = "package shop;\nimport com.google.common.base.Joiner;\npublic class Cart {}\n"
    with pytest.raises(CannotTest, match=r"`com\.google\.common\.base`.*dependency:copy"):
        java(f"{text[:-2]} public int one() {{ return 1; }} }}\n")


@needs_jdk
def test_what_does_not_compile_is_answered_with_the_compilers_words(java: Java) -> None:
    with pytest.raises(CannotTest, match=r"does not compile: `Cart\.java:1: error: "):
        java("public class Cart { int one() { return x; } }", "Cart.java")


def test_without_a_jdk_the_reply_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CannotTest, match="apt install default-jdk-headless"):
        find_jdk(path=str(tmp_path))


def test_an_old_jdk_is_named_with_the_remedy(tmp_path: Path) -> None:
    program = tmp_path / "javac"
    program.write_text("#!/bin/sh\necho javac 1.8.0_292\n")
    program.chmod(0o755)
    with pytest.raises(CannotTest, match=r"need JDK 17 or later; .* is 8"):
        find_jdk(path=str(tmp_path))


def test_junit_is_taken_from_the_repository_else_from_the_system(tmp_path: Path) -> None:
    system = tmp_path / "system"
    system.mkdir()
    assert find_junit(tmp_path, system) == ()
    jar = system / "junit-platform-console-standalone-1.9.1.jar"
    jar.touch()
    assert find_junit(tmp_path, system) == (jar,)
    own = tmp_path / "lib" / "junit-platform-console-standalone-1.11.0.jar"
    own.parent.mkdir()
    own.touch()
    assert find_junit(tmp_path, system) == (own,)


def test_a_file_is_read_with_its_nested_classes_and_the_examples_of_its_javadoc() -> None:
    file = read(CART)
    keys = {one.key for one in file.targets}
    assert {"Cart.Item.(int)", "Cart.(", "Cart.initials(String)"} & keys == {
        "Cart.Item.(int)",
        "Cart.initials(String)",
    }
    assert "Cart.()" in keys
    assert file.examples == {"initials": [('"ada lovelace"',)]}


def test_probes_keep_every_line_where_it_was_and_give_bodies_braces() -> None:
    text = "class A { int f(int a) {\n if (a > 1)\n return a > 2 ? 1 : 2;\n return 0; } }"
    made = probed(text)
    assert made.text.count("\n") == text.count("\n")
    assert re.sub(
        r"gryph\.Probe\.hit\(\d+\); |gryph\.Probe\.test\(\d+, (.*?)\)", r"\1", made.text
    ) == (
        "class A { int f(int a) {\n if (a > 1)\n { return a > 2 ? 1 : 2; } else { }\n return 0; } }"
    )
    assert (made.coverage(frozenset()).lines, made.coverage(frozenset()).branches) == (3, 4)


def test_conditions_that_bind_or_assign_are_left_alone() -> None:
    text = "class A { boolean f(Object a) { return a instanceof String s && s.isEmpty(); } }"
    assert "Probe.test" not in probed(text).text
