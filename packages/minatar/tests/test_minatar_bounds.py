"""The buffers of MinAtar's games are as long as the games can fill them: tests that try to exceed them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_minatar import Seaquest, SpaceInvaders, packed_uint4
from jaxenv_minatar import enemies as sea
from jaxenv_minatar.base import DOWN, FIRE, LEFT, RIGHT, UP
from jaxenv_minatar.bullets import Board, position_of
from jaxenv_minatar.observations import flag, set_flags
from jaxenv_minatar.seaquest_rules import LAST_RAMP

pytestmark = pytest.mark.usefixtures("unoptimized")


def test_seaquest_at_most_29_enemies_appear_in_the_life_of_another():
    """Whenever the player surfaces: at best every second step, because it must dive in between."""

    @functools.cache
    def most(ramps, spawn_timer, may_surface, travelled, timer):
        spawns = int(spawn_timer == 0)
        spawn_timer = 20 - ramps if spawns else spawn_timer
        if timer == 0:
            timer, travelled = 5 - min(ramps // 2, 3), travelled + 1
            if travelled == 10:
                return spawns
        else:
            timer -= 1
        later = [most(ramps, spawn_timer - 1, True, travelled, timer)]
        if may_surface and ramps < LAST_RAMP:
            later.append(most(ramps + 1, spawn_timer - 1, False, travelled, timer))
        return spawns + max(later)

    # An enemy that appears in a step is processed in that step, before the spawn timer of its successor runs.
    born = [most(r, 20 - r - 1, may, 0, 5 - min(r // 2, 3) - 1) for r in range(LAST_RAMP + 1) for may in (True, False)]
    assert max(born) == 29


def test_seaquest_no_enemy_is_lost_at_the_hardest_settings():
    """Fill the sea: one enemy a step, all the same way, for as long as one can be on the board."""
    env, params = Seaquest(minimal_actions=False), Seaquest().default_params
    state = env.init(jax.random.key(0), params).replace(ramp_index=jnp.int32(LAST_RAMP), spawn_timer=jnp.int32(0), x=jnp.int32(9))
    draws = env.draw_step(jax.random.key(0), params)._replace(
        sticky=jnp.float32(1.0), enemy_right=jnp.asarray(True), enemy_sub=jnp.asarray(False)
    )

    def body(state, row):
        out = env.dynamics(state, jnp.int32(0), draws._replace(enemy_y=row), params)
        words = out.state.enemies.fish
        return out.state, (jax.lax.population_count(words), out.terminated)

    rows = 1 + jnp.arange(90, dtype=jnp.int32) % 8
    _, (counts, terminated) = jax.jit(lambda s: jax.lax.scan(body, s, rows))(state)
    assert not np.asarray(terminated).any()
    # The first step's enemy moves in steps 3, 6, ..., 30 and is gone in step 30, as is one more in each later step.
    assert counts[:29].tolist() == list(range(1, 30))
    assert set(counts[29:].tolist()) == {29}


@pytest.mark.parametrize("env", [SpaceInvaders(minimal_actions=False), Seaquest(minimal_actions=False)], ids=lambda e: e.name)
@pytest.mark.parametrize("seed", range(2))
def test_two_bullets_of_the_player_are_the_most(env, seed):
    """Fire whenever it is possible: what is pushed out of the older bullet's place must be gone already."""
    params = env.default_params

    def body(state, key):
        move = jax.random.randint(key, (), LEFT, DOWN + 1, jnp.int32)
        action = jnp.where(state.shot_timer == 0, FIRE, move)
        _, after, _, done, _ = env.step(key, state, action, params.replace(sticky_action_prob=0.0))
        fired = (state.shot_timer == 0) & (action == FIRE)
        older = state.older_shot.cell if isinstance(env, Seaquest) else state.older_bullet
        return after, fired & (older >= 0)

    _, state = env.reset(jax.random.key(seed), params)
    _, lost = jax.jit(lambda s: jax.lax.scan(body, s, jax.random.split(jax.random.key(seed), 2_000)))(state)
    assert not np.asarray(lost).any()


def test_two_divers_are_the_most():
    env, params = Seaquest(minimal_actions=False), Seaquest().default_params

    def body(state, key):
        action = jnp.where(state.y > 7, UP, jnp.where(state.y < 7, DOWN, RIGHT)).astype(jnp.int32)
        _, after, *_ = env.step(key, state, action, params)
        return after, (state.diver_timer == 0) & (state.older_diver.row >= 0)

    _, state = env.reset(jax.random.key(0), params)
    _, lost = jax.jit(lambda s: jax.lax.scan(body, s, jax.random.split(jax.random.key(1), 2_000)))(state)
    assert not np.asarray(lost).any()


def test_five_submarines_that_shoot_at_once_are_found():
    enemies = sea.none().replace(rightward=jnp.uint32(255))
    shooting = jnp.uint32(0b1000_0100_0010_0001_0000_1)
    cells = [int(place) for place, _ in sea.shots(enemies, shooting)]
    assert len(cells) == 5
    assert all(place >= 0 for place in cells)
    ages = range(1, 61)
    assert max(sum(age % 11 == offset for age in ages) for offset in range(11)) <= 6
    assert [age for age in ages if age % 11 == 0] == [11, 22, 33, 44, 55]


def test_bullets_of_submarines_are_where_they_were_put():
    rows, columns = (jnp.asarray(x.ravel()) for x in np.mgrid[1:9, 0:10].astype(np.int32))
    calm = Board(*(jnp.uint32(0),) * 3)
    put = jax.vmap(lambda row, column: calm.with_bullet(jnp.asarray(True), position_of(row, column)).row(jnp.arange(10)))
    expected = np.zeros((80, 10), np.uint32)
    expected[np.arange(80), rows] = 1 << np.asarray(columns, np.uint32)
    np.testing.assert_array_equal(put(rows, columns), expected)
    assert not any(calm.with_bullet(jnp.asarray(False), jnp.int32(-1)))


def test_packed_words_are_eight_numbers():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 16, (50, 8))
    words = jnp.asarray((numbers << (4 * np.arange(8))).sum(axis=1).astype(np.uint32))
    assert (np.asarray(jax.vmap(packed_uint4.unpack)(words)) == numbers).all()
    for number in (0, 3, 15):
        flags = jax.vmap(lambda w, n=number: packed_uint4.unpack(packed_uint4.equal(w, n)))(words)
        assert (np.asarray(flags) == (numbers == number)).all()
    assert [int(packed_uint4.flag_at(jnp.int32(i))) for i in (-1, 0, 7, 8)] == [0, 1, 1 << 28, 0]
    assert int(packed_uint4.select(jnp.uint32(0x10), jnp.uint32(0x77), jnp.uint32(0x22))) == 0x72


def test_observations_are_the_same_written_and_compared():
    """The CPU's way and the other backends' way to set flags agree, also where an index is negative."""
    background = jnp.zeros(400, jnp.bool_).at[7].set(True)
    flags = [flag(2, 3, 1, 4), jnp.array([-1, 399, 0], jnp.int32)]
    branches = jax.make_jaxpr(lambda b: set_flags(b, flags))(background)
    cond = next(e for e in branches.eqns if e.primitive.name == "cond")
    results = [jax.core.eval_jaxpr(b.jaxpr, b.consts, *[background, *flags]) for b in cond.params["branches"]]
    assert len(results) == 2
    expected = np.zeros(400, bool)
    expected[[7, 23 * 4 + 1, 399, 0]] = True
    for (result,) in results:
        assert (np.asarray(result) == expected).all()
    assert (np.asarray(set_flags(background, flags)).ravel() == expected).all()
