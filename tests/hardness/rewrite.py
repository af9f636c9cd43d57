"""Modules compiled with a counter at every place that costs: each call, loop turn, slice, concatenation and search.

Python has no hook for what happens below a call: a slice, a `+` or a `find` copies or reads a megabyte without an event
that a profiler would see, and quadratic time hides exactly there. So the source is parsed, every such expression is
wrapped in a call of `tests.hardness.meter`, and the result is compiled in place of the module. What the program does
stays the same; what it costs becomes a number that is the same on every machine.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType

from tests.hardness import meter

_HOOKS = "__work__"  # ends in two underscores: class bodies do not mangle it
_NEED_THE_FRAME = frozenset({"super", "locals", "globals", "vars", "dir"})
Further = Callable[[CodeType], CodeType]
_COPYING = (ast.Add, ast.Mult, ast.Mod)


def _hook(name: str, *arguments: ast.expr) -> ast.Call:
    place = ast.Attribute(ast.Name(_HOOKS, ast.Load()), name, ast.Load())
    return ast.Call(place, list(arguments), [])


class _Counting(ast.NodeTransformer):
    """Wraps expressions and loops in the hooks of `meter`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _NEED_THE_FRAME:
            return node
        counted = _hook("call", node.func, *node.args)
        counted.keywords = node.keywords
        return counted

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _hook("made", node) if isinstance(node.op, _COPYING) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        return _hook("made", node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        node.value = self.visit(node.value)
        return node  # its format is a JoinedStr that must stay one

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        return _hook("made", node) if isinstance(node.ctx, ast.Load) and isinstance(node.slice, ast.Slice) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.In | ast.NotIn):
            return node
        found = _hook("contains", node.left, node.comparators[0])
        return found if isinstance(node.ops[0], ast.In) else ast.UnaryOp(ast.Not(), found)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        statements: list[ast.stmt] = [node]
        if isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name | ast.Attribute):
            now = ast.parse(ast.unparse(node.target), mode="eval").body
            node.value = _hook("made", node.value)
            statements.append(ast.Expr(_hook("grown", now)))
        return statements

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _hook("each", node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.iter = _hook("each", node.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(_hook("tick")))
        return node


def rewritten(source: str, name: str) -> CodeType:
    """The code of a module with its counters."""
    tree = _Counting().visit(ast.parse(source, name))
    return compile(ast.fix_missing_locations(tree), name, "exec", dont_inherit=True)


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the rewritten source; nothing is cached on disk."""

    further: Further | None = None

    def get_code(self, fullname: str) -> CodeType:
        code = rewritten(self.get_data(self.get_filename(fullname)).decode(), self.get_filename(fullname))
        return self.further(code) if self.further else code

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_HOOKS] = meter
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, package: str, further: Further | None) -> None:
        self.package = package
        self.further = further

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != self.package:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return spec
        loader = _Loader(fullname, spec.origin)
        loader.further = self.further
        return importlib.util.spec_from_file_location(
            fullname, spec.origin, loader=loader, submodule_search_locations=spec.submodule_search_locations
        )


def install(package: str = "analyzer", *, further: Further | None = None) -> None:
    """From now on modules of `package` are loaded with counters. RuntimeError if one was loaded without.

    `further` takes the code of each module and gives what is executed: a fuzzer's own instrumentation.
    """
    loaded = (name for name in sys.modules if name.partition(".")[0] == package)
    plain = [name for name in loaded if _HOOKS not in vars(sys.modules[name])]
    if plain:
        raise RuntimeError(f"{package} is loaded already, without counters: {plain[0]}")
    if not any(isinstance(finder, _Finder) and finder.package == package for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(package, further))
