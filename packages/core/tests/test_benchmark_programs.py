"""What each library's program plays: the same loop, network and outputs, and nothing that was not asked for."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
import stub_libraries
from flax import struct
from jaxenv import Environment, Params, State, Transition, spaces
from jaxenv.benchmark.libraries import LIBRARIES, own
from jaxenv.benchmark.network import Network
from jaxenv.benchmark.workload import Workload
from jaxenv.registry import lookup

pytestmark = pytest.mark.usefixtures("unoptimized")

ENVS, STEPS = 3, 40


@struct.dataclass
class RungState(State):
    rung: jax.Array


class Ladder(Environment[RungState, Params]):
    """The ladder of ``stub_libraries``."""

    @property
    def default_params(self):
        return Params(max_steps_in_episode=stub_libraries.LIMIT)

    def init(self, key, params):
        return RungState(jnp.int32(1))

    def transition(self, key, state, action, params):
        rung, top, _ = stub_libraries.climb(state.rung, action, state.time, jnp.maximum)
        return Transition(state.replace(rung=rung), rung.astype(jnp.float32), top)

    def observe(self, state, params):
        return state.rung[None]

    def action_space(self, params):
        return spaces.Discrete(3)

    def observation_space(self, params):
        return spaces.Box(0, stub_libraries.TOP, (1,), jnp.int32)


@pytest.fixture
def vectors(monkeypatch):
    """The environments that envpool makes; a ladder under every name that a peer knows."""
    monkeypatch.setattr(lookup, "_local", {})
    for name in ("Ladder", "CartPole-v1", "Pendulum-v1", "Breakout-MinAtar"):
        jaxenv.register(jaxenv.EnvSpec(name, f"{__name__}:Ladder", peer_tasks={"envpool": (name, ""), "pgx": (name, "")}))
    return stub_libraries.install(monkeypatch)


def program(library, name="Ladder", **settings):
    return LIBRARIES[library].program(Workload(library, f"local/{name}", ENVS, STEPS, **settings))


def played(made):
    """The outputs of every step, as a JAX program returns them."""
    return made._play(made._key(0), made._weights)


def expected_rewards():
    """The rewards of the network on the ladder, step by step in Python."""
    net = Network(1, (), (3,))
    rung, time, rewards = 1, 0, []
    for _ in range(STEPS):
        action = int(net.act(net.weights(), np.asarray([rung])))
        rung, top, late = stub_libraries.climb(rung, action, time, max)
        rewards.append(float(rung))
        rung, time = (1, 0) if top or late else (rung, time + 1)
    return rewards


JAX_LIBRARIES = [("jaxenv", "Ladder"), ("jaxenv-loop", "Ladder"), ("gymnax", "Ladder"), ("pgx", "Breakout-MinAtar")]


@pytest.mark.parametrize(("library", "name"), JAX_LIBRARIES)
def test_every_library_plays_the_same_network_to_the_same_rewards(vectors, library, name):
    made = program(library, name, policy="mlp")
    assert made.network == Network(1, (), (3,))
    rewards = played(made)[-1][-2]
    assert np.asarray(rewards).tolist() == [[reward] * ENVS for reward in expected_rewards()]


@pytest.mark.parametrize(("library", "name"), JAX_LIBRARIES)
def test_observations_are_outputs_only_if_they_are_forced(vectors, library, name):
    for force in (True, False):
        made = program(library, name, force=force)
        made.compile()
        made.run(1)
        outputs = jax.eval_shape(made._play, made._key(0), None)[-1]
        shown = [(STEPS, ENVS, 1)] if force else []
        assert [leaf.shape for leaf in outputs] == [*shown, (STEPS, ENVS), (STEPS, ENVS)]


def test_random_play_differs_between_environments_and_seeds(vectors):
    for library in ("jaxenv", "gymnax"):
        made = program(library)
        made.compile()
        one, other = (np.asarray(made._compiled(made._key(seed), None)[-1][1]) for seed in (1, 2))
        assert (one != other).any()
        assert (one[:, 0] != one[:, 1]).any()


def test_envpool_steps_with_the_network_s_actions(vectors):
    made = program("envpool", "CartPole-v1", policy="mlp", threads=3)
    made.compile()
    made.run(1)
    envs = vectors["CartPole-v1"]
    assert (envs.name, envs.num_envs, envs.num_threads) == ("CartPole-v1", ENVS, 3)
    net = Network(1, (), (3,))
    assert len(envs.actions) == STEPS
    assert envs.actions[0].tolist() == [int(net.act(net.weights(), np.asarray([1])))] * ENVS
    assert made.network == net


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1"])
def test_envpool_s_random_actions_follow_the_seed(vectors, name):
    made = program("envpool", name)
    streams = []
    for seed in (1, 1, 2):
        made.compile()
        made.run(seed)
        streams.append(np.stack(vectors[name].actions))
    assert (streams[0] == streams[1]).all()
    assert (streams[0] != streams[2]).any()
    assert not made.compiles


def test_gymnasium_is_stepped_from_python():
    gymnasium = pytest.importorskip("gymnasium")
    for name, mlp in (("CartPole-v1", Network(4, (), (2,))), ("MountainCarContinuous-v0", Network(2, (1,)))):
        for policy in ("random", "mlp"):
            made = LIBRARIES["gymnasium"].program(Workload("gymnasium", f"classic/{name}", 2, 3, policy))
            made.compile()
            made.run(4)
            assert made.network == mlp
    assert LIBRARIES["gymnasium"].find("FrozenLake-misc").name == "FrozenLake-v1" in gymnasium.registry
    assert LIBRARIES["gymnasium"].find("Breakout-MinAtar") is None


def test_a_rollout_chooses_its_own_unrolling_unless_it_is_given(vectors, monkeypatch):
    seen = []

    def spy(*args, **options):
        seen.append(options)
        return jaxenv.rollout(*args, **options)

    monkeypatch.setattr(own, "rollout", spy)
    for unroll in (None, 4):
        program("jaxenv", unroll=unroll).compile()
    assert "unroll" not in seen[0]
    assert seen[1]["unroll"] == 4
    assert seen[1]["mesh"] is None


def test_the_loop_is_unrolled_if_it_is_asked_to(vectors):
    def unrolling(unroll):
        made = program("jaxenv-loop", unroll=unroll)
        (scan,) = [e for e in jax.make_jaxpr(made._play)(made._key(0), None).eqns if e.primitive.name == "scan"]
        return scan.params["unroll"]

    assert [unrolling(n) for n in (None, 4)] == [1, 4]


def test_keys_are_of_the_generator_that_was_asked_for(vectors):
    default, cheap = (program("jaxenv", prng=prng)._key(7) for prng in ("default", "jaxenv"))
    assert default.dtype == jax.random.key(0).dtype
    assert cheap.dtype == jaxenv.random.key(0).dtype != default.dtype


def test_bytes_of_state_count_keys_by_their_words(vectors):
    assert program("jaxenv").state_bytes == 8
    assert program("gymnax").state_bytes == 16
    assert program("envpool", "CartPole-v1").state_bytes == 0


def test_no_library_is_imported_before_it_is_asked_for():
    peers = ["gymnax", "gymnasium", "envpool", "pgx"]
    code = f"import sys, jaxenv.cli.app, jaxenv.benchmark; assert not set({peers}) & set(sys.modules), set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
