import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engines.sandbox.sandbox import Sandbox
from engines.testing.javascript.toolchain import find_node
from engines.testing.languages import writer_for
from engines.testing.types import CannotTest, TestingRequest, TestingResult
from engines.watch import Stopped, Unwatched

Script = Callable[..., TestingResult]
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

SLUG = """
/** Words of a title, joined. */
function slug(title, options) {
  if (typeof title !== 'string') {
    throw new TypeError('Expected a string');
  }
  const words = title.toLowerCase().split(/[^a-z0-9]+/).filter(Boolean);
  if (options && options.limit) {
    words.length = Math.min(words.length, options.limit);
  }
  return words.join(options && options.joint ? options.joint : '-');
}
module.exports = slug;
"""


@pytest.fixture
def script(sandbox: Sandbox, tmp_path: Path) -> Script:
    """Tests for the text of a module, written to a checkout of its own."""

    def run(text: str, path: str = "slug.js", cpu_s: float = 2.0, **more: object) -> TestingResult:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        request = TestingRequest(tmp_path, path, cpu_s=cpu_s, **more)  # pyright: ignore[reportArgumentType] -- keyword by keyword
        return writer_for(path)(request, sandbox, Unwatched())

    return run


@needs_node
def test_a_commonjs_function_gets_jest_tests_that_pass_and_cover_it(
    script: Script, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("```js\nslug('Hello, World!') // hello-world\n```\n")
    result = script(SLUG)
    assert result.test_path == "__tests__/slug.test.js"
    assert result.source.startswith("const slug = require('../slug');\n\ndescribe('slug', () => {")
    assert "'hello-world'" in result.source
    assert "expect(act).toThrow(TypeError);" in result.source
    assert result.tests == result.passed > 3
    assert result.after.line_percent == 100
    assert result.after.branch_percent > 80
    assert result.before.line_percent < 50
    assert "stand-in for Jest" in result.runner


@needs_node
def test_the_same_seed_writes_the_same_file(script: Script) -> None:
    text = "/** @param {boolean} flag */\nexports.word = (flag) => (flag ? 'yes' : 'no');\n"
    first, second = script(text, cpu_s=5, seed=5), script(text, cpu_s=5, seed=5)
    assert first.complete
    assert first.source == second.source


@needs_node
def test_an_es_module_is_imported_and_its_classes_generators_and_promises_are_tested(
    script: Script,
) -> None:
    result = script(
        """
export class Stack {
  items = [];
  push(item) { this.items.push(item); return this.items.length; }
  pop() {
    if (this.items.length === 0) throw new RangeError('the stack is empty');
    return this.items.pop();
  }
  get size() { return this.items.length; }
}
export function* countdown(from) { for (let n = Math.min(from, 5); n > 0; n -= 1) yield n; }
export async function fetched(url) {
  if (!url.startsWith('http')) throw new Error('no url');
  return { url, ok: true };
}
export default (a = 1, b = 2) => a + b;
""",
        "src/stack.mjs",
        6.0,
    )
    text = result.source
    assert "import stack, { Stack, countdown, fetched } from '../src/stack.mjs';" in text
    assert re.search(r"toThrow\('the stack is empty'\)", text)
    assert re.search(r"expect\(\[\.\.\.countdown\(\w+\)\]\)\.toEqual", text)
    assert re.search(r"await expect\(fetched\(.*\)\)\.rejects\.toThrow\('no url'\)", text)
    assert "expect(await fetched(" in text
    assert result.after.line_percent == 100
    assert result.tests == result.passed


@needs_node
def test_tests_follow_the_runner_and_the_place_that_the_repository_uses(
    script: Script, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text(
        json.dumps({"type": "module", "scripts": {"test": "node --test"}})
    )
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "other.test.js").write_text("import test from 'node:test';\n")
    result = script("export const double = (n) => { return n * 2; };\n", "lib/double.js")
    assert result.test_path == "test/double.test.js"
    assert "import { describe, test } from 'node:test';" in result.source
    assert "import { double } from '../lib/double.js';" in result.source
    assert "assert.equal(double(" in result.source
    assert result.runner.startswith("node:test of Node ")
    assert result.passed == result.tests > 0


@needs_node
def test_what_changes_from_run_to_run_is_never_asserted(script: Script) -> None:
    result = script(
        """
exports.stamp = (name) => `${name}-${Date.now()}`;
exports.lot = () => Math.random();
exports.year = () => new Date().getFullYear();
exports.plain = (name) => `${name}!`;
"""
    )
    assert "plain(" in result.source
    assert not re.search(r"stamp|lot|year", result.source)


@needs_node
def test_a_crash_on_input_that_the_documentation_allows_is_a_finding_not_a_test(
    script: Script,
) -> None:
    result = script(
        """
/**
 * @param {string[]} names
 * @returns {string}
 */
function first(names) {
  return names[0].trim();
}
module.exports = { first };
"""
    )
    assert [(one.call, one.line) for one in result.findings] == [("first([])", 7)]
    assert result.findings[0].error.startswith("TypeError: ")
    assert "toThrow" not in result.source


@needs_node
def test_a_module_that_hangs_exits_or_floods_costs_only_those_calls(script: Script) -> None:
    result = script(
        """
const spin = () => { for (;;) {} };
exports.handle = (kind) => {
  if (kind === 'spin') spin();
  if (kind === 'exit') process.exit(3);
  if (kind === 'flood') for (let i = 0; i < 1e5; i += 1) console.log('x'.repeat(100));
  if (kind === 'late') return Promise.resolve().then(spin);
  return kind.length;
};
""",
        cpu_s=4.0,
    )
    assert "handle(" in result.source
    assert not re.search(r"'(?:spin|late)'", result.source)
    assert result.tests == result.passed > 0


@needs_node
def test_a_module_that_meddles_with_the_conversation_is_refused(script: Script) -> None:
    with pytest.raises(CannotTest, match=r"Importing `slug\.js` ended the process"):
        script("require('fs').writeSync(4, 'nonsense\\n'); module.exports = () => 1;")


@needs_node
def test_a_missing_package_is_named_with_the_remedy(script: Script) -> None:
    with pytest.raises(CannotTest, match=r"imports `left-pad`.*npm ci"):
        script("module.exports = require('left-pad');")


@needs_node
def test_a_module_without_exports_has_nothing_to_test(script: Script) -> None:
    with pytest.raises(CannotTest, match="exports no function or class"):
        script("const a = 1;\n")


@needs_node
def test_one_function_can_be_asked_for_and_an_unknown_one_is_answered_with_what_there_is(
    script: Script,
) -> None:
    text = "exports.one = (n) => n + 1;\nexports.two = (n) => n + 2;\n"
    result = script(text, symbol="two")
    assert "two(" in result.source
    assert "one(" not in result.source
    with pytest.raises(CannotTest, match="it has `one`, `two`"):
        script(text, symbol="three")


@needs_node
def test_typescript_runs_or_the_reply_says_what_to_install(script: Script) -> None:
    text = """
export type Level = 'low' | 'high';
export function label(level: Level, count: number = 1): string {
  return level === 'high' ? `${count}!` : `${count}`;
}
"""
    if not find_node().strips_types:
        with pytest.raises(CannotTest, match="npm install --save-dev typescript"):
            script(text, "src/label.ts")
        return
    result = script(text, "src/label.ts")
    assert result.test_path == "__tests__/label.test.ts"
    assert "from '../src/label';" in result.source
    assert set(re.findall(r"'(low|high)'", result.source)) == {"low", "high"}
    assert result.after.branch_percent == 100


@needs_node
def test_a_cancel_before_anything_was_found_stops(sandbox: Sandbox, tmp_path: Path) -> None:
    class Cancelled(Unwatched):
        def stop_requested(self) -> bool:  # pyright: ignore[reportImplicitOverride] -- a watch
            return True

    (tmp_path / "slug.js").write_text(SLUG)
    with pytest.raises(Stopped):
        writer_for("slug.js")(TestingRequest(tmp_path, "slug.js"), sandbox, Cancelled())


def test_without_node_the_reply_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CannotTest, match="Install Node 20 or later"):
        find_node(path=str(tmp_path))


def test_an_old_node_is_named_with_the_remedy(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text("#!/bin/sh\necho v12.22.1\n")
    program.chmod(0o755)
    with pytest.raises(CannotTest, match=r"is 12\.22\. Install a newer one"):
        find_node(path=str(tmp_path))


def test_a_file_in_no_known_language_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CannotTest, match=r"`main\.rs` is in no language"):
        writer_for("main.rs")
