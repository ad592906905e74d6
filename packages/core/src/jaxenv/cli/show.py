"""``jaxenv show ID``: everything about one environment."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rich.text import Text

from jaxenv._docstrings import argument_docstrings, field_docstrings
from jaxenv.cli.options import EnvId, Settings, overrides
from jaxenv.cli.output import AsJson, complain, console, print_json, table
from jaxenv.registry import EnvSpec, make
from jaxenv.registry.lookup import spec as find_spec


class Setting(NamedTuple):
    """A field of the environment, or a leaf of its params."""

    name: str
    value: Any
    description: str
    range: str = ""


class Description(NamedTuple):
    """What there is to know about an environment."""

    spec: EnvSpec
    observation_space: Any
    action_space: Any
    fields: list[Setting]
    params: list[Setting]
    time_limit: int | None
    differentiable: bool
    missing: str | None = None
    """Why the values of the params are not known, data on disk say; None if they are."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        from jaxenv import spaces

        return {
            "spec": self.spec.to_json(),
            "observation_space": spaces.to_json(self.observation_space),
            "action_space": spaces.to_json(self.action_space),
            "fields": [setting._asdict() | {"value": _plain(setting.value)} for setting in self.fields],
            "params": [setting._asdict() | {"value": _plain(setting.value)} for setting in self.params],
            "time_limit": self.time_limit,
            "differentiable": self.differentiable,
            "missing": self.missing,
        }


def show(env_id: EnvId, settings: Settings = None, as_json: AsJson = False) -> None:
    """Show an environment's spaces, settings, time limit and source."""
    description = describe(find_spec(env_id), overrides(settings))
    if as_json:
        print_json(description.to_json())
    else:
        _print(description)
    if description.missing:
        complain("Warning", f"The values of the params are not known. {description.missing}")


def describe(spec: EnvSpec, values: Mapping[str, Any] | None = None) -> Description:
    """Build the environment with these fields and params, and describe it."""
    from jaxenv.environment import NO_TIME_LIMIT

    missing = None
    try:
        env, params = make(spec, **(values or {}))
    except (OSError, ImportError) as cause:
        env, params = _without_data(spec, values or {}, cause)
        missing = str(cause)
    limit = int(params.max_steps_in_episode)
    return Description(
        spec=spec,
        observation_space=env.observation_space(params),
        action_space=env.action_space(params),
        fields=list(_fields(spec, env)),
        params=[s._replace(value=None) if missing and hasattr(s.value, "shape") else s for s in _settings(params)],
        time_limit=None if limit == NO_TIME_LIMIT else limit,
        differentiable=env.differentiable,
        missing=missing,
    )


def _without_data(spec: EnvSpec, values: Mapping[str, Any], cause: Exception) -> tuple[Any, Any]:
    """Return an environment whose data is not here, with params that have no values of it; raise ``cause`` if that cannot be."""
    from jaxenv.registry.build import construct, load_factory

    try:
        env = construct(spec, load_factory(spec), values)
        return env, env.params_template
    except (OSError, ImportError):
        raise cause from None


def _fields(spec: EnvSpec, env: Any) -> Iterator[Setting]:
    """Yield what ``make`` can set: the fields of the class that the spec names, or the arguments of the function."""
    from jaxenv.registry.build import load_factory

    if spec.entry_point.partition(":")[2] == type(env).__qualname__:
        yield from _settings(env)
        return
    factory = load_factory(spec)
    descriptions = field_docstrings(type(env.unwrapped)) | argument_docstrings(factory)
    for parameter in inspect.signature(factory).parameters.values():
        default = "required" if parameter.default is parameter.empty else parameter.default
        yield Setting(parameter.name, spec.kwargs.get(parameter.name, default), descriptions.get(parameter.name, ""))


def _settings(values: Any) -> Iterator[Setting]:
    """Yield the fields of an environment or the leaves of its params, each by the name that ``make`` knows it by."""
    from jaxenv.fields import fields_of

    for field in fields_of(values):
        yield Setting(field.name, field.value, field.meaning, "" if field.range is None else str(field.range))


def _print(description: Description) -> None:
    spec, out = description.spec, console()
    out.print(Text(spec.id, style="bold cyan"))
    if spec.summary:
        out.print(Text(spec.summary))
    facts = table("", "")
    facts.show_header = False
    for name, value in {
        "observations": description.observation_space,
        "actions": description.action_space,
        "time limit": "none" if description.time_limit is None else f"{description.time_limit:,} steps",
        "gradients": "by state, params and float actions" if description.differentiable else "not promised",
        "reference": spec.reference or "none",
        "fidelity": f"run `jaxenv fidelity {spec.id}`" if spec.oracle else "no oracle",
        "class": spec.entry_point,
        "package": f"{spec.distribution} {spec.version}" if spec.distribution else "registered by hand",
    }.items():
        facts.add_row(Text(name, style="bold"), Text(" ".join(str(value).split())))
    out.print()
    out.print(facts)
    for title, settings in (("field", description.fields), ("param", description.params)):
        if settings:
            rows = table(title, "value", "range", "meaning and unit")
            for setting in settings:
                rows.add_row(Text(setting.name), Text(_brief(setting)), Text(setting.range), Text(setting.description))
            out.print()
            out.print(rows)


def _brief(setting: Setting) -> str:
    from jaxenv.environment import NO_TIME_LIMIT

    value = setting.value
    if setting.name == "max_steps_in_episode" and int(value) == NO_TIME_LIMIT:
        return "no limit"
    if value is None:
        return "none"
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _plain(value: Any) -> Any:
    """Return a setting as JSON can hold it: arrays as lists, anything unusual as its text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return value if isinstance(value, bool | int | float | str | tuple | None) else str(value)
