"""One HTML file for one environment, which needs no server and no network."""

from __future__ import annotations

import base64
import html
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxenv import EnvSpec, spaces
from jaxenv.cli.controls import ARROWS, action_names, controls
from jaxenv.errors import JaxenvError, NoControlsError, RenderNotSupportedError
from jaxenv.fields import fields_of
from jaxenv.registry import LoadedPolicy
from jaxenv.testing import enable_x64

from jaxenv_web import agents, drawing
from jaxenv_web.assets import asset, document, filled
from jaxenv_web.errors import NotWritableError, PageSizeError
from jaxenv_web.programs import Programs, flat, values

MOST_BYTES = 60_000
"""Of a page, without the weights of an agent."""
MOST_NUMBERS = 4_096
"""Of a param that is an array."""
FRAMES = 60
"""Of the film of an environment that can't be played in a page."""
_IDLE = {"stay", "nothing", "no", "not", "wait", "stand", "noop"}


@dataclass(frozen=True)
class Page:
    """A page, ready to be written."""

    text: str
    """The HTML."""
    playable: bool
    """Whether the environment can be played in it."""
    notes: tuple[str, ...] = ()
    """What it lacks, and why."""


def page(spec: EnvSpec, env: Any, params: Any, policy: LoadedPolicy | None = None) -> Page:
    """Return the page of an environment.

    An environment that can't be written as JavaScript gets a page with the reason and a film of random actions.

    Args:
        spec: of the environment.
        env: the environment.
        params: its parameters, which the page lets its reader change.
        policy: an agent that plays in the page; None for random actions alone.
    """
    try:
        with enable_x64(False):  # JavaScript's numbers hold 32 bits exactly, and the tasks are defined in 32 bits
            return playable(spec, env, params, policy)
    except (NotWritableError, PageSizeError) as error:
        return film(spec, env, params, error.reason)


def playable(spec: EnvSpec, env: Any, params: Any, policy: LoadedPolicy | None = None) -> Page:
    """Return the page in which an environment can be played; see :func:`page`.

    Raises:
        NotWritableError: a step, a reset or an observation can't be written as JavaScript.
        PageSizeError: the page is larger than 60 kB.
    """
    for path, leaf in flat(params).items():
        if leaf.size > MOST_NUMBERS:
            raise NotWritableError(env.name, f"the param {path}", f"{leaf.size:,} numbers, where at most {MOST_NUMBERS:,} fit")
    programs = Programs(env, params)
    functions, tables = programs.functions()
    notes: list[str] = []
    picture = _picture(programs, notes)
    if picture is not None:
        functions.append(picture.source(tables))
    agent = _agent(programs, policy, tables, notes)
    info = _info(spec, env, params, picture, agent)
    code = ["const INFO = " + json.dumps(info, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/") + ";"]
    if picture is not None and picture.writes:
        code.append(f"const CHARACTERS = {json.dumps(drawing.characters(), ensure_ascii=False)}, GLYPHS = '{drawing.glyphs()}';")
    generated = [*tables.lines, *functions, *([agent.source] if agent else [])]
    code += [arithmetic("\n".join(generated)), *generated]
    code += [compact(canvas(picture)), compact(asset("page.js"))]
    weights = [compact(asset("weights.js")), agent.weights] if agent else []
    text = _html("page.html", spec, (256, 256) if picture is None else picture.size, notes, code="\n".join([*weights, *code]))
    size = len(text.encode()) - sum(len(part) for part in (*weights, *([agent.source] if agent else [])))
    if size > MOST_BYTES:
        raise PageSizeError(env.name, size, MOST_BYTES)
    return Page(text, True, tuple(notes))


def film(spec: EnvSpec, env: Any, params: Any, reason: str) -> Page:
    """Return the page of an environment that can't be played in it: the reason, and a film of random actions."""
    from jaxenv.cli.render import record
    from jaxenv.visualize import Visualizer

    note = f"This environment can't be played in a page: {reason}."
    picture = ""
    try:
        states, returns = record(env, params, None, steps=FRAMES, num_envs=1, seed=0)
        with tempfile.TemporaryDirectory() as folder:
            path = Visualizer(env, params, states, returns, size=160).animate(Path(folder) / "film.gif", fps=15.0)
            data = base64.b64encode(path.read_bytes()).decode("ascii")
        picture = f'<img src="data:image/gif;base64,{data}" alt="Random actions in {html.escape(spec.id)}">'
    except JaxenvError as error:
        note += f" There is no film of it, either: {str(error).split('. ')[0]}."
    return Page(_html("film.html", spec, (256, 256), [note], picture=picture), False, (note,))


def arithmetic(generated: str) -> str:
    """Return the helpers that generated code calls, and those that they call."""
    definitions = re.split(r"^(?=const )", asset("arithmetic.js"), flags=re.MULTILINE)
    named = {re.match(r"const (\w+)", text)[1]: text for text in definitions if re.match(r"const \w", text)}  # pyright: ignore[reportOptionalSubscript]
    kept, wanted = set[str](), generated + asset("page.js")
    while True:
        found = {name for name in named if name not in kept and re.search(rf"(?<![\w.]){name}\b", wanted)}
        if not found:
            break
        kept |= found
        wanted = "\n".join(named[name] for name in found)
    return "\n".join(compact(text) for text in definitions if (found := re.match(r"const (\w+)", text)) is None or found[1] in kept)


def canvas(picture: drawing.Drawing | None) -> str:
    """Return the code of a canvas, with the methods that a picture calls."""
    used = {method for method, _ in picture.shapes} if picture else set[str]()
    method = re.compile(r"^    (\w+)\([^\n]*\) {\n.*?^    },\n", re.MULTILINE | re.DOTALL)
    return method.sub(lambda found: found[0] if found[1] in used else "", asset("canvas.js"))


def compact(code: str) -> str:
    """Return code without comments that have a line of their own, and without indentation."""
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _picture(programs: Programs, notes: list[str]) -> drawing.Drawing | None:
    try:
        return drawing.record(programs)
    except RenderNotSupportedError:
        notes.append("The environment has no picture.")
    except NotWritableError as error:
        notes.append(f"There is no picture: {error.reason}.")
    return None


def _agent(programs: Programs, policy: LoadedPolicy | None, tables: Any, notes: list[str]) -> agents.Agent | None:
    if policy is None:
        return None
    try:
        agent = agents.agent(programs, policy, tables)
    except NotWritableError as error:
        notes.append(f"There is no agent: {error.reason}.")
        return None
    fewest = min(agent.levels, default=agents.LEVELS[0])
    if fewest < agents.LEVELS[1]:
        notes.append(f"The agent's weights are rounded to as few as {fewest} levels: it may play worse than the original.")
    return agent


def _info(spec: EnvSpec, env: Any, params: Any, picture: drawing.Drawing | None, agent: agents.Agent | None) -> dict[str, Any]:
    """Return what the page has to know beside the functions."""
    programs = Programs(env, params)
    played = _controls(env, params)
    states = jax.tree.leaves(programs.shapes["state"])
    names = {word for name in action_names(type(env.unwrapped)) for word in re.findall(r"[a-z]+", name.lower())}
    observed = jax.tree.leaves(programs.shapes["obs"])
    board = _board(observed[0]) if len(observed) == 1 else None
    return {
        "id": spec.id,
        "params": values(params),
        "fields": list(fields(params)),
        "controls": played,
        "players": [*(["you"] if played["legend"] else []), "random", *(["agent"] if agent else [])],
        "player": "agent" if agent else "random",
        "realtime": isinstance(env.action_space(params), spaces.Box) or bool(names & _IDLE),
        "speed": 30 if any(np.dtype(x.dtype).kind == "f" for x in states if not _is_key(x)) else 8,
        "carry": agent.carry if agent else None,
        "board": board,
        "picture": picture is not None,
    }


def _board(obs: Any) -> tuple[int, ...] | None:
    """Return rows, columns and channels of an observation that is shown as a board; None for one that is shown as numbers."""
    shape = tuple(obs.shape)
    if len(shape) == 1 and obs.dtype == np.bool_:
        return (1, *shape, 1)
    return (*shape, 1)[:3] if len(shape) in (2, 3) else None


def _is_key(leaf: Any) -> bool:
    return jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _controls(env: Any, params: Any) -> dict[str, Any]:
    """Return the keys of ``jaxenv play`` in JSON's terms; without any, the reason."""
    try:
        found = controls(env, params)
    except NoControlsError as error:
        return {"actions": {}, "legend": [], "idle": None, "reason": f"{str(error).split('. ')[0]}."}
    arrows = {sign: name for name, sign in ARROWS.items()}
    legend = [({"shown": keys, "names": [arrows.get(key, key) for key in keys.split()]}, name) for keys, name in found.legend]
    space, bounds = env.action_space(params), None
    if isinstance(space, spaces.Box) and space.shape in ((1,), (2,)):
        low, high = (np.broadcast_to(np.asarray(x, np.float32), space.shape).tolist() for x in (space.low, space.high))
        bounds = [low, high] if np.isfinite([low, high]).all() else None
    actions = {key: np.asarray(action).tolist() for key, action in found.actions.items()}
    return {"actions": actions, "legend": legend, "idle": np.asarray(found.idle).tolist(), "bounds": bounds}


def fields(params: Any) -> Iterator[dict[str, Any]]:
    """Yield the numbers of params that a reader can change, each with its meaning, its range and where its slider ends."""
    for field in fields_of(params):
        array = np.asarray(field.value)
        if array.shape or array.dtype.kind not in "biuf":
            continue
        kind = {"b": "flag", "f": "number"}.get(array.dtype.kind, "integer")
        limits = {} if (stated := field.range) is None else {
            "least": stated.at_least, "most": stated.at_most, "above": stated.above, "below": stated.below, "range": str(stated)
        }  # fmt: skip
        entry: dict[str, Any] = {"path": field.path, "label": field.name, "kind": kind}
        entry["meaning"] = field.meaning.replace("``", "")
        entry |= {name: limit for name, limit in limits.items() if limit not in (None, "")}
        if kind == "number":
            entry["slider"] = _slider(float(array), entry)
        yield entry


def _slider(value: float, entry: Mapping[str, Any]) -> list[float]:
    """Return both ends of a slider: those of the range, else from 0 to twice the value."""
    low, high = entry.get("least", entry.get("above")), entry.get("most", entry.get("below"))
    reach = 2.0 * abs(value) if np.isfinite(value) and value else 1.0
    low = low if low is not None else (0.0 if value > 0.0 else -reach)
    high = high if high is not None else (max(reach, low + reach) if value >= 0.0 else 0.0)
    return [float(f"{x:.6g}") for x in (low, high)]


def _html(template: str, spec: EnvSpec, size: tuple[int, int], notes: list[str], **more: str) -> str:
    height, width = size
    footer = [f"{html.escape(spec.reference)}." if spec.reference else "", *map(html.escape, notes)]
    texts = {
        "title": html.escape(spec.id),
        "summary": html.escape(spec.summary or ""),
        "width": str(2 * width),
        "height": str(2 * height),
        "footer": " ".join(["Generated by jaxenv web from the environment's own code.", *filter(None, footer)]),
        **more,
    }
    about = f'<meta name="jaxenv-id" content="{html.escape(spec.id)}">\n'
    return document(texts["title"], compact(asset("page.css")), filled(template, texts), about)
