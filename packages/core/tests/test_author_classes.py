"""The ways in which an author may write an environment, params and a state: those that mean the same, and those that don't."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from abc import ABC, abstractmethod
from typing import Any

import flax.serialization
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv import Environment, Params, State, Transition, _classes, make, register, rollout, spaces
from jaxenv.errors import (
    EnvironmentClassError,
    FrozenEnvironmentError,
    JaxenvError,
    RecordClassError,
    UndeclaredFieldError,
    UnsetFieldError,
    WrappedTypeError,
)
from jaxenv.registry import lookup
from jaxenv.testing import check_env
from jaxenv.wrappers import ScaleReward, Wrapper

pytestmark = pytest.mark.usefixtures("unoptimized")

KEY = jax.random.key(0)


class Undecorated(Params):
    speed: Any = 0.5


@dataclasses.dataclass(frozen=True)
class Standard(Params):
    speed: Any = 0.5


@flax.struct.dataclass
class Flax(Params):
    speed: Any = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class KeywordOnly(Params):
    speed: Any = 0.5
    name: str = dataclasses.field(default="walk", metadata={"pytree_node": False})


class OfUndecorated(Undecorated):
    """Nothing is added to it."""


@flax.struct.dataclass
class FlaxOfUndecorated(Undecorated):
    bonus: Any = 0.0


PARAMS = (Undecorated, Standard, Flax, KeywordOnly, OfUndecorated, FlaxOfUndecorated)


class UndecoratedState(State):
    x: Any
    visits: Any = 0


@dataclasses.dataclass(frozen=True)
class StandardState(State):
    x: Any
    visits: Any = 0


@flax.struct.dataclass
class FlaxState(State):
    x: Any
    visits: Any = 0


STATES = (UndecoratedState, StandardState, FlaxState)


class Walk(Environment[Any, Any]):
    """Walk along a line."""

    params_type: Any = Standard
    state_type: Any = StandardState

    @property
    def default_params(self) -> Any:
        return self.params_type(max_steps_in_episode=7)

    def init(self, key: Any, params: Any) -> Any:
        return self.state_type(x=jax.random.uniform(key))

    def transition(self, key: Any, state: Any, action: Any, params: Any) -> Transition[Any]:
        x = state.x + params.speed * action.astype(state.x.dtype)
        return Transition(state.replace(x=x, visits=state.visits + 1), x, x > 3.0)

    def observe(self, state: Any, params: Any) -> Any:
        return state.x

    def action_space(self, params: Any) -> spaces.Space:
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Space:
        return spaces.Box(0.0, 10.0, ())


@pytest.mark.parametrize("params_type", PARAMS)
def test_params_written_in_any_way_are_params(params_type: Any) -> None:
    env = Walk(params_type=params_type)
    params = params_type(speed=1.0).replace(max_steps_in_episode=5)
    assert (params, len(jax.tree.leaves(params))) == (params_type(speed=1.0, max_steps_in_episode=5), 2 + hasattr(params, "bonus"))
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(params)]
    assert {".speed", ".max_steps_in_episode"} <= set(paths)
    assert jax.tree.map(lambda leaf: leaf, params) == params
    restored = flax.serialization.from_state_dict(params_type(), flax.serialization.to_state_dict(params))
    assert restored == params
    batch = jax.vmap(lambda speed: params.replace(speed=speed))(jnp.arange(3.0))
    x = jax.vmap(lambda speed: env.step(KEY, env.reset(KEY, params)[1], 1, params.replace(speed=speed))[0])(batch.speed)
    np.testing.assert_allclose(x - x[0], [0.0, 1.0, 2.0], rtol=1e-6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        params.speed = 2.0


@pytest.mark.parametrize("state_type", STATES)
def test_states_written_in_any_way_are_states(state_type: Any) -> None:
    env = Walk(state_type=state_type)
    result = rollout(env, None, None, KEY, num_envs=3, num_steps=3)
    assert isinstance(result.state, state_type)
    assert result.state.visits.tolist() == [3, 3, 3]
    assert isinstance(pickle.loads(pickle.dumps(result.state)), state_type)


def test_what_is_no_pytree_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(RecordClassError, match=r"Loose is a dataclass that is not frozen.* Write @flax\.struct\.dataclass or"):

        @dataclasses.dataclass  # pyright: ignore[reportGeneralTypeIssues]
        class Loose(State):
            x: Any = 0

    with pytest.raises(RecordClassError, match=r"Own has an __init__ of its own.* Remove __init__ and declare each field"):

        class Own(Params):
            def __init__(self, speed: float) -> None:
                self.speed = speed

    with pytest.raises(RecordClassError, match=r"Slotted has __slots__.* Remove slots=True"):

        @dataclasses.dataclass(frozen=True, slots=True)
        class Slotted(State):
            x: Any = 0


class Plain(Walk):
    """Undecorated."""

    size: int = 3
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True)
class Decorated(Walk):
    """By the standard library."""

    size: int = 3
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Keywords(Walk):
    """With options."""

    size: int = 3
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)


@flax.struct.dataclass
class ByFlax(Walk):
    """By flax."""

    size: int = 3
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)


class OwnInit(Walk):
    """It sets its fields by itself."""

    size: int
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)

    def __init__(self, size: int = 3, note: str = "") -> None:
        self.size = size
        self.note = note


@dataclasses.dataclass(frozen=True)
class DecoratedOwnInit(Walk):
    """Both."""

    size: int = 0
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("a", "b"))
    note: str = dataclasses.field(default="", compare=False)

    def __init__(self, size: int = 3, note: str = "") -> None:
        super().__init__()
        self.size = size
        self.note = note


class PostInit(Walk):
    """It completes its fields."""

    size: int = 3
    names: Any = ("a", "b")
    note: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        self.names = tuple(self.names)


class DerivedOwnInit(OwnInit):
    """Its base has an __init__, which it inherits."""

    depth: int = 1


class DerivedDecorated(Decorated):
    """Its base is decorated."""

    depth: int = 1


ENVIRONMENTS = (Plain, Decorated, Keywords, ByFlax, OwnInit, DecoratedOwnInit, PostInit, DerivedOwnInit, DerivedDecorated)


@pytest.mark.parametrize("env_type", ENVIRONMENTS)
def test_environments_written_in_any_way_are_values(env_type: Any) -> None:
    env = env_type(size=4)
    assert (env.size, env.names, env.note) == (4, ("a", "b"), "")
    assert (env, hash(env)) == (env_type(size=4, note="other"), hash(env_type(size=4, note="other")))
    assert env != env_type(size=5)
    assert f"{env_type.__name__}(" in repr(env)
    assert "size=4" in repr(env)
    for twin in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert (twin, hash(twin)) == (env, hash(env))
    for change in (lambda: setattr(env, "size", 5), lambda: setattr(env, "counter", 1), lambda: delattr(env, "size")):
        with pytest.raises(FrozenEnvironmentError, match=r"cannot be set or deleted.*return state\.replace\("):
            change()
    obs, state = env.reset(KEY)
    assert env.step(KEY, state, 1)[0].shape == obs.shape
    assert ScaleReward(env, 2.0).reset(KEY)[0] == obs


@pytest.mark.parametrize("env_type", ENVIRONMENTS)
def test_make_takes_what_the_class_takes(env_type: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_local", {})
    monkeypatch.setattr(lookup, "_local_classes", {})
    register(env_type)
    env, params = make(f"local/{env_type.__name__}", size=6, speed=2.0)
    assert isinstance(env, env_type)
    assert (env.size, env.names, params.speed) == (6, ("a", "b"), 2.0)


@pytest.mark.parametrize("env_type", ENVIRONMENTS)
def test_fields_can_be_replaced_however_the_class_is_written(env_type: Any) -> None:
    env = env_type(size=4)
    assert _classes.replaced(env, size=5, note="other") == env_type(size=5)
    assert env.size == 4
    with pytest.raises(TypeError, match="sice"):
        _classes.replaced(env, sice=5)


def test_a_wrapper_with_an_init_of_its_own_is_checked_like_the_others() -> None:
    class Twice(Wrapper):
        times: int

        def __init__(self, env: Any) -> None:
            self.env = env
            self.times = 2

    assert Twice(Walk()).reset(KEY)[0].shape == ()
    with pytest.raises(WrappedTypeError):
        Twice("CartPole-v1")


@pytest.mark.parametrize("env_type", [Decorated, ByFlax, OwnInit])
def test_the_conformance_kit_takes_them(env_type: Any) -> None:
    assert check_env(env_type(), only=["environment", "hashable", "equal_by_value", "pickle", "docstring", "step"]).passed


def test_options_of_the_decorator_hold() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        Keywords(Standard, StandardState, 4)  # pyright: ignore[reportCallIssue]
    fields = {field.name: field for field in dataclasses.fields(Decorated)}
    assert (fields["note"].compare, fields["names"].default_factory()) == (False, ("a", "b"))  # pyright: ignore[reportCallIssue]


def test_an_abstract_base_class_may_be_mixed_in() -> None:
    class Abstract(Walk, ABC):
        @abstractmethod
        def length(self) -> int: ...

    class Concrete(Abstract):
        def length(self) -> int:
            return 3

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # pyright: ignore[reportAbstractUsage]
    assert Concrete().length() == 3


def test_an_init_that_sets_what_is_no_field() -> None:
    class Sly(Walk):
        def __init__(self, size: int) -> None:
            self.size = size

    with pytest.raises(
        UndeclaredFieldError, match=r"Sly\.__init__ sets self\.size, which is not a field.* above __init__: `size: int`"
    ):
        Sly(3)


def test_an_init_that_forgets_a_field() -> None:
    class Forgetful(Walk):
        size: int

        def __init__(self) -> None:
            pass

    with pytest.raises(UnsetFieldError, match=r"Forgetful\.__init__ does not set the field 'size'\. Set self\.size, or"):
        Forgetful()


def loose(frozen: bool = False, **options: Any) -> type:
    @dataclasses.dataclass(frozen=frozen, **options)
    class Loose(Walk):
        size: int = 3

    return Loose


def loose_at_first() -> type:
    @dataclasses.dataclass
    class Loose(Environment[Any, Any]):  # pyright: ignore[reportGeneralTypeIssues]
        size: int = 3

    return Loose


def changing() -> type:
    class Changing(Walk):
        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

    return Changing


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (
            loose,
            r"Loose is decorated as a dataclass, but it is not frozen\..*Remove @dataclass, or write @dataclasses\.dataclass\(",
        ),
        (loose_at_first, r"Loose is decorated as a dataclass, but it is not frozen\."),
        (lambda: loose(frozen=True, eq=False), r"eq=False, so that no two of it are equal.* Remove eq=False\."),
        (lambda: loose(frozen=True, slots=True), r"slots=True.* Remove slots=True\."),
        (changing, r"Changing defines __setattr__.* Remove __setattr__\."),
    ],
)
def test_what_means_something_else_is_refused(write: Any, sentence: str) -> None:
    with pytest.raises(EnvironmentClassError, match=sentence) as caught:
        write()
    assert isinstance(caught.value, JaxenvError)
