"""Conditions and values in playbooks: Jinja2's expressions over what is known of a customer and of a turn.

    event('plan_changed').days_ago <= 62 and customer.plan == 'pro'

What an expression may name is listed here. It has no loops, no calls but these, no attributes of Python's, and a
length within which nothing takes long. What is not known is missing: no comparison with it holds, and it is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["FUNCTIONS", "MISSING", "ROOTS", "Expression", "ExpressionError", "Looked", "Record", "Scope"]

ROOTS: Mapping[str, frozenset[str]] = {  # what there is to ask for, with its attributes
    "customer": frozenset(
        {
            *("name", "plan", "language", "channel", "since", "days", "months", "years", "is_new"),
            *("paid", "monthly", "satisfaction", "satisfaction_trend", "escalations", "milestones"),
            *("features", "engagement"),
        }
    ),
    "case": frozenset({"contacts", "reopened", "state", "topic", "days", "attempts", "agents", "channels"}),
    "reading": frozenset(
        {
            "language",
            "intent",
            "sentiment",
            "urgency",
            "expertise",
            "formality",
            "politeness",
            "person",
            "repetition",
            "questions",
            "frustration",
            "confusion",
            "satisfaction",
            "excitement",
            "time_sensitivity",
            "mood_trend",
            "frustration_trend",
        }
    ),
    "now": frozenset({"hour", "minute", "weekday", "day", "month", "year", "date"}),
}
FUNCTIONS: Mapping[str, tuple[int, int]] = {  # with how many arguments each can be called
    "event": (1, 1),  # the latest of a name, with its properties, `at`, `date` and `days_ago`
    "events": (1, 2),  # those of a name, in so many days: `count`, `first`, `latest`
    "usage": (1, 1),  # `count`, `first`, `latest`, `days_ago`
    "fact": (1, 1),
    "entity": (1, 1),  # what the turn names
    "tried": (1, 1),  # an article, a step of one as `id#2`, or what somebody did in words
    "money": (2, 2),  # an amount and its currency
}
_RECORDS: Mapping[str, frozenset[str] | None] = {  # attributes of what a function gives; None: any
    "event": None,
    "events": frozenset({"count", "first", "latest"}),
    "usage": frozenset({"count", "first", "latest", "days_ago"}),
}
_FILTERS = frozenset({"default", "float", "int", "length", "lower", "upper"})
_TESTS = frozenset({"defined", "undefined", "none"})
_LONGEST = 400  # characters
_PLAIN = (
    nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Tuple, nodes.List,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg, nodes.Pos,
)  # fmt: skip


class ExpressionError(ValueError):
    """An expression that cannot be used; the message says why, and what to write."""


class Record:
    """Something with attributes that an expression can ask for."""

    __slots__ = ()

    def get(self, attribute: str) -> object:
        """The value; None where it is not known."""
        raise NotImplementedError


class _Missing(Undefined):
    """What is not known: false, empty, and neither equal to anything nor different from it, less or more."""

    __slots__ = ()

    def _never(self, other: object) -> bool:
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _never  # type: ignore[assignment]
    __hash__ = Undefined.__hash__

    def _itself(self) -> Undefined:
        return self

    __neg__ = __pos__ = _itself  # type: ignore[assignment]


MISSING = _Missing()


class Scope:
    """What there is for expressions, by name; made once for all of a turn."""

    __slots__ = ("context",)

    def __init__(self, names: Mapping[str, object]) -> None:
        self.context = Context(_ENVIRONMENT, dict(names), None, {})


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that an expression looks up: ("event", "plan_changed")."""

    function: str
    name: str


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, compiled; two with the same text are the same."""

    text: str
    looks_up: tuple[Looked, ...] = field(compare=False, repr=False)
    roots: frozenset[str] = field(compare=False, repr=False)  # of `ROOTS`, those that it names
    _compiled: Callable[[Context], Iterator[str]] = field(compare=False, repr=False)

    @classmethod
    def of(cls, text: str) -> Expression:
        """Compile an expression; raises ExpressionError."""
        if len(text) > _LONGEST:
            raise ExpressionError(f"is longer than {_LONGEST} characters; say it in several, or more simply")
        try:
            tree = Parser(_ENVIRONMENT, f"{{{{ {text} }}}}").parse()
            match tree.body:
                case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
                    _judge(expression)
                case _:
                    raise ExpressionError("is no expression; write what is to hold, such as case.contacts >= 3")
            compiled = _ENVIRONMENT.compile_expression(text)._template.root_render_func
        except TemplateError as error:
            raise ExpressionError(f"cannot be read ({error.message}); write it like case.contacts >= 3") from error
        except (RecursionError, SyntaxError, MemoryError) as error:  # SyntaxError: of what Jinja makes of it
            raise ExpressionError("has too many brackets within brackets; say it more simply") from error
        looks_up = tuple(dict.fromkeys(_looked_up(expression)))
        return cls(text, looks_up, frozenset(n.name for n in _all(expression, nodes.Name) if n.name in ROOTS), compiled)

    def value(self, scope: Scope) -> object | None:
        """What it comes to; None where something is not known, or is not what can be compared or computed with."""
        context = scope.context
        try:
            for _ in self._compiled(context):  # as Jinja does it, which makes a context each time
                pass
            value = context.vars["result"]
        except (TypeError, ValueError, ArithmeticError, TemplateError):
            return None
        return None if isinstance(value, Undefined) else value

    def holds(self, scope: Scope) -> bool:
        """Whether it comes to something that is true."""
        return bool(self.value(scope))


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2's, without anything of Python's: attributes are those of records, and operators are for numbers."""

    intercepted_binops = frozenset({"+", "-", "*", "/"})

    def getattr(self, obj: object, attribute: str) -> object:
        value = obj.get(attribute) if isinstance(obj, Record) else None
        return MISSING if value is None else value

    def getitem(self, obj: object, argument: object) -> object:
        return self.getattr(obj, str(argument))

    def call(self, context: Context, called: Callable[..., object], *args: object, **named: object) -> object:
        return called(*args, **named)  # one of `FUNCTIONS`: nothing else is let through

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if not (_is_number(left) and _is_number(right)):
            return MISSING
        return super().call_binop(context, operator, left, right)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_ENVIRONMENT = _Environment(undefined=_Missing)
_ENVIRONMENT.globals.clear()


# --- what may stand there -------------------------------------------------------------------------------------------


def _judge(node: nodes.Node) -> None:
    """Raise ExpressionError for anything that an expression may not have."""
    match node:
        case nodes.Const():
            return
        case nodes.Name(name=name):
            raise ExpressionError(_unknown_name(str(name)))
        case nodes.Getattr(node=inner, attr=attribute):
            _judge_attribute(inner, attribute)
        case nodes.Getitem(node=inner, arg=nodes.Const(value=str(attribute))):
            _judge_attribute(inner, attribute)
        case nodes.Call():
            _judge_call(node)
        case nodes.Filter(name=name, kwargs=[], dyn_args=None, dyn_kwargs=None) if name in _FILTERS:
            _judge_each(node)
        case nodes.Test(name=name, kwargs=[], dyn_args=None, dyn_kwargs=None) if name in _TESTS:
            _judge_each(node)
        case nodes.Filter(name=name) | nodes.Test(name=name):
            raise ExpressionError(f"has |{name} or `is {name}`; there are {', '.join(sorted(_FILTERS | _TESTS))}")
        case _ if isinstance(node, _PLAIN):
            _judge_each(node)
        case _:
            known = "and, or, not, in, comparisons, + - * / and brackets"
            raise ExpressionError(f"has something that is not allowed ({type(node).__name__}); there are {known}")


def _judge_each(node: nodes.Node) -> None:
    for child in node.iter_child_nodes():
        _judge(child)


def _unknown_name(name: str) -> str:
    if name in ROOTS:
        return f"has {name!r} without what is asked of it; write {name}.{min(ROOTS[name])}"
    if name in FUNCTIONS:
        return f"has {name!r} without its brackets; write {name}('…')"
    return f"names {name!r}, which there is not; there are {', '.join([*ROOTS, *(f'{f}()' for f in FUNCTIONS)])}"


def _judge_attribute(inner: nodes.Node, attribute: str) -> None:
    match inner:
        case nodes.Name(name=name) if name in ROOTS:
            _judge_known(name, attribute, ROOTS[name])
        case nodes.Call(node=nodes.Name(name=name)) if name in _RECORDS:
            _judge_call(inner)
            if (known := _RECORDS[name]) is not None:
                _judge_known(f"{name}()", attribute, known)
        case nodes.Getattr(node=nodes.Call(node=nodes.Name(name="events")), attr="first" | "latest"):
            _judge(inner)
        case _:
            _judge(inner)
            raise ExpressionError(f"asks for {attribute!r} of what has no such thing; ask it of an event, say")


def _judge_known(of: str, attribute: str, known: frozenset[str]) -> None:
    if attribute not in known:
        raise ExpressionError(f"asks for {of}.{attribute}, which there is not; there are {', '.join(sorted(known))}")


def _judge_call(call: nodes.Call) -> None:
    name = str(getattr(call.node, "name", ""))
    if name not in FUNCTIONS:
        raise ExpressionError(f"calls something else than {', '.join(f'{known}()' for known in FUNCTIONS)}")
    fewest, most = FUNCTIONS[name]
    if not fewest <= len(call.args) <= most or call.kwargs or call.dyn_args or call.dyn_kwargs:
        raise ExpressionError(f"calls {name}() with {len(call.args)} values; it takes {fewest}, without names")
    if name == "money":
        for argument in call.args:
            _judge(argument)
        return
    match call.args:
        case [nodes.Const(value=str()), *rest] if all(
            isinstance(one, nodes.Const) and _is_number(one.value) for one in rest
        ):
            return
    raise ExpressionError(f"calls {name}() with what is computed; write the name itself in quotes")


def _all(node: nodes.Node, kind: type[nodes.Node]) -> Iterator[Any]:
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)


def _looked_up(expression: nodes.Node) -> Iterator[Looked]:
    for call in _all(expression, nodes.Call):
        if call.node.name != "money":
            yield Looked(call.node.name, call.args[0].value)
