"""Why an environment failed, in its author's terms: the line of theirs that did it, and what to write instead."""

from __future__ import annotations

import dataclasses
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax

from jaxenv.environment import Environment
from jaxenv.errors import HookResultTypeError, JaxenvError, SpaceMismatchError, StateMismatchError, TransitionValueError

_IN_PYTHON = "but hooks run before there are values (jax.jit traces them)"

_MEANINGS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        jax.errors.TracerBoolConversionError,
        "",
        f"decides in Python (if, while, and, or, not, min, max, assert) on a value, {_IN_PYTHON}. Write "
        "jnp.where(condition, a, b), jnp.logical_and, jnp.minimum; if it decides on a setting, make that a field of the "
        "environment.",
    ),
    (
        jax.errors.TracerIntegerConversionError,
        "",
        f"uses a value as a Python integer (an index of a list, range), {_IN_PYTHON}. Index a jnp.array; a number that sets a size "
        "or a loop's length is a field of the environment.",
    ),
    (
        jax.errors.TracerArrayConversionError,
        "",
        f"hands a value to NumPy or to a Python library, {_IN_PYTHON}. Write the same with jax.numpy.",
    ),
    (
        jax.errors.NonConcreteBooleanIndexError,
        "",
        f"takes the elements that a mask selects, {_IN_PYTHON}, so their number is unknown. Write jnp.where(mask, a, b).",
    ),
    (
        jax.errors.UnexpectedTracerError,
        "",
        "keeps a value from one call to use it in another. What changes from step to step is a field of the State.",
    ),
    (
        jax.errors.ConcretizationTypeError,
        "",
        f"needs a value in Python (int, float, a shape), {_IN_PYTHON}. Write it with jax.numpy (x.astype(int), jnp.sin); a number "
        "that sets a shape is a field of the environment.",
    ),
    (
        dataclasses.FrozenInstanceError,
        r"cannot assign to field '(\w+)'",
        r"assigns to the field \1, but states and params never change. Write state = state.replace(\1=...).",
    ),
    (
        TypeError,
        "does not support item assignment|in-place item assignment|are immutable",
        "changes an array in place, but arrays of JAX never change. Write x = x.at[index].set(value).",
    ),
    (
        TypeError,
        "unhashable type: '.*Tracer'",
        f"looks a value up in a dict or a set, {_IN_PYTHON}. Index a jnp.array, or write jnp.select.",
    ),
    (
        TypeError,
        r"unexpected keyword argument '(\w+)'",
        r"names \1, which there is no field or argument for. Correct the name, or declare it.",
    ),
)
"""By class and message of an error, what the author's line does."""


def explain(error: Exception, env: Any) -> str:
    """Return one sentence or two on an error that ``env`` raised: where, what, and what to write instead."""
    hook = _returned_by(error)
    where = definition(env, hook) if hook else _raised_at(error, env)
    text = _meaning(error)
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    return (f"{where}: {text}" if isinstance(error, JaxenvError) else f"{where}: this {text}") if where else text


def _returned_by(error: Exception) -> str | None:
    """Return the hook whose result is refused: it has returned, so no line of it is in the traceback."""
    if isinstance(error, HookResultTypeError):
        return error.hook
    if isinstance(error, SpaceMismatchError) and "'s observation" in str(error):
        return "observe"
    return "transition" if isinstance(error, TransitionValueError | StateMismatchError) else None


def _meaning(error: Exception) -> str:
    text = str(error)
    if isinstance(error, JaxenvError):
        return without_tracers(text)
    for kind, pattern, meaning in _MEANINGS:
        found = re.search(pattern, text) if isinstance(error, kind) else None
        if found:
            return found.expand(meaning) if pattern else meaning
    lines = without_tracers(text).strip().splitlines()
    return f"raised {type(error).__name__}: {lines[0] if lines else ''}".rstrip(": ")


def without_tracers(text: str) -> str:
    """Return a message of JAX without the names of its machinery."""
    text = re.sub(r"(?:Jit)?(?:Traced|Tracer)<([^<>]*)>(?:with<[^<>]*>)?", r"a traced \1", text)
    return re.sub(r"\b\w*Tracer\b(?:\([^()]*\))?", "a traced array", text)


def _raised_at(error: Exception, env: Any) -> str:
    """Return the innermost line of the author's that the error passed through, or nothing."""
    packages = {name.partition(".")[0] for name in _modules(env)}
    place = _leaked_at(error, env)
    for frame, line in traceback.walk_tb(error.__traceback__):
        generated = frame.f_code.co_filename == "<string>"  # a method of a dataclass
        if not generated and str(frame.f_globals.get("__name__", "")).partition(".")[0] in packages:
            place = _place(frame.f_code.co_filename, line, frame.f_code.co_name, frame.f_globals)
    return place


def _leaked_at(error: Exception, env: Any) -> str:
    """Return the author's line that made a value that was used after its time: JAX's message has the frames."""
    if not isinstance(error, jax.errors.UnexpectedTracerError):
        return ""
    files: set[str | None] = {getattr(sys.modules.get(name), "__file__", None) for name in _modules(env)}
    frames = re.findall(r"^(.+?):(\d+)(?::\d+)? \((?:.*\.)?(\w+)\)$", str(error), re.MULTILINE)
    places = [_place(str(file), int(line), function, {}) for file, line, function in frames if file in files]
    return places[-1] if places else ""


def _modules(env: Any) -> Iterator[str]:
    """Yield the modules that hold the classes of an environment and of those within it, jaxenv's own left out."""
    for cls in type(env).__mro__[:-1]:
        if cls.__module__.partition(".")[0] not in ("jaxenv", "typing", "abc", "builtins"):
            yield cls.__module__
    inner = getattr(env, "env", None)
    if isinstance(inner, Environment):
        yield from _modules(inner)


def definition(env: Any, hook: str) -> str:
    """Return where a hook is defined, of an environment or of the one within that has it; a wrapper's transition is ``advance``."""
    step = hook == "transition"
    while True:
        inner = getattr(env, "env", None)
        if step:
            hook = "advance" if isinstance(inner, Environment) else "transition"
        method: Any = getattr(type(env), hook, None)
        if not (isinstance(inner, Environment) and str(getattr(method, "__module__", "")).startswith("jaxenv.")):
            break
        env = inner
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    function: Callable[..., Any] | None = getattr(method, "fget", method)
    code = getattr(function, "__code__", None)
    return _place(code.co_filename, code.co_firstlineno, hook, {}) if code else ""


def _place(file: str, line: int, function: str, module: dict[str, Any]) -> str:
    text = re.sub(r"\s+#.*", "", linecache.getline(file, line, module)).strip()
    path = Path(file)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}, in {function}" + (f" (`{text}`)" if text else "")
