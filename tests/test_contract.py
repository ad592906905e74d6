"""Every registered id, whoever's it is, keeps every promise of the protocol: the same checks as any third party's."""

import jaxenv
import pytest
from jaxenv.testing import check_env

pytestmark = pytest.mark.usefixtures("mnist")

SPECS = jaxenv.registered_envs()
FIRST = list({spec.entry_point: spec for spec in reversed(SPECS)}.values())[::-1]
"""The first id of each class: hundreds of ids differ in numbers alone."""


def check(spec):
    env, params = jaxenv.make(spec)
    check_env(env, params, spec=spec)


@pytest.mark.parametrize("spec", FIRST, ids=lambda spec: spec.id)
def test_every_class_keeps_every_promise(spec):
    check(spec)


@pytest.mark.long
@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec not in FIRST], ids=lambda spec: spec.id)
def test_every_other_id_keeps_every_promise(spec):
    check(spec)


def test_there_is_something_to_test():
    working = {plugin.namespace for plugin in jaxenv.plugins() if plugin.status == "ok" and plugin.specs}
    assert working == {spec.namespace for spec in SPECS}
