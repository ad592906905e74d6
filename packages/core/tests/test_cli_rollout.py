"""``jaxenv rollout``: the statistics, the table and the options."""

import json
import sys

import jaxenv
import pytest
from jaxenv.cli.options import setting
from jaxenv.cli.rollout import _pieces

pytestmark = pytest.mark.usefixtures("mill_plugins", "unoptimized")


class TestRollout:
    ARGS = "rollout", "Mill-v0", "--num-envs", "16", "--num-steps", "250", "--seed", "3"

    def test_gives_exactly_what_the_function_gives(self, jaxenv_command):
        code, out, _ = jaxenv_command(*self.ARGS, "--json", "--set", "wind=2", "--set", "height=4", "--unroll", "2")
        assert code == 0
        report = json.loads(out)
        env, params = jaxenv.make("Mill-v0", wind=2.0, height=4)
        key = jaxenv.random.key(3)
        expected = jaxenv.rollout(env, params, None, key, num_envs=16, num_steps=250).statistics
        assert report["episodes"] == int(expected.episodes) > 100
        for name in ("return_mean", "return_sem", "return_std", "return_min", "return_max", "length_mean"):
            assert report[name] == pytest.approx(float(getattr(expected, name)), rel=1e-6)
        assert report["overrides"] == {"wind": 2, "height": 4}
        assert min(report[name] for name in ("compile_seconds", "run_seconds", "steps_per_second")) > 0

    def test_prints_the_table(self, jaxenv_command):
        code, out, _ = jaxenv_command(*self.ARGS, "--prng", "jaxenv")
        assert code == 0
        assert "dutch/Mill-v0 · random actions · seed 3 · jaxenv keys" in out
        lines = {line.split("  ")[0]: line for line in out.splitlines()}
        assert "(standard error)" in lines["mean return"]
        assert "16 environments x 250 steps" in lines["steps"]
        assert "steps a second" in lines["speed"]
        assert "not counted above" in lines["compilation"]

    def test_no_episode_ended(self, jaxenv_command):
        args = "rollout", "Plain-v0", "--num-envs", "1", "--num-steps", "1", "--seed", "2", "--prng", "threefry2x32"
        code, out, _ = jaxenv_command(*args)
        assert code == 0
        assert "none ended: play more steps with --num-steps" in out
        report = json.loads(jaxenv_command(*args, "--json")[1])
        assert (report["episodes"], report["return_mean"], report["return_min"]) == (0, None, None)

    @pytest.mark.parametrize(
        ("args", "fragment"),
        [
            (("--set", "wind"), "--set is 'wind', but NAME=VALUE was expected."),
            (("--set", "wnd=1"), "Did you mean wind?"),
            (("--set", "wind=strong"), "wind is str 'strong', but a param of type float was expected."),
            (("--devices", "0"), "--devices is '0', but all, or a number from 1 to "),
            (("--devices", "few"), "--devices is 'few', but all, or a number from 1 to "),
            (("--prng", "dice"), "--prng is 'dice', but one of jaxenv, threefry2x32, rbg, unsafe_rbg was expected."),
        ],
    )
    def test_wrong_options_are_one_sentence(self, jaxenv_command, args, fragment):
        code, out, err = jaxenv_command("rollout", "Mill-v0", *args)
        assert (code, out) == (2, "")
        assert fragment in err
        assert err.count("\n") == 1

    def test_a_data_set_needs_minari(self, jaxenv_command, monkeypatch):
        monkeypatch.delitem(sys.modules, "jaxenv.adapters.minari", raising=False)
        monkeypatch.setitem(sys.modules, "minari", None)
        code, out, err = jaxenv_command("rollout", "Mill-v0", "--minari", "mill-v0")
        assert (code, out) == (2, "")
        assert "writing Minari data sets needs minari[hdf5], which is not installed. Run: pip install 'jaxenv-core[minari]'" in err

    @pytest.mark.parametrize("option", ["--num-envs", "--num-steps", "--unroll"])
    def test_sizes_must_be_positive(self, jaxenv_command, option):
        assert jaxenv_command("rollout", "Mill-v0", option, "0")[0] == 2

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a=1", 1),
            ("a=1.5", 1.5),
            ("a=true", True),
            ("a=False", False),
            ("a=None", None),
            ("a=x=y", "x=y"),
            ('a="1"', "1"),
            ("a=[1, [2]]", (1, (2,))),
            ("a=", ""),
        ],
    )
    def test_settings_are_read(self, text, value):
        assert setting(text) == ("a", value)

    @pytest.mark.parametrize("num_steps", [1, 7, 99, 100, 250, 997, 1000, 2000, 2001, 12345, 10**6])
    @pytest.mark.parametrize("unroll", [1, 4, 7])
    def test_pieces_are_few_and_complete(self, num_steps, unroll):
        pieces = _pieces(num_steps, unroll)
        assert sum(pieces) == num_steps
        assert len(pieces) <= 21
        assert len(set(pieces)) <= 2
        assert all(piece % unroll == 0 for piece in pieces[:-1])
        if unroll == 1 and num_steps % 1000 == 0:
            assert len(set(pieces)) == 1
