"""Transfer: each shipped agent has the same mean return in the reference implementation of its task."""

import dataclasses
import math
import sys

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv_baselines import agent, ppo
from jaxenv_baselines.errors import MissingReferenceError, NoReferenceError
from jaxenv_baselines.tasks import Task
from jaxenv_baselines.transfer import FAMILIES, Transfer, transfer

pytestmark = pytest.mark.usefixtures("unoptimized")

SHIPPED = [described["spec"]["id"] for described in agent.shipped() if described["spec"]["namespace"] in FAMILIES]


@pytest.fixture
def reference():
    """A function that skips where the reference implementation of an id is not installed."""

    def reference(env_id):
        module = FAMILIES[env_id.split("/")[0]][0].lower()
        if module == "bsuite":
            pytest.importorskip("pandas")
        pytest.importorskip(module, exc_type=ImportError)

    return reference


def untrained(env_id, **settings):
    """An agent with random weights that samples its actions."""
    env, params = jaxenv.make(env_id)
    task, config = Task.of(env, params), ppo.Config(widths=(8,), num_envs=1, greedy=False, **settings)
    learner = jax.jit(ppo.begin)(task, config, jaxenv.random.key(0))
    weights, carry = ppo.policy_params(task, config, learner), ppo.initial_carry(task, config)
    description = {"spec": {"id": jaxenv.spec(env_id).id}, "overrides": {}}
    return agent.Agent(env, params, ppo.policy(task, config), weights, carry, description)


@pytest.mark.parametrize("env_id", SHIPPED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_shipped_agents_transfer_in_their_first_300_steps(reference, env_id):
    reference(env_id)
    assert transfer(agent.load(env_id), episodes=32, max_steps=300).standard_errors <= 4.0


@pytest.mark.long
@pytest.mark.parametrize("env_id", SHIPPED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_shipped_agents_transfer(reference, env_id):
    reference(env_id)
    assert transfer(agent.load(env_id), episodes=1000).standard_errors <= 4.0


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [("Breakout-MinAtar", {"torso": "cnn", "filters": 2}), ("bsuite/memory_len/3", {"torso": "gru", "memory": 4})],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_boards_and_hidden_states_are_passed_on(reference, env_id, settings):
    reference(jaxenv.spec(env_id).id)
    found = transfer(untrained(env_id, **settings), episodes=100, seed=1)
    assert found.returns.std() > 0.1
    assert found.standard_errors <= 4.0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_task_is_noticed(reference):
    reference("classic/CartPole-v1")
    acting = untrained("CartPole-v1")
    assert transfer(acting, episodes=150).standard_errors <= 4.0
    heavy = dataclasses.replace(acting, params=acting.params.replace(force_mag=3.0 * acting.params.force_mag))
    assert transfer(heavy, episodes=150).standard_errors > 4.0


def test_a_difference_is_measured_in_standard_errors():
    found = Transfer("reference", "1.0", np.array([1.0, 3.0, 1.0, 3.0]), np.array([2.0, 2.0, 3.0, 3.0]))
    errors_of_means = [np.std(returns, ddof=1) / 2 for returns in (found.returns, found.own_returns)]
    assert found.standard_errors == pytest.approx(0.5 / math.hypot(*errors_of_means))
    assert found.to_json()["standard_errors"] == found.standard_errors
    constant = found._replace(returns=np.full(4, 1.0), own_returns=np.full(4, 1.0 + 1e-7))
    assert constant.standard_errors == 0.0
    assert constant._replace(own_returns=np.full(4, 0.9)).standard_errors == math.inf


def test_agents_without_a_reference_are_refused(message):
    assert "only the tasks of classic, minatar, bsuite have one. Choose" in message(
        NoReferenceError, transfer, untrained("FourRooms-misc")
    )


def test_agents_with_other_settings_have_no_reference(reference, message):
    reference("classic/CartPole-v1")
    acting = untrained("CartPole-v1")
    changed = dataclasses.replace(acting, description=acting.description | {"overrides": {"gravity": 1.6}})
    assert "it was trained with other settings, {'gravity': 1.6}" in message(NoReferenceError, transfer, changed)


def test_a_missing_reference_is_named(message, monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    text = message(MissingReferenceError, transfer, untrained("CartPole-v1"))
    assert text == "gymnasium is not installed. Install it: pip install 'jaxenv-classic[oracle]'."
