"""Pictures of every environment: never blank, following what happens, in batches as one by one, at any size."""

from pathlib import Path

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from jaxenv.visualize import Visualizer

pytestmark = pytest.mark.usefixtures("mnist", "unoptimized")

SIZE, COUNT = 64, 64

SPECS = {spec.id: spec for spec in jaxenv.registered_envs()}
TASKS = sorted(
    spec.id for spec in {spec.entry_point: spec for spec in reversed(SPECS.values()) if "wrapped" not in spec.entry_point}.values()
)
"""One id for each class of environment; hundreds of ids differ in numbers alone."""


def played(env, params):
    """Return as many consecutive states of a random policy, with their observations."""

    @jax.jit
    def play(key, params):
        def step(carry, key):
            key_act, key_step = jax.random.split(key)
            obs, state, *_ = env.step(key_step, carry[1], env.action_space(params).sample(key_act), params)
            return (obs, state), carry

        return jax.lax.scan(step, env.reset(key, params), jax.random.split(key, COUNT))[1]

    return jax.tree.map(np.asarray, play(jax.random.key(1), params))


def distinct(batch):
    """Count the different entries of a batch."""
    rows = [np.asarray(leaf).reshape(COUNT, -1) for leaf in jax.tree.leaves(batch)]
    return len({row.tobytes() for row in np.concatenate([row.astype(np.float64) for row in rows], axis=1)})


@pytest.mark.parametrize("env_id", TASKS)
def test_pictures_show_what_happens_and_a_batch_is_drawn_as_one_by_one(env_id):
    env, params = jaxenv.make(env_id)
    obs, states = played(env, params)
    pictures = np.asarray(jax.jit(jax.vmap(lambda s, p: env.render(s, p, SIZE), in_axes=(0, None)))(states, params))
    assert pictures.shape == (COUNT, SIZE, SIZE, 3)
    assert pictures.dtype == np.uint8
    # Something is drawn, on something: no colour fills the picture.
    for picture in pictures:
        _, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
        assert counts.max() < 0.99 * SIZE * SIZE
    # What is too small for so few pixels may look the same, as a clock's hand does.
    assert distinct(pictures) >= max(2, distinct(obs) / 4)
    draw = jax.jit(env.render, static_argnums=2)
    each = np.stack([draw(jax.tree.map(lambda leaf: leaf[i], states), params, SIZE) for i in range(COUNT)])  # noqa: B023
    # Compiled for a batch, sums may be rounded differently: by one in 256 shades at most.
    assert np.abs(each.astype(int) - pictures).max() <= 1


@pytest.mark.parametrize("env_id", TASKS)
def test_every_size_and_shape_can_be_asked_for(env_id):
    env, params = jaxenv.make(env_id)
    _, state = jax.eval_shape(env.reset, jax.random.key(0), params)
    for size, shape in ((256, (256, 256, 3)), ((30, 50), (30, 50, 3))):
        picture = jax.eval_shape(lambda s, p, size=size: env.render(s, p, size), state, params)
        assert (picture.shape, picture.dtype) == (shape, jnp.uint8)


def test_every_id_has_a_picture():
    checked = set()
    for env_id in SPECS:
        env, params = jaxenv.make(env_id)
        if env not in checked:
            checked.add(env)
            picture = jax.eval_shape(lambda key, p, env=env: env.render(env.reset(key, p)[1], p, 16), jax.random.key(0), params)
            assert (picture.shape, picture.dtype) == ((16, 16, 3), jnp.uint8), env_id


def test_the_gallery_shows_every_task():
    docs = Path(__file__).parents[1] / "docs"
    films = list((docs / "gallery").iterdir())
    assert {film.name for film in films} == {f"{SPECS[task].name.lower()}.gif" for task in TASKS}
    assert sum(film.stat().st_size for film in films) < 10_000_000
    assert (docs / "assets" / "mosaic.gif").stat().st_size < 1_500_000


def test_the_loop_of_the_readme_makes_a_film(tmp_path):
    env, params = jaxenv.make("Breakout-MinAtar")
    key, key_reset = jax.random.split(jax.random.key(0))
    obs, state = env.reset(key_reset, params)
    states, rewards = [], []
    for _ in range(20):
        states.append(state)
        key, key_act, key_step = jax.random.split(key, 3)
        action = env.action_space(params).sample(key_act)
        obs, state, reward, done, info = env.step(key_step, state, action, params)
        rewards.append(reward)
        if done:
            break

    vis = Visualizer(env, params, states, jnp.cumsum(jnp.array(rewards)))
    assert vis.animate(tmp_path / "anim.gif").stat().st_size > 1000
    assert len(vis) == len(states)
