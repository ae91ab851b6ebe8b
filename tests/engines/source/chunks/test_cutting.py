"""Files of each language, cut."""

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.source.chunks.cutting import cut, decoded
from engines.source.chunks.types import Chunk, ChunkKind

Row = tuple[str, str, int, int]


def rows(path: str, text: str) -> list[Row]:
    return [(c.kind.value, c.name, c.first_line, c.last_line) for c in cut(path, text.encode())]


def named(path: str, text: str, name: str) -> Chunk:
    (found,) = (c for c in cut(path, text.encode()) if c.name == name)
    return found


PYTHON = dedent('''\
    """A module."""

    import json
    from http import client as web


    @web.route
    def load(path: str, *,
             strict: bool = True) -> dict:
        """Read a file. More is said here."""
        def inner():
            return 1
        return json.loads(path)


    class Client(Base):
        """Talks to a server."""

        limit = 3

        async def send(self): ...

        class Inner:
            def close(self):
                pass


    if limit:
        def fast(): pass
    ''')


def test_python_is_cut_by_function_class_and_method() -> None:
    assert rows("a.py", PYTHON) == [
        ("module", "", 1, 4),
        ("function", "load", 7, 13),
        ("class", "Client", 16, 19),
        ("method", "Client.send", 21, 21),
        ("class", "Client.Inner", 23, 23),
        ("method", "Client.Inner.close", 24, 25),
        ("module", "", 28, 28),
        ("function", "fast", 29, 29),
    ]


def test_a_python_definition_tells_its_signature_summary_and_imports() -> None:
    load = named("a.py", PYTHON, "load")
    assert load.signature == "def load(path: str, *, strict: bool = True) -> dict"
    assert load.summary == "Read a file."
    assert load.imports == ("import json", "from http import client as web")
    assert load.text.startswith("@web.route\ndef load")
    assert load.language == "python"
    client = named("a.py", PYTHON, "Client")
    assert (client.signature, client.imports) == ("class Client(Base)", ())


def test_python_that_cannot_be_parsed_is_cut_by_its_indentation() -> None:
    broken = PYTHON + "\ndef half(a,\n"
    found = [name for kind, name, _, _ in rows("a.py", broken) if kind != "module"]
    inner = ["Client.send", "Client.Inner", "Client.Inner.close"]
    assert found == ["load", "Client", *inner, "fast", "half"]


def test_digests_tell_texts_apart_and_places_do_not_count() -> None:
    first, moved = named("a.py", PYTHON, "load"), named("b.py", "\n\n" + PYTHON, "load")
    assert first.digest == moved.digest
    assert first.digest != named("a.py", PYTHON, "Client").digest


def test_javascript_and_typescript_are_cut() -> None:
    text = dedent("""\
        import { parse } from './parse';

        // Reads a file.
        // Twice.
        export async function load(path) { return parse(path); }

        export const twice = (x) => x * 2;
        exports.other = function () { return 1; };

        /** A client. */
        class Client extends Base {
          #size = 0;
          get size() { return this.#size; }
          run = async () => { await 1; };
        }
        """)
    assert rows("a.js", text) == [
        ("module", "", 1, 1),
        ("function", "load", 3, 5),
        ("function", "twice", 7, 7),
        ("function", "exports.other", 8, 8),
        ("class", "Client", 10, 12),
        ("method", "Client.size", 13, 13),
        ("method", "Client.run", 14, 14),
    ]
    load = named("a.js", text, "load")
    assert load.signature == "export async function load(path)"
    assert load.summary == "Reads a file."
    assert load.imports == ("import { parse } from './parse';",)
    typed = dedent("""\
        export interface Options { retries: number; send(a: string): void }
        namespace Net {
          export function open<T>(at: T): Promise<T> { return null; }
        }
        export default abstract class Pool<T> {
          constructor(private readonly size: number) { super(); }
        }
        """)
    assert [row[:2] for row in rows("a.ts", typed) if row[0] != "module"] == [
        ("class", "Options"),
        ("function", "Net.open"),
        ("class", "Pool"),
        ("method", "Pool.constructor"),
    ]
    assert named("a.tsx", "export const App = () => <p>hi</p>;\n", "App").language == "tsx"


def test_java_is_cut() -> None:
    text = dedent("""\
        package a.b;
        import java.util.List;
        import java.util.Map;

        /**
         * Keeps lists.
         */
        @Keep
        public class Store<T> {
          private List<T> items;

          /** Adds one. And says so. */
          public void add(T item) throws Full { items.add(item); }
          Store() { }
          enum Kind { A, B; int size() { return 1; } }
        }
        """)
    assert rows("Store.java", text) == [
        ("module", "", 1, 3),
        ("class", "Store", 5, 10),
        ("method", "Store.add", 12, 13),
        ("method", "Store.Store", 14, 14),
        ("method", "Store.Kind.size", 15, 15),
    ]
    assert named("Store.java", text, "Store").imports == ("import java.util.List;",)
    add = named("Store.java", text, "Store.add")
    assert (add.signature, add.summary) == ("public void add(T item) throws Full", "Adds one.")


def test_go_is_cut_and_methods_belong_to_their_receivers() -> None:
    text = dedent("""\
        package main

        import (
            "fmt"
            store "example.com/kept"
        )

        // Client talks.
        type Client struct {
            size int
        }

        // Send sends it.
        func (c *Client) Send(to string) error {
            return fmt.Errorf("no")
        }

        func main() { store.Open() }
        """)
    assert rows("main.go", text) == [
        ("module", "", 1, 6),
        ("class", "Client", 8, 11),
        ("method", "Client.Send", 13, 16),
        ("function", "main", 18, 18),
    ]
    send = named("main.go", text, "Client.Send")
    assert send.signature == "func (c *Client) Send(to string) error"
    assert (send.summary, send.imports) == ("Send sends it.", ('"fmt"',))
    assert named("main.go", text, "main").imports == ('store "example.com/kept"',)


def test_types_of_a_go_group_are_cut_apart() -> None:
    text = "package a\n\n// Both.\ntype (\n\t// A is one.\n\tA struct{}\n\tB int\n)\n"
    assert [row for row in rows("a.go", text) if row[0] == "class"] == [
        ("class", "A", 5, 6),
        ("class", "B", 7, 7),
    ]


@pytest.mark.parametrize(
    ("path", "statement", "name"),
    [
        ("a.js", "import React from 'react';", "React"),
        ("a.js", "import * as net from './network';", "net"),
        ("a.ts", "import { parse as read } from './x';", "read"),
        ("a.py", "import numpy as np", "np"),
        ("a.py", "import os.path", "path"),
        ("a.rs", "use std::io::{self, Read as _, Write};", "Write"),
    ],
)
def test_an_import_is_told_with_what_uses_it(path: str, statement: str, name: str) -> None:
    heads = {"py": "def f():", "rs": "fn f() {", "js": "function f() {", "ts": "function f() {"}
    head = heads[path[2:]]
    end = "" if path.endswith("py") else "}"
    text = f"{statement}\n{head}\n    return {name}\n{end}\n"
    assert named(path, text, "f").imports == (statement,)
    assert named(path, text.replace(f"return {name}", "return zzz"), "f").imports == ()


def test_facts_of_hostile_length_are_cut_off() -> None:
    text = f"{'a.' * 5_000}f = function ({'b, ' * 5_000}) {{ return 1; }};\n"
    (one,) = cut("a.js", text.encode() + b"\n" * 200)
    assert len(one.name) == len(one.signature) == 400


def test_rust_is_cut_and_methods_belong_to_their_types() -> None:
    text = dedent("""\
        use std::collections::HashMap;

        /// Keeps things.
        #[derive(Debug)]
        pub struct Store<T> { items: Vec<T> }

        impl<T: Clone> Store<T> {
            /// Adds one.
            pub fn add(&mut self, item: T) -> usize { self.items.len() }
        }

        mod inner {
            pub fn helper() -> HashMap<u8, u8> { HashMap::new() }
        }
        """)
    found = [row for row in rows("a.rs", text) if row[0] != "module"]
    assert found == [
        ("class", "Store", 3, 5),
        ("method", "Store<T>.add", 8, 9),
        ("function", "inner.helper", 13, 13),
    ]
    assert named("a.rs", text, "Store").summary == "Keeps things."
    assert named("a.rs", text, "inner.helper").imports == ("use std::collections::HashMap;",)


def test_what_is_broken_is_cut_as_far_as_it_can_be_read() -> None:
    text = "function fine() { return 1; }\nclass {{{ ) x = ;\nfunction also() { return 2; }\n"
    assert "fine" in [name for _, name, _, _ in rows("a.js", text)]


def test_prose_and_settings_are_cut_by_their_heads() -> None:
    long = "\n".join(f"line {number}" for number in range(6))
    markdown = f"intro\n\n# First\n{long}\n```\n# no heading\n```\n## Second ##\n{long}\n"
    assert [row[:2] for row in rows("a.md", markdown)] == [
        ("section", ""),
        ("section", "First"),
        ("section", "Second"),
    ]
    assert [name for _, name, _, _ in rows("a.toml", f"[tool.ruff]\n{long}\n[[x]]\na = 1\n")] == [
        "tool.ruff",
        "x",
    ]
    assert [name for _, name, _, _ in rows("a.yml", f"on:\n  {long}\njobs:\n  a: b\n")] == [
        "on",
        "jobs",
    ]
    assert [row[0] for row in rows("a.c", "int main(void) { return 0; }\n")] == ["section"]


def test_a_long_function_is_cut_into_parts_at_empty_lines() -> None:
    body = "".join(f"    call_{n}()\n" + ("\n" if n % 10 == 9 else "") for n in range(150))
    parts = cut("a.py", f"def long():\n{body}".encode())
    assert {(one.kind, one.name) for one in parts} == {(ChunkKind.FUNCTION, "long")}
    assert [one.last_line - one.first_line + 1 <= 80 for one in parts] == [True] * len(parts)
    assert all(one.text.endswith("9()") for one in parts)


def test_very_long_lines_are_cut_off() -> None:
    text = "x = '" + "word " * 1_000 + "'\n" + "y = 1\n" * 40
    assert max(len(one.text) for one in cut("a.py", text.encode())) < 6_100


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01binary",
        b"# Code generated by protoc. DO NOT EDIT.\nx = 1\n",
        b"/* @generated */\nvar a = 1;\n",
        b"var a=1;" * 1_000,
    ],
)
def test_what_no_person_wrote_is_left_out(content: bytes) -> None:
    assert cut("a.js", content) == ()


def test_a_word_about_generated_code_does_not_make_it_generated() -> None:
    assert cut("a.py", b'NAME = "code generated by us"\n')


def test_any_encoding_is_read() -> None:
    assert decoded("\ufeffgröße\r\n".encode()) == "größe\n"
    assert decoded("größe".encode("latin-1")) == "größe"
    assert decoded("größe".encode("utf-16")) == "größe"
    assert cut("a.py", "# größe\nbreite = 1\n".encode("utf-16"))[0].text == "# größe\nbreite = 1"


SUFFIXES = ["py", "js", "ts", "tsx", "java", "go", "rs", "md", "rst", "yaml", "toml", "c", "txt"]
PIECES = st.sampled_from(
    [
        *(
            "def f(a):\n",
            "class A {\n",
            "  return 1\n",
            "}\n",
            "\n",
            "fn x() {",
            "func (a A) B() {\n",
        ),
        *(
            "/* c */\n",
            "# x\n",
            "===\n",
            "[a]\n",
            "a: b\n",
            "export ",
            "((",
            "'''\n",
            "é𝄞\n",
            "    ",
        ),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SUFFIXES), st.lists(PIECES, max_size=30).map("".join))
def test_each_line_with_words_is_in_one_chunk(suffix: str, text: str) -> None:
    found = cut(f"a.{suffix}", text.encode())
    assert found == cut(f"a.{suffix}", text.encode())
    lines = text.split("\n")
    covered = [n for one in found for n in range(one.first_line, one.last_line + 1)]
    assert len(covered) == len(set(covered))
    assert {n for n, line in enumerate(lines, 1) if any(map(str.isalpha, line))} <= set(covered)
    for one in found:
        assert one.text == "\n".join(lines[one.first_line - 1 : one.last_line])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SUFFIXES), st.binary(max_size=400))
def test_no_content_makes_it_fail(suffix: str, content: bytes) -> None:
    cut(f"a.{suffix}", content)


@pytest.mark.parametrize("suffix", ["py", "js", "java", "rs", "go"])
def test_deep_nesting_is_no_obstacle(suffix: str) -> None:
    cut(f"a.{suffix}", b"(" * 20_000 + b"\n" * 200)
    cut(f"a.{suffix}", b"class A {\n" * 3_000)
    cut(f"a.{suffix}", b"".join(b" " * n + b"class A:\n" for n in range(300)))
