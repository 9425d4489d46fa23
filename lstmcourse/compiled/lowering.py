"""From the text of a program to LLVM's instructions, statement by statement.

A program is printed in a few forms: numbers, places in memory, loops over ranges, calls. Here each of them is
emitted as it is read. Numba would infer types for every name first and go through some thirty passes, which
takes longer than all that LLVM does; its functions, its types, its cache and its linker are used as they are.
So the text means what Numba says that it means: `tests/compiled/test_lowering.py` compiles it both ways.
"""

from __future__ import annotations

import ast
import functools
import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils, typing
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from . import kernels
from .kernels import Pointer

__all__ = ["program", "step"]

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.Not: operator.not_, ast.USub: operator.neg,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
WHOLE = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}


@dataclass(frozen=True)
class Value:
    """What an expression stands for.

    Attributes
    ----------
    kind : numba type
    at : llvmlite value
        The value; of a variable that changes in a loop, the place on the stack where it is.
    changes : bool
    """

    kind: types.Type
    at: ir.Value
    changes: bool = False


@functools.lru_cache(4096)
def _signature(function: Any, kinds: tuple[types.Type, ...]) -> tuple[types.Type, typing.Signature]:
    """What Numba makes of a call, by the types of the arguments."""
    context = cpu_target.typing_context
    kind = context.resolve_value_type(function)
    found = kind.get_call_type(context, kinds, {})
    if found is None:
        raise TypeError(f"{function} does not take {kinds}")
    return kind, found


class Lowering:
    """Emits the statements of one function.

    Parameters
    ----------
    context, builder
        Numba's and LLVM's, as an intrinsic is given them.
    space : mapping
        What names mean that are no variables: the module's.
    variables : dict of str to Value
        The arguments.
    """

    def __init__(self, context, builder, space: Mapping[str, Any], variables: dict[str, Value]):
        self.context, self.builder, self.space, self.variables = context, builder, space, variables
        self.known: dict[tuple, tuple] = {}

    # Statements

    def statements(self, body: Iterable[ast.stmt]) -> None:
        """Emit them in turn."""
        for statement in body:
            getattr(self, f"_{type(statement).__name__}")(statement)

    def _Pass(self, node: ast.Pass) -> None:
        pass

    def _Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.value(node.value)

    def _Assign(self, node: ast.Assign) -> None:
        (target,) = node.targets
        value = self.value(node.value)
        if isinstance(target, ast.Subscript):
            self._write(target, value)
            return
        before = self.variables.get(target.id)
        if before is not None and before.changes:
            self.builder.store(self._cast(value, before.kind).at, before.at)
        else:
            self.variables[target.id] = value

    def _AugAssign(self, node: ast.AugAssign) -> None:
        self._write(node.target, self._operation(node.op, self.value(node.target), self.value(node.value)))

    def _For(self, node: ast.For) -> None:
        """A loop over a range, tested at its end: LLVM would bring it into that form."""
        b, name = self.builder, node.target.id
        bounds = [self.whole(a) for a in node.iter.args]
        start, stop = bounds[:2] if len(bounds) > 1 else (ir.Constant(bounds[0].type, 0), bounds[0])
        step = bounds[2] if len(bounds) > 2 else ir.Constant(stop.type, 1)
        order = ">" if step.constant < 0 else "<"
        for variable in _assigned(node.body) & self.variables.keys():
            self._keep_on_stack(variable)
        before = b.block
        body, end = (b.function.append_basic_block(part) for part in ("along", "done"))
        b.cbranch(b.icmp_signed(order, start, stop), body, end)
        b.position_at_end(body)
        k = b.phi(start.type)
        k.add_incoming(start, before)
        outside = self.variables
        self.variables = outside | {name: Value(types.intp, k)}
        self.statements(node.body)
        self.variables = outside
        after = b.add(k, step, flags=["nsw"])
        k.add_incoming(after, b.block)
        b.cbranch(b.icmp_signed(order, after, stop), body, end)
        b.position_at_end(end)

    def _keep_on_stack(self, name: str) -> None:
        """A variable from outside a loop that changes in it."""
        value = self.variables[name]
        if not value.changes:
            place = cgutils.alloca_once(self.builder, value.at.type)
            self.builder.store(value.at, place)
            self.variables[name] = Value(value.kind, place, changes=True)

    def _write(self, target: ast.Subscript, value: Value) -> None:
        place, index = self.value(target.value), self.value(target.slice)
        if value.kind != place.kind.dtype:
            value = self._cast(value, place.kind.dtype)
        self.call(operator.setitem, place, index, value)

    # Expressions

    def value(self, node: ast.expr) -> Value:
        """Emit an expression."""
        return getattr(self, f"_{type(node).__name__}")(node)

    def whole(self, node: ast.expr) -> ir.Value:
        """Emit an expression that is a whole number."""
        return self._cast(self.value(node), types.intp).at

    def _Name(self, node: ast.Name) -> Value:
        value = self.variables[node.id]
        return Value(value.kind, self.builder.load(value.at)) if value.changes else value

    def _Constant(self, node: ast.Constant) -> Value:
        kind = {bool: types.boolean, int: types.intp, float: types.float64}[type(node.value)]
        return Value(kind, self.context.get_constant(kind, node.value))

    def _Attribute(self, node: ast.Attribute) -> Value:
        return self._Constant(ast.Constant(self._object(node)))

    def _Subscript(self, node: ast.Subscript) -> Value:
        return self.call(operator.getitem, self.value(node.value), self.value(node.slice))

    def _BinOp(self, node: ast.BinOp) -> Value:
        return self._operation(node.op, self.value(node.left), self.value(node.right))

    def _Compare(self, node: ast.Compare) -> Value:
        return self._operation(node.ops[0], self.value(node.left), self.value(node.comparators[0]))

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return self._Constant(ast.Constant(-node.operand.value))
        return self.call(OPERATORS[type(node.op)], self.value(node.operand))

    def _Call(self, node: ast.Call) -> Value:
        function = self._object(node.func)
        if function is kernels.pointer:
            return self._pointer(*node.args)
        if function is self.space["F"]:
            return self._cast(self.value(node.args[0]), _kind(function))
        return self.call(function, *map(self.value, node.args))

    def _pointer(self, at: ast.expr, *which: ast.expr) -> Value:
        """Where variable `k` lies; it is `scope` of those that do not overlap."""
        k, kind, scope, of = which
        made = Pointer(_kind(self._object(kind)), scope.value, of.value)
        address = self.call(operator.getitem, self.value(at), self.value(k))
        return Value(made, self.builder.inttoptr(address.at, self.context.get_value_type(made)))

    def _operation(self, op: ast.AST, left: Value, right: Value) -> Value:
        whole = WHOLE.get(type(op))
        if whole and left.kind == right.kind == types.intp:
            return Value(types.intp, getattr(self.builder, whole)(left.at, right.at))
        return self.call(OPERATORS[type(op)], left, right)

    def call(self, function: Any, *given: Value) -> Value:
        """Emit a call as Numba does."""
        kinds = tuple(v.kind for v in given)
        if (function, kinds) not in self.known:
            kind, signature = _signature(function, kinds)
            self.known[function, kinds] = signature, self.context.get_function(kind, signature)
        signature, emit = self.known[function, kinds]
        values = [self._cast(v, kind).at for v, kind in zip(given, signature.args, strict=True)]
        return Value(signature.return_type, emit(self.builder, values))

    def _cast(self, value: Value, kind: types.Type) -> Value:
        if value.kind == kind:
            return value
        if value.kind == types.float64 and isinstance(value.at, ir.Constant):
            return Value(kind, self.context.get_constant(kind, value.at.constant))
        return Value(kind, self.context.cast(self.builder, value.at, value.kind, kind))

    def _object(self, node: ast.expr) -> Any:
        """What a name that is no variable stands for."""
        if isinstance(node, ast.Attribute):
            return getattr(self._object(node.value), node.attr)
        return self.space[node.id]


def _kind(number: type) -> types.Type:
    """The type of a NumPy number."""
    return typing.typeof.typeof(number(0))


def _assigned(body: Iterable[ast.stmt]) -> set[str]:
    """Names that statements give values to."""
    return {
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


NUMBERS = types.CPointer(types.intp)
PROGRAM = (NUMBERS, NUMBERS, types.intp, types.intp)
"""Sizes, addresses, and from which row to which."""
STEP = (NUMBERS, NUMBERS, types.intp, types.intp, types.intp)
"""The same, with the step after the addresses."""


def program(cache: bool) -> Callable:
    """Decorate a function of a program: it is compiled as a C function."""
    return functools.partial(_compiled, PROGRAM, cache)


def step(cache: bool) -> Callable:
    """Decorate a part of a loop's step: it is compiled, and what stands for it calls it by its address.

    Compiled functions that call one another are compiled again with each that calls them; these are not.
    """

    def decorate(function: Callable) -> Any:
        made = _compiled(STEP, cache, function)
        name = f"{function.__module__}_{function.__name__}"
        llvmlite.binding.add_symbol(name, made.address)

        def typed(typing, sizes, at, t, first, last):
            def make(context, builder, sig, args):
                kind = ir.FunctionType(ir.VoidType(), [v.type for v in args])
                builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
                return context.get_dummy_value()

            return types.none(*STEP), make

        call = intrinsic(typed)
        call.compiled = made  # kept as long as the module that calls it
        return call

    return decorate


def _compiled(kinds: tuple[types.Type, ...], cache: bool, function: Callable) -> Any:
    """A function as a C function that takes arguments of these kinds.

    Numba is given one of the same name in the same file, by which it keeps what it compiled; all that it does
    is a call that emits the text.
    """
    names = list(inspect.signature(function).parameters)

    def make(context, builder, sig, args):
        (definition,) = ast.parse(inspect.getsource(function)).body
        variables = {name: Value(*of) for name, *of in zip(names, sig.args, args, strict=True)}
        Lowering(context, builder, function.__globals__, variables).statements(definition.body)
        return context.get_dummy_value()

    listed = ", ".join(names)
    space = {"typed": (types.none(*kinds), make)}
    exec(f"def emit(context, {listed}):\n    return typed", space)
    space["emit"] = intrinsic(space["emit"])
    text = f"def {function.__name__}({listed}):\n    emit({listed})"
    exec(
        compile(text, function.__code__.co_filename, "exec"), space | {"__name__": function.__module__}, space
    )
    return cfunc(types.void(*kinds), cache=cache, **kernels.CALLED)(space[function.__name__])
