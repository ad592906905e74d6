"""Lockstep with the installed reference: all ten tasks, both wrappers, and options other than bsuite's own."""

import warnings

import jaxenv
import jaxenv_bsuite
import pytest
from jaxenv.testing import enable_x64
from jaxenv_bsuite.plugin import TASKS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from jaxenv_bsuite import oracle
    from jaxenv_bsuite.oracle import compare_with_reference

CONTINUOUS = ("Cartpole", "CartpoleSwingup", "MountainCar")
IDS = [
    *(f"{name}-bsuite" for name in TASKS),
    "bsuite/deep_sea_stochastic/2",
    "bsuite/memory_size/16",
    "bsuite/umbrella_distract/22",
]
MORE_IDS = [
    "bsuite/bandit_noise/19",
    "bsuite/catch_noise/3",
    "bsuite/cartpole_scale/3",
    "bsuite/mnist_scale/19",
    "bsuite/mountain_car_noise/7",
    "bsuite/memory_len/0",
    "bsuite/memory_len/22",
    "bsuite/umbrella_length/0",
    "bsuite/umbrella_length/22",
    "bsuite/cartpole_swingup/0",
    "bsuite/cartpole_swingup/19",
    "bsuite/discounting_chain/7",
    "bsuite/deep_sea/3",
]
OPTIONS = {
    "bandit:SimpleBandit": {"num_actions": 4, "mapping_seed": 9},
    "catch:Catch": {"rows": 5, "columns": 3},
    "cartpole:Cartpole": {"max_time": 1.0, "height_threshold": 0.9, "x_threshold": 0.1, "init_range": 0.2},
    "cartpole_swingup:CartpoleSwingup": {"timescale": 0.02, "move_cost": 0.3, "theta_dot_threshold": 5.0, "height_threshold": -1.0},
    "deep_sea:DeepSea": {"size": 5, "deterministic": False, "unscaled_move_cost": 0.5, "mapping_seed": 7},
    "discounting_chain:DiscountingChain": {"mapping_seed": 8},
    "memory_chain:MemoryChain": {"num_bits": 3, "memory_length": 1},
    "umbrella_chain:UmbrellaChain": {"chain_length": 1, "n_distractor": 40},
    "mnist_bandit:MNISTBandit": {"fraction": 0.25},
    "mountain_car:MountainCar": {"max_steps": 37},
}


def check(report, transitions):
    failed = [quantity for quantity in report.quantities if not quantity.passed]
    assert not failed, failed
    assert report.passed
    assert report.transitions == transitions
    assert report.episodes > 0
    assert {"observation", "reward", "terminated", "truncated", "discount"} <= {q.name for q in report.quantities}


@pytest.mark.parametrize("env_id", IDS)
def test_ci(env_id):
    check(compare_with_reference(jaxenv.spec(env_id), transitions=5_000, seed=0), 5_000)


@pytest.mark.parametrize("env_id", MORE_IDS)
def test_more_ids(env_id):
    check(compare_with_reference(jaxenv.spec(env_id), transitions=2_000, seed=1), 2_000)


@pytest.mark.parametrize("entry_point", OPTIONS)
def test_options(entry_point):
    settings = OPTIONS[entry_point]
    env = jaxenv.make(jaxenv.EnvSpec("Plain", f"jaxenv_bsuite.{entry_point}"))[0]
    fields = {name: value for name, value in settings.items() if hasattr(env, name)}
    params = {name: value for name, value in settings.items() if name not in fields}
    check(
        compare_with_reference(
            jaxenv.EnvSpec("Options", f"jaxenv_bsuite.{entry_point}", fields, params), transitions=1_000, seed=2
        ),
        1_000,
    )


@pytest.mark.parametrize("name", CONTINUOUS)
def test_x64(name):
    with enable_x64():
        report = compare_with_reference(jaxenv.spec(f"{name}-bsuite"), transitions=5_000, seed=3)
    check(report, 5_000)
    assert {q.tolerance for q in report.quantities if q.name == "state"} == {1e-10}


@pytest.mark.long
@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("env_id", [*IDS, *MORE_IDS])
def test_long(env_id, x64):
    with enable_x64(x64):
        check(compare_with_reference(jaxenv.spec(env_id), transitions=50_000, seed=4), 50_000)


class Wrong:
    """Tasks with one wrong rule each."""

    class Cartpole(jaxenv_bsuite.Cartpole):
        def transition(self, key, state, action, params):
            out = super().transition(key, state, action, params)
            return out.replace(terminated=out.terminated | (state.time + 1 >= 1000))

    class Catch(jaxenv_bsuite.Catch):
        def carry_over(self, fresh, ended, params):
            return fresh

    class MemoryChain(jaxenv_bsuite.MemoryChain):
        def observe(self, state, params):
            return super().observe(state.replace(time=state.time + 1), params)

    class DiscountingChain(jaxenv_bsuite.DiscountingChain):
        def observe(self, state, params):
            return super().observe(state, params) * 1.000001

    class MountainCar(jaxenv_bsuite.MountainCar):
        def transition(self, key, state, action, params):
            return super().transition(key, state, action, params.replace(gravity=0.00251))


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("Cartpole", "terminated"),
        ("Catch", "bsuite_info.total_regret"),
        ("MemoryChain", "observation"),
        ("DiscountingChain", "observation"),
        ("MountainCar", "state"),
    ],
)
def test_a_wrong_rule_fails(name, quantity, monkeypatch):
    env = getattr(Wrong, name)()
    monkeypatch.setattr(oracle, "make", lambda spec: (env, env.default_params))
    report = oracle.compare_with_reference(jaxenv.spec(f"{name}-bsuite"), transitions=4_500, seed=0)
    assert not report.passed
    assert quantity in {quantity.name for quantity in report.quantities if not quantity.passed}
