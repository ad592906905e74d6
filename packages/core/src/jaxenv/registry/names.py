"""The grammar of names, and suggestions for names that do not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LOCAL = "local"
"""The namespace of environments that were registered by hand."""

BUILTIN_COMMANDS = ("list", "show", "rollout", "bench", "fidelity", "check", "doctor", "play", "render", "new-plugin")
"""The commands of jaxenv itself, which no plugin can take."""

NAME_RULE = "parts of letters, digits, '.', '_' and '-' (a letter or digit first), joined by '/',"
NAMESPACE_RULE = f"lower-case letters, digits, '.', '_' and '-' (a letter or digit first), other than {LOCAL!r},"
COMMAND_RULE = f"lower-case letters, digits and '-' (a letter or digit first), other than {', '.join(BUILTIN_COMMANDS)},"

SOURCE_RULE = "a lower-case letter, then lower-case letters, digits and '-', other than 'random',"

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_CUTOFF = 0.75  # at difflib's own 0.6, "atari" would become "minatar"


def is_name(text: object) -> bool:
    """Whether an environment may be called ``text`` within its plugin."""
    return _matches(rf"{_PART}(/{_PART})*", text)


def is_namespace(text: object) -> bool:
    """Whether a plugin may claim ``text`` as its namespace."""
    return _matches(r"[a-z0-9][a-z0-9._-]*", text) and text != LOCAL


def is_command(text: object) -> bool:
    """Whether a plugin may call a command ``text``."""
    return _matches(r"[a-z0-9][a-z0-9-]*", text) and text not in BUILTIN_COMMANDS


def is_source(text: object) -> bool:
    """Whether a plugin may call a kind of policies ``text``."""
    return _matches(r"[a-z][a-z0-9-]*", text) and text != "random"


def is_entry_point(text: object) -> bool:
    """Whether ``text`` has the form ``"module:object"``."""
    return _matches(r"[A-Za-z_][\w.]*:[\w.<>]+", text)


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return at most three words that ``word`` may be a misspelling of, the likeliest first."""
    return difflib.get_close_matches(word, list(known), n=3, cutoff=_CUTOFF)


def _matches(pattern: str, text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None
