"""Reading the docstrings of a dataclass's fields, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from itertools import pairwise
from typing import Any


def field_docstrings(cls: type) -> dict[str, str]:
    """Return the string that stands below each field of ``cls`` or of a base class; empty where no source is at hand."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        for definition in tree.body:
            if isinstance(definition, ast.ClassDef):
                found |= _below_fields(definition)
    return found


def argument_docstrings(function: Any) -> dict[str, str]:
    """Return what the section ``Args:`` of a function's docstring says of each argument."""
    found: dict[str, str] = {}
    _, _, section = (inspect.getdoc(function) or "").partition("Args:\n")
    for line in section.splitlines():
        named = re.match(r" {4}\**(\w+)[^:]*: *(.*)", line)
        if named:
            found[named[1]] = named[2]
        elif line.startswith(" " * 8) and found:
            last = [*found][-1]
            found[last] += f" {line.strip()}"
        elif line.strip():
            break
    return found


def _below_fields(definition: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found
