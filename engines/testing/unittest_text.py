"""`assert` statements as unittest's methods."""

import ast


def unittest_statement(statement: str) -> str:
    """The same check as a method call on the test case; what is no assertion stays as it is."""
    if not statement.startswith("assert "):
        return statement
    node = ast.parse(statement).body[0]
    assert isinstance(node, ast.Assert)
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(statement, test)
    if isinstance(test, ast.Call) and ast.unparse(test.func) == "isinstance":
        value, kind = (_segment(statement, one) for one in test.args)
        return f"self.assertIsInstance({value}, {kind})"
    return f"self.assertTrue({_segment(statement, test)})"


def _comparison(statement: str, test: ast.Compare) -> str:
    left, right = _segment(statement, test.left), _segment(statement, test.comparators[0])
    operator = test.ops[0]
    if isinstance(operator, ast.Is):
        return (
            f"self.assertIsNone({left})" if right == "None" else f"self.assertIs({left}, {right})"
        )
    if isinstance(operator, ast.IsNot) and right == "None":
        return f"self.assertIsNotNone({left})"
    if not isinstance(operator, ast.Eq):
        return f"self.assertTrue({_segment(statement, test)})"
    if right.startswith("pytest.approx("):
        return _nearly(left, right.removeprefix("pytest.approx(").removesuffix(")"))
    return f"self.assertEqual({left}, {right})"


def _nearly(left: str, right: str) -> str:
    """unittest compares only single numbers approximately; containers are compared as they are."""
    if right[:1] in "[({":
        return f"self.assertEqual({left}, {right})"
    return f"self.assertAlmostEqual({left}, {right})"


def _segment(statement: str, node: ast.AST) -> str:
    return ast.get_source_segment(statement, node) or ast.unparse(node)
