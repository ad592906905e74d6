"""The pages that play in a browser, as ``jaxenv web`` writes them."""

from __future__ import annotations

from typing import Any

import jaxenv
from jaxenv import EnvSpec
from jaxenv_web import page as web_page
from jaxenv_web.command import shipped
from jaxenv_web.gallery import file_name


def path_of(spec: EnvSpec) -> str:
    """Return the path of a task's playable page below ``docs``."""
    return f"play/{file_name(spec.id)}"


def page(spec: EnvSpec, **changes: Any) -> str:
    """Return a task's playable page.

    Args:
        spec: of the task.
        changes: fields and params other than its own.
    """
    env, params = jaxenv.make(spec, **changes)
    return web_page(spec, env, params, shipped(spec, env, params)).text
