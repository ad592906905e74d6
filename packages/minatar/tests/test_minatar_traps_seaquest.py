"""The traps that other ports of Seaquest fell into, one test each."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_minatar import Seaquest
from jaxenv_minatar import enemies as sea
from jaxenv_minatar.base import DOWN, FIRE, NOOP, UP, cell
from jaxenv_minatar.seaquest_rules import Diver, Shot

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.fixture(scope="module")
def seaquest(driver):
    return driver(Seaquest(minimal_actions=False))


def sea_with(*enemies, row_right=255):
    """Return the enemies that are described, newest first: kind, row, columns travelled, steps until they move and shoot."""
    words = {"fish": 0, "subs": 0}
    bits = {"row": [0] * 3, "travelled": [0] * 4, "timer": [0] * 3, "shot_timer": [0] * 4}
    for index, (kind, row, *numbers) in enumerate(enemies):
        words[kind] |= 1 << index
        for name, number in zip(bits, (row - 1, *numbers), strict=True):
            for bit in range(len(bits[name])):
                bits[name][bit] |= (number >> bit & 1) << index
    return sea.Enemies(
        **{name: jnp.uint32(word) for name, word in words.items()},
        **{name: tuple(map(jnp.uint32, numbers)) for name, numbers in bits.items()},
        rightward=jnp.uint32(row_right),
    )


def alive(state):
    return int(state.enemies.fish), int(state.enemies.subs)


def test_seaquest_surfacing_without_divers_leaves_the_oxygen(seaquest):
    up = seaquest.state.replace(y=jnp.int32(1), surfaced=jnp.asarray(False), oxygen=jnp.int32(77))
    out = seaquest.step(up, UP)
    assert bool(out.terminated)
    assert int(out.state.oxygen) == 77


def test_seaquest_six_divers_become_minus_one_and_then_surface_without_dying(seaquest):
    up = seaquest.state.replace(y=jnp.int32(1), surfaced=jnp.asarray(False), oxygen=jnp.int32(119), crew=jnp.int32(6))
    out = seaquest.step(up, UP)
    assert (float(out.reward), int(out.state.crew), int(out.state.oxygen)) == (5.0, -1, 200)
    assert not bool(out.terminated)
    down = seaquest.step(out.state, DOWN).state
    again = seaquest.step(down, UP)
    assert not bool(again.terminated)
    assert (float(again.reward), int(again.state.crew), int(again.state.ramp_index)) == (0.0, -2, 2)


def test_seaquest_ends_on_the_step_that_begins_without_oxygen(seaquest):
    deep = seaquest.state.replace(y=jnp.int32(4), surfaced=jnp.asarray(False))
    out = seaquest.step(deep.replace(oxygen=jnp.int32(1)), NOOP)
    assert (bool(out.terminated), int(out.state.oxygen)) == (False, 0)
    assert bool(seaquest.step(out.state, NOOP).terminated)


def test_seaquest_a_sub_that_moves_into_a_bullet_still_shoots(seaquest):
    # It moves from column 3 to 4 in the step in which it shoots. The player's bullet flies left, from column 5 to 4.
    enemies = sea_with(("subs", 3, 3, 0, 0))
    shot = Shot(cell(3, 5), jnp.asarray(False))
    out = seaquest.step(seaquest.state.replace(enemies=enemies, shot=shot), NOOP)
    assert alive(out.state) == (0, 0)
    assert float(out.reward) == 1.0
    assert np.argwhere(seaquest.observe(out.state)[:, :, 4]).tolist() == [[3, 5]]


def test_seaquest_a_sub_that_a_bullet_moves_into_does_not_shoot(seaquest):
    enemies = sea_with(("subs", 3, 3, 4, 0))
    shot = Shot(cell(3, 4), jnp.asarray(False))
    out = seaquest.step(seaquest.state.replace(enemies=enemies, shot=shot), NOOP)
    assert (alive(out.state), float(out.reward)) == ((0, 0), 1.0)
    assert not seaquest.observe(out.state)[:, :, 4].any()


def test_seaquest_a_bullet_takes_one_target_the_oldest_fish_first(seaquest):
    shot = Shot(cell(3, 2), jnp.asarray(True))
    two_of_each = sea_with(("subs", 3, 3, 4, 9), ("fish", 3, 3, 4, 0), ("fish", 3, 3, 3, 0), ("subs", 3, 3, 2, 8))
    out = seaquest.step(seaquest.state.replace(enemies=two_of_each, shot=shot), NOOP)
    assert (alive(out.state), float(out.reward)) == ((0b0010, 0b1001), 1.0)
    subs = sea_with(("subs", 3, 3, 4, 9), ("subs", 3, 3, 2, 8))
    out = seaquest.step(seaquest.state.replace(enemies=subs, shot=shot), NOOP)
    assert (alive(out.state), float(out.reward)) == ((0, 0b01), 1.0)


def test_seaquest_of_those_that_move_into_a_bullet_the_newest_takes_it_subs_first(seaquest):
    shot = Shot(cell(3, 3), jnp.asarray(True))  # at column 4 after it moved
    movers = sea_with(("fish", 3, 3, 0, 0), ("subs", 3, 3, 0, 5), ("subs", 3, 3, 0, 4))
    # Nothing is at column 4 yet when the bullet arrives there.
    out = seaquest.step(seaquest.state.replace(enemies=movers, shot=shot), NOOP)
    assert (alive(out.state), float(out.reward)) == ((0b001, 0b100), 1.0)
    assert int(out.state.shot.cell) == -1


def test_seaquest_the_newest_diver_takes_the_last_seat(seaquest):
    # Both divers are in the player's cell: the newer came from the left, the older from the right.
    state = seaquest.state.replace(x=jnp.int32(2), y=jnp.int32(4), surfaced=jnp.asarray(False), crew=jnp.int32(5))
    state = state.replace(
        diver=Diver(jnp.int32(4), jnp.asarray(True)),
        older_diver=Diver(jnp.int32(4), jnp.asarray(False)),
        diver_timer=jnp.int32(30 - 13),
    )
    out = seaquest.step(state, NOOP).state
    assert (int(out.crew), int(out.diver.row), int(out.older_diver.row)) == (6, -1, 4)


def test_seaquest_no_enemy_appears_against_the_traffic_of_its_row(seaquest):
    state = seaquest.state.replace(enemies=sea_with(("fish", 3, 5, 4, 0)), spawn_timer=jnp.int32(0))
    for right, appears in ((True, True), (False, False)):
        after = seaquest.step(state, NOOP, enemy_right=right, enemy_sub=False, enemy_y=jnp.int32(3)).state
        assert bin(int(after.enemies.fish)).count("1") == 1 + appears
        assert int(after.spawn_timer) == 19
    after = seaquest.step(state, NOOP, enemy_right=False, enemy_sub=True, enemy_y=jnp.int32(4)).state
    assert alive(after) == (0b10, 0b01)


def test_seaquest_enemies_take_up_the_current_speed_when_they_move(seaquest):
    state = seaquest.state.replace(enemies=sea_with(("fish", 3, 5, 0, 0)), ramp_index=jnp.int32(4))
    after = seaquest.step(state, NOOP).state.enemies
    assert sum((int(word) & 1) << i for i, word in enumerate(after.timer)) == 3
    assert sum((int(word) & 1) << i for i, word in enumerate(after.travelled)) == 6


def test_seaquest_shoots_only_when_its_gun_is_ready(seaquest):
    first = seaquest.step(seaquest.state, FIRE).state
    assert int(first.shot.cell) == int(cell(0, 4))
    assert int(seaquest.step(first, FIRE).state.older_shot.cell) == -1
