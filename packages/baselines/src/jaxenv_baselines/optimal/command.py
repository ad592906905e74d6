"""``jaxenv optimal ID``: how good the best possible agent is."""

from __future__ import annotations

import dataclasses

from jaxenv.cli.options import EnvId, Settings, built
from jaxenv.cli.output import AsJson, console, print_json


def show(env_id: EnvId, settings: Settings = None, as_json: AsJson = False) -> None:
    """Compute the largest expected return of an episode, or a bound on it."""
    from jaxenv_baselines.optimal import optimal

    spec, env, params = built(env_id, settings)
    found = optimal(env, params)
    if as_json:
        print_json({"id": spec.id, **dataclasses.asdict(found)})
        return
    words = {"exact": "the optimum", "bound": "no agent is better", "achieved": "the optimum is at least this"}[found.kind]
    spread = f" ± {1.96 * found.sem:.2g}" if found.sem else ""
    console().print(f"{found.value:.6g}{spread}  ({found.kind}: {words})", style="bold")
    console().print(f"{found.method}; {found.note}" if found.note else found.method)
