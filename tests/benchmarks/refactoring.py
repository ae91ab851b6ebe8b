"""Rewrites a module without changing what it does, in one of many ways, as a text.

Each way takes the tree of a module and changes it in place; it says whether there was anything to
change. Layout and comments go, which is one more thing that is no change of behaviour.
"""

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from typing_extensions import override

Function = ast.FunctionDef | ast.AsyncFunctionDef
NodeT = TypeVar("NodeT", bound=ast.AST)

_SCOPED = (
    ast.Global,
    ast.Nonlocal,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
)
_READING_SCOPES = frozenset({"locals", "vars", "exec", "eval", "globals", "super", "dir"})


def refactored(text: str, way: str) -> str | None:
    """The rewritten text; None where the module has nothing for this way."""
    tree = ast.parse(text)
    if not WAYS[way](tree):
        return None
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (one for one in ast.walk(tree) if isinstance(one, Function))


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for function in _functions(tree):
        for node in ast.walk(function):
            for name in ("body", "orelse", "finalbody"):
                block: object = getattr(node, name, None)
                if isinstance(block, list) and block:
                    yield block


def _is_simple(function: Function) -> bool:
    """Whether names inside can be changed safely: no inner scopes, nobody reads them by name."""
    inner = [one for one in ast.walk(function) if one is not function]
    names = {one.id for one in inner if isinstance(one, ast.Name)}
    return not any(isinstance(one, _SCOPED) for one in inner) and not names & _READING_SCOPES


def rename_locals(tree: ast.Module) -> bool:
    """Every local variable that is no parameter gets another name."""
    done = False
    for function in _functions(tree):
        if not _is_simple(function):
            continue
        parameters = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg)}
        stored = {
            one.id
            for one in ast.walk(function)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        caught = {one.name for one in ast.walk(function) if isinstance(one, ast.ExceptHandler)}
        imported = {
            (alias.asname or alias.name).partition(".")[0]
            for one in ast.walk(function)
            if isinstance(one, ast.Import | ast.ImportFrom)
            for alias in one.names
        }
        matched = {one.name for one in ast.walk(function) if isinstance(one, ast.MatchAs)}
        local = stored - parameters - caught - imported - matched
        for one in ast.walk(function):
            if isinstance(one, ast.Name) and one.id in local:
                one.id = f"{one.id}_value"
        done = done or bool(local)
    return done


def rename_private(tree: ast.Module) -> bool:
    """Private functions of the module get other names, wherever the module says them."""
    names = {
        one.name for one in tree.body
        if isinstance(one, Function) and one.name.startswith("_") and not one.name.startswith("__")
    }  # fmt: skip
    text = ast.unparse(tree)
    names = {one for one in names if f"'{one}'" not in text}
    for one in ast.walk(tree):
        if isinstance(one, Function) and one.name in names:
            one.name = f"{one.name}_renamed"
        elif isinstance(one, ast.Name) and one.id in names:
            one.id = f"{one.id}_renamed"
    return bool(names)


def swap_branches(tree: ast.Module) -> bool:
    """`if c: A else: B` becomes `if not c: B else: A`."""
    done = False
    for one in ast.walk(tree):
        has_else = isinstance(one, ast.If) and one.orelse and not isinstance(one.orelse[0], ast.If)
        if isinstance(one, ast.IfExp) or (isinstance(one, ast.If) and has_else):
            one.test = ast.UnaryOp(ast.Not(), one.test)
            one.body, one.orelse = one.orelse, one.body  # pyright: ignore[reportAttributeAccessIssue] -- of one kind
            done = True
    return done


def reorder_methods(tree: ast.Module) -> bool:
    """Plain methods stand in reverse order, after everything else of their class."""
    done = False
    for one in ast.walk(tree):
        if isinstance(one, ast.ClassDef):
            names = [item.name for item in one.body if isinstance(item, Function)]
            plain = [
                item
                for item in one.body
                if isinstance(item, Function)
                and not item.decorator_list
                and names.count(item.name) == 1
                and not _is_mentioned(item.name, one)
            ]
            rest = [item for item in one.body if item not in plain]
            one.body = [*rest, *reversed(plain)]
            done = done or len(plain) > 1
    return done


def _is_mentioned(name: str, owner: ast.ClassDef) -> bool:
    """Whether the class's own body uses the method, as in `__radd__ = __add__`."""
    rest = [item for item in owner.body if not isinstance(item, Function)]
    return any(
        isinstance(item, ast.Name) and item.id == name for one in rest for item in ast.walk(one)
    )


def name_results(tree: ast.Module) -> bool:
    """`return f(x)` becomes `result_ = f(x); return result_`."""
    done = False
    for block in _blocks(tree):
        fresh: list[ast.stmt] = []
        for one in block:
            if isinstance(one, ast.Return) and isinstance(one.value, ast.Call | ast.BinOp):
                fresh.append(ast.Assign([ast.Name("result_", ast.Store())], one.value))
                fresh.append(ast.Return(ast.Name("result_", ast.Load())))
                done = True
            else:
                fresh.append(one)
        block[:] = fresh
    return done


def drop_else_after_return(tree: ast.Module) -> bool:
    """`if c: return A else: B` becomes `if c: return A` and then B."""
    done = False
    for block in _blocks(tree):
        fresh: list[ast.stmt] = []
        for one in block:
            fresh.append(one)
            is_last = isinstance(one, ast.If) and isinstance(one.body[-1], ast.Return | ast.Raise)
            if isinstance(one, ast.If) and is_last and one.orelse:
                fresh.extend(one.orelse)
                one.orelse = []
                done = True
        block[:] = fresh
    return done


def comprehend(tree: ast.Module) -> bool:
    """`out = []; for x in y: out.append(e)` becomes a comprehension."""
    done = False
    for block in _blocks(tree):
        for place in range(len(block) - 1, 0, -1):
            made = _comprehension(block[place - 1], block[place])
            if made:
                block[place - 1 : place + 1] = [made]
                done = True
    return done


def _comprehension(first: ast.stmt, second: ast.stmt) -> ast.stmt | None:
    if not (isinstance(first, ast.Assign) and isinstance(first.targets[0], ast.Name)):
        return None
    name = first.targets[0].id
    is_empty = isinstance(first.value, ast.List) and not first.value.elts
    if not is_empty or not isinstance(second, ast.For) or second.orelse or len(second.body) != 1:
        return None
    inner, tests = second.body[0], list[ast.expr]()
    if isinstance(inner, ast.If) and not inner.orelse and len(inner.body) == 1:
        tests, inner = [inner.test], inner.body[0]
    call = inner.value if isinstance(inner, ast.Expr) else None
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == f"{name}.append"):
        return None
    used = [*tests, *call.args, second.iter]
    if any(_says(one, name) or _yields(one) for one in used) or len(call.args) != 1:
        return None
    generator = ast.comprehension(second.target, second.iter, tests, 0)
    return ast.Assign(first.targets, ast.ListComp(call.args[0], [generator]))


def _says(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def _yields(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Yield | ast.YieldFrom | ast.Await) for one in ast.walk(node))


def extract_functions(tree: ast.Module) -> bool:
    """What plain functions return is computed by functions of their own."""
    made: list[ast.stmt] = []
    for function in _functions(tree):
        if not _is_simple(function) or isinstance(function, ast.AsyncFunctionDef):
            continue
        parameters = [one.arg for one in function.args.args]
        for one in ast.walk(function):
            if not isinstance(one, ast.Return) or not isinstance(one.value, ast.BinOp | ast.Call):
                continue
            names = _free(one.value)
            if (
                _yields(one.value)
                or _has_private(one.value)
                or not names <= set(parameters) | set(dir(builtins))
            ):
                continue
            given = [name for name in parameters if name in names]
            name = f"_extracted_{len(made)}"
            arguments = ast.arguments([], [ast.arg(item) for item in given], None, [], [], None, [])
            made.append(ast.FunctionDef(name, arguments, [ast.Return(one.value)], []))
            loaded: list[ast.expr] = [ast.Name(item, ast.Load()) for item in given]
            one.value = ast.Call(ast.Name(name, ast.Load()), loaded, [])
    tree.body.extend(made)
    return bool(made)


def _has_private(node: ast.AST) -> bool:
    """Whether it uses a name that means another one outside of its class."""
    names = (one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute))
    return any(name.startswith("__") and not name.endswith("__") for name in names)


def _free(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def annotate(tree: ast.Module) -> bool:
    """Parameters and results get annotations that promise nothing."""
    done = False
    for function in _functions(tree):
        arguments = function.args
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if one.annotation is None and one.arg not in {"self", "cls"}:
                one.annotation = ast.Name("object", ast.Load())
                done = True
    return done


def sort_keywords(tree: ast.Module) -> bool:
    """Keyword arguments whose values are constants or names stand in reverse order."""
    done = False
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and len(one.keywords) > 1:
            plain = all(
                item.arg and isinstance(item.value, ast.Constant | ast.Name)
                for item in one.keywords
            )
            if plain:
                one.keywords.reverse()
                done = True
    return done


def spell_out_conditions(tree: ast.Module) -> bool:
    """`return a if c else b` becomes an `if` statement."""
    done = False
    for block in _blocks(tree):
        fresh: list[ast.stmt] = []
        for one in block:
            if isinstance(one, ast.Return) and isinstance(one.value, ast.IfExp):
                value = one.value
                fresh.append(ast.If(value.test, [ast.Return(value.body)], []))
                fresh.append(ast.Return(value.orelse))
                done = True
            else:
                fresh.append(one)
        block[:] = fresh
    return done


class _Chains(ast.NodeTransformer):
    done = False

    @override
    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        middle = node.comparators[0]
        if len(node.ops) != 2 or not isinstance(middle, ast.Name | ast.Constant):
            return node
        self.done = True
        left = ast.Compare(node.left, node.ops[:1], [middle])
        return ast.BoolOp(
            ast.And(), [left, ast.Compare(middle, node.ops[1:], node.comparators[1:])]
        )

    @override
    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        is_number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)
        if not isinstance(node.target, ast.Name) or not is_number:
            return node
        self.done = True
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.Assign([node.target], value)


def split_chains(tree: ast.Module) -> bool:
    """`a < b < c` becomes `a < b and b < c`; `x += 1` becomes `x = x + 1`."""
    chains = _Chains()
    chains.visit(tree)
    return chains.done


def document(tree: ast.Module) -> bool:
    """Docstrings change, and all layout with them."""
    for function in _functions(tree):
        if ast.get_docstring(function) is None:
            function.body.insert(0, ast.Expr(ast.Constant("Do what the name says.")))
    return True


WAYS: dict[str, Callable[[ast.Module], bool]] = {
    "rename locals": rename_locals,
    "rename private functions": rename_private,
    "swap branches": swap_branches,
    "reorder methods": reorder_methods,
    "name results": name_results,
    "drop else after return": drop_else_after_return,
    "loop to comprehension": comprehend,
    "extract functions": extract_functions,
    "annotate": annotate,
    "reverse keywords": sort_keywords,
    "spell out conditions": spell_out_conditions,
    "split chains": split_chains,
    "document": document,
}


def moved(text: str, module: str) -> tuple[str, str] | None:
    """The text for a new module, and what is left of the old one: it passes everything on.

    None where something depends on the module's own name.
    """
    if "__name__" in text or "__file__" in text or "globals()" in text:
        return None
    names = sorted(_public_names(ast.parse(text).body))
    return text, f"from {module} import (\n" + "".join(f"    {one},\n" for one in names) + ")\n"


def _public_names(body: Sequence[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for one in body:
        if isinstance(one, Function | ast.ClassDef):
            found.add(one.name)
        elif isinstance(one, ast.Assign):
            found |= {item.id for item in one.targets if isinstance(item, ast.Name)}
        elif isinstance(one, ast.If | ast.Try):
            found |= _public_names([*one.body, *one.orelse])
    return {one for one in found if not one.startswith("__")}
