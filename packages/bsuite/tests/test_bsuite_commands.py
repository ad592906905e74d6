"""``jaxenv bsuite`` as a user types it."""

import json

import pytest
from jaxenv.cli import main
from jaxenv_bsuite import logs, runner

pytestmark = pytest.mark.usefixtures("unoptimized")


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["bsuite", *map(str, arguments)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_run_and_score(tmp_path, capsys):
    run = [
        "run",
        "--agent",
        "random",
        "--ids",
        "catch/0, deep_sea/1,bandit_noise/2",
        "--episodes",
        20,
        "--save-path",
        tmp_path / "a",
    ]
    code, out, _ = command(capsys, *run)
    assert code == 0
    assert f"3 ids are finished in {tmp_path / 'a'}" in out.replace("\n", "")
    assert set(logs.read(tmp_path / "a")) == {"catch/0", "deep_sea/1", "bandit_noise/2"}
    code, out, err = command(capsys, "score", tmp_path / "a")
    assert code == 0
    for word in ("bandit_noise", "catch", "deep_sea", "credit_assignment", "exploration", "noise", "no"):
        assert word in out
    for name in ("radar.png", "bars.png"):
        assert (tmp_path / "a" / name).read_bytes().startswith(b"\x89PNG")
        assert name in err.replace("\n", "")


def test_score_as_json_of_two_agents(tmp_path, capsys):
    for seed in (0, 1):
        command(capsys, "run", "--ids", "mnist/0", "--episodes", 20, "--seed", seed, "--save-path", tmp_path / str(seed))
    code, out, _ = command(capsys, "score", tmp_path / "0", tmp_path / "1", "--json", "--plot-path", tmp_path / "plots")
    assert code == 0
    first, second = json.loads(out).values()
    assert first["experiments"][0]["experiment"] == "mnist"
    assert first["experiments"][0]["score"] is None
    assert not second["experiments"][0]["finished"]
    assert (tmp_path / "plots" / "radar.png").is_file()


def test_digits_are_named_beside_their_scores(tmp_path, capsys):
    command(capsys, "run", "--ids", "mnist/0", "--episodes", 20, "--mnist-source", "digits", "--save-path", tmp_path)
    assert "not comparable" in command(capsys, "score", tmp_path, "--no-plots")[1]
    assert not (tmp_path / "radar.png").exists()


def test_mnist_dir(tmp_path, capsys, mnist_dir, monkeypatch):
    monkeypatch.delenv("JAXENV_MNIST_DIR")
    run = ["run", "--ids", "mnist/0", "--episodes", 20, "--save-path", tmp_path]
    code, _, err = command(capsys, *run)
    assert (code, "Put train-images-idx3-ubyte" in err) == (2, True)
    assert command(capsys, *run, "--mnist-dir", mnist_dir, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ids", "katch"], "did you mean catch"),
        (["--ids", "catch/0", "--agent", "nobody"], "not of the form module:object"),
    ],
)
def test_mistakes_are_told(arguments, message, tmp_path, capsys):
    code, _, err = command(capsys, "run", "--save-path", tmp_path, *arguments)
    assert code == 2
    assert message in err
    (tmp_path / "file").write_text("")
    code, _, err = command(capsys, "score", tmp_path, "--plot-path", tmp_path / "file")
    assert (code, "--plot-path is" in err, "a directory was expected" in err) == (2, True, True)
    code, _, err = command(capsys, "score", tmp_path / "none")
    assert (code, "is not a directory" in err) == (2, True)


def test_another_seed_needs_another_directory_or_overwrite(tmp_path, capsys):
    run = ["run", "--ids", "bandit/0", "--episodes", 20, "--save-path", tmp_path]
    assert command(capsys, *run)[0] == 0
    code, _, err = command(capsys, *run, "--seed", 1)
    assert (code, "--overwrite" in err) == (2, True)
    assert command(capsys, *run, "--seed", 1, "--overwrite")[0] == 0


def test_ctrl_c_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_play", interrupted)
    code, _, err = command(capsys, "run", "--ids", "bandit/0", "--save-path", tmp_path)
    assert code == 130
    assert "the same command goes on from there" in err
    monkeypatch.undo()
    assert command(capsys, "run", "--ids", "bandit/0", "--save-path", tmp_path)[0] == 0
    assert logs.read(tmp_path)["bandit/0"]["episode"][-1] == 10_000


def test_the_progress_bar_shows_every_batch(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    _, _, err = command(capsys, "run", "--ids", "bandit,memory_size/0", "--episodes", 20, "--save-path", tmp_path)
    assert "bandit (20 ids)" in err
    assert "400/400" in err
    assert "memory_size/0" in err


def test_without_matplotlib_scores_come_without_plots(tmp_path, capsys, monkeypatch):
    command(capsys, "run", "--ids", "bandit/0", "--episodes", 20, "--save-path", tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    code, out, err = command(capsys, "score", tmp_path)
    assert code == 0
    assert "bandit" in out
    assert "jaxenv-bsuite[plots]" in err.replace("\n", "")
