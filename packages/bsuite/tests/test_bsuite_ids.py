"""All 468 ids: made, reset and stepped; their settings where they belong; what stacks is stacked."""

import jax
import jax.numpy as jnp
import jaxenv
import jaxenv_bsuite
import numpy as np
import pytest
from jaxenv import environment
from jaxenv_bsuite import sweep
from jaxenv_bsuite.experiments import SeveralShapesError
from jaxenv_bsuite.mnist_data import ENVIRONMENT_VARIABLE

pytestmark = pytest.mark.usefixtures("unoptimized")


def ends_and_middle(ids):
    return {ids[0], ids[len(ids) // 2], ids[-1]}


# Ids of one shape share a compilation. Of those that do not, three of each experiment are played, and the others are traced.
SEVERAL_SHAPES = ("deep_sea", "deep_sea_stochastic", "memory_size", "umbrella_distract")
TRACED = {
    bsuite_id
    for name in SEVERAL_SHAPES
    for bsuite_id in sweep.EXPERIMENTS[name].ids
    if bsuite_id not in ends_and_middle(sweep.EXPERIMENTS[name].ids)
}


@pytest.fixture(scope="module")
def loaded():
    return {bsuite_id: jaxenv_bsuite.load_from_id(bsuite_id) for bsuite_id in sweep.SWEEP}


@pytest.mark.parametrize("experiment", sweep.EXPERIMENTS)
def test_every_id_is_made_reset_and_stepped(experiment, loaded):
    key_reset, key_step = jax.random.split(jax.random.key(0))
    for bsuite_id in sweep.EXPERIMENTS[experiment].ids:
        env, params = loaded[bsuite_id]
        space, actions = env.observation_space(params), env.action_space(params)
        if bsuite_id in TRACED:
            first, state = jax.eval_shape(env.reset, key_reset, params)
            obs, after, reward, *_ = jax.eval_shape(env.step, key_step, state, jnp.int32(0), params)
            assert {(first.shape, first.dtype), (obs.shape, obs.dtype)} == {(space.shape, space.dtype)}
            assert (after, reward.shape, reward.dtype) == (state, (), np.float32)
            continue
        obs, state = env.reset(key_reset, params)
        assert space.contains(obs)
        for action in (0, actions.n - 1):
            obs, state, reward, done, info = env.step(key_step, state, action, params)
            assert space.contains(obs)
            assert (reward.shape, reward.dtype) == ((), np.float32)
            assert np.isfinite(reward)
            assert not info["truncated"]
            assert float(info["discount"]) == 1.0 - float(done)


def test_ids_of_one_shape_share_one_compilation(loaded):
    before = environment._step._cache_size()
    for name in ("bandit", "bandit_noise", "cartpole_swingup", "memory_len", "umbrella_length", "catch_scale", "discounting_chain"):
        environments = {loaded[bsuite_id][0].without_overrides for bsuite_id in sweep.EXPERIMENTS[name].ids}
        assert len(environments) == 1
        for bsuite_id in sweep.EXPERIMENTS[name].ids:
            env, params = loaded[bsuite_id]
            env.step(jax.random.key(1), env.reset(jax.random.key(0), params)[1], 0, params)
    # At most one for each of the seven; none, if the test above came first.
    assert environment._step._cache_size() - before <= 7


def test_shapes_and_actions_are_the_references(loaded, reference, mnist_dir):
    images = reference.load_mnist(str(_with_test_files(mnist_dir)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsuite.utils.datasets.load_mnist", lambda *_: images)
        for bsuite_id in sweep.SWEEP:
            env, params = loaded[bsuite_id]
            theirs = reference.load(bsuite_id)
            assert env.observation_space(params).shape == theirs.observation_spec().shape
            assert env.num_actions == env.action_space(params).n == theirs.action_spec().num_values
            assert theirs.bsuite_num_episodes == sweep.EPISODES[bsuite_id]
            if bsuite_id in TRACED:
                continue
            info = jaxenv_bsuite.bsuite_info(env, env.reset(jax.random.key(0), params)[1], params)
            assert {name: float(value) for name, value in info.items()} == {
                name: float(value) for name, value in theirs.bsuite_info().items()
            }


def _with_test_files(directory):
    for kind in ("images-idx3", "labels-idx1"):
        (directory / f"t10k-{kind}-ubyte.gz").write_bytes((directory / f"train-{kind}-ubyte.gz").read_bytes())
    return directory


def test_settings_reach_fields_and_params(loaded):
    def params(bsuite_id):
        return loaded[bsuite_id][1]

    assert params("bandit_noise/17").scale == 10.0
    assert np.array_equal(params("bandit_noise/17").env_params.ranks, params("bandit/1").ranks)
    assert params("mountain_car_scale/8").scale == 1.0
    assert loaded["deep_sea/20"][0].size == loaded["deep_sea_stochastic/20"][0].size == 50
    assert loaded["deep_sea/20"][0].deterministic
    assert not loaded["deep_sea_stochastic/20"][0].deterministic
    assert (params("memory_len/22").memory_length, loaded["memory_len/22"][0].num_bits) == (100, 1)
    assert (params("memory_size/16").memory_length, loaded["memory_size/16"][0].num_bits) == (2, 40)
    assert (params("umbrella_length/22").chain_length, loaded["umbrella_length/22"][0].n_distractor) == (100, 20)
    assert (params("umbrella_distract/22").chain_length, loaded["umbrella_distract/22"][0].n_distractor) == (20, 100)
    assert (params("cartpole_swingup/3").height_threshold, params("cartpole_swingup/3").x_reward_threshold) == (0.15, 0.85)


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [
        ("SimpleBandit-bsuite", {"num_actions": 5, "mapping_seed": 3}),
        ("Catch-bsuite", {"rows": 6, "columns": 7}),
        ("Cartpole-bsuite", {"max_time": 5.0, "height_threshold": 0.5}),
        ("DeepSea-bsuite", {"size": 12, "deterministic": False, "randomize_actions": False, "unscaled_move_cost": 0.1}),
        ("bsuite/mnist_noise/0", {"pixel_mode": "unit", "fraction": 0.5, "scale": 0.0}),
    ],
)
def test_options_are_overrides(env_id, settings):
    env, params = jaxenv.make(env_id, **settings)
    leaves = {"height_threshold", "unscaled_move_cost", "scale"}
    for name, value in settings.items():
        assert getattr(params if name in leaves else env.unwrapped, name) == value
    env.reset(jax.random.key(0), params)


def test_defaults_of_the_ten_tasks():
    assert jaxenv.make("DeepSea-bsuite")[0].size == 8
    assert jaxenv.make("MemoryChain-bsuite")[1].memory_length == 5
    env, params = jaxenv.make("UmbrellaChain-bsuite")
    assert (params.chain_length, env.n_distractor) == (10, 0)
    assert jaxenv.make("SimpleBandit-bsuite")[0].num_actions == 11


def test_an_experiment_is_one_environment_with_stacked_params():
    env, params = jaxenv_bsuite.load_experiment("cartpole_swingup")
    assert {leaf.shape[0] for leaf in jax.tree.leaves(params)} == {20}
    obs, state = jax.vmap(env.reset, in_axes=(None, 0))(jax.random.key(0), params)
    keys = jax.random.split(jax.random.key(1), 20)
    obs, state, *_ = jax.vmap(env.step)(keys, state, jnp.zeros(20, jnp.int32), params)
    assert obs.shape == (20, 1, 8)
    info = jax.vmap(lambda state, params: jaxenv_bsuite.bsuite_info(env, state, params))(state, params)
    assert np.allclose(info["raw_return"], -0.1)


@pytest.mark.parametrize("name", [name for name, e in sweep.EXPERIMENTS.items() if e.environment != "MNISTBandit"])
def test_load_experiment_loads_all_or_says_why_not(name):
    ids = sweep.EXPERIMENTS[name].ids
    if name in SEVERAL_SHAPES:
        with pytest.raises(SeveralShapesError, match=rf"load_batches\(\['{name}'\]\)"):
            jaxenv_bsuite.load_experiment(name)
    else:
        _, params = jaxenv_bsuite.load_experiment(name)
        assert {leaf.shape[0] for leaf in jax.tree.leaves(params)} == {len(ids)}


def test_mnists_images_are_shared_not_copied():
    (batch,) = jaxenv_bsuite.load_batches(["mnist_noise"])
    assert batch.params.env_params.images.shape == (200, 28, 28)
    assert batch.axes.env_params.images is None
    assert batch.axes.scale == 0
    obs, _ = jax.vmap(batch.env.reset, in_axes=(None, batch.axes))(jax.random.key(0), batch.params)
    assert obs.shape == (20, 28, 28)
    with pytest.raises(SeveralShapesError, match="share arrays"):
        jaxenv_bsuite.load_experiment("mnist")


def test_batches_are_as_few_as_can_be():
    assert len(jaxenv_bsuite.load_batches(["memory_size", "umbrella_distract", "deep_sea"])) == 17 + 23 + 21
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENVIRONMENT_VARIABLE)
        assert len(jaxenv_bsuite.load_batches([n for n in sweep.EXPERIMENTS if not n.startswith("mnist")])) == 98


def test_bsuite_info_wants_one_of_bsuites():
    class Other(jaxenv.Environment):
        @property
        def default_params(self):
            return jaxenv.Params()

    with pytest.raises(TypeError, match="not an environment of bsuite"):
        jaxenv_bsuite.bsuite_info(Other(), jaxenv.State())
