"""Reading the docstrings of a dataclass's fields, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


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


def _below_fields(definition: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found
