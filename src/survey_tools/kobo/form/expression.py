"""Parse the expressions of a form (XLSForm's subset of XPath) and evaluate them.

Not here: predicates, absolute paths and secondary instances; an expression that uses them is
refused by name. Conversion and comparison are in `values`, functions in `functions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from survey_tools.errors import KoboError
from survey_tools.kobo.form.functions import FUNCTIONS
from survey_tools.kobo.form.values import (
    ARITHMETIC,
    Node,
    Nodes,
    Value,
    compare,
    to_bool,
    to_number,
    to_text,
)


class Context(Protocol):
    """What an expression may ask of the submission that it is evaluated in."""

    now: datetime

    def here(self) -> Node:
        """Return the question whose expression is evaluated (``.``)."""

    def up(self, steps: int, below: tuple[str, ...]) -> Nodes:
        """Return the node ``steps`` levels up (``..``), or what lies below it by name."""

    def named(self, name: str) -> Nodes:
        """Return ``${name}``: one node where this place lies in the same repeat, else all."""

    def everywhere(self, name: str) -> Nodes:
        """Return ``${name}`` in all instances of its repeats."""

    def column(self, name: str) -> str:
        """Return a column of the choice that a choice filter looks at."""

    def random(self) -> float:
        """Return a number in [0, 1)."""


Step = Callable[[Context], Value]


@dataclass(frozen=True)
class Expression:
    """A parsed expression; made by `parse`.

    Attributes
    ----------
    source : str
        As the form has it.
    names : frozenset of str
        Questions and groups that it mentions as ``${name}``.
    functions : frozenset of str
        Functions that it calls.
    relative : bool
        Whether it looks around by ``.`` or ``..``.
    """

    source: str
    names: frozenset[str]
    evaluate: Step
    functions: frozenset[str] = frozenset()
    relative: bool = False

    def truth(self, context: Context) -> bool:
        """Evaluate to true or false."""
        return to_bool(self.evaluate(context))


def parse(source: str, where: str = "") -> Expression:
    """Parse an expression of a form.

    Parameters
    ----------
    source : str
        Such as ``selected(${a}, 'x') and . < 10``.
    where : str
        The question, for the error.

    Returns
    -------
    Expression
        Ready to evaluate; parsing the same text twice costs nothing.

    Raises
    ------
    KoboError
        If it cannot be parsed, or calls a function that this package does not know.
    """
    try:
        return _parse(source)
    except _SyntaxError as bad:
        raise KoboError(
            bad.args[0],
            found=source,
            where=f"question {where}" if where else None,
            next_step="Check the expression in the form; functions known: "
            + ", ".join(sorted({*FUNCTIONS, *_SPECIAL})),
        ) from None


class _SyntaxError(Exception):
    pass


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d*)?|\.\d+)
    | (?P<text>'[^']*'|"[^"]*")
    | \$\{\s*(?P<ref>[^}]+?)\s*\}
    | (?P<sign>!=|<=|>=|=|<|>|\+|-|\*|\(|\)|,|\.\.|\.|/|\[|\])
    | (?P<name>[^\W\d][\w-]*(?:\.[\w-]+)*)
    )""",
    re.VERBOSE,
)
# Binding power of the operators of XPath 1.0, section 3.
_POWER = {
    **{"or": 1, "and": 2, "=": 3, "!=": 3},
    **dict.fromkeys(("<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "div", "mod"), 6),
}
_UNARY = 7


@lru_cache(maxsize=4096)
def _parse(source: str) -> Expression:
    parser = _Parser(source)
    step = parser.expression(0)
    if parser.kind:
        raise _SyntaxError("An expression of the form goes on where it should end.")
    return Expression(
        source, frozenset(parser.names), step, frozenset(parser.functions), parser.relative
    )


class _Parser:
    """A top-down operator precedence parser (Pratt 1973) that builds closures."""

    def __init__(self, source: str) -> None:
        self._source, self._place = source, 0
        self.names: set[str] = set()
        self.functions: set[str] = set()
        self.relative = False
        self.kind, self.text = "", ""
        self._next()

    def expression(self, power: int) -> Step:
        left = self._operand()
        while (sign := self.text) in _POWER and self.kind in ("sign", "name"):
            if _POWER[sign] <= power:
                break
            self._next()
            left = _binary(sign, left, self.expression(_POWER[sign]))
        return left

    def _operand(self) -> Step:
        kind, text = self.kind, self.text
        self._next()
        if kind == "number":
            number = float(text)
            return lambda _: number
        if kind == "text":
            return lambda _: text[1:-1]
        if kind == "ref":
            return self._reference(text)
        if kind == "name":
            return self._call(text) if self.text == "(" and self.kind == "sign" else _column(text)
        if text == "-" and kind:
            operand = self.expression(_UNARY)
            return lambda context: -to_number(operand(context))
        if text == "(" and kind:
            inner = self.expression(0)
            self._expect(")")
            return inner
        if text in (".", "..") and kind:
            return self._relative(text)
        raise _SyntaxError("An expression of the form has something missing or unknown in it.")

    def _reference(self, name: str) -> Step:
        self.names.add(name)
        return lambda context: context.named(name)

    def _relative(self, first: str) -> Step:
        self.relative = True
        ups = int(first == "..")
        below: list[str] = []
        while self.kind == "sign" and self.text == "/":
            self._next()
            if self.text == ".." and not below:
                ups += 1
            elif self.kind == "name":
                below.append(self.text)
            else:
                raise _SyntaxError(
                    "An expression of the form holds a path that cannot be followed."
                )
            self._next()
        if not ups and not below:
            return lambda context: [context.here()]
        names = tuple(below)
        return lambda context: context.up(ups, names)

    def _call(self, name: str) -> Step:
        self._expect("(")
        self.functions.add(name)
        arguments: list[Step] = []
        first_ref = self.text if self.kind == "ref" else ""
        while not (self.kind == "sign" and self.text == ")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression(0))
        self._expect(")")
        return _function(name, arguments, first_ref)

    def _expect(self, sign: str) -> None:
        if self.kind != "sign" or self.text != sign:
            raise _SyntaxError(f"An expression of the form lacks a {sign!r}.")
        self._next()

    def _next(self) -> None:
        rest = self._source[self._place :]
        if not rest.strip():
            self.kind, self.text = "", ""
            return
        found = _TOKEN.match(rest)
        if not found:
            raise _SyntaxError("An expression of the form holds a sign that has no meaning there.")
        self._place += found.end()
        self.kind = str(found.lastgroup)
        self.text = found.group(self.kind)


def _binary(sign: str, left: Step, right: Step) -> Step:
    if sign == "or":
        return lambda context: to_bool(left(context)) or to_bool(right(context))
    if sign == "and":
        return lambda context: to_bool(left(context)) and to_bool(right(context))
    if _POWER[sign] in (3, 4):
        return lambda context: compare(sign, left(context), right(context))
    operation = ARITHMETIC[sign]
    return lambda context: operation(to_number(left(context)), to_number(right(context)))


def _column(name: str) -> Step:
    return lambda context: context.column(name)


def _function(name: str, arguments: list[Step], first_ref: str) -> Step:
    if name in _SPECIAL:
        fewest, most = _SPECIAL[name]
        _check_number(name, len(arguments), fewest, most)
        return _special(name, arguments, first_ref)
    if name not in FUNCTIONS:
        raise _SyntaxError(f"An expression of the form calls {name}(), which is not known here.")
    function, fewest, most = FUNCTIONS[name]
    _check_number(name, len(arguments), fewest, most)

    def call(context: Context) -> Value:
        try:
            return function(*(argument(context) for argument in arguments))
        except (re.error, ValueError, ArithmeticError) as error:
            raise KoboError(
                f"An expression of the form calls {name}() with what it cannot take.",
                found=type(error).__name__,
            ) from error

    return call


def _check_number(name: str, given: int, fewest: int, most: int | None) -> None:
    if given < fewest or (most is not None and given > most):
        raise _SyntaxError(f"An expression of the form calls {name}() with {given} arguments.")


_SPECIAL: dict[str, tuple[int, int | None]] = {
    "if": (3, 3),
    "once": (1, 1),
    "indexed-repeat": (3, 7),
    "today": (0, 0),
    "now": (0, 0),
    "random": (0, 0),
}


def _special(name: str, arguments: list[Step], first_ref: str) -> Step:
    if name == "today":
        return lambda context: context.now.date()
    if name == "now":
        return lambda context: context.now
    if name == "random":
        return lambda context: context.random()
    if name == "once":
        return lambda context: context.here().text or arguments[0](context)
    if name == "if":
        test, yes, no = arguments
        return lambda context: yes(context) if to_bool(test(context)) else no(context)
    return _indexed_repeat(arguments, first_ref)


def _indexed_repeat(arguments: list[Step], first_ref: str) -> Step:
    if not first_ref or len(arguments) % 2 == 0:
        raise _SyntaxError("An expression of the form calls indexed-repeat() wrongly.")
    positions = arguments[2::2]

    def indexed(context: Context) -> Value:
        wanted = tuple(to_number(position(context)) for position in positions)
        own = context.here().at
        for node in context.everywhere(first_ref):
            outer = node.at[: len(node.at) - len(wanted)]
            if node.at[len(outer) :] == wanted and own[: len(outer)] == outer:
                return to_text([node])
        return ""

    return indexed
