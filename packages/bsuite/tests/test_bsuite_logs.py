import numpy as np
import pytest
from jaxenv_bsuite import logs


def test_logged_episodes():
    assert logs.logged_episodes(12) == (*range(1, 11), 12)
    assert logs.logged_episodes(1000)[-5:] == (600, 700, 800, 900, 1000)
    assert (len(logs.logged_episodes(1000)), len(logs.logged_episodes(10_000))) == (36, 49)


def test_logged_episodes_are_the_references(tmp_path, reference):
    """The reference's own logging, driven through 150 episodes."""
    import contextlib
    import io

    import bsuite

    with contextlib.redirect_stdout(io.StringIO()):
        env = bsuite.load_and_record_to_csv("bandit/0", str(tmp_path))
        for _ in range(150):
            env.reset()
            env.step(0)
    log = logs.read(tmp_path)["bandit/0"]
    assert tuple(log["episode"].astype(int)) == logs.logged_episodes(150)
    assert tuple(log) == (*logs.BASE_COLUMNS, "total_regret")


def test_what_is_written_is_read_by_both(tmp_path, reference):
    rows = [[9, 1, -1.0, 9, -1.0, 2.0], [18, 2, 0.1, 9, 1.0, 2.0]]
    logs.write(tmp_path, "catch/3", (*logs.BASE_COLUMNS, "total_regret"), rows)
    assert np.array_equal(np.stack(list(logs.read(tmp_path)["catch/3"].values()), axis=1), rows)
    frame, _ = reference.read(tmp_path)
    assert frame.bsuite_id.tolist() == ["catch/3"] * 2
    assert frame[[*logs.BASE_COLUMNS, "total_regret"]].to_numpy().tolist() == rows
    assert [file.name for file in tmp_path.iterdir()] == ["bsuite_id_-_catch-3.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "does not hold bsuite's columns"),
        ("a,b\n1,2\n", "does not hold bsuite's columns"),
        ("steps,episode,total_return,episode_len,episode_return\n1,2\n", "does not hold bsuite's columns"),
        ("steps,episode,total_return,episode_len,episode_return\n1,2,x,4,5\n", "is not a number"),
    ],
)
def test_a_file_of_something_else_is_refused(content, message, tmp_path):
    logs.path(tmp_path, "catch/0").write_text(content)
    with pytest.raises(logs.LogError, match=message):
        logs.read(tmp_path)


def test_a_directory_without_logs_is_refused(tmp_path):
    with pytest.raises(logs.LogError, match=r"holds no file named bsuite_id_-_\*\.csv"):
        logs.read(tmp_path)
    with pytest.raises(logs.LogError, match="is not a directory"):
        logs.read(tmp_path / "none")


def test_a_file_without_rows_is_left_out(tmp_path):
    logs.write(tmp_path, "catch/0", logs.BASE_COLUMNS, [])
    assert logs.read(tmp_path) == {}
