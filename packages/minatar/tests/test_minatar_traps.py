"""The traps that other ports of MinAtar fell into, one test each; Seaquest has a file of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv.testing import enable_x64
from jaxenv_minatar import Asterix, Breakout, Freeway, Seaquest, SpaceInvaders
from jaxenv_minatar import asterix as asterix_module
from jaxenv_minatar.base import DOWN, LEFT, NOOP, RIGHT, UP, cell

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def asterix(driver):
    return driver(Asterix(minimal_actions=False))


@pytest.fixture(scope="module")
def breakout(driver):
    return driver(Breakout(minimal_actions=False))


@pytest.fixture(scope="module")
def freeway(driver):
    return driver(Freeway(minimal_actions=False))


@pytest.fixture(scope="module")
def invaders(driver):
    return driver(SpaceInvaders(minimal_actions=False))


# -- Asterix -------------------------------------------------------------------------------------------------------


def test_asterix_spawns_nothing_where_no_slot_is_free(asterix):
    full = asterix.state.replace(occupied=jnp.uint32(0x11111111), x=jnp.uint32(0x22222222), spawn_timer=jnp.int32(0))
    full = full.replace(player_x=jnp.int32(9))
    for slot in (0, 1 << 23, (1 << 24) - 1):
        after = asterix.step(full, NOOP, slot=jnp.uint32(slot), right=True, gold=True).state
        assert (int(after.occupied), int(after.x), int(after.gold)) == (0x11111111, 0x22222222, 0)


def test_asterix_fills_the_last_free_slot_with_every_draw():
    for free in range(8):
        occupied = jnp.uint32(0x11111111 & ~(1 << 4 * free))
        for slot in (0, 5_000_000, (1 << 24) - 1):
            assert int(asterix_module.free_slot(occupied, jnp.uint32(slot))) == 1 << 4 * free


def test_asterix_chooses_among_all_free_slots_alike():
    occupied = jnp.uint32(0x01001010)
    slots = jnp.arange(0, 1 << 24, 1 << 10, dtype=jnp.uint32)
    chosen, counts = np.unique(jax.vmap(lambda s: asterix_module.free_slot(occupied, s))(slots), return_counts=True)
    assert set(chosen.tolist()) == {1 << 4 * i for i in (0, 2, 4, 5, 7)}
    assert counts.max() - counts.min() <= 1


def test_asterix_first_ramps_on_step_102_and_never_reaches_speed_zero(asterix):
    def step(state, _):
        # The board stays empty, so that nothing ends the game.
        after = asterix.step(state.replace(occupied=jnp.uint32(0)), NOOP).state
        speeds = asterix_module.spawn_speed(after), asterix_module.move_speed(after)
        return after, (after.ramp_index > state.ramp_index, *speeds)

    _, (ramps, spawn_speeds, move_speeds) = jax.lax.scan(step, asterix.state, length=1_099)
    assert (1 + np.flatnonzero(ramps)).tolist() == [102 * n for n in range(1, 10)]
    assert (int(spawn_speeds.min()), int(move_speeds.min())) == (1, 1)


def test_asterix_does_not_ramp_where_ramping_is_off(asterix):
    late = asterix.state.replace(ramp_timer=jnp.int32(-1))
    params = asterix.params.replace(ramping=False)
    assert int(asterix.step(late, NOOP, params).state.ramp_index) == 0


# -- Breakout ------------------------------------------------------------------------------------------------------


def test_breakout_compares_the_paddle_after_it_moved_with_the_old_column_first(breakout):
    falling = breakout.state.replace(
        ball_x=jnp.int32(4), ball_y=jnp.int32(8), ball_dir=jnp.int32(2), paddle=jnp.int32(5), bricks=jnp.uint32(1)
    )
    moved = breakout.step(falling, LEFT)
    assert not bool(moved.terminated)
    assert (int(moved.state.ball_y), int(moved.state.ball_dir)) == (8, 1)  # straight up again, travelling on
    stayed = breakout.step(falling, NOOP)
    assert not bool(stayed.terminated)
    assert (int(stayed.state.ball_y), int(stayed.state.ball_dir)) == (8, 0)  # returned where it came from
    assert bool(breakout.step(falling, RIGHT).terminated)


def test_breakout_rebuilds_the_wall_only_at_the_bottom(breakout):
    cleared = breakout.state.replace(bricks=jnp.uint32(0), ball_x=jnp.int32(2), ball_y=jnp.int32(5))
    assert int(breakout.step(cleared, NOOP).state.bricks) == 0
    landing = cleared.replace(ball_y=jnp.int32(8), ball_dir=jnp.int32(2))
    assert int(breakout.step(landing, NOOP).state.bricks) == (1 << 30) - 1


def test_breakout_breaks_one_brick_a_strike(breakout):
    inside = breakout.state.replace(ball_x=jnp.int32(4), ball_y=jnp.int32(4), ball_dir=jnp.int32(1), strike=jnp.asarray(True))
    out = breakout.step(inside, NOOP)
    assert float(out.reward) == 0.0
    assert bool(out.state.strike)
    assert float(breakout.step(inside.replace(strike=jnp.asarray(False)), NOOP).reward) == 1.0


def test_breakout_resets_to_either_corner_with_the_same_probability():
    env = Breakout()
    state = jax.vmap(lambda key: env.init(key, env.default_params))(jax.random.split(KEY, 4_000))
    assert set(zip(state.ball_x.tolist(), state.ball_dir.tolist(), strict=True)) == {(0, 2), (9, 3)}
    assert abs(float((state.ball_x == 9).mean()) - 0.5) < 0.03


# -- Freeway -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x64", [False, True], ids=["x32", "x64"])
def test_freeway_terminates_on_step_2501_and_not_by_truncation(x64):
    with enable_x64(x64):
        env = Freeway()
        params = env.default_params
        _, state = env.reset(jax.random.key(1), params)

        def body(state, key):
            _, state, _, done, info = env.step(key, state, 0, params)
            return state, (done, info["terminated"], info["truncated"], info["discount"])

        keys = jax.random.split(jax.random.key(2), 2_502)
        _, (done, terminated, truncated, discount) = jax.jit(lambda s: jax.lax.scan(body, s, keys))(state)
    assert np.flatnonzero(done).tolist() == [2_500]
    assert bool(terminated[2_500])
    assert not np.asarray(truncated).any()
    assert float(discount[2_500]) == 0.0


def test_freeway_draws_new_speeds_but_keeps_the_places(freeway):
    state = freeway.state.replace(
        chicken=jnp.int32(1), move_timer=jnp.int32(0), car_x=jnp.uint32(0x01235678), car_timer=jnp.uint32(0)
    )
    out = freeway.step(state, UP)
    assert float(out.reward) == 1.0
    assert int(out.state.chicken) == 9
    assert int(out.state.car_x) == 0x01235678  # new timers are at least 1, so no car moves on this step


def test_freeway_pauses_also_where_the_chicken_cannot_move(freeway):
    clipped = freeway.state.replace(move_timer=jnp.int32(0))
    assert int(freeway.step(clipped, DOWN).state.move_timer) == 2
    assert int(freeway.step(clipped, NOOP).state.move_timer) == 0


def test_freeway_draws_every_speed_and_direction_alike():
    env = Freeway()
    traffic = jax.vmap(env.draw_reset)(jax.random.split(KEY, 5_000))
    shifts = np.arange(0, 32, 4, dtype=np.uint32)
    speed = np.asarray(traffic.speed)[:, None] >> shifts & 15
    right = np.asarray(traffic.right)[:, None] >> shifts & 15
    kinds, counts = np.unique(speed * np.where(right == 1, 1, -1).astype(np.int64), return_counts=True)
    assert kinds.tolist() == [-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]
    assert abs(counts / counts.sum() - 0.1).max() < 0.01
    assert abs(np.corrcoef(speed.T) - np.eye(8)).max() < 0.06


# -- SpaceInvaders -------------------------------------------------------------------------------------------------


def test_space_invaders_begins_with_24_aliens_in_columns_2_to_7(invaders):
    aliens = invaders.observe(invaders.state)[:, :, 1]
    expected = np.zeros((10, 10), bool)
    expected[0:4, 2:8] = True
    assert (aliens == expected).all()
    assert (invaders.observe(invaders.state)[:, :, 2] == expected).all()
    assert not invaders.observe(invaders.state)[:, :, 3].any()


def test_space_invaders_dodging_survives_and_walking_into_a_bullet_does_not(invaders):
    above = invaders.state.replace(alien_bullet=cell(8, 5))
    assert not bool(invaders.step(above, LEFT).terminated)
    assert bool(invaders.step(above, NOOP).terminated)
    beside = invaders.state.replace(alien_bullet=cell(8, 4))
    assert bool(invaders.step(beside, LEFT).terminated)
    assert not bool(invaders.step(beside, NOOP).terminated)


@pytest.mark.parametrize("ramping", [True, False])
def test_space_invaders_ramps_only_where_ramping_is_on(invaders, ramping):
    last = invaders.state.replace(aliens=jnp.uint32(1), bullet=cell(1, 2))
    out = invaders.step(last, NOOP, invaders.params.replace(ramping=ramping))
    assert float(out.reward) == 1.0
    assert int(out.state.aliens) == (1 << 24) - 1
    assert int(out.state.ramp_index) == int(ramping)


# -- resets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("env", [Asterix(), Seaquest(), SpaceInvaders()], ids=lambda env: env.name)
def test_deterministic_resets_do_not_depend_on_the_key(env):
    states = [env.init(jax.random.key(seed), env.default_params) for seed in (0, 1)]
    assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, states), strict=True))
