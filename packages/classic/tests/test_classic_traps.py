"""The traps of the reference page: each is a way in which another port differs from Gymnasium."""

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_classic import Acrobot, CartPole, MountainCarContinuous, Pendulum
from jaxenv_classic.acrobot import StepDraws, wrap

KEY = jax.random.key(0)


def stepped(env, params, action, **fields):
    """Take one step without reset from a state with these fields."""
    _, state = env.reset(KEY, params)
    return env.step_env(KEY, state.replace(**{name: jnp.asarray(value, float) for name, value in fields.items()}), action, params)


def test_cartpole_total_mass_follows_from_its_parts():
    env = CartPole()
    params = env.default_params
    names = set(vars(params))
    assert not {"total_mass", "polemass_length"} & names
    heavy = params.replace(masspole=1.0)
    _, state, *_ = stepped(env, heavy, 1, x=0.0, x_dot=0.0, theta=0.1, theta_dot=1.0)
    total, pml = 2.0, 0.5
    sin, cos = np.sin(0.1), np.cos(0.1)
    temp = (10 + pml * sin) / total
    theta_acc = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - cos**2 / total))
    assert float(state.theta_dot) == pytest.approx(1 + 0.02 * theta_acc, rel=1e-6)


def test_cartpole_masses_may_be_vmapped_one_by_one():
    env = CartPole()
    masses = jnp.array([0.1, 0.5, 1.0])
    together = jax.vmap(lambda m: stepped(env, env.default_params.replace(masspole=m), 1, theta=0.1)[1].theta_dot)(masses)
    alone = [stepped(env, env.default_params.replace(masspole=float(m)), 1, theta=0.1)[1].theta_dot for m in masses]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert len(set(np.asarray(together).tolist())) == 3


def test_cartpole_force_is_chosen_not_computed_from_the_action():
    env = CartPole()
    params = env.default_params
    state = {"x": 0.0, "x_dot": 0.0, "theta": 0.0, "theta_dot": 0.0}
    left, right = (stepped(env, params, action, **state)[1].x_dot for action in (0, 1))
    assert float(left) == -float(right)
    # An action beyond the space acts as the nearest inside, and no push is harder than the largest.
    assert [float(stepped(env, params, action, **state)[1].x_dot) for action in (-1, 2, 7)] == [
        float(v) for v in (left, right, right)
    ]


def test_cartpole_velocities_are_unbounded_in_the_space():
    env = CartPole()
    space = env.observation_space(env.default_params)
    np.testing.assert_array_equal(space.high, np.array([4.8, np.inf, 24 * np.pi / 180, np.inf], np.float32))
    np.testing.assert_array_equal(space.low, -space.high)


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"])
def test_x64_works(env_id):
    with enable_x64():
        env, params = jaxenv.make(f"classic/{env_id}")
        result = jaxenv.rollout(env, params, None, KEY, num_envs=2, num_steps=3)
        assert result.trajectory.obs.dtype == jnp.float32
        assert result.trajectory.reward.dtype == jnp.float32


def test_pendulum_never_terminates_and_costs_the_old_state():
    env = Pendulum()
    obs, state, reward, _, info = stepped(env, env.default_params, jnp.array([5.0]), theta=np.pi, theta_dot=0.0)
    assert not bool(info["terminated"])
    assert float(reward) == pytest.approx(-(np.pi**2 + 0.001 * 4), rel=1e-6)


def test_acrobot_keeps_plus_pi():
    pi = jnp.asarray(np.pi, jnp.float32)
    assert float(wrap(pi)) == float(pi)
    assert float(wrap(-pi)) == -float(pi)
    with enable_x64():
        angles = np.linspace(-60.0, 60.0, 100_001)
        wrapped = np.asarray(wrap(jnp.asarray(angles)))
        assert np.abs(wrapped).max() <= np.pi
        np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angles), atol=1e-12)


def test_acrobot_draws_nothing_for_noise_that_is_off():
    env = Acrobot()
    params = env.default_params
    state = env.reset(KEY, params)[1]
    jaxpr = jax.make_jaxpr(env.transition)(KEY, state, jnp.int32(0), params).jaxpr
    assert not any(jaxpr.invars[0] in equation.invars for equation in jaxpr.eqns)


def test_acrobot_noise_is_drawn_where_it_is_on():
    env, params = jaxenv.make("classic/Acrobot-v1", torque_noise_max=0.5)
    state = env.reset(KEY, params)[1]
    keys = jax.random.split(jax.random.key(1), 2000)
    after = jax.vmap(lambda key: env.step_env(key, state, 1, params)[1].dtheta2)(keys)
    calm = env.default_params.replace(torque_noise_max=None)
    low, high = (float(env.dynamics(state, jnp.int32(1), StepDraws(noise), calm).state.dtheta2) for noise in (-0.5, 0.5))
    assert min(low, high) <= float(after.min()) < float(after.max()) <= max(low, high)
    assert float(after.max() - after.min()) > 0.95 * abs(high - low)


def test_acrobot_gravity_is_a_parameter():
    env = Acrobot()
    speeds = [
        float(stepped(env, env.default_params.replace(gravity=g), 1, theta1=0.5, theta2=0.0)[1].dtheta1) for g in (0.0, 9.8, 20.0)
    ]
    assert len(set(speeds)) == 3


def test_acrobot_has_the_equations_of_the_nips_paper():
    fields = {"theta1": 0.3, "theta2": 0.8, "dtheta1": 2.0, "dtheta2": 1.0}
    book, nips = (stepped(Acrobot(kind), Acrobot().default_params, 2, **fields)[1].dtheta2 for kind in ("book", "nips"))
    assert abs(float(book) - float(nips)) > 0.01


def test_mountain_car_continuous_stops_at_the_left_wall_not_at_the_goal():
    env = MountainCarContinuous()
    _, state, *_ = stepped(env, env.default_params, jnp.array([-1.0]), position=-1.19, velocity=-0.05)
    assert float(state.position) == pytest.approx(-1.2)
    assert float(state.velocity) == 0.0
    _, state, *_ = stepped(env, env.default_params, jnp.array([1.0]), position=0.44, velocity=0.05)
    assert float(state.velocity) > 0.0


def test_mountain_car_continuous_pays_for_the_unclipped_action():
    env = MountainCarContinuous()
    reward = stepped(env, env.default_params, jnp.array([3.0]), position=-0.5, velocity=0.0)[2]
    assert float(reward) == pytest.approx(-0.9)


@pytest.mark.parametrize(
    ("build", "word"), [(lambda: CartPole("verlet"), "integrator"), (lambda: Acrobot("paper"), "book_or_nips")]
)
def test_an_option_that_does_not_exist(build, word):
    with pytest.raises(ValueError, match=f"{word} must be .* was given; choose one"):
        build()


def test_an_episodes_return_has_a_gradient_by_its_actions():
    env = Pendulum()
    assert env.differentiable
    _, start = env.reset(KEY)

    def total(actions):
        return jax.lax.scan(lambda state, action: env.step(KEY, state, action)[1:3], start, actions)[1].sum()

    actions = jnp.zeros((60, 1))
    gradient = jax.jit(jax.grad(total))(actions)
    assert jnp.isfinite(gradient).all()
    # Along the gradient the return grows as fast as it says.
    step = 1e-3 / jnp.sum(jnp.square(gradient))
    assert float(total(actions + step * gradient) - total(actions)) == pytest.approx(1e-3, rel=0.2)
