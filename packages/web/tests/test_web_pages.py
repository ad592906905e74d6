"""What pages hold, what they lack and why, and the command that writes them."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxenv
import numpy as np
import pytest
from flax import struct
from jaxenv import Environment, Params, State, Transition, ranges, spaces
from jaxenv.cli import main
from jaxenv.errors import JaxenvError
from jaxenv.testing import enable_x64
from jaxenv.visualize import Canvas
from jaxenv_web import gallery, pages
from jaxenv_web.errors import NothingToWriteError, NotWritableError, OutputFolderError, PageSizeError
from jaxenv_web.programs import Programs, values

pytestmark = pytest.mark.usefixtures("unoptimized")

NODE = shutil.which("node")


@struct.dataclass
class DotParams(Params):
    """Numbers of three kinds."""

    speed: float = ranges.number(0.25, above=0, at_most=2)
    """How far a step goes, in cells."""
    bounce: bool = True
    """Whether </script> walls throw the dot back."""
    weights: jax.Array | tuple = (1.0, 2.0)
    """Not a single number."""


@struct.dataclass
class DotState(State):
    """Where the dot is."""

    at: jax.Array
    """x and y, float32[2]."""
    seen: dict
    """A tree in a state."""


class Dot(Environment[DotState, DotParams]):
    """Move a dot; actions have parts."""

    sorts: bool = False
    draws: str = "dot"

    @property
    def default_params(self):
        return DotParams(max_steps_in_episode=10)

    def init(self, key, params):
        words = jaxenv.random.words(key, 2)
        return DotState(at=jnp.stack([jaxenv.random.uniform(word) for word in words]), seen={"edge": jnp.bool_(False)})

    def transition(self, key, state, action, params):
        move = jnp.where(action["far"], 2.0, 1.0) * params.speed * (action["way"].astype(jnp.float32) - 1.0)
        at = state.at + jnp.stack([move, jnp.float32(0.0)])
        at = jnp.sort(at) if self.sorts else at
        edge = jnp.abs(at[0]) > 2.0
        return Transition(state.replace(at=at, seen={"edge": edge}), at[0], edge & ~params.bounce)

    def observe(self, state, params):
        return {"at": state.at, "edge": state.seen["edge"]}

    def action_space(self, params):
        return spaces.Dict({"far": spaces.Discrete(2), "way": spaces.Discrete(3)})

    def observation_space(self, params):
        return spaces.Dict({"at": spaces.Box(-np.inf, np.inf, (2,)), "edge": spaces.Box(0, 1, (), bool)})

    def render(self, state, params, size=256):
        if self.draws == "nothing":
            return super().render(state, params, size)
        if self.draws == "pixels":
            return jnp.zeros((16, 16, 3), jnp.uint8)
        canvas = Canvas(size, (-2.0, -2.0, 2.0, 2.0))
        canvas = canvas.curve(lambda x: x * state.at[0], (1, 2, 3), width=0.1).below(jnp.sin, (9, 9, 9))
        canvas = canvas.polyline(np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]), (0, 0, 200))
        return canvas.circle((state.at[0], state.at[1]), 0.2, (200, 0, 0)).text("dot?", (0.0, -1.5), (0, 0, 0), height=0.3).image()


@pytest.fixture(scope="module", autouse=True)
def registered():
    with contextlib.suppress(JaxenvError):  # by another run in this process
        jaxenv.register(Dot)


def made(**changes):
    spec = jaxenv.spec("local/Dot")
    env, params = jaxenv.make(spec, **changes)
    return spec, env, params


def info(text):
    line = next(line for line in text.splitlines() if line.startswith("const INFO = "))
    return json.loads(line.removeprefix("const INFO = ").removesuffix(";"))


def test_a_page_is_one_file_without_a_network():
    page = pages.page(*made())
    assert page.playable
    assert page.notes == ()
    assert len(page.text.encode()) < pages.MOST_BYTES
    assert not re.search(r"""(src|href)=["']|https?:|import\s*\(|fetch\(""", page.text)
    assert page.text.count("</script>") == 1


def test_pages_and_the_index_share_one_head(tmp_path):
    texts = pages.page(*made()).text, pages.film(*made(), "a test").text, gallery.index(tmp_path)
    for text in texts:
        head, _, body = text.partition("</style>\n")
        assert head.startswith('<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n')
        assert head.count("<title>") == head.count('name="viewport"') == 1
        assert "<title>" not in body
        assert body.endswith("</html>\n")
        assert "$" not in head + body.partition("<script>")[0]


def test_a_page_has_params_with_their_meaning_and_range():
    found = info(pages.page(*made()).text)
    limit, speed, bounce = found["fields"]
    assert speed == {
        "path": "speed", "label": "speed", "kind": "number", "meaning": "How far a step goes, in cells.", "above": 0, "most": 2,
        "range": "above 0 and at most 2", "slider": [0.0, 2.0],
    }  # fmt: skip
    assert (limit["kind"], limit["least"], bounce["kind"]) == ("integer", 1, "flag")
    assert found["params"] == {"max_steps_in_episode": 10, "speed": 0.25, "bounce": True, "weights.0": 1.0, "weights.1": 2.0}
    assert found["players"] == ["random"]
    assert found["controls"]["reason"].endswith("for which jaxenv play has no keys.")


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_trees_of_actions_states_and_observations(tmp_path):
    spec, env, params = made()
    programs = Programs(env, params)
    key = jaxenv.random.key(4)
    obs, state = env.reset(key, params)
    action = {"far": jnp.int32(1), "way": jnp.int32(2)}
    after_obs, after, reward, *_ = env.step(key, state, action, params)
    call = f"const p = {json.dumps(values(params))}, s = {json.dumps(values(state))}, k = {json.dumps(values(key))};"
    call += f"const out = step(k, s, {json.dumps(values(action))}, p);"
    call += "console.log(JSON.stringify([out.state, out.reward, observe(out.state, p), Object.keys(sample(k)), reset(k, p)]));"
    file = tmp_path / "dot.js"
    file.write_text(pages.arithmetic(programs.source()) + programs.source() + call)
    found = json.loads(subprocess.run([NODE, file], check=True, capture_output=True, text=True, timeout=60).stdout)
    for mine, expected in zip([found[0], found[2], found[4]], map(values, (after, after_obs, state)), strict=True):
        assert mine.keys() == expected.keys()
        for name, value in expected.items():
            assert mine[name] == pytest.approx(value)
    assert found[1] == pytest.approx(float(reward))
    assert found[3] == ["far", "way"]


def test_a_page_is_the_same_where_jax_has_64_bit_types():
    expected = pages.page(*made()).text
    with enable_x64(True):
        assert pages.page(*made()).text == expected


def test_a_step_that_sorts_gets_the_reason_and_a_film():
    pytest.importorskip("imageio")
    page = pages.page(*made(sorts=True))
    assert not page.playable
    assert page.notes == ("This environment can't be played in a page: the step has the operation sort.",)
    assert 'src="data:image/gif;base64,' in page.text
    assert "the operation sort" in page.text


def test_an_environment_that_draws_nothing_is_played_without_a_picture():
    page = pages.page(*made(draws="nothing"))
    assert page.playable
    assert page.notes == ("The environment has no picture.",)
    assert not info(page.text)["picture"]


def test_a_picture_that_is_not_made_of_shapes_is_left_out():
    page = pages.page(*made(draws="pixels"))
    assert page.playable
    assert page.notes == ("There is no picture: the picture has no canvases, where one was expected.",)


def test_a_film_without_a_picture_has_both_reasons():
    page = pages.page(*made(sorts=True, draws="nothing"))
    assert "There is no film of it, either: " in page.notes[0]


def test_a_large_table_is_refused():
    spec, env, params = made()
    with pytest.raises(NotWritableError, match=r"the param weights has 5,000 numbers, where at most 4,096 fit"):
        pages.playable(spec, env, params.replace(weights=jnp.zeros(5000)))


def test_a_page_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(pages, "MOST_BYTES", 1000)
    with pytest.raises(PageSizeError, match=r"The page of Dot has [\d,]+ bytes, but at most 1,000 were expected. Choose a smaller"):
        pages.playable(*made())


def test_a_policy_that_can_not_be_written_leaves_the_page_without_an_agent():
    def policy(obs, key):
        way = jnp.sort(obs["at"])[0] > 0
        return {"far": jnp.int32(0), "way": way.astype(jnp.int32)}

    page = pages.page(*made(), jaxenv.registry.LoadedPolicy(policy))
    assert page.notes == ("There is no agent: the agent has the operation sort.",)
    assert info(page.text)["players"] == ["random"]


def test_helpers_that_nothing_calls_are_left_out():
    assert "threefry" not in pages.page(*made()).text
    assert "const f = " in pages.arithmetic("f(x)")
    assert "erfInv" not in pages.arithmetic("f(x)")
    assert "floats = new Float32Array" in pages.arithmetic("floatOf(x)")
    assert "const integerPower" in pages.arithmetic("integerPower(x, 3)")


def test_methods_of_the_canvas_that_nothing_calls_are_left_out():
    text = pages.page(*made()).text
    assert "\nbelow(xs, ys" in text
    assert "\npolygon(xs, ys" not in text


def command(*words):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    return stopped.value.code


def test_the_command_writes_pages_and_an_index(tmp_path, capsys):
    folder = tmp_path / "new" / "pages"
    assert command("web", "local/Dot", folder) == 0
    out = capsys.readouterr().out
    assert re.search(r"local-Dot\.html: [\d,]+ bytes", out)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "local-Dot.html"]
    assert 'src="local-Dot.html#tile"' in (folder / "index.html").read_text()
    (folder / "other.html").write_text("<p>Not a page of an environment.</p>")
    assert "other" not in gallery.index(folder)


def test_the_command_takes_settings_and_policies(tmp_path, capsys):
    assert command("web", "local/Dot", tmp_path, "--set", "speed=0.5", "--policy", "random") == 0
    assert info((tmp_path / "local-Dot.html").read_text())["params"]["speed"] == 0.5
    capsys.readouterr()
    assert command("web", "local/Dot", tmp_path, "--policy", "nowhere:policy") == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_command_explains_what_is_missing(tmp_path, capsys):
    assert command("web", tmp_path) == 2
    assert "has the folder" in capsys.readouterr().err.replace("\n", " ")
    file = tmp_path / "file"
    file.write_text("")
    assert command("web", "local/Dot", file) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "Pages can't be written to" in err
    assert err.endswith("it is not a folder. Choose another folder.")


@pytest.mark.parametrize("ids", [["local/Dot"], ["local/Dot", "local/Dot"]])
def test_an_id_in_the_place_of_the_folder_is_refused(tmp_path, capsys, monkeypatch, ids):
    monkeypatch.chdir(tmp_path)
    assert command("web", *ids) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert "local/Dot is an environment, but the last argument of jaxenv web is a folder." in err
    assert f"Add one: jaxenv web {' '.join(ids)} pages." in err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("last", ["local/Dott", "dot", "Dot-v2", "local/pages"])
def test_what_looks_like_an_id_in_the_place_of_the_folder_is_refused(tmp_path, capsys, monkeypatch, last):
    monkeypatch.chdir(tmp_path)
    assert command("web", "local/Dot", last) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert f"The last argument of jaxenv web is a folder, but {last} looks like an id. No environment has the id" in err
    assert err.endswith(f"For a folder of that name, write ./{last}.")
    assert not any(tmp_path.iterdir())
    assert command("web", "local/Dot", f"./{last}") == 0
    assert (tmp_path / last / "index.html").exists()


def test_messages_end_in_an_action():
    assert str(NothingToWriteError("out")) == (
        "jaxenv web has the folder out but no ids. Name environments before the folder: jaxenv web CartPole-v1 out."
    )
    assert str(OutputFolderError(Path("out"), "Permission denied")) == (
        "Pages can't be written to out: Permission denied. Choose another folder."
    )


def test_importing_the_package_and_its_plugin_imports_no_jax():
    modules = "jaxenv_web, jaxenv_web.plugin, jaxenv_web.command"
    code = f"import sys, {modules}; print([name for name in ('jax', 'flax', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
