"""Fields and maps that make no sense are refused, with what they may be."""

import jaxenv
import pytest
from jaxenv.errors import RangeError
from jaxenv_misc import FieldValueError, FourRooms, FrozenLake, MetaMaze, Pong, Reacher, Swimmer, random_map
from jaxenv_misc.four_rooms import LAYOUT

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FourRooms(start=(0, 0)), "start must be the row and column of a free cell of the layout, but \\(0, 0\\)"),
        (lambda: FourRooms(goal=(4, 1)), "goal must be another cell than start"),
        (lambda: FourRooms(layout=("####", "#  ", "####")), "layout must be rows of equal length with walls"),
        (lambda: FourRooms(layout=("####", "#   ", "####")), "layout must be rows of equal length with walls"),
        (lambda: FourRooms(layout=("###", "# #", "###")), "layout must be a map with 2 to 256 free cells"),
        (lambda: MetaMaze(10), "maze_size must be an odd number, at least 5, but 10"),
        (lambda: MetaMaze(3), "maze_size is 3, but a number of at least 5 was expected"),
        (lambda: MetaMaze(receptive_field=2), "receptive_field must be an odd number"),
        (lambda: Reacher(0), "num_joints is 0, but a number of at least 1 was expected"),
        (lambda: Swimmer(0), "num_urchins is 0, but a number of at least 1 was expected"),
        (lambda: Pong("nobody"), "opponent must be 'self' or 'greedy', but 'nobody'"),
        (lambda: Pong(width=3), "width is 3, but a number of at least 8"),
        (lambda: Pong(height=3), "height is 3, but a number of at least 8"),
        (lambda: Pong(paddle_half_height=0), "paddle_half_height is 0, but a number of at least 1"),
        (lambda: FrozenLake("5x5"), "desc must be one of '4x4', '8x8' or rows of equal length"),
        (lambda: FrozenLake(("SF", "G")), "desc must be one of"),
        (lambda: FrozenLake(("SX", "FG")), "desc must be one of"),
        (lambda: FrozenLake(("FF", "FG")), "with at least one S"),
        (lambda: FrozenLake(()), "desc must be one of"),
        (lambda: FrozenLake(3), "desc must be one of .*, but 3 was given"),
        (lambda: FrozenLake([1, 2]), r"desc must be one of .*, but \[1, 2\] was given"),
        (lambda: FrozenLake([["S", "F"], ["F", "G"]]), "desc must be one of"),
    ],
)
def test_a_wrong_field_is_refused_with_what_it_may_be(make, message):
    with pytest.raises((FieldValueError, RangeError), match=message):
        make()


@pytest.mark.parametrize(
    ("env_id", "field", "value"),
    [("FrozenLake-misc", "desc", ("SF", "HG")), ("FourRooms-misc", "start", (1, 1)), ("FourRooms-misc", "layout", LAYOUT)],
)
def test_a_list_becomes_the_tuple(env_id, field, value):
    env, _ = jaxenv.make(env_id, **{field: list(value)})
    assert getattr(env, field) == value
    assert env == type(env)(**{field: list(value)}) == jaxenv.make(env_id, **{field: value})[0]
    assert hash(env) == hash(jaxenv.make(env_id, **{field: value})[0])


@pytest.mark.parametrize(("size", "p"), [(1, 0.8), (8, 0.0), (8, 1.5)])
def test_a_random_map_that_cannot_be_is_refused(size, p):
    with pytest.raises(ValueError, match="random_map needs size >= 2"):
        random_map(size, p, 0)
