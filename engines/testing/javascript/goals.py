"""What a test can reach in a script: its statements, and both ways of every branch."""

from dataclasses import dataclass

from tree_sitter import Node

from engines.testing.javascript.syntax import Tree, named, walk
from engines.testing.types import Coverage

_STATEMENTS = frozenset(
    {
        "expression_statement",
        "variable_declaration",
        "lexical_declaration",
        "return_statement",
        "throw_statement",
        "if_statement",
        "for_statement",
        "for_in_statement",
        "while_statement",
        "do_statement",
        "switch_statement",
        "try_statement",
        "break_statement",
        "continue_statement",
    }
)
_SHORT_CIRCUITS = frozenset({"&&", "||", "??"})


@dataclass(frozen=True)
class Goal:
    """A place that must run or, with `less`, must run more often than another: a skipped branch."""

    place: int
    less: int | None
    line: int
    is_branch: bool

    def places(self) -> list[int]:
        """As the driver wants it."""
        return [self.place] if self.less is None else [self.place, self.less]


def goals_of(tree: Tree) -> list[Goal]:
    """All goals of a script, in the order of its text."""
    found: list[Goal] = []
    for node in walk(tree.root):
        found.extend(_branches(tree, node))
        if node.type in _STATEMENTS and not _is_directive(node):
            found.append(Goal(tree.offset(node.start_byte), None, _line(node), is_branch=False))
        elif node.type == "arrow_function":
            body = named(node, "body")
            if body is not None and body.type != "statement_block":
                found.append(Goal(tree.offset(body.start_byte), None, _line(body), is_branch=False))
    return found


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _is_directive(node: Node) -> bool:
    """`'use strict'` is never counted as run."""
    inner = node.named_children
    return node.type == "expression_statement" and bool(inner) and inner[0].type == "string"


def _branches(tree: Tree, node: Node) -> list[Goal]:
    match node.type:
        case "if_statement" | "ternary_expression":
            return _two_ways(tree, node)
        case "binary_expression":
            operator, right = named(node, "operator"), named(node, "right")
            if operator is None or right is None or operator.type not in _SHORT_CIRCUITS:
                return []
            return [_way(tree, right), _skipped(tree, node, right)]
        case "switch_case" | "switch_default":
            return [_way(tree, node)]
        case _:
            return []


def _two_ways(tree: Tree, node: Node) -> list[Goal]:
    first, other = named(node, "consequence"), named(node, "alternative")
    if first is None:
        return []
    if other is None:
        return [_way(tree, first), _skipped(tree, node, first)]
    if other.type == "else_clause":
        other = other.named_children[-1]
    return [_way(tree, first), _way(tree, other)]


def _way(tree: Tree, node: Node) -> Goal:
    return Goal(tree.offset(node.start_byte), None, _line(node), is_branch=True)


def _skipped(tree: Tree, node: Node, part: Node) -> Goal:
    start, inner = tree.offset(node.start_byte), tree.offset(part.start_byte)
    return Goal(start, inner, _line(node), is_branch=True)


def coverage(goals: list[Goal], reached: frozenset[int], lines: list[int]) -> Coverage:
    """Lines that hold statements, and branches; `lines` maps executed lines to written ones."""
    statements: dict[int, bool] = {}
    for number, goal in enumerate(goals):
        if not goal.is_branch:
            line = written_line(goal.line, lines)
            statements[line] = statements.get(line, False) or number in reached
    branches = [number in reached for number, goal in enumerate(goals) if goal.is_branch]
    return Coverage(sum(statements.values()), len(statements), sum(branches), len(branches))


def missing_lines(goals: list[Goal], reached: frozenset[int], lines: list[int]) -> list[int]:
    """Written lines with statements of which none ran."""
    all_lines = {written_line(goal.line, lines) for goal in goals if not goal.is_branch}
    ran = {
        written_line(goal.line, lines)
        for number, goal in enumerate(goals)
        if number in reached and not goal.is_branch
    }
    return sorted(all_lines - ran)


def written_line(line: int, lines: list[int]) -> int:
    """The line of the person's file behind a line of what runs, both from 1."""
    return lines[line - 1] if 0 < line <= len(lines) else line
