"""The network that all libraries play under the policy ``mlp``."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import spaces
from jaxenv.benchmark.network import HIDDEN, Network, network
from jaxenv.errors import BenchmarkPolicyError

pytestmark = pytest.mark.usefixtures("unoptimized")

OBS = np.asarray([0.5, -1.0, 2.0], np.float32)


def outputs(net: Network, obs: np.ndarray) -> np.ndarray:
    first, second, last = net.weights()
    return np.tanh(np.tanh(obs @ first) @ second) @ last


def test_equal_sizes_make_equal_weights():
    net = Network(3, (), (5,))
    assert [w.shape for w in net.weights()] == [(3, 64), HIDDEN, (64, 5)]
    for one, other in zip(net.weights(), Network(3, (5,)).weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert net.weights()[1].dtype == np.float32
    assert net.weights()[1].std() == pytest.approx(64**-0.5, rel=0.05)


def test_one_choice_is_the_largest_output_counted_from_the_start():
    net = Network(3, (), (5,), start=-2)
    action = jax.jit(net.act)(net.weights(), OBS)
    assert (action.shape, action.dtype) == ((), jnp.int32)
    assert int(action) == outputs(net, OBS).argmax() - 2


def test_each_of_several_choices_has_outputs_of_its_own():
    net = Network(3, (2, 2), (3, 4, 2, 5))
    action = net.act(net.weights(), OBS)
    parts = np.split(outputs(net, OBS), [3, 7, 9])
    assert action.tolist() == np.reshape([part.argmax() for part in parts], (2, 2)).tolist()


def test_a_continuous_action_is_squashed():
    net = Network(3, (2, 1))
    action = net.act(net.weights(), OBS)
    assert action.dtype == jnp.float32
    np.testing.assert_allclose(action, np.tanh(outputs(net, OBS)).reshape(2, 1), rtol=1e-5)


def test_what_is_shown_is_flattened_to_float32_in_order():
    net = Network(5, (), (3,))
    shown = {"b": np.asarray([[True], [False]]), "a": np.asarray([3, 1], np.uint8), "c": np.int32(7)}
    flat = np.asarray([3, 1, 1, 0, 7], np.float32)
    assert int(net.act(net.weights(), shown)) == int(net.act(net.weights(), flat))
    assert network(shown, spaces.Discrete(3)) == net


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (spaces.Discrete(4, start=2), Network(3, (), (4,), 2)),
        (spaces.MultiDiscrete([[2, 3]]), Network(3, (1, 2), (2, 3))),
        (spaces.MultiBinary((2, 2)), Network(3, (2, 2), (2, 2, 2, 2))),
        (spaces.Box(-1.0, 1.0, (2, 2)), Network(3, (2, 2))),
        (SimpleNamespace(n=np.int64(4), start=np.int64(1)), Network(3, (), (4,), 1)),
        (SimpleNamespace(nvec=np.asarray([2, 2])), Network(3, (2,), (2, 2))),
    ],
)
def test_any_library_s_space_says_what_the_outputs_are(space, expected):
    found = network(OBS, space)
    assert found == expected
    assert found.outputs == sum(expected.choices) or found.outputs == 4


def test_other_spaces_are_refused():
    with pytest.raises(BenchmarkPolicyError, match=r"actions are of Tuple\(.*Use the policy random"):
        network(OBS, spaces.Tuple([spaces.Discrete(2)]))
