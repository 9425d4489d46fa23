"""`names`: which names a piece of a notebook gives, needs, and changes in place.

By them an answer's cell is given what it rests on, and nothing else: a lesson may train for a minute before a
question that has nothing to do with it.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Names", "names"]

SHOW = ("print", "display")  # which change nothing


@dataclass(frozen=True)
class Names:
    """What a piece of code has to do with the names of its notebook.

    Attributes
    ----------
    gives : frozenset of str
        That it binds.
    needs : frozenset of str
        That have to be there before it runs, or when a function of it is called.
    changes : frozenset of str
        Of what is there already, and is another afterwards: ``x[0] = 1``, ``x += 1``, ``x.append(1)``.
    imports : frozenset of str
        Of `gives`: modules and what is taken of them, which no call changes.
    maybe : frozenset of str
        Of `gives`: in a branch alone, which may not be taken.
    handed : frozenset of str
        What is handed to a call that stands alone, ``train(model)``, and may be another afterwards.
    """

    gives: frozenset[str]
    needs: frozenset[str]
    changes: frozenset[str]
    imports: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()


def names(source: str) -> Names:
    r"""Return what a piece of code gives, needs and changes.

    Parameters
    ----------
    source : str
        Python, without magics.

    Raises
    ------
    SyntaxError
        It is no Python.

    Examples
    --------
    >>> found = names("x = start + 1\ndef f(n):\n    return n * x + later\nrows.append(x)")
    >>> sorted(found.gives), sorted(found.needs), sorted(found.changes)
    (['f', 'x'], ['later', 'rows', 'start'], ['rows'])
    """
    walk, surely = _Walk(), set[str]()
    for statement in ast.parse(source).body:
        walk.visit(statement)
        if not isinstance(statement, (ast.If, ast.Try, ast.While, ast.Match)):
            alone = _Walk()
            alone.visit(statement)
            surely |= alone.given
    needs = walk.first | (walk.later - walk.given)
    parts = (walk.given, needs, walk.changed, walk.imported, walk.given - surely, walk.handed)
    return Names(*map(frozenset, parts))


class _Walk(ast.NodeVisitor):
    """Goes through the code of a module in the order in which it runs, all loops and branches once.

    Functions and classes are scopes of their own, which `symtable` reads.
    """

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.imported: set[str] = set()
        self.handed: set[str] = set()
        self.first: set[str] = set()  # read before they are given
        self.later: set[str] = set()  # read in functions
        self.changed: set[str] = set()
        self.hidden: set[str] = set()  # variables of comprehensions

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.given and node.id not in self.hidden:
                self.first.add(node.id)
        else:
            self.given.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._stored(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self._stored(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if (root := _root(node.target)) is not None:
            self._changed(root)
        self._stored(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._stored(node.target)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._stored(node.target)
        for part in (*node.body, *node.orelse):
            self.visit(part)

    visit_AsyncFor = visit_For

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.given |= {node.name} - {None}
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name):
                self._stored(target)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        imported = {(name.asname or name.name).partition(".")[0] for name in node.names}
        self.given |= imported
        self.imported |= imported

    visit_ImportFrom = visit_Import

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.given.add(node.name)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        self.generic_visit(node)
        if not isinstance(node.value, ast.Call):
            return
        if isinstance(node.value.func, ast.Attribute) and (root := _root(node.value.func)) is not None:
            self._changed(root)
        if getattr(node.value.func, "id", "") not in SHOW:
            given = (*node.value.args, *(k.value for k in node.value.keywords))
            self.handed |= {root for part in given if (root := _root(part)) is not None}

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == "fit" and node.args and (root := _root(node.args[0])) is not None:
            self._changed(root)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = (a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg))
        for part in (
            *(*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *arguments, node.returns),
        ):
            if part is not None:
                self.visit(part)
        self._inside(node)
        self.given.add(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        self._inside(node)
        self.given.add(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        self._inside(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node.generators, [node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, [node.key, node.value])

    def _comprehension(self, generators: list[ast.comprehension], made: list[ast.expr]) -> None:
        """It runs where it stands, and keeps its variables to itself."""
        before = self.hidden
        for part in generators:
            self.visit(part.iter)
            self.hidden = self.hidden | {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
            for test in part.ifs:
                self.visit(test)
        for part in made:
            self.visit(part)
        self.hidden = before

    def _inside(self, node: ast.stmt | ast.expr) -> None:
        """What is read of the module in a scope of its own."""
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
        for scope, at_once in _scopes(table, isinstance(node, ast.ClassDef)):
            read = {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
            self.given |= {s.get_name() for s in scope.get_symbols() if s.is_declared_global()}
            if at_once:
                self.first |= read - self.given - self.hidden
            else:
                self.later |= read - self.hidden

    def _stored(self, target: ast.expr) -> None:
        """What an assignment does: it gives a name, or changes what one stands for."""
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._stored(part)
        elif isinstance(target, ast.Starred):
            self._stored(target.value)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            self.visit(target)
            if (root := _root(target)) is not None:
                self._changed(root)
        else:
            self.visit(target)

    def _changed(self, name: str) -> None:
        if name not in self.given and name not in self.hidden:
            self.first.add(name)
            self.changed.add(name)


def _scopes(table: symtable.SymbolTable, at_once: bool) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    for child in table.get_children():
        runs = at_once and child.get_type() == "class"
        yield child, runs
        yield from _scopes(child, runs)


def _root(node: ast.expr) -> str | None:
    """The name at the beginning of ``name.part[0].other``."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
