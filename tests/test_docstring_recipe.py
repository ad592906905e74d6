"""Every public name is documented by one recipe: a summary line, then Args, Returns and Raises in Google's form.

* A function or method has a summary line that ends in a full stop. Where it takes arguments, ``Args:`` names each of them; where it
  returns something, ``Returns:`` says what; where its body raises a public error, ``Raises:`` names it.
* A class has a summary line. What its constructor takes stands in ``Args:``, or each field has a docstring of its own.
* A method that overrides a documented one may leave its contract to that one. One whose summary begins with "Return", or with
  "Whether", needs no ``Returns:``, as in Google's guide. A property has a summary line.
"""

import ast
import importlib
import inspect
import re
import textwrap
from functools import cached_property
from itertools import pairwise

import jaxenv.errors
import pytest
from jaxenv.errors import RangeError

MODULES = [
    "jaxenv",
    "jaxenv.adapters.brax",
    "jaxenv.adapters.dm_env",
    "jaxenv.adapters.gymnasium",
    "jaxenv.adapters.gymnax",
    "jaxenv.adapters.minari",
    "jaxenv.adapters.stoa",
    "jaxenv.adapters.to_gymnax",
    "jaxenv.experimental",
    "jaxenv.hookspecs",
    "jaxenv.random",
    "jaxenv.ranges",
    "jaxenv.registry",
    "jaxenv.spaces",
    "jaxenv.testing",
    "jaxenv.visualize",
    "jaxenv.wrappers",
    "jaxenv_baselines",
    "jaxenv_bsuite",
    "jaxenv_classic",
    "jaxenv_minatar",
    "jaxenv_misc",
]


def own_names(module):
    """Return the public names of a module: its ``__all__``, or the functions and classes that it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    ]


def public_objects():
    """Return every public function and class by the name under which it is public, once."""
    found = {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            if not name.startswith("jaxenv.adapters."):
                raise
            continue  # an adapter to a library that is not installed
        for own in own_names(module):
            value = getattr(module, own)
            if (inspect.isclass(value) or inspect.isroutine(value)) and (value.__module__ or "").startswith("jaxenv"):
                found.setdefault(value, f"{name}.{own}")
    return {name: value for value, name in found.items()}


def unwrapped(function):
    """Return the function beneath decorators."""
    function = getattr(function, "func", function) if isinstance(function, cached_property) else function
    function = function.fget if isinstance(function, property) else function
    return inspect.unwrap(getattr(function, "__func__", function))


def syntax(value):
    """Return the syntax tree of a function or class, or None where there is no source."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    except (OSError, TypeError, SyntaxError, IndentationError):
        return None


def section(text, title):
    """Return a section of a docstring, such as ``Args``; None where there is none."""
    found = re.search(rf"^{title}:\n((?:(?:    .*)?(?:\n|$))*)", text, re.MULTILINE)
    return found and found[1]


def parameters(function):
    """Return the names of a function's parameters, without ``self`` and ``cls``."""
    names = [
        ("*" if kind.kind is kind.VAR_POSITIONAL else "**" if kind.kind is kind.VAR_KEYWORD else "") + name
        for name, kind in inspect.signature(function).parameters.items()
    ]
    return [name for name in names if name not in ("self", "cls") and not name.lstrip("*").startswith("_")]


def unnamed(text, names):
    """Return those of the names that ``Args:`` does not have."""
    args = section(text, "Args") or ""
    entries = re.findall(r"^    ((?:\*{0,2}\w+(?:, )?)+):", args, re.MULTILINE)
    explained = {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}
    return [name for name in names if name.lstrip("*") not in explained]


def raised(tree):
    """Return the public errors that a function's body raises itself."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(error, ast.Name) and hasattr(jaxenv.errors, error.id):
                names.add(error.id)
    return names


def faults_of_text(text):
    """Yield what is wrong with a docstring whatever it documents."""
    if not text:
        yield "has no docstring"
        return
    summary = text.split("\n\n")[0].split("\n:")[0]
    if not summary.rstrip().endswith((".", "?", ":")):
        yield f"has a summary that does not end in a full stop: {summary.splitlines()[-1]!r}"


def faults_of_function(function, *, is_method=False, is_property=False):
    """Yield what is wrong with the docstring of a function or method."""
    function = unwrapped(function)
    text = inspect.cleandoc(function.__doc__ or "")
    yield from faults_of_text(text)
    if not text:
        return
    tree = syntax(function)
    errors = raised(tree) if tree is not None else set()
    left = [error for error in sorted(errors) if error not in (section(text, "Raises") or "")]
    if left and not is_property:
        yield f"raises {', '.join(left)}, which Raises: does not have"
    if is_property:
        return
    if left := unnamed(text, parameters(function)):
        yield f"takes {', '.join(left)}, which Args: does not have"
    if is_method and text.startswith(("Return ", "Whether ")):
        return
    annotation = inspect.signature(function).return_annotation
    if annotation not in (None, "None", inspect.Signature.empty, "NoReturn") and not (
        section(text, "Returns") or section(text, "Yields")
    ):
        yield "has no Returns:"


def documented_fields(cls):
    """Return the fields of a class, and of its bases, that have a docstring of their own."""
    found = set()
    for base in cls.__mro__:
        tree = syntax(base) if base.__module__.startswith("jaxenv") else None
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for node, following in pairwise(body):
            if isinstance(node, ast.AnnAssign) and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                found.add(node.target.id)
    return found


def inherits(cls, name):
    """Whether a base class documents this method."""
    return any(name in vars(base) and vars(base)[name].__doc__ for base in cls.__mro__[1:])


def faults_of_class(cls):
    """Yield what is wrong with the docstrings of a class and of its own public methods."""
    text = inspect.cleandoc(vars(cls).get("__doc__") or "")
    yield from faults_of_text(text)
    takes = parameters(cls) if "__init__" in vars(cls) or hasattr(cls, "_fields") else []
    own = [name for name in takes if name != "param_overrides" and name not in ("*args", "**kwargs")]
    if left := [name for name in unnamed(text, own) if name not in documented_fields(cls)]:
        yield f"takes {', '.join(left)}, which neither Args: nor the docstring of a field explains"
    for name, member in vars(cls).items():
        if name.startswith("_") or (
            not isinstance(member, property | cached_property | classmethod | staticmethod)
            and not (inspect.isroutine(member) and getattr(member, "__module__", "").startswith("jaxenv"))
        ):
            continue
        function = unwrapped(member)
        if not inspect.isroutine(function) or "<locals>" in function.__qualname__:
            continue  # core's own additions, such as ``replace``
        if inherits(cls, name) and not (function.__doc__ and section(inspect.cleandoc(function.__doc__), "Args")):
            continue
        is_property = isinstance(member, property | cached_property)
        yield from (f"{name} {fault}" for fault in faults_of_function(member, is_method=True, is_property=is_property))


OBJECTS = public_objects()


@pytest.mark.parametrize("name", OBJECTS)
def test_a_public_name_is_documented_by_the_recipe(name):
    value = OBJECTS[name]
    faults = faults_of_class(value) if inspect.isclass(value) else faults_of_function(value)
    assert list(faults) == []


def test_public_names_are_found():
    assert len(OBJECTS) > 120
    assert {"jaxenv.make", "jaxenv.Environment", "jaxenv.spaces.Box", "jaxenv_misc.Pong"} <= set(OBJECTS)


def bare(x: int) -> int:
    return x


def without_args(x: int) -> int:
    """Do something.

    Returns:
        A number.
    """
    return x


def without_a_stop(x: int) -> None:
    """Do something

    Args:
        x: a number.
    """


def without_returns(x: int) -> int:
    """Do something.

    Args:
        x: a number.
    """
    return x


def without_raises(x: int) -> None:
    """Do something.

    Args:
        x: a number.
    """
    raise RangeError("Env", "x", x, "another number")


def whole(x: int) -> int:
    """Do something.

    Args:
        x: a number.

    Returns:
        A number.
    """
    return x


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (bare, "has no docstring"),
        (without_args, "takes x, which Args: does not have"),
        (without_a_stop, "does not end in a full stop"),
        (without_returns, "has no Returns:"),
        (without_raises, "raises RangeError, which Raises: does not have"),
        (whole, None),
    ],
)
def test_faults_are_found(function, fault):
    found = list(faults_of_function(function))
    assert len(found) == (fault is not None)
    assert all(fault in one for one in found)


class Settings:
    """Some settings."""

    def __init__(self, size: int) -> None:
        self.size = size

    def grow(self, by: int) -> int:
        """Return a larger size."""
        return self.size + by


class Documented(Settings):
    """Some settings.

    Args:
        size: a number.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)

    def grow(self, by: int) -> int:
        return by


def test_faults_of_classes_are_found(monkeypatch):
    monkeypatch.setattr(Settings.grow, "__module__", "jaxenv.example")
    assert list(faults_of_class(Settings)) == [
        "takes size, which neither Args: nor the docstring of a field explains",
        "grow takes by, which Args: does not have",
    ]
    assert list(faults_of_class(Documented)) == []
