"""The pages of the environments, from specs, docstrings, spaces, measurements and the agents that are shipped."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from functools import cache
from typing import Any, NamedTuple

import jaxenv
from jaxenv import EnvSpec, spaces
from jaxenv.cli.show import Description, Setting, describe
from jaxenv.environment import NO_TIME_LIMIT

from sitegen import play
from sitegen.docstrings import markdown
from sitegen.reference import documented
from sitegen.sources import DOCS, ROOT

OVERRIDES = {"bsuite/MNISTBandit-bsuite": {"source": "digits"}}
"""What this page makes an environment with: MNIST itself is not distributed, so scikit-learn's digits take its place."""
FAMILIES = {"classic": "Classic control", "bsuite": "bsuite", "minatar": "MinAtar", "misc": "Mazes, bandits and small tasks"}
SPEED = {
    "cpu-2000": "2 CPU cores, 2,000 environments",
    "h100-2000": "H100, 2,000 environments",
    "h100-65536": "H100, 65,536 environments",
    "h100-mlp-2048": "H100, 2,048 environments and a 64x64 network",
}
"""Which measurements a page shows, in this order, and what they were taken on."""
SECTIONS = ("Source", "Differences", "Coming from gymnax")
LABELS = ("Reward", "Termination", "Time limit")


class Docstring(NamedTuple):
    """The parts of an environment's docstring."""

    summary: str
    task: str
    """What stands between the summary and the rewards: tables of observations and actions."""
    ends: str
    """Reward, termination and time limit, and what follows them."""
    sections: dict[str, str]


def tasks() -> list[EnvSpec]:
    """Return one spec for each class of environment: most ids differ in numbers alone, or in what happens to the reward."""
    families = [spec for spec in jaxenv.registered_envs() if spec.namespace in FAMILIES and "wrapped" not in spec.entry_point]
    first = list({spec.entry_point: spec for spec in reversed(families)}.values())[::-1]
    return sorted(first, key=lambda spec: list(FAMILIES).index(spec.namespace or ""))


def path_of(spec: EnvSpec) -> str:
    """Return the path of a task's page below ``docs``."""
    return f"environments/{spec.namespace}/{spec.name.lower()}.md"


def picture_of(spec: EnvSpec) -> str:
    """Return the path of a task's film below ``docs``."""
    return f"gallery/{spec.name.lower()}.gif"


def pages() -> dict[str, str]:
    """Return the pages by their paths below ``docs``."""
    return {"environments/index.md": _index(), **{path_of(spec): page(spec) for spec in tasks()}}


def _index() -> str:
    lines = [
        "# Environments",
        "",
        "Each task has a page with its spaces, parameters, rewards, source, speed and trained agent.",
        "The pictures are drawn by `env.render`, in JAX. An outline marks what the agent cannot observe.",
        "[Environments of other suites](../bridges.md) join them through bridges.",
        "",
    ]
    for family, title in FAMILIES.items():
        lines += [
            f"## {title}",
            "",
            f"Package: [`jaxenv-{family}`](../packages/{family}.md).",
            "",
            '<div class="grid cards" markdown>',
            "",
        ]
        for spec in tasks():
            if spec.namespace == family:
                page = path_of(spec).removeprefix("environments/")
                lines += [
                    f"-   [![{spec.name}](../{picture_of(spec)})]({page})",
                    "",
                    f"    **[{spec.name}]({page})**  ",
                    f"    {spec.summary}",
                    "",
                ]
        lines += ["</div>", ""]
    return "\n".join(lines)


def page(spec: EnvSpec) -> str:
    """Return the page of a task."""
    described = describe(spec, OVERRIDES.get(spec.id))
    parts = docstring(spec)
    blocks = [
        f"# {spec.name}\n\n{markdown(parts.summary)}\n\n![{spec.name} being played](../../{picture_of(spec)}){{ .film }}",
        _facts(spec, described),
        _playable(spec),
        f"## Use it\n\n```python\n{code(spec)}\n```",
        f"## Observations and actions\n\n{markdown(parts.task)}" if parts.task else "",
        f"## Reward and end of an episode\n\n{markdown(parts.ends)}",
        *(f"## {title}\n\n{markdown(parts.sections[title])}" for title in SECTIONS if title in parts.sections),
        _settings("Fields", "Static structure. A change of a field compiles the environment anew.", "field", described.fields),
        _settings("Parameters", "Leaves of `params`: replace, batch or differentiate them.", "param", described.params),
        _speed(spec),
        _agent(spec),
        _variants(spec),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


@cache
def docstring(spec: EnvSpec) -> Docstring:
    """Return the parts of the docstring of a task's class."""
    module, _, name = spec.entry_point.partition(":")
    text = inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
    summary, _, rest = text.partition("\n\n")
    rest = re.split(r"^>>> ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    rest, *titled = re.split(rf"^\*\*({'|'.join(SECTIONS)})\*\*: ", rest, flags=re.MULTILINE)
    task, reward, ends = (
        re.split(r"(^Reward: )", rest, maxsplit=1, flags=re.MULTILINE) if "\nReward: " in f"\n{rest}" else (rest, "", "")
    )
    ends = re.sub(
        rf"(?:^|(?<=\. )|(?<=\.\n))({'|'.join(LABELS)}): (\S)",
        lambda found: f"\n\n**{found[1]}.** {found[2].upper()}",
        reward + ends,
        flags=re.MULTILINE,
    )
    return Docstring(
        summary, task.strip(), ends.strip(), dict(zip(titled[::2], (part.strip() for part in titled[1::2]), strict=True))
    )


def code(spec: EnvSpec) -> str:
    """Return a program that makes a task and takes a step."""
    values = "".join(f", {name}={value!r}" for name, value in OVERRIDES.get(spec.id, {}).items())
    return "\n".join(
        [
            "import jax",
            "import jaxenv",
            "",
            f'env, params = jaxenv.make("{spec.name}"{values})',
            "key_reset, key_action, key_step = jax.random.split(jax.random.key(0), 3)",
            "obs, state = env.reset(key_reset, params)",
            "action = env.action_space(params).sample(key_action)",
            "obs, state, reward, done, info = env.step(key_step, state, action, params)",
        ]
    )


def _playable(spec: EnvSpec) -> str:
    """Return the section that plays a task in the reader's browser."""
    name = play.path_of(spec)
    frame = f'<iframe src="../../{name}" title="{spec.name}" loading="lazy" width="100%" height="640"></iframe>'
    return f"## Play it\n\n{frame}\n\n[The same page alone](../../{name}), written by `jaxenv web {spec.name} FOLDER`."


def _facts(spec: EnvSpec, described: Description) -> str:
    module, _, name = spec.entry_point.partition(":")
    public = documented().get(f"{module}.{name}")
    facts = {
        "id": f"`{spec.name}` or `{spec.id}`",
        "observation": _shown(described.observation_space),
        "action": _shown(described.action_space),
        "time limit": "none" if described.time_limit is None else f"{described.time_limit:,} steps",
        "gradients": "of a step, by state, params and float actions" if described.differentiable else "not promised",
        "class": f"[`{public}`][{public}]" if public else f"`{module}.{name}`",
        "install": f"`python -m pip install ./packages/core ./packages/{spec.namespace}`",
    }
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in facts.items())


def _shown(space: Any) -> str:
    match space:
        case spaces.Discrete():
            return f"Discrete: one of {space.n}"
        case spaces.MultiDiscrete():
            return f"MultiDiscrete: {', '.join(str(n) for n in space.nvec.ravel())}"
        case spaces.Box():
            return f"Box: `{space.dtype}{list(space.shape)}`"
        case _:
            return f"`{space}`"


def _settings(title: str, lead: str, kind: str, settings: list[Setting]) -> str:
    if not settings:
        return ""
    rows = [f"| `{s.name}` | {_value(s)} | {s.range} | {markdown(s.description).replace('|', chr(92) + '|')} |" for s in settings]
    return f"## {title}\n\n{lead}\n\n| {kind} | default | range | meaning |\n|---|---|---|---|\n" + "\n".join(rows)


def _value(setting: Setting) -> str:
    value = setting.value
    if setting.name == "max_steps_in_episode" and int(value) == NO_TIME_LIMIT:
        return "no limit"
    if value is None:
        return "none"
    shape = getattr(value, "shape", ())
    if shape:
        return f"{value.dtype}{list(shape)}"
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


@cache
def measurements() -> dict[str, Any]:
    """Return the reports in ``docs/benchmarks`` that pages show."""
    return {name: json.loads((DOCS / "benchmarks" / f"{name}.json").read_text(encoding="utf-8")) for name in SPEED}


def _speed(spec: EnvSpec) -> str:
    rows: list[str] = []
    for name, title in SPEED.items():
        found = {one["library"]: one for one in measurements()[name]["measurements"] if one["env_id"] == spec.id}
        if "jaxenv" not in found:
            continue
        ours, theirs = found["jaxenv"], found.get("gymnax")
        ratio = f"{theirs['nanoseconds_per_step'] / ours['nanoseconds_per_step']:.1f}x" if theirs else ""
        cells = [
            f"[{title}](../../benchmarks.md#{name})",
            f"{ours['steps_per_second'] / 1e6:,.1f}",
            ratio,
            f"{ours['compile_seconds']:.2f}",
            f"{theirs['compile_seconds']:.2f}" if theirs else "",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    if not rows:
        return ""
    head = "| hardware | million steps a second | times as fast as gymnax 1.0.1 | compile time, s | gymnax's compile time, s |\n"
    note = "Random actions unless a network is named; every output is stored. [How it was measured](../../benchmarks.md#how-it-is-measured)."
    return f"## Speed\n\n{note}\n\n{head}|---|---|---|---|---|\n" + "\n".join(rows)


def agent_of(spec: EnvSpec) -> dict[str, Any] | None:
    """Return the description of the agent that is shipped for a task, or None."""
    file = ROOT / "packages/baselines/src/jaxenv_baselines/agents" / spec.id / "agent.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _agent(spec: EnvSpec) -> str:
    described = agent_of(spec)
    if described is None:
        return ""
    returns = described["returns"]
    row = [
        described["algorithm"].upper(),
        f"{described['steps']:,}",
        f"{returns['mean']:.4g}",
        f"{returns['low']:.4g} to {returns['high']:.4g}",
        f"{returns['episodes']:,}",
    ]
    return (
        "## Trained agent\n\n[`jaxenv-baselines`](../../packages/baselines.md) ships an agent for this task.\n\n"
        "| algorithm | training steps | mean return | 95% interval | episodes |\n|---|---|---|---|---|\n"
        f"| {' | '.join(row)} |\n\n"
        f"```bash\njaxenv evaluate {spec.name}\njaxenv render {spec.name} film.gif --policy agent:shipped\n```"
    )


def _variants(spec: EnvSpec) -> str:
    ids = [
        other for other in jaxenv.registered_envs() if other.namespace == spec.namespace and _plays(other, spec) and other != spec
    ]
    if not ids:
        return ""
    groups: dict[str, list[EnvSpec]] = {}
    for other in ids:
        groups.setdefault(other.group or other.name, []).append(other)
    rows = []
    for members in groups.values():
        first, last = members[0], members[-1]
        shown = f"`{first.id}`" if first is last else f"`{first.id}` to `{last.id}`"
        wrapped = re.fullmatch(r".*\.wrapped:\w+_(\w+)", first.entry_point)
        changed = {"noise": " Noise is added to the reward.", "scale": " The reward is scaled."}[wrapped[1]] if wrapped else ""
        rows.append(f"| {shown} | {first.summary}{changed} |")
    return "## Other ids of this task\n\n| id | |\n|---|---|\n" + "\n".join(rows)


def _plays(other: EnvSpec, spec: EnvSpec) -> bool:
    """Whether ``other`` is a variant of ``spec``: of the same class, or of a function that wraps it."""
    return (
        other.entry_point == spec.entry_point
        or re.fullmatch(rf"\w+\.wrapped:{spec.entry_point.partition(':')[2]}_\w+", other.entry_point) is not None
    )
