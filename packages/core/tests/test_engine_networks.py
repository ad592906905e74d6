"""Networks in kernels: what a warp computes for its environments, played on the host, beside what a scan computes."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from comparison import assert_alike
from corridors import Corridor, CorridorState
from flax import linen as nn
from flax import nnx
from jaxenv.engine import rollout as kernel
from jaxenv.engine.cuda import host, launch, nvrtc
from jaxenv.engine.cuda.source import prelude
from jaxenv.engine.scalar.trace import scalarize_jaxpr
from jaxenv.environment import Transition
from jaxenv.errors import JaxenvPerformanceWarning, RolloutFusedError
from jaxenv.spaces import Box

pytestmark = [
    pytest.mark.usefixtures("unoptimized"),
    pytest.mark.skipif(host.compiler() is None, reason="no C compiler (gcc) is installed"),
]

KEY = jax.random.key(0)
KEYS = jax.random.split(jax.random.key(1), 4)


@pytest.fixture(autouse=True)
def _kernels_on_the_host(monkeypatch: Any) -> None:
    monkeypatch.setenv("JAXENV_ENGINE", "host")


class Board(Corridor):
    """A corridor that is seen as flags: one place of ``tiles``, and beside it every third tile up to it."""

    tiles: int = 100

    def observe(self, state: CorridorState, params: Any) -> Any:
        tile = jnp.int32(state.position * 20) % self.tiles
        board = jnp.arange(self.tiles, dtype=jnp.int32)
        return ((board == tile) | ((board < tile) & (board % 3 == 0))).reshape(-1, 4)

    def observation_space(self, params: Any) -> Any:
        return Box(0, 1, (self.tiles // 4, 4), bool)


class Switches(Corridor):
    """A corridor that is seen as a few flags, each computed by itself."""

    def observe(self, state: CorridorState, params: Any) -> Any:
        return jnp.stack([state.position > 0.3 * i for i in range(10)])

    def observation_space(self, params: Any) -> Any:
        return Box(0, 1, (10,), bool)


class Pushed(Corridor):
    """A corridor with two forces to choose."""

    def transition(self, key: Any, state: CorridorState, action: Any, params: Any) -> Transition[CorridorState]:
        position = state.position + jnp.tanh(action.sum())
        return Transition(state.replace(position=position), position, position >= self.length)

    def action_space(self, params: Any) -> Any:
        return Box(-3.0, 3.0, (2,))


class Network(nn.Module):
    """Two hidden layers."""

    activation: str = "tanh"
    hidden: int = 32
    normalized: bool = False
    outputs: int = 2

    @nn.compact
    def __call__(self, obs: Any) -> Any:
        x = obs.reshape(-1).astype(jnp.float32)
        for _ in range(2):
            x = nn.Dense(self.hidden, bias_init=nn.initializers.normal())(x)
            x = nn.LayerNorm()(x) if self.normalized else x
            x = getattr(nn, self.activation)(x)
        return nn.Dense(self.outputs)(x)

    def choose(self, weights: Any, obs: Any, key: Any) -> Any:
        return jax.random.categorical(key, self.apply(weights, obs))

    def push(self, weights: Any, obs: Any, key: Any) -> Any:
        means, deviations = jnp.split(self.apply(weights, obs), 2)
        return jnp.clip(means + jnp.exp(deviations - 1.0) * jax.random.normal(key, (2,)), -3.0, 3.0)


def play(env: Any, policy: Any, policy_params: Any, num_envs: int = 5, num_steps: int = 9, **options: Any) -> Any:
    return jaxenv.rollout(env, None, policy, KEY, num_envs=num_envs, num_steps=num_steps, policy_params=policy_params, **options)


def same(env: Any, policy: Any, policy_params: Any, **options: Any) -> Any:
    """Play as a kernel and as a scan; both must be alike."""
    played, scanned = (play(env, policy, policy_params, fused=fused, **options) for fused in (True, False))
    assert (played.executor, scanned.executor) == ("kernel", "scan")
    assert_alike(played, scanned.replace(executor="kernel", reason=""), rtol=1e-4, atol=1e-5)
    return played


def initial(module: Any, env: Any) -> Any:
    return jax.jit(lambda key: module.init(key, env.observation_space(env.default_params).sample(KEY)))(KEYS[0])


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "silu", "elu", "softplus", "sigmoid", "leaky_relu"])
def test_activations(activation: str) -> None:
    module = Network(activation)
    same(Corridor(), module.choose, initial(module, Corridor()))


def test_layer_norm() -> None:
    module = Network(normalized=True)
    same(Corridor(), module.choose, initial(module, Corridor()))


@pytest.mark.parametrize("hidden", [12, 24, 40, 64])
def test_widths_that_are_no_multiple_of_a_warp(hidden: int) -> None:
    module = Network(hidden=hidden)
    same(Corridor(), module.choose, initial(module, Corridor()))


def test_gaussian_actions() -> None:
    module = Network(outputs=4)
    same(Pushed(), module.push, initial(module, Pushed()))


@pytest.mark.parametrize("env", [Board(), Board(tiles=200), Switches()], ids=["board", "large board", "switches"])
@pytest.mark.parametrize("hidden", [16, 32])
def test_flags(env: Any, hidden: int) -> None:
    module = Network(hidden=hidden)
    same(env, module.choose, initial(module, env))


def test_a_linear_policy_of_flags() -> None:
    weights = jax.random.normal(KEYS[0], (100, 2))
    same(Board(), lambda weights, obs, key: jnp.argmax(obs.reshape(-1).astype(jnp.float32) @ weights), weights)


class Recurrent(nn.Module):
    """A cell, then a layer."""

    cell: str

    @nn.compact
    def __call__(self, carry: Any, obs: Any) -> Any:
        carry, x = getattr(nn, self.cell)(features=20)(carry, obs)
        return carry, nn.Dense(2)(x)

    def choose(self, weights: Any, carry: Any, obs: Any, key: Any) -> Any:
        carry, logits = self.apply(weights, carry, obs)
        return carry, jax.random.categorical(key, logits)


def first_carry(cell: str) -> Any:
    carry = getattr(nn, cell)(features=20).initialize_carry(KEY, (2,))
    return jax.tree.map(lambda x: x + jnp.linspace(-0.5, 0.5, 20), carry)


@pytest.mark.parametrize("cell", ["GRUCell", "LSTMCell", "OptimizedLSTMCell"])
def test_recurrent_networks_begin_anew_with_the_episode(cell: str) -> None:
    module = Recurrent(cell)
    weights = module.init(KEYS[0], first_carry(module.cell), jnp.zeros(2))
    played = same(Corridor(), module.choose, weights, initial_carry=first_carry(module.cell), num_steps=14)
    assert played.trajectory.done.any()


def test_a_recurrent_rollout_goes_on_where_it_was() -> None:
    module = Recurrent("GRUCell")
    weights = module.init(KEYS[0], first_carry(module.cell), jnp.zeros(2))
    begun = same(Corridor(), module.choose, weights, initial_carry=first_carry(module.cell), num_steps=3)
    same(Corridor(), module.choose, weights, initial_carry=first_carry(module.cell), state=begun.state, carry=begun.carry)


def test_an_nnx_module() -> None:
    module = nnx.Sequential(
        nnx.Linear(2, 32, rngs=nnx.Rngs(0)), nnx.relu, nnx.Linear(32, 32, rngs=nnx.Rngs(1)), nnx.Linear(32, 2, rngs=nnx.Rngs(2))
    )
    graph, weights = nnx.split(module)
    same(Corridor(), lambda weights, obs, key: jax.random.categorical(key, nnx.merge(graph, weights)(obs)), weights)


MATRICES = [jax.random.normal(KEYS[0], (2, 32)), jax.random.normal(KEYS[1], (32, 32)) / 6, jax.random.normal(KEYS[2], (32, 2))]


def columns(weights: Any, obs: Any, key: Any) -> Any:
    return jnp.argmax(weights[2].T @ jnp.tanh(weights[1].T @ jnp.tanh(weights[0].T @ obs)))


def rows(weights: Any, obs: Any, key: Any) -> Any:
    return jnp.argmax((jnp.tanh(jnp.tanh(obs[None] @ weights[0]) @ weights[1]) @ weights[2])[0])


def derived(weights: Any, obs: Any, key: Any) -> Any:
    """Weights that are computed from weights, once for all environments and steps."""
    both = jnp.concatenate([weights[0] * 0.5, weights[0][::-1]], axis=1)
    x = jnp.tanh(obs @ both)
    return jnp.argmax((jnp.tanh(x[:32] @ weights[1]) + x[32:]) @ weights[2])


def gated(weights: Any, obs: Any, key: Any) -> Any:
    return jnp.argmax(jax.nn.softmax(jnp.tanh(obs @ weights[0]) @ weights[1]) @ weights[2])


def skipping(weights: Any, obs: Any, key: Any) -> Any:
    x = jnp.tanh(obs @ weights[0])
    return jnp.argmax(jnp.concatenate([obs, jnp.where(x > 0, x, 0.1 * x)[:30]]) @ weights[1] @ weights[2])


def widest(weights: Any, obs: Any, key: Any) -> Any:
    """An element of a vector is chosen at a computed place."""
    x = jnp.tanh(obs @ weights[0]) @ weights[1]
    return jnp.argmax(x) % 2


@pytest.mark.parametrize("policy", [columns, rows, derived, gated, skipping, widest], ids=lambda policy: policy.__name__)
def test_functions_of_matrices(policy: Any) -> None:
    same(Corridor(), policy, MATRICES)


def test_weights_that_a_policy_closes_over() -> None:
    same(Corridor(), lambda obs, key: columns(MATRICES, obs, key), None)


# Each environment with each number, and either of both with either width.
TOGETHER = [
    (env, n, (20, 36)[(i + j) % 2]) for i, env in enumerate((Corridor(), Board(), Switches())) for j, n in enumerate((2, 4, 8))
]


@pytest.mark.parametrize(("env", "together", "hidden"), TOGETHER, ids=[f"{env.name}-{n}-{hidden}" for env, n, hidden in TOGETHER])
def test_any_number_of_environments_in_a_warp(env: Any, together: int, hidden: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(kernel, "TOGETHER", ((1, together),))
    jax.clear_caches()
    module = Network(hidden=hidden, normalized=together == 4)
    same(env, module.choose, initial(module, env), num_envs=11, num_steps=7)
    jax.clear_caches()


def test_populations_play_in_one_kernel(monkeypatch: Any) -> None:
    monkeypatch.setattr(kernel, "TOGETHER", ((1, 4),))
    jax.clear_caches()
    launched: list[int] = []
    on_host = launch.on_host
    monkeypatch.setattr(
        launch, "on_host", lambda kernel, sizes, envs, *rest: (launched.append(envs), on_host(kernel, sizes, envs, *rest))[1]
    )
    module = Network(hidden=32)
    members = jax.vmap(lambda key: module.init(key, jnp.zeros(2)))(KEYS)

    def play_members(fused: bool, num_envs: int) -> Any:
        return jax.vmap(lambda weights: play(Corridor(), module.choose, weights, num_envs=num_envs, fused=fused).trajectory)(
            members
        )

    for num_envs in (4, 6):
        played, scanned = play_members(True, num_envs), play_members(False, num_envs)
        assert_alike(played, scanned, rtol=1e-4, atol=1e-5)
    assert {16, 24} <= set(launched)
    jax.clear_caches()


def test_what_a_network_does_is_a_short_listing() -> None:
    def function(policy_params: Any, obs: Any) -> Any:
        return (jnp.tanh(obs @ policy_params[0]) @ policy_params[1] @ policy_params[2],)

    args = MATRICES, jnp.zeros(2)
    jaxpr, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    program = scalarize_jaxpr(jaxpr, args, shapes, names=("policy_params", "obs"), results=("logits",), vectors=True)
    lines = str(program).splitlines()
    assert len(lines) < 12
    assert sum(" = dense " in line for line in lines) == 3
    assert sum("float32[32] = tanh" in line for line in lines) == 1


def test_large_networks_for_many_environments_are_left_to_xla_without_a_warning(monkeypatch: Any) -> None:
    monkeypatch.setattr(kernel, "FEW_PRODUCTS", 0)
    monkeypatch.setattr(kernel, "MOST_PRODUCTS", 5000)
    jax.clear_caches()
    with warnings.catch_warnings():
        warnings.simplefilter("error", JaxenvPerformanceWarning)
        played = play(Corridor(), columns, MATRICES)
    assert played.executor == "scan"
    assert played.reason == "matrix products of 1,152 multiplications for each of 5 environments, which XLA is quicker at"
    jax.clear_caches()


def attending(weights: Any, obs: Any, key: Any) -> Any:
    x = jnp.sort(jnp.tanh(obs @ weights[0]))
    return jnp.argmax(x @ weights[1] @ weights[2])


def test_a_network_that_sorts_scans_with_one_reason() -> None:
    with pytest.warns(JaxenvPerformanceWarning, match="because of the operation sort") as caught:
        assert play(Corridor(), attending, MATRICES).executor == "scan"
    assert len(caught) == 1


def test_an_entry_of_info_without_elements_takes_no_part() -> None:
    class Empty(Corridor):
        def transition(self, key: Any, state: CorridorState, action: Any, params: Any) -> Transition[CorridorState]:
            return super().transition(key, state, action, params).replace(info={"nothing": jnp.zeros(0)})

    module = Network()
    played = same(Empty(), module.choose, initial(module, Empty()))
    assert played.trajectory.info["nothing"].shape == (9, 5, 0)


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (9, 0)])
def test_nvrtc_compiles_networks(capability: tuple[int, int], monkeypatch: Any) -> None:
    try:
        nvrtc.version()
    except nvrtc.NvrtcError as error:
        pytest.skip(str(error))
    seen: list[Any] = []
    on_host = launch.on_host
    monkeypatch.setattr(launch, "on_host", lambda kernel, *rest: (seen.append(kernel), on_host(kernel, *rest))[1])
    monkeypatch.setattr(kernel, "TOGETHER", ((1, 2),))
    jax.clear_caches()
    module, cell = Network(), Recurrent("GRUCell")
    weights = cell.init(KEYS[0], first_carry(cell.cell), jnp.zeros(2))
    for result in (
        play(Board(), module.choose, initial(module, Board()), num_steps=1),
        play(Corridor(), cell.choose, weights, initial_carry=first_carry(cell.cell), num_steps=1),
        jaxenv.evaluate(Corridor(), None, columns, KEY, num_episodes=2, policy_params=MATRICES),
        jaxenv.evaluate(Corridor(), None, None, KEY, num_episodes=2),
    ):
        jax.block_until_ready(result)
    assert len(seen) >= 4
    for one in seen:
        assert ".entry jaxenv_rollout" in nvrtc.ptx(f"{prelude()}\n{one.source}", capability)
    jax.clear_caches()


def test_the_quick_tangent_is_as_good_as_the_slow_one() -> None:
    """Through a layer of one input with weight 1, whose outputs an action shows."""

    class Shown(Pushed):
        def init(self, key: Any, params: Any) -> Any:
            return CorridorState(position=jax.random.uniform(key, (), float, -9.0, 9.0) ** 3 / 70.0)

    def policy(weights: Any, obs: Any, key: Any) -> Any:
        return jnp.tanh(obs[:1] @ weights)[:2]

    weights = jnp.concatenate([jnp.ones((1, 1)), -0.1 * jnp.ones((1, 1)), jnp.zeros((1, 158))], axis=1)
    played = play(Shown(), policy, weights, num_envs=300, num_steps=2, fused=True)
    expected = np.tanh(np.asarray(played.trajectory.obs, np.float64)[..., :1] * np.array([1.0, -0.1], np.float32))
    np.testing.assert_allclose(played.trajectory.action, expected, rtol=6e-7)


@pytest.mark.parametrize("policy", [None, columns], ids=["random", "network"])
def test_first_episodes_are_one_kernel(policy: Any) -> None:
    options = {"num_episodes": 7, "policy_params": None if policy is None else MATRICES}
    played, scanned = (jaxenv.evaluate(Corridor(), None, policy, KEY, fused=fused, **options) for fused in (True, False))
    assert_alike(played, scanned, rtol=1e-5, atol=1e-6)
    assert played.finished.all()
    cut = jaxenv.evaluate(Corridor(), None, policy, KEY, fused=True, max_steps=2, **options)
    assert int(cut.lengths.max()) == 2


def test_first_episodes_of_a_recurrent_policy_and_of_a_population_are_one_kernel() -> None:
    module = Recurrent("GRUCell")
    members = jax.vmap(lambda key: module.init(key, first_carry(module.cell), jnp.zeros(2)))(KEYS)
    options = {"num_episodes": 6, "policy_params": members, "policy_params_axis": 0, "initial_carry": first_carry(module.cell)}
    played, scanned = (jaxenv.evaluate(Corridor(), None, module.choose, KEY, fused=fused, **options) for fused in (True, False))
    assert played.returns.shape == (4, 6)
    assert_alike(played, scanned, rtol=1e-4, atol=1e-5)


def test_an_evaluation_that_can_be_no_kernel_says_why() -> None:
    with pytest.warns(JaxenvPerformanceWarning, match="An evaluation of Corridor is played by a scan, .* the operation sort"):
        jaxenv.evaluate(Corridor(), None, attending, KEY, num_episodes=2, policy_params=MATRICES)
    with pytest.raises(RolloutFusedError, match="the operation sort"):
        jaxenv.evaluate(Corridor(), None, attending, KEY, num_episodes=2, policy_params=MATRICES, fused=True)


@pytest.mark.parametrize("features", [64, 200])
def test_shared_memory_is_never_more_than_a_block_has(features: int, monkeypatch: Any) -> None:
    """XLA refuses a kernel with more than 48 kB only when a program is compiled, too late for a scan."""
    seen: list[Any] = []
    on_host = launch.on_host
    monkeypatch.setattr(launch, "on_host", lambda kernel, *rest: (seen.append(kernel), on_host(kernel, *rest))[1])
    monkeypatch.setattr(kernel, "TOGETHER", ((1, 8),))
    jax.clear_caches()
    cell = nn.GRUCell(features=features)

    def choose(weights: Any, carry: Any, obs: Any, key: Any) -> Any:
        carry, x = cell.apply(weights, carry, obs)
        return carry, jnp.argmax(x) % 2

    carry = jnp.zeros(features)
    jax.block_until_ready(play(Corridor(), choose, cell.init(KEY, carry, jnp.zeros(2)), initial_carry=carry, num_steps=1))
    for one in seen:
        warps = int(one.source.split("#define WARPS ")[1].split()[0])
        declared = re.findall(r"SHARED (?:ALIGNED\(16\) )?(\w+) \w+\[WARPS\]((?:\[\d+\])+);", one.source)
        sizes = {"float": 4, "int32_t": 4, "uint16_t": 2}
        total = sum(warps * sizes[kind] * math.prod(map(int, re.findall(r"\d+", shape))) for kind, shape in declared)
        assert 0 < total <= 48 * 1024
    jax.clear_caches()
