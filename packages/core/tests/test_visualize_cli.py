"""``jaxenv render`` and ``jaxenv play``: films from the command line, and a person at a pseudo-terminal."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time
from types import SimpleNamespace

import numpy as np
import pytest
from jaxenv import Environment, spaces
from jaxenv.cli import main
from jaxenv.cli.controls import action_names, controls
from jaxenv.cli.game import Game
from jaxenv.errors import NoControlsError, RenderNotSupportedError
from jaxenv.registry import lookup
from PIL import Image

pytestmark = pytest.mark.usefixtures("unoptimized")

TASK = textwrap.dedent('''
    import jax
    import jax.numpy as jnp
    from flax import struct
    import jaxenv
    from jaxenv import Environment, Params, State, Transition, spaces
    from jaxenv.visualize import Canvas, palette


    @struct.dataclass
    class StairState(State):
        x: object


    class Stairs(Environment):
        """Climb five stairs.

        ======  ============
        Action  Meaning
        ======  ============
        0       one down
        1       one up
        ======  ============
        """

        @property
        def default_params(self):
            return Params(max_steps_in_episode=100)

        def init(self, key, params):
            return StairState(x=jnp.int32(0))

        def transition(self, key, state, action, params):
            x = state.x + 2 * action - 1
            return Transition(state.replace(x=x), x.astype(jnp.float32), x >= 5)

        def observe(self, state, params):
            return state.x

        def action_space(self, params):
            return spaces.Discrete(2)

        def observation_space(self, params):
            return spaces.Box(-100, 5, (), jnp.int32)

        def render(self, state, params, size=256):
            return Canvas(size, (-5.0, -5.0, 5.0, 5.0)).circle((0.0, state.x), 1.0, palette.BLUE).image()


    def up(obs, key):
        return jnp.int32(1)


    def narrow(obs):
        return jnp.int32(1)


    def wide(obs, key):
        return jnp.zeros(3, jnp.int32)


    def looks(obs, key):
        return 1 if obs > 0 else 0


    def alone(obs, key):
        return jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct((), jnp.int32), jax.random.bits(key).astype(jnp.int32))


    def leaves(obs, key):
        raise SystemExit(3)
''')


@pytest.fixture(autouse=True)
def task(tmp_path, monkeypatch):
    """Register the task as local/Stairs, in this test alone."""
    (tmp_path / "stairs.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("_local", "_local_classes"):
        monkeypatch.setattr(lookup, name, {})
    import stairs

    lookup.register(stairs.Stairs)
    yield stairs
    del sys.modules["stairs"]


def run(*args):
    with pytest.raises(SystemExit) as stop:
        main(args)
    return stop.value.code


# -- render --------------------------------------------------------------------------------------------------------


def test_render_writes_a_film_of_a_random_policy(tmp_path, capsys):
    command = ["render", "local/Stairs", "--policy", "random", "--steps", "12", "--num-envs", "4", "--size", "32"]
    assert run(*command, "out.gif") in (0, None)
    assert capsys.readouterr().out.startswith("out.gif: 13 frames, ")
    with Image.open("out.gif") as image:
        assert image.n_frames == 13
        first = np.asarray(image.convert("RGB"))
    assert run(*command, "--seed", "0", "again.gif") in (0, None)
    assert (tmp_path / "again.gif").read_bytes() == (tmp_path / "out.gif").read_bytes()
    assert run(*command, "--seed", "1", "other.gif") in (0, None)
    assert (tmp_path / "other.gif").read_bytes() != (tmp_path / "out.gif").read_bytes()
    assert first.shape == (17 + 2 * (32 + 22), 2 * (32 + 5) + 5, 3)


def test_render_plays_a_policy_of_ones_own(task):
    from jaxenv.cli.render import record

    states, returns = record(task.Stairs(), None, task.up, steps=6, num_envs=1, seed=0)
    assert states.x[:, 0].tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert returns[:, 0].tolist() == [0, 1, 3, 6, 10, 0, 1]
    assert run("render", "local/Stairs", "--policy", "stairs:up", "--steps", "3", "--size", "16", "out.png") in (0, None)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--policy", "up", "out.gif"], "--policy is 'up', but 'random'"),
        (["--policy", "stairs:down", "out.gif"], "has no attribute 'down'"),
        (["out.doc"], "End the name in one of"),
        (["--policy", "stairs:narrow", "out.gif"], "it takes (obs), and is called with (observation, key): too many positional"),
        (["--policy", "stairs:wide", "out.gif"], "its result is int32[3], but a member of Discrete(2) was expected."),
        (["--policy", "stairs:looks", "out.gif"], "it failed when it was tried: TracerBoolConversionError"),
        (["--policy", "stairs:leaves", "out.gif"], "it failed when it was tried: SystemExit: 3"),
        (["--policy", "stairs:alone", "out.gif"], "it failed when it was tried: NotImplementedError: vmap is only supported"),
        (["--policy", "stairs:Stairs", "out.gif"], "stairs:Stairs', which cannot be used"),
        (["--policy", "stairs:jnp", "out.gif"], "it is module, which cannot be called"),
    ],
)
def test_render_says_what_is_wrong_before_it_plays(args, message, capsys, monkeypatch):
    monkeypatch.setattr("jaxenv.cli.render.record", None)
    assert run("render", "local/Stairs", "--steps", "2", "--size", "16", *args) == 2
    assert message in capsys.readouterr().err


# -- keys ----------------------------------------------------------------------------------------------------------


def keys_of(space, doc=""):
    """Return the controls of an environment that has this space and this docstring."""

    class Task:
        name = "Task"
        unwrapped = property(lambda self: self)
        __doc__ = doc

        def action_space(self, params):
            return space

    return controls(Task(), None)


def actions_doc(*meanings):
    rows = "\n".join(f"{i}       {meaning}" for i, meaning in enumerate(meanings))
    bar = "======  " + "=" * max(map(len, meanings))
    return f"A task.\n\n{bar}\nAction  Meaning\n{bar}\n{rows}\n{bar}\n"


def test_actions_are_named_by_the_docstring(task):
    assert action_names(task.Stairs) == ["one down", "one up"]
    assert action_names(int) == []


def test_directions_are_on_the_arrows_and_every_choice_on_a_digit():
    found = keys_of(spaces.Discrete(4), actions_doc("left", "one step down", "right", "up"))
    assert {key: int(action) for key, action in found.actions.items()} == {
        "left": 0, "down": 1, "right": 2, "up": 3, "0": 0, "1": 1, "2": 2, "3": 3,
    }  # fmt: skip
    assert ("← 0", "left") in found.legend


def test_space_fires_where_there_is_a_gun_and_else_waits():
    assert keys_of(spaces.Discrete(3), actions_doc("stay", "left", "fire")).actions["space"] == 2
    found = keys_of(spaces.Discrete(3), actions_doc("left", "stay", "right"))
    assert found.actions["space"] == found.idle == 1


def test_unnamed_choices_have_keys():
    assert keys_of(spaces.Discrete(2)).actions["right"] == 1
    assert keys_of(spaces.Discrete(3)).idle == 1
    many = keys_of(spaces.Discrete(11, start=5)).actions
    assert (many["0"], many["a"]) == (5, 15)


def test_two_players_share_the_keyboard():
    found = keys_of(spaces.MultiDiscrete((3, 3)), actions_doc("stay", "up", "down"))
    assert {key: action.tolist() for key, action in found.actions.items()} == {
        "space": [0, 0], "w": [1, 0], "s": [2, 0], "up": [0, 1], "down": [0, 2],
    }  # fmt: skip


def test_continuous_actions_go_to_a_bound_or_to_rest():
    found = keys_of(spaces.Box((-2.0, -np.inf), (1.0, np.inf), (2,)))
    assert {key: action.tolist() for key, action in found.actions.items()} == {
        "space": [0, 0], "left": [-2, 0], "right": [1, 0], "down": [0, -1], "up": [0, 1],
    }  # fmt: skip


def test_actions_without_keys_are_refused():
    with pytest.raises(NoControlsError, match="or watch it with jaxenv render"):
        keys_of(spaces.Tuple((spaces.Discrete(2), spaces.Discrete(2))))


# -- play ----------------------------------------------------------------------------------------------------------


class Person:
    """Somebody at a terminal, 40 columns by 30 lines, in which ``jaxenv play`` runs."""

    def __init__(self, *args):
        self.terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 40, 0, 0))
        self.settings = termios.tcgetattr(inside)
        script = f"import jaxenv, stairs; jaxenv.register(stairs.Stairs); from jaxenv.cli import main; main({['play', *args]!r})"
        env = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", JAX_PLATFORMS="cpu")
        self.process = subprocess.Popen([sys.executable, "-c", script], stdin=inside, stdout=inside, stderr=inside, env=env)
        self.inside, self.screen = inside, ""

    def sees(self, text, seconds=60.0):
        """Read until ``text`` is on the screen; colours and cursor movements apart."""
        end = time.monotonic() + seconds
        while text not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.screen):
            assert time.monotonic() < end, f"{text!r} did not appear in {self.screen[-2000:]!r}"
            if select.select([self.terminal], [], [], 0.5)[0]:
                self.screen += os.read(self.terminal, 65536).decode("utf-8", "ignore")

    def presses(self, keys):
        self.screen = ""
        os.write(self.terminal, keys)

    def leaves(self, expected=0):
        """Wait for the end, and check that the terminal is as it was."""
        assert self.process.wait(60) == expected
        while select.select([self.terminal], [], [], 0.2)[0]:
            self.screen += os.read(self.terminal, 65536).decode("utf-8", "ignore")
        assert "\x1b[?1049l" in self.screen
        assert termios.tcgetattr(self.inside) == self.settings

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.inside)


@pytest.fixture
def sit_down():
    people = []

    def start(*args):
        people.append(Person(*args))
        return people[-1]

    yield start
    for person in people:
        person.close()


def test_a_person_plays_an_episode(sit_down):
    person = sit_down("local/Stairs", "--seed", "3")
    person.sees("step 0  reward 0  return 0")
    assert "▀" in person.screen
    assert "38;2;0;114;178" in person.screen
    assert "[↑ 1] one up" in person.screen
    person.presses(b"\x1b[A")
    person.sees("step 1  reward 1  return 1")
    person.presses(b"0")
    person.sees("step 2  reward 0  return 1")
    person.presses(b"z\x1b[A\x1bOA11")
    person.sees("step 6  reward 4  return 11")
    person.presses(b"1")
    person.sees("the episode is over: press a key")
    assert "step 7  reward 5  return 16" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", person.screen)
    person.presses(b" ")
    person.sees("step 0  reward 0  return 0")
    person.presses(b"1")
    person.sees("step 1  reward 1  return 1")
    person.presses(b"q")
    person.leaves()
    assert "1 episode ended; return of the last one: 16" in " ".join(person.screen.split())  # not that of the one under way


def test_an_episode_that_did_not_end_is_not_counted(sit_down):
    person = sit_down("local/Stairs")
    person.sees("step 0  reward 0  return 0")
    person.presses(b"1q")
    person.leaves()
    assert person.screen.rstrip().endswith("local/Stairs: 0 episodes ended")


def test_real_time_goes_on_by_itself_and_gives_the_terminal_back_when_killed(sit_down):
    person = sit_down("local/Stairs", "--fps", "50")
    person.sees("step 3  reward -3")
    person.process.send_signal(signal.SIGTERM)
    person.leaves(128 + signal.SIGTERM)


def test_play_needs_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run("play", "local/Stairs") == 2
    assert "reads single keys, but standard input is no Unix terminal" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert run("play", "local/Stairs") == 2
    assert "draws on the screen, but standard output is no Unix terminal" in capsys.readouterr().err


def test_what_cannot_be_drawn_is_refused_before_the_game(task, monkeypatch):
    monkeypatch.setattr(task.Stairs, "render", Environment.render)
    with pytest.raises(RenderNotSupportedError):
        Game("title", task.Stairs(), None, 0)


def test_play_and_render_take_settings(monkeypatch):
    seen = []
    monkeypatch.setattr("jaxenv.cli.render.record", lambda env, params, act, **sizes: seen.append(params) or 1 / 0)
    assert run("render", "local/Stairs", "out.gif", "--set", "max_steps_in_episode=7") == 2
    monkeypatch.setattr("jaxenv.cli.game.Game.__init__", lambda self, title, env, params, seed: seen.append(params) or 1 / 0)
    monkeypatch.setattr("jaxenv.cli.play.console", lambda: SimpleNamespace(is_terminal=True))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert run("play", "local/Stairs", "--set", "max_steps_in_episode=7") == 2
    assert [params.max_steps_in_episode for params in seen] == [7, 7]
