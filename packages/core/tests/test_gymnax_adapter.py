"""The gymnax adapter around environments of this file: what gymnax's users write, five and six values, and what is refused."""

import copy
import subprocess
import sys
from types import MappingProxyType

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from corridors import Corridor, CorridorParams, CorridorState
from flax import struct
from jaxenv.adapters import gymnax
from jaxenv.adapters.gymnax import registration
from jaxenv.adapters.gymnax.environments import environment
from jaxenv.adapters.gymnax.environments.adapted import AdaptedEnvironment
from jaxenv.adapters.gymnax.experimental import RolloutWrapper
from jaxenv.adapters.gymnax.wrappers import FlattenObservationWrapper, LegacyStepAPIWrapper, LogWrapper, StickyActionWrapper
from jaxenv.adapters.gymnax.wrappers.dm_env import GymnaxToDmEnvWrapper
from jaxenv.adapters.gymnax.wrappers.purerl import GymnaxWrapper
from jaxenv.errors import GymnaxFactoryError, GymnaxIdError, GymnaxSettingError, GymnaxTerminationError

pytestmark = pytest.mark.usefixtures("unoptimized")

KEYS = jax.random.split(jax.random.key(0), 8)


class Grid(Corridor):
    """Flags in two axes, a scalar and an array in ``info``, and an action of one number."""

    def observe(self, state, params):
        return jnp.zeros((2, 3), jnp.bool_) | (state.position > 1)

    def observation_space(self, params):
        return jaxenv.spaces.Box(0, 1, (2, 3), bool)

    def action_space(self, params):
        return jaxenv.spaces.Box(-1.0, 1.0, (1,))

    def transition(self, key, state, action, params):
        out = super().transition(key, state, action[0], params)
        return out.replace(info={**out.info, "path": jnp.zeros(3)})


@struct.dataclass
class CounterParams(environment.EnvParams):
    goal: float = 2.0


@struct.dataclass
class CounterState(environment.EnvState):
    total: jax.Array
    key: jax.Array


class Counter(environment.Environment[CounterState, CounterParams]):
    """As a user of gymnax writes one: positional state, Python numbers, a dict as observation, a typed key in the state."""

    @property
    def default_params(self):
        return CounterParams(max_steps_in_episode=3)

    def reset_env(self, key, params):
        state = CounterState(0, jnp.float32(0.0), key)
        return self.get_obs(state), state

    def step_env(self, key, state, action, params):
        state = state.replace(time=state.time + 1, total=state.total + jnp.asarray(action, jnp.float32))
        return self.get_obs(state), state, state.total, state.total >= params.goal, {"discount": 1.0}

    def get_obs(self, state, params=None, key=None):
        return {"total": jnp.reshape(state.total, (1,))}

    def is_terminated(self, state, params):
        return state.total >= params.goal

    def action_space(self, params=None):
        return gymnax.environments.spaces.Discrete(2)


@pytest.fixture
def registry(monkeypatch):
    """A registry that is as it was after the test."""
    monkeypatch.setattr(registration, "_registry", dict(registration._registry))
    monkeypatch.setattr(registration, "registered_envs", list(registration.registered_envs))


def both(env, action=1.0, params=None):
    """Return what a reset and a step give."""
    obs, state = env.reset(KEYS[0], params)
    return obs, state, env.step(KEYS[1], state, action, params)


def test_our_environment_gives_five_values_floats_and_scalars_alone_in_info():
    obs, _, values = both(AdaptedEnvironment(Grid()))
    assert obs.dtype == values[0].dtype == jnp.float32
    assert obs.shape == (2, 3)
    assert len(values) == 5
    assert set(values[-1]) == {"step", "terminated", "truncated", "discount"}


def test_six_values_on_request_have_both_flags_and_the_final_observation():
    env = AdaptedEnvironment(Grid())
    env.step_values = 6
    _, state, (obs, _, _, terminated, truncated, info) = both(env, params=CorridorParams(max_steps_in_episode=1))
    assert not terminated
    assert truncated
    assert np.array_equal(info["final_observation"], env.get_obs(state.replace(position=state.position + 1.0)))
    assert info["final_observation"].shape == obs.shape
    assert not env.step_env(KEYS[2], state, 1.0, CorridorParams(max_steps_in_episode=1))[3]
    env.step_values = 5
    assert env.step_env(KEYS[3], state, 1.0, CorridorParams(max_steps_in_episode=1))[3]


def test_a_step_is_that_of_the_environment_itself():
    env = Corridor()
    _, state = env.reset(KEYS[0])
    theirs = env.step(KEYS[1], state, 1)
    ours = AdaptedEnvironment(env).step(KEYS[1], state, 1)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(theirs[:4]), jax.tree.leaves(ours[:4]), strict=True))


@pytest.mark.parametrize("action", [0.5, np.float32(0.5), jnp.float32(0.5), jnp.array([0.5]), jnp.array([[0.5]])])
def test_an_action_of_one_number_may_have_any_shape(action):
    env = AdaptedEnvironment(Grid())
    _, state = env.reset(KEYS[0])
    assert np.allclose(env.step(KEYS[1], state, action)[2], state.position + 0.5)
    assert np.allclose(jax.jit(env.step)(KEYS[1], state, action)[2], state.position + 0.5)


def test_a_choice_may_be_an_array_of_one():
    _, state, values = both(AdaptedEnvironment(Corridor()), jnp.array([1]))
    assert np.allclose(values[2], state.position + 1)


def test_params_may_be_left_out_everywhere():
    env = AdaptedEnvironment(Corridor())
    _, state = env.reset(KEYS[0])
    assert env.action_space() == env.action_space(env.default_params)
    assert env.observation_space().shape == env.obs_shape == (2,)
    assert env.state_space().contains(state)
    assert env.get_obs(state).shape == (2,)
    assert env.num_actions == 2
    assert env.name == "Corridor"
    assert "Corridor" in repr(env)


def test_our_spaces_params_and_states_are_instances_of_gymnaxs_classes():
    env = AdaptedEnvironment(Corridor())
    spaces = gymnax.environments.spaces
    assert isinstance(env, gymnax.environments.environment.Environment)
    assert isinstance(env.action_space(), spaces.Discrete)
    assert isinstance(env.observation_space(), spaces.Box)
    assert isinstance(env.state_space(), spaces.Dict)
    assert isinstance(env.action_space(), spaces.Space)
    assert isinstance(env.default_params, gymnax.EnvParams)
    assert isinstance(env.reset(KEYS[0])[1], gymnax.EnvState)


def test_attributes_may_be_set_and_are_of_one_object():
    env = AdaptedEnvironment(Corridor())
    other = copy.deepcopy(env)
    env.reset = lambda key, params=None: "mine"
    assert env.reset(KEYS[0]) == "mine"
    assert other.reset(KEYS[0])[0].shape == (2,)
    with pytest.raises(AttributeError):
        env.jaxenv_env.reset = None


def test_whether_a_state_is_terminal_is_refused():
    env = AdaptedEnvironment(Corridor())
    _, state = env.reset(KEYS[0])
    with pytest.raises(GymnaxTerminationError, match=r"Corridor says at a step, not by its state.*Use done"):
        env.is_terminal(state, env.default_params)
    assert not env.is_truncated(state, env.default_params)


def test_gradients_are_never_stopped():
    env = AdaptedEnvironment(Grid())
    copied = env.with_transition_gradients()
    assert copied is not env
    assert copied.transition_gradients_enabled
    assert not env.transition_gradients_enabled
    assert env.supports_transition_gradients == Grid().differentiable
    _, state = env.reset(KEYS[0])
    for each in (env, copied):
        assert jax.grad(lambda action, each=each: each.step(KEYS[1], state, action)[2])(0.25) == 1.0


def test_an_environment_of_a_user_is_done_when_it_says_so():
    env = Counter()
    obs, state, values = both(env, 1)
    assert len(values) == 5
    for _ in range(4):  # beyond max_steps_in_episode, which is step_env's affair with five values
        obs, state, reward, done, info = env.step(KEYS[2], state, 0)
        assert not done
    assert state.time == 4
    obs, state, reward, done, info = env.step(KEYS[3], state.replace(total=jnp.float32(1.0)), 1)
    assert done
    assert reward == 2.0
    assert state.time == 0
    assert obs["total"] == 0.0
    assert info == {"discount": 1.0}


def test_an_environment_of_a_user_with_six_values_has_a_time_limit_and_tells_the_final_observation():
    env = Counter()
    env.step_values = 6
    _, state = env.reset(KEYS[0])
    for time in range(3):
        obs, state, _, terminated, truncated, info = env.step(KEYS[1 + time], state, 0.5)
        assert not terminated
        assert truncated == (time == 2)
    assert info["final_observation"]["total"] == 1.5
    assert obs["total"] == state.total == 0.0
    assert env.discount(state, env.default_params) == 1.0


@pytest.mark.parametrize("method", ["reset_env", "step_env", "get_obs", "is_terminated", "action_space", "observation_space"])
def test_a_missing_method_is_named(method):
    env = environment.Environment()
    arguments = {"reset_env": 2, "step_env": 4, "get_obs": 1, "is_terminated": 2}.get(method, 0)
    with pytest.raises(NotImplementedError, match=f"Environment must define {method}"):
        getattr(env, method)(*[None] * arguments)


def test_user_and_own_environments_run_in_vmap_and_scan():
    for env, action in ((Counter(), jnp.zeros(4)), (AdaptedEnvironment(Corridor()), jnp.ones(4, jnp.int32))):
        wrapped = LogWrapper(env)

        def one_step(state, key, wrapped=wrapped, action=action):
            _, state, reward, done, info = jax.vmap(wrapped.step, in_axes=(0, 0, 0, None))(
                jax.random.split(key, 4), state, action, wrapped.default_params
            )
            return state, (reward, done, info["returned_episode"])

        _, state = jax.vmap(wrapped.reset, in_axes=(0, None))(KEYS[:4], env.default_params)
        _, (reward, done, returned) = jax.lax.scan(one_step, state, KEYS)
        assert reward.shape == done.shape == (8, 4)
        assert np.array_equal(done, returned)


def test_log_wrapper_tells_the_return_and_the_length_of_the_last_episode():
    env = LogWrapper(AdaptedEnvironment(Corridor()))
    params = CorridorParams(max_steps_in_episode=2)
    _, state = env.reset(KEYS[0], params)
    assert not state.returned_episode_valid
    rewards = []
    for time, key in enumerate(KEYS[1:6]):
        _, state, reward, done, info = env.step(key, state, 1, params)
        rewards.append(reward)
        assert done == info["returned_episode"] == (time % 2 == 1)
        assert info["returned_episode_valid"] == (time > 0)
        assert info["returned_episode_lengths"] == (2 if time else 0)
    assert np.allclose(info["returned_episode_returns"], rewards[2] + rewards[3])
    assert np.allclose(state.episode_returns, rewards[4])
    assert state.episode_lengths == 1
    assert state.episode_returns.dtype == jnp.float32


def test_log_wrapper_leaves_the_final_observation_out_unless_asked_for():
    for env, wrapped, held in (
        (Corridor(), LogWrapper(Corridor()), False),
        (Corridor(), LogWrapper(Corridor(), final_observation=True), True),
        (AdaptedEnvironment(Corridor()), LogWrapper(AdaptedEnvironment(Corridor())), False),
    ):
        _, state = wrapped.reset(KEYS[0], env.default_params)
        info = jax.eval_shape(wrapped.step, KEYS[1], state, 1, env.default_params)[-1]
        assert ("final_observation" in info) == held
        assert "returned_episode_returns" in info
    six = AdaptedEnvironment(Corridor())
    six.step_values = 6
    _, state = LogWrapper(six).reset(KEYS[0])
    assert "final_observation" in jax.eval_shape(LogWrapper(six).step, KEYS[1], state, 1)[-1]


def test_dm_env_wrapper_finds_the_final_observation_through_a_log_wrapper():
    env = GymnaxToDmEnvWrapper(LogWrapper(Corridor()))
    params = CorridorParams(max_steps_in_episode=1)
    first = env.reset(KEYS[0], params)
    last = env.step(KEYS[1], first, 1, params)
    assert np.allclose(last.final_observation[0], first.observation[0] + 1)
    assert not np.allclose(last.observation, last.final_observation)


def test_flatten_observation_wrapper_makes_vectors_of_observations_the_final_one_too():
    env = AdaptedEnvironment(Grid())
    env.step_values = 6
    obs, _, values = both(FlattenObservationWrapper(env))
    assert obs.shape == values[0].shape == values[-1]["final_observation"].shape == (6,)
    assert FlattenObservationWrapper(env).observation_space(env.default_params).shape == (6,)
    with pytest.raises(GymnaxSettingError, match=r"needs a Box of observations.*Leave it away"):
        FlattenObservationWrapper(AdaptedEnvironment(Choices())).observation_space()


class Choices(Corridor):
    def observe(self, state, params):
        return jnp.int32(1)

    def observation_space(self, params):
        return jaxenv.spaces.Discrete(2)


def test_sticky_action_wrapper_repeats_actions():
    env = AdaptedEnvironment(Corridor())
    always, never = StickyActionWrapper(env, 1.0), StickyActionWrapper(env)
    _, state, (_, after, reward, *_) = both(always, 1)
    assert after.last_action == 0
    assert np.allclose(reward, state.env_state.position)
    _, state, (_, after, reward, *_) = both(never, 1)
    assert after.last_action == 1
    assert np.allclose(reward, state.env_state.position + 1)
    half = StickyActionWrapper(env, 0.5)
    _, state = half.reset(KEYS[0])
    _, after, *_ = jax.vmap(half.step, in_axes=(0, None, None))(jax.random.split(KEYS[1], 200), state, 1)
    assert 60 < after.last_action.sum() < 140


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan"), float("inf"), "often"])
def test_sticky_action_wrapper_refuses_what_is_no_probability(probability):
    with pytest.raises(GymnaxSettingError, match=r"must be a finite value in \[0, 1\], but .* was given\. Pass one\."):
        StickyActionWrapper(AdaptedEnvironment(Corridor()), probability)


def test_sticky_action_wrapper_refuses_other_spaces():
    with pytest.raises(GymnaxSettingError, match=r"requires a Discrete action space, but Grid has Box"):
        StickyActionWrapper(AdaptedEnvironment(Grid()))


def test_legacy_wrapper_makes_five_values_of_six_and_leaves_five():
    for count in (5, 6):
        env = AdaptedEnvironment(Corridor())
        env.step_values = count
        _, _, values = both(LegacyStepAPIWrapper(env), 1, CorridorParams(max_steps_in_episode=1))
        assert len(values) == 5
        assert values[3]
        assert ("final_observation" in values[-1]) == (count == 6)


def test_a_wrapper_of_a_user_passes_attributes_on_and_can_be_copied():
    wrapped = copy.deepcopy(GymnaxWrapper(AdaptedEnvironment(Corridor())))
    assert wrapped.name == "Corridor"
    assert wrapped.jaxenv_env == Corridor()
    with pytest.raises(AttributeError):
        _ = wrapped.nothing


def test_dm_env_wrapper_keeps_the_discount_at_a_time_limit():
    env = GymnaxToDmEnvWrapper(LogWrapper(AdaptedEnvironment(Corridor())))
    params = CorridorParams(max_steps_in_episode=1)
    first = env.reset(KEYS[0], params)
    last = env.step(KEYS[1], first, 1, params)
    assert last.discount == first.discount == 1.0
    assert np.allclose(last.final_observation[0], first.observation[0] + 1)
    assert not np.allclose(last.observation, last.final_observation)
    ended = env.step(KEYS[2], first.replace(state=first.state.replace(env_state=CorridorState(position=9.0))), 1)
    assert ended.discount == 0.0


def test_gym_wrappers_reset_by_themselves_and_keep_truncation_apart():
    gymnasium = pytest.importorskip("gymnasium")
    from jaxenv.adapters.gymnax.wrappers import GymnaxToGymWrapper, GymnaxToVectorGymWrapper

    params = CorridorParams(max_steps_in_episode=1)
    env = GymnaxToGymWrapper(AdaptedEnvironment(Corridor()), params, seed=3)
    obs, info = env.reset(seed=1)
    assert env.observation_space.contains(np.asarray(obs))
    obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert (bool(terminated), bool(truncated)) == (False, True)
    assert "final_observation" in info
    assert env.render() is None

    batch = GymnaxToVectorGymWrapper(AdaptedEnvironment(Corridor()), 3, params)
    assert isinstance(batch.action_space, gymnasium.spaces.MultiDiscrete)
    obs, _ = batch.reset(seed=2, options={"env_params": CorridorParams()})
    assert batch.observation_space.contains(np.asarray(obs))
    obs, reward, terminated, truncated, info = batch.step(np.ones(3, np.int32))
    assert not truncated.any()
    assert reward.shape == (3,)


def test_rollouts_have_gymnaxs_shapes_and_order():
    def policy(weights, obs, key):
        return jnp.argmax(obs @ weights)

    params = {"max_steps_in_episode": 5}
    manager = RolloutWrapper(policy, env=AdaptedEnvironment(Corridor()), env_params=params)
    assert manager.num_env_steps == 5
    assert manager.input_shape == (2,)
    weights = jnp.zeros((3, 2, 2)).at[:, :, 0].set(1.0)
    obs, action, reward, next_obs, done, cum_return = manager.population_rollout(KEYS[:4], weights)
    assert obs.shape == next_obs.shape == (3, 4, 5, 2)
    assert action.shape == reward.shape == done.shape == (3, 4, 5)
    assert cum_return.shape == (3, 4, 1)
    assert np.allclose(obs[:, :, 1:], next_obs[:, :, :-1])
    first = np.cumsum(np.asarray(done), -1) - np.asarray(done) == 0
    assert np.allclose((np.asarray(reward) * first).sum(-1), cum_return[..., 0], rtol=1e-6)
    assert manager.batch_rollout(KEYS[:2], weights[0])[-1].shape == (2, 1)
    random = RolloutWrapper(env=AdaptedEnvironment(Corridor()), num_env_steps=7)
    assert random.single_rollout(KEYS[0], None)[0].shape == (7, 2)
    assert RolloutWrapper(env=Counter(), num_env_steps=4).single_rollout(KEYS[0])[-1].shape == (1,)


@pytest.mark.parametrize("argument", [{"env_name": "Some-v0"}, {"env_kwargs": {"size": 3}}])
def test_rollouts_refuse_arguments_of_make_beside_an_environment(argument):
    with pytest.raises(GymnaxSettingError, match=rf"got env and {next(iter(argument))}.*Pass one of them"):
        RolloutWrapper(env=AdaptedEnvironment(Corridor()), **argument)


def test_register_lets_make_know_environments_of_both_kinds(registry):
    gymnax.register("Counter-v0", Counter)
    gymnax.register("Hall-v0", lambda length=5: Corridor(length=length))
    assert registration.registered_envs[-2:] == ["Counter-v0", "Hall-v0"]
    assert type(gymnax.make("Counter-v0")[0]) is Counter
    env, params = gymnax.make("Hall-v0", length=7, step_values=6)
    assert env.jaxenv_env.length == 7
    assert env.name == "Hall-v0"
    assert len(both(env, 1, params)[2]) == 6
    with pytest.raises(GymnaxIdError, match=r"'Counter-v0' is already registered\. Choose another id"):
        gymnax.register("Counter-v0", Counter)
    gymnax.register("Nothing-v0", object)
    with pytest.raises(
        GymnaxFactoryError, match=r"must return a Gymnax Environment, but it returned object .*has no default_params"
    ):
        gymnax.make("Nothing-v0")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, Counter), GymnaxFactoryError, r"must be a string, but int 1 was given\. Pass a string"),
        (("", Counter), GymnaxIdError, r"must not be empty\. Pass a name"),
        (("Three-v0", 3), GymnaxFactoryError, r"'Three-v0' must be callable, but int 3 was given\. Pass a class"),
    ],
)
def test_register_refuses(arguments, error, message, registry):
    with pytest.raises(error, match=message):
        gymnax.register(*arguments)


def test_make_says_what_there_is_not():
    with pytest.raises(GymnaxIdError, match=r"'Nothing-v9' is not in registered_envs .*jaxenv list"):
        gymnax.make("Nothing-v9")
    with pytest.raises(GymnaxSettingError, match=r"make got step_values = 7.*Pass 5 or 6"):
        gymnax.make("CartPole-v1", step_values=7)
    with pytest.raises(GymnaxSettingError, match=r"install got step_values = 4.*Pass 5 or 6"):
        gymnax.install(step_values=4)


def test_spaces_take_what_gymnaxs_take():
    spaces = gymnax.environments.spaces
    assert spaces.Discrete(num_categories=3).n == spaces.Discrete(np.int64(3)).n == spaces.Discrete(jnp.int32(3)).n == 3
    low = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(spaces.Box(low, 9.0, (6,)).low, low.ravel())
    assert spaces.Box(np.array([1.0, 2.0, 0.5]), 9.0, (2,)).low.tolist() == [0.5, 0.5]
    assert spaces.Box(0, jnp.finfo(jnp.float32).max, (), jnp.int32).high == np.iinfo(np.int32).max
    assert spaces.Box(-5, 300, (2,), jnp.uint8).low.tolist() == [0, 0]
    assert spaces.Box(0.5, 2.5, (), bool).high
    assert spaces.Box(0, 1, np.prod((2, 3))).shape == (6,)
    assert spaces.Box(0, 1, 4).shape == (4,)
    assert spaces.Box(-1.0, 1.0, (2,)).contains(jnp.zeros(2, jnp.int32))
    assert spaces.Discrete(3).contains(2.0)
    assert jax.jit(lambda high: spaces.Box(-high, high, (2,)).sample(KEYS[0]))(2.0).shape == (2,)


def test_composite_spaces_take_states_and_know_their_size():
    spaces = gymnax.environments.spaces
    space = spaces.Dict({"time": spaces.Discrete(5), "position": jaxenv.spaces.Box(0, 9, ())})
    assert space.num_spaces == 2
    assert isinstance(space.spaces["position"], spaces.Box)
    assert space.contains(CorridorState(time=3, position=jnp.float32(2.0)))
    assert not space.contains(CorridorState(time=7, position=jnp.float32(2.0)))
    pair = spaces.Tuple((spaces.Discrete(2), jaxenv.spaces.Tuple([jaxenv.spaces.Discrete(3)])))
    assert pair.num_spaces == 2
    assert isinstance(pair.spaces[1], spaces.Tuple)
    assert pair.contains(pair.sample(KEYS[0]))
    assert repr(spaces.Dict({"a": spaces.Discrete(3)})) == "Dict({'a': Discrete(3, dtype=int32)})"
    assert repr(spaces.Tuple([spaces.Box(-1.0, 1.0, (2,))])) == "Tuple((Box(low=-1.0, high=1.0, shape=(2,), dtype=float32),))"


def test_adapted_spaces_keep_bounds_that_are_traced():
    spaces = gymnax.environments.spaces

    def draw(high):
        space = spaces.adapted(jaxenv.spaces.Box(-high, high, (3,)))
        assert "float32[3]" in repr(space)
        return space.sample(KEYS[0])

    assert abs(jax.jit(draw)(jnp.float32(0.5))).max() <= 0.5
    assert spaces.adapted(jaxenv.spaces.Discrete(3, start=2)).start == 2
    several = jaxenv.spaces.MultiDiscrete([2, 3])
    assert spaces.adapted(several) is several


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.float32, "not-a-dtype"])
def test_choices_are_of_two_dtypes(dtype):
    with pytest.raises(ValueError, match=r"must be int32 or int64\. Pass one of them"):
        gymnax.environments.spaces.Discrete(3, dtype=dtype)


def test_wide_choices_need_x64():
    with pytest.raises(ValueError, match="requires JAX x64 mode"):
        gymnax.environments.spaces.Discrete(3, dtype=jnp.int64)


def test_spaces_convert_to_gymnasium():
    pytest.importorskip("gymnasium")
    spaces = gymnax.environments.spaces
    converted = spaces.gymnax_space_to_gym_space(spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Box(-1, 1, (2,))}))
    assert converted.contains({"a": np.int64(0), "b": np.zeros(2, np.float32)})


INSTALL = """
from jaxenv.adapters.gymnax import install
install(**{arguments})
import sys
import gymnax, gymnax.environments.classic_control.cartpole
from gymnax import EnvParams, EnvState, make, registered_envs
from gymnax.environments import CartPole, environment, spaces
from gymnax.environments.classic_control.cartpole import CartPole as again
from gymnax.environments.bsuite.memory_chain import EnvParams, EnvState, MemoryChain
from gymnax.environments.minatar.breakout import MinBreakout
from gymnax.experimental import RolloutWrapper
from gymnax.experimental.rollout import RolloutWrapper as same
from gymnax.visualize import Visualizer
from gymnax.wrappers import LegacyStepAPIWrapper, LogWrapper
from gymnax.wrappers.purerl import FlattenObservationWrapper, GymnaxWrapper, LogEnvState, StickyActionWrapper
from gymnax.wrappers.dm_env import GymnaxToDmEnvWrapper
import jaxenv.adapters.gymnax
assert gymnax is jaxenv.adapters.gymnax and same is RolloutWrapper and CartPole is again
assert isinstance(registered_envs, list) and len(registered_envs) == 26
print(environment.Environment.step_values)
"""


@pytest.mark.parametrize(("arguments", "values"), [(MappingProxyType({}), 5), (MappingProxyType({"step_values": 6}), 6)])
def test_install_takes_gymnaxs_place_under_all_of_its_paths(arguments, values):
    code = INSTALL.format(arguments=dict(arguments))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(values)
