"""What the benchmark says of other libraries, checked against those that are installed; ``tox run -e peers`` installs all."""

import jax
import jaxenv
import numpy as np
import pytest
from jaxenv.benchmark import Workload, compare
from jaxenv.benchmark.contenders import CONTENDERS

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs

DECLARED = [(library, spec.name) for spec in jaxenv.registered_envs() for library in spec.counterparts]
CASES = [
    *(("envpool", name) for name in ("CartPole-v1", "Pendulum-v1", "Catch-bsuite", "FrozenLake-misc")),
    *(("gymnasium", name) for name in ("CartPole-v1", "MountainCarContinuous-v0", "FrozenLake-misc")),
    *(("gymnax", name) for name in ("CartPole-v1", "Pendulum-v1", "Catch-bsuite")),
    ("pgx", "Breakout-MinAtar"),
]


@pytest.fixture(autouse=True)
def lenient():
    """Let JAX promote dtypes and ranks as it does for those libraries' users; our tests are stricter."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def installed(library):
    return pytest.importorskip(CONTENDERS[library].module, exc_type=ImportError)


def full_id(name):
    return jaxenv.spec(name).id


@pytest.mark.parametrize(("library", "name"), CASES)
@pytest.mark.parametrize("policy", ["random", "mlp"])
def test_a_peer_runs_the_same_work(library, name, policy):
    installed(library)
    ours = Workload("jaxenv", full_id(name), 4, 3, policy)
    result = compare([ours, ours._replace(library=library, threads=1 if library == "envpool" else None)], repeats=1)
    assert result.failures == []
    assert [m.library for m in result.measurements] == ["jaxenv", library]


def difference(name):
    """Return what differs in gymnax's task of the same name."""
    return jaxenv.spec(name).counterparts["gymnax"][1]


def test_specs_declare_counterparts_of_libraries_that_can_be_measured():
    assert {library for library, _ in DECLARED} == {"envpool", "gymnasium", "gymnax", "pgx"}
    assert len(DECLARED) == 8 + 2 + 15 + 5


@pytest.mark.parametrize(("library", "name"), DECLARED)
def test_counterparts_exist_on_both_sides(library, name):
    theirs = installed(library)
    known = {
        "envpool": lambda: theirs.list_all_envs(),
        "pgx": lambda: theirs.available_envs(),
        "gymnasium": lambda: theirs.registry,
        "gymnax": lambda: theirs.registered_envs,
    }
    assert CONTENDERS[library].find(name).name in known[library]()
    assert full_id(name)


@pytest.mark.parametrize("library", ["envpool", "gymnasium"])
def test_the_step_after_an_end_resets(library):
    module = installed(library)
    make = module.make_vec if library == "gymnasium" else module.make_gymnasium
    envs = make("CartPole-v1", num_envs=1)
    envs.reset()
    push = np.ones(1, np.int32)
    for _ in range(20):
        obs, _, terminated, _, _ = envs.step(push)
        if terminated[0]:
            break
    assert abs(obs[0, 2]) > 0.2
    obs, reward, terminated, _, _ = envs.step(push)
    assert np.abs(obs).max() <= 0.05
    assert (reward[0], terminated[0]) == (0, False)


def test_envpool_s_pendulum_moves_by_the_velocity_before_it_is_clipped():
    envs = installed("envpool").make_gymnasium("Pendulum-v1", num_envs=64, seed=1)
    obs, _ = envs.reset()
    clipped = 0
    for _ in range(100):
        push = 2 * np.sign(obs[:, 2:])
        angle, velocity = np.arctan2(obs[:, 1], obs[:, 0]), obs[:, 2] + 0.05 * (15 * obs[:, 1] + 3 * push[:, 0])
        obs, *_ = envs.step(push)
        np.testing.assert_allclose(obs[:, 0], np.cos(angle + 0.05 * velocity), atol=1e-5)
        np.testing.assert_allclose(obs[:, 2], np.clip(velocity, -8, 8), atol=1e-5)
        clipped += (np.abs(velocity) > 8.1).sum()
    assert clipped > 100


def test_pgx_s_submarine_runs_out_of_oxygen_a_step_later():
    env = installed("pgx").make("minatar-seaquest")
    state = env.init(jax.random.key(0))

    def ends(oxygen):
        below = state.replace(_oxygen=np.int32(oxygen), _sub_y=np.int32(5))
        return bool(env.step(below, np.int32(0), jax.random.key(1)).terminated)

    assert [ends(oxygen) for oxygen in (1, 0, -1)] == [False, False, True]


@pytest.mark.parametrize("name", [name for library, name in DECLARED if library == "gymnax" and name.endswith("MinAtar")])
def test_gymnax_s_minatar_differs_as_is_said(name):
    env, params = installed("gymnax").make(name)
    obs, _ = env.reset(jax.random.key(0), params)
    assert obs.dtype == np.float32
    limit = "2,500" if "Freeway" in name else "1,000"
    assert f"{params.max_steps_in_episode:,}" == limit
    assert f"ends after {limit} steps" in difference(name)
    assert not hasattr(params, "sticky_action_prob")


@pytest.mark.parametrize(
    ("name", "steps"),
    [("Catch-bsuite", 1000), ("MemoryChain-bsuite", 1000), ("UmbrellaChain-bsuite", 100), ("PointRobot-misc", 100)],
)
def test_gymnax_s_limits_are_as_is_said(name, steps):
    _, params = installed("gymnax").make(name)
    assert params.max_steps_in_episode == steps
    assert f"{steps:,} steps" in difference(name)
