"""The Visualizer: what it draws, what it writes, what it refuses."""

import base64
import builtins
import io
import json
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, Params, State, Transition, spaces
from jaxenv.errors import CumRewardsError, EncoderMissingError, PictureFormatError, RenderNotSupportedError, StateSequenceError
from jaxenv.visualize import Canvas, Visualizer, palette
from jaxenv.wrappers import RecordEpisodeStatistics, Vectorize
from PIL import Image

pytestmark = pytest.mark.usefixtures("unoptimized")

SIZE = 40


@struct.dataclass
class WalkParams(Params):
    max_steps_in_episode: Any = struct.field(default=50, kw_only=True)
    wide: Any = 10.0


@struct.dataclass
class WalkState(State):
    x: Any
    key: Any


class Walk(Environment[WalkState, WalkParams]):
    """A disc walks to the right; the state holds a random key, which NumPy cannot."""

    @property
    def default_params(self):
        return WalkParams()

    def init(self, key, params):
        return WalkState(x=jax.random.uniform(key), key=key)

    def transition(self, key, state, action, params):
        return Transition(state.replace(x=state.x + action.astype(jnp.float32)), 0.5, state.x > params.wide)

    def observe(self, state, params):
        return state.x

    def action_space(self, params):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(-jnp.inf, jnp.inf, ())

    def render(self, state, params, size=256):
        return Canvas(size, (0.0, 0.0, 10.0, 10.0), palette.PAPER).circle((state.x, 5.0), 1.5, palette.BLUE).image()


class Blind(Walk):
    """Cannot be drawn."""

    render = Environment.render


ENV = Walk()
PARAMS = ENV.default_params


@pytest.fixture(scope="module")
def episode():
    """Eight states and the returns after each step, collected as a user would."""
    _, state = ENV.reset(jax.random.key(0), PARAMS)
    states, rewards = [], []
    for i in range(8):
        states.append(state)
        _, state, reward, _, _ = ENV.step(jax.random.key(i), state, 1, PARAMS)
        rewards.append(reward)
    return states, jnp.cumsum(jnp.array(rewards))


@pytest.fixture(scope="module")
def film(episode):
    return Visualizer(ENV, PARAMS, *episode, size=SIZE)


def batched(states, count):
    """Put ``count`` copies of each state side by side."""
    return [jax.tree.map(lambda leaf: jnp.stack([leaf] * count), state) for state in states]


def frames_of(path):
    with Image.open(path) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            yield np.asarray(image.convert("RGB"))


def test_it_is_the_sequence_of_its_frames(film, episode):
    assert len(film) == len(list(film)) == 8
    height, width, _ = film[0].shape
    assert film[0].dtype == np.uint8
    picture = np.asarray(ENV.render(episode[0][0], PARAMS, SIZE))
    np.testing.assert_array_equal(film[0][height - SIZE - 5 : height - 5, 5 : width - 5], picture)
    np.testing.assert_array_equal(film[-1], film[7])
    assert len(film[2:5]) == 3
    with pytest.raises(IndexError):
        film[8]


def test_frames_follow_the_states(film):
    assert len({frame.tobytes() for frame in film}) == 8


def test_a_list_and_a_stacked_state_are_the_same(film, episode):
    states, returns = episode
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    for other in (stacked, tuple(states)):
        np.testing.assert_array_equal(Visualizer(ENV, None, other, list(returns), size=SIZE)[3], film[3])


def test_one_state_is_one_frame(episode):
    assert len(Visualizer(ENV, PARAMS, episode[0][0], size=SIZE)) == 1


def test_step_and_return_stand_above_the_picture(film, episode):
    assert film._caption(3, 0) == "step 3  return 2"
    assert film._caption(2, 0) == "step 2  return 1.5"
    assert Visualizer(ENV, PARAMS, episode[0])._caption(3, 0) == "step 3"


def test_one_return_fewer_than_states_begins_at_zero(episode):
    film = Visualizer(ENV, PARAMS, episode[0], episode[1][:-1])
    assert [film._caption(i, 0) for i in (0, 1)] == ["step 0  return 0", "step 1  return 0.5"]


@pytest.mark.parametrize(("count", "columns", "rows"), [(2, 2, 1), (5, 3, 2)])
def test_batched_states_stand_side_by_side(episode, film, count, columns, rows):
    batch = Visualizer(ENV, PARAMS, batched(episode[0], count), size=SIZE)
    height, width, _ = batch[0].shape
    assert width == columns * (SIZE + 5) + 5
    tile = film[0].shape[0] - 17
    assert height == 17 + rows * tile
    left, right = (batch[4][tile + 12 - SIZE : tile + 12, x : x + SIZE] for x in (5, 10 + SIZE))
    np.testing.assert_array_equal(left, right)


def test_a_large_batch_gets_small_pictures(episode):
    assert Visualizer(ENV, PARAMS, batched(episode[0][:1], 4)).size == 256
    assert Visualizer(ENV, PARAMS, batched(episode[0][:1], 100)).size == 76


def test_wrapped_environments_are_drawn(episode):
    env = RecordEpisodeStatistics(ENV)
    _, state = env.reset(jax.random.key(0), None)
    np.testing.assert_array_equal(Visualizer(env, None, [state], size=SIZE)[0], Visualizer(ENV, None, episode[0][:1], size=SIZE)[0])


def test_a_gif_holds_every_frame(film, tmp_path):
    path = film.animate(tmp_path / "anim.gif", fps=25)
    frames = list(frames_of(path))
    assert len(frames) == 8
    for drawn, read in zip(film, frames, strict=True):
        assert np.abs(drawn.astype(int) - read).max() <= 12
    with Image.open(path) as image:
        assert image.info["duration"] == 40
        assert image.info["loop"] == 0


def test_a_gif_plays_no_faster_than_viewers_can(film, tmp_path):
    with Image.open(film.animate(tmp_path / "anim.gif", fps=1000)) as image:
        assert image.info["duration"] == 20


def test_a_gif_with_many_colors_keeps_the_paint(tmp_path):
    from jaxenv.visualize import encode

    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    noise[:, :32] = palette.VERMILION
    encode.write(tmp_path / "noise.gif", list(noise), 10, "noise")
    assert (next(frames_of(tmp_path / "noise.gif"))[:32] == palette.VERMILION).all()


def test_a_png_is_the_last_frame(film, tmp_path):
    (frame,) = frames_of(film.animate(str(tmp_path / "last.png")))
    np.testing.assert_array_equal(frame, film[-1])


def test_html_is_one_file_with_every_frame(film, tmp_path):
    page = film.animate(tmp_path / "anim.html", fps=12.5).read_text()
    assert "http" not in page
    assert "__" not in page
    assert "fps = 12.5" in page
    for control in ("play", "scrub", "speed"):
        assert f'id="{control}"' in page
    frames = json.loads(re.search(r"const frames = (\[.*?\])", page)[1])
    assert len(frames) == 8
    (first,) = frames_of(io.BytesIO(base64.b64decode(frames[0])))
    assert np.abs(first.astype(int) - film[0]).max() <= 12


def test_a_notebook_shows_the_player(film):
    assert film._repr_html_().startswith("<iframe srcdoc=")


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_mp4_is_written_where_a_writer_is_installed(film, tmp_path):
    pytest.importorskip("imageio")
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = film.animate(tmp_path / "anim.mp4", fps=10)
    assert ffmpeg.count_frames_and_secs(str(path)) == (8, 0.8)


@pytest.mark.parametrize(
    ("suffix", "missing", "advice"),
    [
        ("gif", "PIL", "pip install 'jaxenv-core[visualize]'"),
        ("html", "PIL", "pip install 'jaxenv-core[visualize]'"),
        ("mp4", "imageio", "pip install 'jaxenv-core[visualize]'"),
        ("mp4", "imageio_ffmpeg", "pip install 'jaxenv-core[mp4]'"),
    ],
)
def test_a_missing_package_is_named(film, tmp_path, monkeypatch, suffix, missing, advice):
    import importlib

    real = importlib.import_module

    def refuse(name, *args):
        if name.split(".")[0] == missing:
            raise ModuleNotFoundError(name)
        if name.split(".")[0] in ("imageio", "imageio_ffmpeg"):
            return builtins
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(EncoderMissingError) as error:
        film.animate(tmp_path / f"anim.{suffix}")
    assert str(error.value).endswith(f"Run: {advice}")
    assert isinstance(error.value, ImportError)


def test_an_unknown_format_is_refused(film, tmp_path):
    with pytest.raises(PictureFormatError, match=r"End the name in one of \.gif, \.mp4, \.html, \.png\.$"):
        film.animate(tmp_path / "anim.bmp")


def test_nothing_to_draw_is_refused():
    with pytest.raises(StateSequenceError, match="Pass at least one state"):
        Visualizer(ENV, PARAMS, [])


def test_too_many_axes_are_refused(episode):
    with pytest.raises(StateSequenceError, match="3 leading axes"):
        Visualizer(ENV, PARAMS, batched(batched(episode[0], 2), 2))


def test_returns_that_do_not_match_are_refused(episode):
    with pytest.raises(CumRewardsError, match=r"shape \(5, 1\), but \(8, 1\) was expected"):
        Visualizer(ENV, PARAMS, episode[0], np.zeros(5))


def test_an_environment_without_a_drawing_is_refused(episode):
    with pytest.raises(RenderNotSupportedError, match="Define it on the class"):
        Visualizer(Blind(), PARAMS, episode[0])[0]


BATCH = Vectorize(RecordEpisodeStatistics(ENV), 3)


@pytest.fixture(scope="module")
def states():
    """Three states of three environments."""
    key_reset, key_steps = jax.random.split(jax.random.key(0))
    states = [BATCH.reset(key_reset)[1]]
    for key in jax.random.split(key_steps, 2):
        states.append(BATCH.step(key, states[-1], jnp.ones(3, jnp.int32))[1])
    return states


class TestVectorized:
    """The environments of a ``Vectorize`` stand side by side."""

    def test_a_list_of_states_is_a_film_of_all_lanes(self, states):
        film = Visualizer(BATCH, None, states, [[0.0] * 3, [0.5] * 3, [1.0] * 3], size=SIZE)
        assert (len(film), film.num_envs, film.columns) == (3, 3, 2)
        alone = Visualizer(BATCH.env, PARAMS, states, [[0.0] * 3, [0.5] * 3, [1.0] * 3], size=SIZE)
        for mine, theirs in zip(film, alone, strict=True):
            np.testing.assert_array_equal(mine, theirs)

    def test_one_state_is_one_frame(self, states):
        film = Visualizer(BATCH, PARAMS, states[1], size=SIZE)
        assert (len(film), film.num_envs) == (1, 3)
        np.testing.assert_array_equal(film[0], Visualizer(BATCH, PARAMS, states, size=SIZE)[1])

    def test_states_stacked_over_time_are_a_film(self, states):
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
        assert len(Visualizer(BATCH, PARAMS, stacked, size=SIZE)) == 3

    def test_it_is_written(self, states, tmp_path):
        path = Visualizer(BATCH, None, states, size=SIZE).animate(tmp_path / "batch.gif")
        assert len(list(frames_of(path))) == 3
