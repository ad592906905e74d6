"""Rollouts and batched steps as kernels, run on the host: what a scan gives, for every policy and every transformation."""

import warnings

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from comparison import assert_alike
from corridors import Corridor, NoisyCorridor
from jax.sharding import Mesh, PartitionSpec
from jaxenv import _jax_compat
from jaxenv.engine import rollout as rollout_kernel
from jaxenv.engine import scan, select
from jaxenv.engine.cuda import host, launch, nvrtc
from jaxenv.engine.plan import Plan, RolloutInputs
from jaxenv.errors import EngineSettingError, JaxenvPerformanceWarning, RolloutArgumentError, RolloutFusedError, RolloutStateError
from jaxenv.rollouts import ExecutorChoice, RolloutRunner
from jaxenv.wrappers import ClipReward, LogWrapper, StickyAction

pytestmark = [
    pytest.mark.usefixtures("unoptimized"),
    pytest.mark.skipif(host.compiler() is None, reason="no C compiler (gcc) is installed"),
]

KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def _kernels_on_the_host(monkeypatch):
    monkeypatch.setenv("JAXENV_ENGINE", "host")


def play(env, policy=None, key=KEY, params=None, **options):
    return jaxenv.rollout(env, params, policy, key, num_envs=5, num_steps=13, **options)


def same(env, policy=None, key=KEY, **options):
    fused, scanned = (play(env, policy, key, fused=fused, **options) for fused in (True, False))
    assert (fused.executor, fused.reason, scanned.executor) == ("kernel", "", "scan")
    assert_alike(fused, scanned.replace(executor="kernel", reason=""), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("env", [Corridor(), NoisyCorridor(length=3)], ids=lambda env: env.name)
@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey, jaxenv.random.key], ids=["threefry", "raw", "jaxenv"])
def test_a_random_policy_plays_as_in_a_scan(env, make_key):
    same(env, key=make_key(3))


def test_wrappers_play_as_in_a_scan():
    same(LogWrapper(ClipReward(StickyAction(NoisyCorridor(), 0.3), 0.0, 1.0)))


def test_a_policy_with_parameters_plays_as_in_a_scan():
    same(Corridor(), lambda weights, obs, key: jax.random.categorical(key, obs @ weights), policy_params=jnp.ones((2, 2)))


def test_a_policy_that_closes_over_arrays_plays_as_in_a_scan():
    weights = jnp.arange(4, dtype=jnp.float32).reshape(2, 2)

    def policy(obs, key):
        return jax.random.categorical(key, obs @ weights)

    same(Corridor(), policy)
    tables = [jax.jit(lambda w, fused=fused: play(Corridor(), lambda obs, key: jnp.argmax(obs @ w), fused=fused).state)(weights)
              for fused in (True, False)]  # fmt: skip
    jax.tree.map(np.testing.assert_array_equal, *tables)


def test_a_recurrent_policy_plays_as_in_a_scan():
    def policy(carry, obs, key):
        carry = carry + obs[0]
        return carry, (carry > 2).astype(jnp.int32)

    same(Corridor(), policy, initial_carry=jnp.float32(0.5))


def test_a_policy_with_a_key_in_its_carry():
    def policy(carry, obs, key):
        carry, key = jax.random.split(carry)
        return carry, jax.random.bits(key).astype(jnp.int32) & 1

    results = [play(Corridor(), policy, initial_carry=jax.random.key(9), fused=fused) for fused in (True, False)]
    assert results[0].executor == "kernel"
    jax.tree.map(np.testing.assert_array_equal, *(result.trajectory for result in results))
    np.testing.assert_array_equal(*(jax.random.key_data(result.carry) for result in results))


def test_double_precision_plays_as_in_a_scan():
    jax.config.update("jax_enable_x64", True)  # not for this thread alone: the host's code is called in another
    try:
        same(NoisyCorridor())
    finally:
        jax.config.update("jax_enable_x64", False)


def test_states_are_kept_only_if_asked_for():
    same(NoisyCorridor(), keep_states=True)
    for fused in (True, False):
        kept = play(NoisyCorridor(), keep_states=True, fused=fused)
        np.testing.assert_array_equal(kept.trajectory.state.time[0], 0)
        assert kept.trajectory.state.time.shape == (13, 5)
        assert play(NoisyCorridor(), fused=fused).trajectory.state is None


def test_each_environment_may_have_params_of_its_own():
    env = Corridor()
    gains = jnp.arange(5, dtype=jnp.float32)
    params = jax.tree.map(lambda x: jnp.broadcast_to(x, (5,)), env.default_params).replace(gain=gains)
    same(env, params=params, params_axis=0)
    for fused in (True, False):
        together = play(env, params=params, params_axis=0, fused=fused)
        for i in range(5):
            alone = play(env, params=env.default_params.replace(gain=gains[i]), fused=fused)
            np.testing.assert_array_equal(together.trajectory.reward[:, i], alone.trajectory.reward[:, i])
    with pytest.raises(RolloutArgumentError, match="params_axis must be 0 or None, but 1 was given"):
        play(env, params=params, params_axis=1)


def test_a_rollout_goes_on_from_the_states_of_another():
    env = NoisyCorridor()
    first = play(env)
    for fused in (True, False):
        second = play(env, key=jax.random.key(5), state=first.state, fused=fused, keep_states=True)
        jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[0], b), second.trajectory.state, first.state)
        np.testing.assert_array_equal(second.trajectory.obs[0], first.obs)
    policy = lambda carry, obs, key: (carry + 1, carry % 2)  # noqa: E731
    begun = play(Corridor(), policy, initial_carry=jnp.int32(0))
    same(Corridor(), policy, initial_carry=jnp.int32(0), state=begun.state, carry=begun.carry)
    same(Corridor(), policy, initial_carry=jnp.int32(0), state=begun.state)


def test_states_that_do_not_fit_are_refused():
    state = play(Corridor()).state
    with pytest.raises(RolloutStateError, match="every leaf of state must have a leading axis of 4"):
        jaxenv.rollout(Corridor(), None, None, KEY, num_envs=4, num_steps=2, state=state)

    class Stubborn(Corridor):
        def step(self, key, state, action, params=None):
            return super().step(key, state, action, params)

    with pytest.raises(RolloutStateError, match="Stubborn steps in a way of its own"):
        play(Stubborn(), state=state)


def runner(env, required=True):
    plan, inputs = Plan(env, None), RolloutInputs(env.default_params, KEY, None, None)
    return RolloutRunner(plan, 5, 1, inputs, ExecutorChoice("host", "", required))


def test_pieces_of_a_rollout_are_the_rollout():
    env = NoisyCorridor()
    pieces = runner(env)
    loop, first = pieces.play(pieces.begin(), 0, 6)
    loop, second = pieces.play(loop, 6, 7)
    whole = play(env, fused=True)
    jax.tree.map(np.testing.assert_array_equal, loop.state, whole.state)
    joined = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second)
    jax.tree.map(np.testing.assert_array_equal, joined, whole.trajectory)


@pytest.mark.parametrize("most", [30, 25])  # pieces of 6, 6 and 1 steps, or of 5, 5 and 3
def test_a_long_rollout_is_several_kernels(monkeypatch, most):
    whole = play(NoisyCorridor(), fused=True)
    monkeypatch.setattr(rollout_kernel, "MOST_AT_ONCE", most)
    jax.clear_caches()
    pieces = play(NoisyCorridor(), fused=True)
    jax.tree.map(np.testing.assert_array_equal, pieces, whole)


def test_a_mesh_of_one_device_plays_the_same():
    mesh = Mesh(np.array(jax.devices()[:1]), "envs")
    jax.tree.map(np.testing.assert_array_equal, play(Corridor(), fused=True, mesh=mesh), play(Corridor(), fused=True))


def test_vmap_over_params_plays_each_as_alone():
    env = Corridor()
    gains = jnp.array([[0.5, 1.0, 2.0], [3.0, 4.0, 5.0]], jnp.float32)

    def total(gain):
        result = play(env, params=env.default_params.replace(gain=gain), fused=True)
        return result.trajectory.reward, result.trajectory.info["final_observation"]

    many, nested = jax.vmap(total)(gains[0]), jax.vmap(jax.vmap(total))(gains)
    for i, gain in enumerate(gains.reshape(-1)):
        for one, some in zip(total(gain), nested, strict=True):
            np.testing.assert_array_equal(some.reshape(6, *some.shape[2:])[i], one)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[0]), many, nested)


def test_vmap_over_keys_plays_each_as_alone():
    keys = jax.random.split(KEY, 3)
    many = jax.vmap(lambda key: play(Corridor(), key=key, fused=True).trajectory.obs)(keys)
    np.testing.assert_array_equal(many[1], play(Corridor(), key=keys[1], fused=True).trajectory.obs)


def test_a_gradient_is_that_of_the_scan():
    env = Corridor()

    def mean_reward(gain, fused):
        return play(env, params=env.default_params.replace(gain=gain), fused=fused).trajectory.reward.mean()

    for derive in (jax.grad, jax.jacfwd):
        fused, scanned = (derive(mean_reward)(jnp.float32(1.0), fused) for fused in (True, False))
        assert scanned != 0
        np.testing.assert_allclose(fused, scanned, rtol=1e-6)


def sorting_policy(weights, obs, key):
    return jnp.argmax(jnp.sort(obs @ weights)) % 2


def test_what_can_be_no_kernel_is_refused_if_a_kernel_must_play_and_else_played_by_a_scan_with_one_warning():
    weights = jnp.ones((2, 7))
    with pytest.raises(RolloutFusedError, match=r"The rollout of Corridor can't be .* the operation sort.*Leave fused out"):
        play(Corridor(), sorting_policy, policy_params=weights, fused=True)
    select._warned.clear()
    with pytest.warns(
        JaxenvPerformanceWarning, match=r"A rollout of Corridor is played by a scan, .* because of the operation sort"
    ):
        result = play(Corridor(), sorting_policy, policy_params=weights)
    assert result.executor == "scan"
    assert "sort" in result.reason
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jax.clear_caches()
        again = play(Corridor(), sorting_policy, policy_params=weights)
    scanned = play(Corridor(), sorting_policy, policy_params=weights, fused=False)
    jax.tree.map(np.testing.assert_array_equal, result.trajectory, scanned.trajectory)
    jax.tree.map(np.testing.assert_array_equal, again.trajectory, scanned.trajectory)


def test_a_step_method_of_its_own_is_left_to_a_scan():
    class Stubborn(Corridor):
        def step(self, key, state, action, params=None):
            return super().step(key, state, action, params)

    with pytest.raises(RolloutFusedError, match="a step method of its own"):
        play(Stubborn(), fused=True)
    with pytest.warns(JaxenvPerformanceWarning, match="a step method of its own"):
        play(Stubborn())


@pytest.mark.parametrize("env", [Corridor(), NoisyCorridor(length=3)], ids=lambda env: env.name)
def test_what_jax_keeps_of_a_program_holds_on_to_no_array(env):
    """Kernels and details are traced after the rest, so what they are made from stays: it must not be a value of the trace."""
    with jax.checking_leaks():
        played = jax.jit(lambda key: play(env, key=key, fused=True).trajectory)(jax.random.key(2))
    assert played.info["final_observation"].shape[:2] == (13, 5)


def test_what_is_not_used_is_not_computed():
    lowered = jax.jit(lambda key: play(Corridor(), key=key, fused=True).trajectory.reward).lower(KEY).as_text()
    every = jax.jit(lambda key: play(Corridor(), key=key, fused=True)).lower(KEY).as_text()
    assert lowered.count("cpu_callback") == 1, "one kernel, and none for the states that details need"
    assert every.count("cpu_callback") == 2


# -- batched steps ---------------------------------------------------------------------------------------------------


def steps(env, keys, states, actions, params):
    return jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, states, actions, params)


def batch(env, count=6):
    keys = jax.random.split(KEY, count)
    obs, states = jax.vmap(env.reset, in_axes=(0, None))(keys, env.default_params)
    return keys, states, jnp.arange(count, dtype=jnp.int32) % 2, env.default_params


def by_scan(monkeypatch, function, *args):
    with monkeypatch.context() as patch:
        patch.setenv("JAXENV_ENGINE", "scan")
        return function(*args)


@pytest.fixture
def launches(monkeypatch):
    """The kernels that the host runs."""
    ran, original = [], host.run
    monkeypatch.setattr(host, "run", lambda kernel, *args: ran.append(kernel.name) or original(kernel, *args))
    return ran


@pytest.mark.parametrize("env", [Corridor(), NoisyCorridor(length=3), StickyAction(NoisyCorridor(), 0.3)], ids=lambda env: env.name)
def test_batched_resets_and_steps_are_one_kernel_each(env, launches, monkeypatch):
    keys, states, actions, params = batch(env)
    assert len(launches) == 1
    got = jax.jit(steps, static_argnums=0)(env, keys, states, actions, params)
    assert len(jax.block_until_ready(launches)) == 2
    assert_alike(got, by_scan(monkeypatch, steps, env, keys, states, actions, params), rtol=1e-6, atol=1e-6)


def test_what_an_environment_reports_may_be_called_obs(monkeypatch):
    class Reporting(Corridor):
        def transition(self, key, state, action, params):
            return super().transition(key, state, action, params).replace(info={"obs": jnp.float32(7.0)})

    env = Reporting()
    args = batch(env)
    got = steps(env, *args)
    assert got[4]["obs"].tolist() == [7.0] * 6
    assert_alike(got, by_scan(monkeypatch, steps, env, *args), rtol=1e-6, atol=1e-6)


def test_a_step_of_one_environment_is_no_kernel(launches):
    env = Corridor()
    obs, state = env.reset(KEY)
    env.step(KEY, state, 1)
    jax.block_until_ready(jax.jit(env.step)(KEY, state, 1))
    assert launches == []


def test_a_scan_over_batched_steps(launches, monkeypatch):
    env = NoisyCorridor()
    keys, states, actions, params = batch(env)

    def walk(states):
        def one(states, key):
            obs, states, reward, done, info = steps(env, jax.random.split(key, 6), states, actions, params)
            return states, (obs, reward, done, info)

        return jax.lax.scan(one, states, keys)

    assert_alike(jax.jit(walk)(states), by_scan(monkeypatch, walk, states), rtol=1e-6, atol=1e-6)
    assert len(launches) == 1 + len(keys)


def test_nested_batches_are_one_kernel(launches, monkeypatch):
    env = Corridor()
    keys, states, actions, _ = batch(env)
    gains = jnp.array([0.5, 2.0], jnp.float32)
    tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (2,)), env.default_params).replace(gain=gains)

    def every(keys, states, actions, tasks):
        return jax.vmap(lambda task: steps(env, keys, states, actions, task))(tasks)

    launches.clear()
    got = jax.block_until_ready(jax.jit(every)(keys, states, actions, tasks))
    assert len(launches) == 1
    assert_alike(got, by_scan(monkeypatch, every, keys, states, actions, tasks), rtol=1e-6, atol=1e-6)


def test_axes_other_than_the_first(monkeypatch):
    env = Corridor()
    keys, states, actions, params = batch(env)
    moved = jax.tree.map(lambda x: jnp.stack([x, x], 1) if x.ndim == 1 else x, states)

    def across(keys, states, actions, params):
        inner = jax.vmap(env.step, in_axes=(None, 0, None, None))
        return jax.vmap(inner, in_axes=(0, 0, 0, None), out_axes=1)(keys, states, actions, params)

    got = jax.jit(across)(keys, moved, actions, params)
    assert_alike(got, by_scan(monkeypatch, across, keys, moved, actions, params), rtol=1e-6, atol=1e-6)


def test_derivatives_of_batched_steps_are_those_of_the_step(monkeypatch):
    env = Corridor()
    keys, states, actions, params = batch(env)

    def total(gain):
        return steps(env, keys, states, actions, params.replace(gain=gain))[2].sum()

    for derive in (jax.grad, jax.jacfwd, lambda f: jax.jit(jax.grad(f))):
        got = derive(total)(jnp.float32(1.5))
        assert got != 0
        np.testing.assert_allclose(got, by_scan(monkeypatch, derive(total), jnp.float32(1.5)), rtol=1e-6)


def test_batched_steps_under_shard_map():
    env = Corridor()
    keys, states, actions, params = batch(env)
    mesh = Mesh(np.array(jax.devices()[:1]), "envs")
    spread, alike = PartitionSpec("envs"), PartitionSpec()
    function = jax.shard_map(
        lambda *args: steps(env, *args)[:4], mesh=mesh, in_specs=(spread, spread, spread, alike), out_specs=spread
    )
    got = jax.jit(function)(keys, states, actions, params)
    jax.tree.map(np.testing.assert_array_equal, got, steps(env, keys, states, actions, params)[:4])


def test_a_scan_over_batched_steps_under_shard_map():
    env = Corridor()
    keys, states, actions, params = batch(env)
    mesh, spread = Mesh(np.array(jax.devices()[:1]), "envs"), PartitionSpec("envs")

    def walk(keys, states, actions):
        def one(states, _):
            _, states, reward, _, _ = steps(env, keys, states, actions, params)
            return states, reward

        return jax.lax.scan(one, states, None, length=4)

    across = jax.shard_map(walk, mesh=mesh, in_specs=spread, out_specs=(spread, PartitionSpec(None, "envs")))
    jax.tree.map(np.testing.assert_array_equal, jax.jit(across)(keys, states, actions), walk(keys, states, actions))


def test_batched_steps_leak_no_tracers():
    env = NoisyCorridor(length=4)
    args = batch(env)
    with jax.checking_leaks():
        jax.jit(lambda *args: steps(env, *args))(*args)


# -- which executor, and what happens where a kernel can't be had ------------------------------------------------------


def test_a_cpu_plays_by_a_scan(monkeypatch):
    monkeypatch.delenv("JAXENV_ENGINE")
    assert ExecutorChoice.of(None, KEY) == ExecutorChoice(None, "the platform, cpu", required=False)
    assert ExecutorChoice.of(False, KEY).where is None
    with pytest.raises(RolloutFusedError, match="because of the platform, cpu"):
        play(Corridor(), fused=True)
    result = play(Corridor())
    assert (result.executor, result.reason) == ("scan", "the platform, cpu")


def test_a_setting_that_means_nothing_is_refused(monkeypatch):
    monkeypatch.setenv("JAXENV_ENGINE", "fast")
    with pytest.raises(EngineSettingError, match="JAXENV_ENGINE is 'fast', but must be 'auto', 'scan' or 'host'"):
        play(Corridor())


def test_a_setting_turns_kernels_off(monkeypatch):
    monkeypatch.setenv("JAXENV_ENGINE", "scan")
    assert select.kernels_on("gpu") == (None, "JAXENV_ENGINE=scan")


@pytest.fixture
def gpu(monkeypatch):
    """A machine that believes to have a GPU, as far as that goes."""
    monkeypatch.delenv("JAXENV_ENGINE")
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(select, "platform_of", lambda array=None: "gpu")
    monkeypatch.setattr(select, "capability", lambda: (9, 0))
    monkeypatch.setattr(select, "_probe", lambda number: "")
    select.gpu_trouble.cache_clear()
    select._warned.clear()
    jax.clear_caches()
    yield monkeypatch
    select.gpu_trouble.cache_clear()


def missing(*args):
    raise nvrtc.NvrtcError("NVRTC is not installed")


def refused(*args):
    raise RuntimeError("UNIMPLEMENTED: no registered implementation for custom call")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("capability", lambda: None, "the GPU, which is not one of NVIDIA's"),
        ("capability", lambda: (6, 1), "the GPU's compute capability 6.1, which is below 7.5"),
        ("_probe", refused, "XLA, which launches no kernel of jaxenv's"),
        ("_probe", lambda number: "XLA, which runs kernels of jaxenv's wrongly", "wrongly"),
    ],
)
def test_a_gpu_without_kernels_scans_with_one_warning(gpu, name, value, reason):
    gpu.setattr(select, name, value)
    with pytest.warns(JaxenvPerformanceWarning, match=reason):
        result = play(Corridor())
    assert result.executor == "scan"
    assert reason in result.reason
    gpu.setenv("JAXENV_ENGINE", "scan")
    jax.tree.map(np.testing.assert_array_equal, result.trajectory, play(Corridor()).trajectory)


@pytest.mark.parametrize(
    ("target", "name", "value", "reason"),
    [
        (nvrtc, "ptx", missing, "NVRTC is not installed"),
        (launch, "MOST_ARRAYS", 3, "a kernel with .* arrays"),
        (rollout_kernel, "MOST_CARRIED", 2, "a state and a policy's carry of .* numbers"),
    ],
)
def test_a_kernel_that_cannot_be_had_is_a_scan_with_one_warning(gpu, target, name, value, reason):
    gpu.setattr(target, name, value)
    with pytest.warns(JaxenvPerformanceWarning, match=reason) as warned:
        result = play(NoisyCorridor(length=5))
    assert len([w for w in warned if "A rollout" in str(w.message)]) == 1
    gpu.setenv("JAXENV_ENGINE", "scan")
    jax.tree.map(np.testing.assert_array_equal, result.trajectory, play(NoisyCorridor(length=5)).trajectory)


def test_without_jaxs_rules_for_operations_everything_is_a_scan(gpu):
    gpu.setitem(_jax_compat.MISSING, "call", "AttributeError: gone")
    assert select.kernels_on("gpu") == (None, f"JAX {jax.__version__}, which lacks what kernels need (AttributeError: gone)")


def test_unrolling_is_asked_of_a_scan(monkeypatch):
    assert scan.default_unroll() == 1
    assert play(Corridor(), unroll=2).executor == "scan"
