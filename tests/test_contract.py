"""Every registered id, whoever's it is, keeps every promise of the protocol: the same checks as any third party's."""

import jaxenv
import pytest
from jaxenv.testing import check_env


def first_of_each(sameness):
    """Return the first id of each class of ids that ``sameness`` maps to one value."""
    chosen = {}
    for spec in jaxenv.registered_envs():
        chosen.setdefault(sameness(spec), spec.id)
    return list(chosen.values())


# Ids that differ in params alone run the same compiled functions, so there is nothing to learn from a second one.
BY_CLASS = first_of_each(lambda spec: spec.entry_point)
BY_VALUE = first_of_each(lambda spec: (spec.entry_point, *sorted(spec.kwargs.items())))


def check_id(env_id):
    spec = jaxenv.spec(env_id)
    try:
        env, params = jaxenv.make(spec)
    except FileNotFoundError as error:
        pytest.skip(f"its data is not on this machine: {error}")
    check_env(env, params, spec=spec)


@pytest.mark.parametrize("env_id", BY_CLASS)
def test_every_class_keeps_every_promise(env_id):
    check_id(env_id)


@pytest.mark.long
@pytest.mark.parametrize("env_id", [env_id for env_id in BY_VALUE if env_id not in BY_CLASS])
def test_every_other_environment_keeps_every_promise(env_id):
    check_id(env_id)


def test_there_is_something_to_test():
    working = {plugin.namespace for plugin in jaxenv.plugins() if plugin.status == "ok"}
    assert working == {spec.namespace for spec in jaxenv.registered_envs()}
