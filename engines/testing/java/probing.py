"""Puts probes into Java source, on the lines where they are: what ran, and which way it went."""

from dataclasses import dataclass

from tree_sitter import Node

from engines.testing.java.syntax import named, parsed, source, walk
from engines.testing.types import Coverage

_BLOCKS = frozenset({"block", "constructor_body", "switch_block_statement_group"})
_STATEMENTS = frozenset(
    {
        "expression_statement", "local_variable_declaration", "return_statement", "if_statement",
        "throw_statement", "for_statement", "enhanced_for_statement", "while_statement",
        "do_statement", "switch_expression", "try_statement", "try_with_resources_statement",
        "break_statement", "continue_statement", "synchronized_statement", "yield_statement",
        "assert_statement", "labeled_statement",
    }
)  # fmt: skip
_LOOPS = frozenset({"for_statement", "enhanced_for_statement", "while_statement", "do_statement"})
_BINDING = ("instanceof", "=")


@dataclass(frozen=True)
class Goal:
    """A place to reach, by its number; branches come in pairs."""

    line: int
    is_branch: bool


@dataclass(frozen=True)
class Probed:
    """The text with probes, and what each of them stands for."""

    text: str
    goals: tuple[Goal, ...]

    def coverage(self, reached: frozenset[int]) -> Coverage:
        """Lines that hold statements, and both ways of every branch."""
        lines: dict[int, bool] = {}
        for number, goal in enumerate(self.goals):
            if not goal.is_branch:
                lines[goal.line] = lines.get(goal.line, False) or number in reached
        ways = [number in reached for number, goal in enumerate(self.goals) if goal.is_branch]
        return Coverage(sum(lines.values()), len(lines), sum(ways), len(ways))

    def missing_lines(self, reached: frozenset[int]) -> list[int]:
        """Lines with statements of which none ran."""
        ran = {goal.line for number, goal in enumerate(self.goals) if number in reached}
        return sorted({goal.line for goal in self.goals if not goal.is_branch} - ran)


class _Prober:
    def __init__(self, *, with_conditions: bool) -> None:
        self.goals: list[Goal] = []
        self.insertions: list[tuple[int, int, str]] = []
        """Place, rank among those of the same place, text."""
        self._with_conditions = with_conditions

    def visit(self, node: Node) -> None:
        if node.type in _STATEMENTS and node.parent is not None and node.parent.type in _BLOCKS:
            self._insert(node.start_byte, 5, self._hit(node, is_branch=False))
        if node.type == "if_statement":
            self._branches(node)
        elif node.type in _LOOPS:
            self._braced(named(node, "body"), "")
        elif node.type == "switch_block_statement_group":
            self._case(node)
        elif self._with_conditions and node.type == "ternary_expression":
            self._condition(named(node, "condition"))
        elif self._with_conditions and node.type == "binary_expression":
            operator = named(node, "operator")
            if operator is not None and operator.type in {"&&", "||"}:
                self._condition(named(node, "left"))

    def _hit(self, node: Node, *, is_branch: bool) -> str:
        self.goals.append(Goal(node.start_point[0] + 1, is_branch))
        return f"gryph.Probe.hit({len(self.goals) - 1}); "

    def _insert(self, place: int, rank: int, text: str) -> None:
        self.insertions.append((place, rank, text))

    def _branches(self, node: Node) -> None:
        first, other = named(node, "consequence"), named(node, "alternative")
        taken, missed = self._hit(node, is_branch=True), self._hit(node, is_branch=True)
        self._braced(first, taken, "" if other is not None else f" else {{ {missed}}}")
        self._braced(other, missed)

    def _braced(self, body: Node | None, hit: str, tail: str = "") -> None:
        """A body with its probe, in braces where it has none, and what follows it."""
        if body is None:
            return
        if body.type == "block":
            self._insert(body.start_byte + 1, 4, hit and f" {hit}")
            if tail:
                self._insert(body.end_byte, 9, tail)
            return
        own = self._hit(body, is_branch=False) if body.type in _STATEMENTS else ""
        self._insert(body.start_byte, 1, f"{{ {hit}{own}")
        self._insert(body.end_byte, 9, f" }}{tail}")

    def _case(self, node: Node) -> None:
        label = node.children[0]
        colon = next((one for one in node.children if one.type == ":"), None)
        if colon is not None and label.type == "switch_label":
            last = [one for one in node.children if one.type == ":"][-1]
            self._insert(last.end_byte, 3, " " + self._hit(node, is_branch=True))

    def _condition(self, node: Node | None) -> None:
        text = source(node)
        if node is None or text in {"true", "false"} or any(word in text for word in _BINDING):
            return
        self.goals += [Goal(node.start_point[0] + 1, is_branch=True)] * 2
        number = len(self.goals) - 2
        self._insert(node.start_byte, 7, f"gryph.Probe.test({number}, ")
        self._insert(node.end_byte, 2, ")")


def probed(text: str, *, with_conditions: bool = True) -> Probed:
    """A file's text with probes; without those in conditions it is certain to compile."""
    prober = _Prober(with_conditions=with_conditions)
    for node in walk(parsed(text)):
        prober.visit(node)
    data = text.encode("utf-8", "surrogatepass")
    ordered = sorted(enumerate(prober.insertions), key=lambda one: (one[1][0], _rank(one)))
    made = bytearray()
    done = 0
    for _, (place, _rank_number, inserted) in ordered:
        made += data[done:place] + inserted.encode()
        done = place
    made += data[done:]
    return Probed(made.decode("utf-8", "replace"), tuple(prober.goals))


def _rank(one: tuple[int, tuple[int, int, str]]) -> tuple[int, int]:
    """What closes comes before what opens; inner closings come before outer ones."""
    number, (_, rank, text) = one
    is_closing = text == ")" or text.startswith((" else", " }"))
    return (0, -number) if is_closing else (rank, number)
