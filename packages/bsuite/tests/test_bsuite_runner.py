"""Runs: what is logged is what was played, whatever interrupts them and whatever is played beside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxenv_bsuite import checkpoints, load_from_id, logs, runner
from jaxenv_bsuite.agents import AgentError, find_agent
from jaxenv_bsuite.mnist_data import MnistNotFoundError

pytestmark = pytest.mark.usefixtures("unoptimized")

AGENTS = '''
import jax
import jax.numpy as jnp

def ones(obs, key):
    return jnp.int32(1)

class Greedy:
    """Averages of each arm's rewards; tries each arm once, then pulls the best."""

    def __init__(self, env, params):
        self.arms = env.action_space(params).n

    def begin(self, key):
        return {"sum": jnp.zeros(self.arms), "count": jnp.zeros(self.arms, jnp.int32), "key": key}

    def act(self, memory, obs, key):
        mean = memory["sum"] / jnp.maximum(memory["count"], 1).astype(jnp.float32)
        return jnp.argmax(jnp.where(memory["count"] == 0, 10.0, mean)).astype(jnp.int32)

    def learn(self, memory, experience, key):
        action = experience.action
        return memory | {"sum": memory["sum"].at[action].add(experience.reward), "count": memory["count"].at[action].add(1)}

class Half:
    def act(self): ...

def one_argument(obs):
    return jnp.int32(1)

def looks(obs, key):
    return jnp.int32(1) if obs.sum() > 0 else jnp.int32(0)

def wide(obs, key):
    return jnp.zeros(3, jnp.int32)

def alone(obs, key):
    return jax.pure_callback(lambda x: x, jax.ShapeDtypeStruct((), jnp.int32), jnp.int32(0) + obs.sum().astype(jnp.int32))

async def late(obs, key):
    return jnp.int32(1)

class Bare(Greedy):
    def __init__(self):
        pass

class Hasty(Greedy):
    def learn(self, memory, experience):
        return memory

class Growing(Greedy):
    def learn(self, memory, experience, key):
        return memory | {"sum": jnp.append(memory["sum"], 0.0)}

class Fails(Greedy):
    def __init__(self, env, params):
        raise KeyError("size")

number = 3
'''


@pytest.fixture
def agents(tmp_path, monkeypatch):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "test_bsuite_agents.py").write_text(AGENTS)
    monkeypatch.syspath_prepend(folder)
    return "test_bsuite_agents"


def files(directory):
    return {file.name: file.read_text() for file in sorted(directory.glob("*.csv"))}


def test_rows_are_what_a_loop_over_the_public_step_gives(tmp_path, agents):
    """Actions, rewards and counts of an agent without randomness, in an environment that has some, replayed by hand."""
    runner.run(f"{agents}:ones", ["umbrella_length/3"], tmp_path / "run", episodes=14, seed=3)
    log = logs.read(tmp_path / "run")["umbrella_length/3"]
    assert log["episode"].tolist() == list(logs.logged_episodes(14))
    assert log["steps"].tolist() == (4 * log["episode"]).tolist()
    assert (log["episode_len"] == 4).all()

    env, params = load_from_id("umbrella_length/3")
    key = runner._run_keys(("umbrella_length/3",), 3)[0]
    obs, state = env.reset(jax.random.split(jax.random.fold_in(key, 0))[0], params)
    rewards = []
    for step in range(1, 57):
        _, key_step, _ = jax.random.split(jax.random.fold_in(key, step), 3)
        obs, state, reward, done, _ = env.step(key_step, state, 1, params)
        rewards.append(float(reward))
    returns = np.reshape(rewards, (14, 4)).sum(axis=1)
    at = log["episode"].astype(int) - 1
    assert log["episode_return"].tolist() == returns[at].tolist()
    assert log["total_return"].tolist() == returns.cumsum()[at].tolist()
    assert log["total_regret"][-1] == 2 * int(state.failures)


def test_an_ids_result_does_not_depend_on_its_company(tmp_path):
    runner.run("random", ["catch"], tmp_path / "all", episodes=30)
    runner.run("random", ["catch/7"], tmp_path / "one", episodes=30)
    alone = files(tmp_path / "one")
    assert alone.items() <= files(tmp_path / "all").items()
    runner.run("random", ["catch/7"], tmp_path / "other", episodes=30, seed=1)
    assert files(tmp_path / "other") != alone


class Interruption(KeyboardInterrupt):
    """Ctrl-C at a certain moment."""


def interrupt(at):
    calls = []

    def progress(batch, done, total):
        calls.append(done)
        if len(calls) == at:
            raise Interruption

    return progress


@pytest.mark.parametrize("at", [1, 3, 8])
def test_an_interrupted_run_goes_on_and_loses_nothing(at, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "CHUNK", 150)
    runner._play.clear_cache()
    names = ["memory_len/3", "memory_len/9", "deep_sea_stochastic/0"]
    runner.run("random", names, tmp_path / "whole", episodes=60)
    with pytest.raises(Interruption):
        runner.run("random", names, tmp_path / "cut", episodes=60, progress=interrupt(at))
    assert (tmp_path / "cut" / checkpoints.FOLDER).is_dir()
    partial = files(tmp_path / "cut")
    assert partial
    assert all(files(tmp_path / "whole")[name].startswith(text) for name, text in partial.items())
    runner.run("random", names, tmp_path / "cut", episodes=60)
    runner._play.clear_cache()
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    assert not (tmp_path / "cut" / checkpoints.FOLDER).exists()


def test_a_run_is_saved_while_it_runs(tmp_path, monkeypatch):
    """As after a power cut: what the last save held is taken up, although the end of the run never came."""
    monkeypatch.setattr(runner, "CHUNK", 150)
    monkeypatch.setattr(runner, "SAVE_SECONDS", 0.0)
    runner._play.clear_cache()
    runner.run("random", ["catch/0"], tmp_path / "whole", episodes=60)
    saves = []
    save = runner._save
    monkeypatch.setattr(runner, "_save", lambda *arguments: save(*arguments) if len(saves) < 2 and not saves.append(1) else None)
    runner.run("random", ["catch/0"], tmp_path / "cut", episodes=60)
    monkeypatch.setattr(runner, "_save", save)
    assert 0 < len(logs.read(tmp_path / "cut")["catch/0"]["episode"]) < len(logs.logged_episodes(60))
    runner.run("random", ["catch/0"], tmp_path / "cut", episodes=60)
    runner._play.clear_cache()
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_finished_ids_are_not_played_again(tmp_path):
    runner.run("random", ["bandit/0"], tmp_path, episodes=20)
    before = logs.path(tmp_path, "bandit/0").stat().st_mtime_ns
    seen = []
    runner.run(
        "random", ["bandit/0", "bandit/1"], tmp_path, episodes=20, progress=lambda batch, done, total: seen.append((batch, total))
    )
    assert logs.path(tmp_path, "bandit/0").stat().st_mtime_ns == before
    assert set(seen) == {("bandit/1", 20)}


@pytest.mark.parametrize("change", [{"seed": 1}, {"episodes": 21}])
def test_results_of_another_run_are_not_mixed_in(change, tmp_path):
    runner.run("random", ["bandit/0"], tmp_path, episodes=20)
    text = files(tmp_path)
    with pytest.raises(checkpoints.RunMismatchError, match="overwrite"):
        runner.run("random", ["bandit/0"], tmp_path, **{"episodes": 20, **change})
    assert files(tmp_path) == text
    runner.run("random", ["bandit/1"], tmp_path, **{"episodes": 20, **change}, overwrite=True)
    assert set(files(tmp_path)) == {"bsuite_id_-_bandit-1.csv"}


def test_results_of_another_program_are_not_overwritten(tmp_path):
    logs.write(tmp_path, "bandit/0", logs.BASE_COLUMNS, [])
    with pytest.raises(checkpoints.RunMismatchError, match="another program"):
        runner.run("random", ["bandit/0"], tmp_path)
    assert checkpoints.settings_of(tmp_path) == {}


def test_an_agent_that_learns_solves_the_bandit_and_keeps_its_memory(tmp_path, agents, monkeypatch, reference):
    monkeypatch.setattr(runner, "CHUNK", 40)
    runner._play.clear_cache()
    runner.run(f"{agents}:Greedy", ["bandit/0", "bandit/1"], tmp_path / "whole", episodes=100)
    with pytest.raises(Interruption):
        runner.run(f"{agents}:Greedy", ["bandit/0", "bandit/1"], tmp_path / "cut", episodes=100, progress=interrupt(2))
    runner.run(f"{agents}:Greedy", ["bandit/0", "bandit/1"], tmp_path / "cut", episodes=100)
    runner._play.clear_cache()
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    for log in logs.read(tmp_path / "cut").values():
        assert log["total_regret"][-1] == pytest.approx(5.5, abs=1e-9)
        assert log["episode_return"][-1] == 1.0


def test_a_changed_agent_cannot_take_up_anothers_memory(tmp_path, agents, monkeypatch):
    with pytest.raises(Interruption):
        runner.run(f"{agents}:Greedy", ["bandit/0"], tmp_path, episodes=10_000, progress=interrupt(2))
    import test_bsuite_agents

    monkeypatch.setattr(test_bsuite_agents.Greedy, "begin", lambda self, key: jnp.zeros(3))
    monkeypatch.setattr(test_bsuite_agents.Greedy, "act", lambda self, memory, obs, key: jnp.int32(0))
    monkeypatch.setattr(test_bsuite_agents.Greedy, "learn", lambda self, memory, experience, key: memory)
    runner._begin.clear_cache()
    with pytest.raises(checkpoints.RunMismatchError, match="another memory"):
        runner.run(f"{agents}:Greedy", ["bandit/0"], tmp_path, episodes=10_000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("greedy", "not of the form module:object"),
        ("no_such_module_at_all:agent", "cannot be imported"),
        ("test_bsuite_agents:missing", "cannot be imported"),
        ("test_bsuite_agents:Half", "is a class without begin and learn"),
        ("test_bsuite_agents:number", "is int, which can't be called"),
    ],
)
def test_a_name_that_is_no_agent_is_refused(name, message, agents):
    with pytest.raises(AgentError, match=message):
        find_agent(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one_argument", r"the function does not fit: it takes \(obs\), and is called with \(obs, key\)"),
        ("Bare", r"its class does not fit: it takes \(\), and is called with \(env, params\)"),
        (
            "Hasty",
            r"its method learn does not fit: it takes \(memory, experience\), and is called with \(memory, experience, key\)",
        ),
        ("looks", "failed when it was tried on Catch .TracerBoolConversionError: Attempted boolean conversion of traced array"),
        ("alone", "failed when it was tried on Catch .NotImplementedError: vmap is only supported"),
        ("late", "it is defined by async def"),
        ("wide", r"does not fit Catch: the action is int32\[3\]"),
        ("Growing", r"a memory of .* from learn, but begin gave .*\['sum'\] float32\[3\]"),
        ("Fails", "cannot be made for Catch .KeyError: 'size'"),
    ],
)
def test_an_agent_that_cannot_play_is_told_before_results_are_touched(name, message, agents, tmp_path):
    runner.run(f"{agents}:ones", ["catch/0"], tmp_path / "run", episodes=10)
    before = files(tmp_path / "run")
    with pytest.raises(AgentError, match=message) as caught:
        runner.run(f"{agents}:{name}", ["catch/0"], tmp_path / "run", episodes=10, overwrite=True)
    assert files(tmp_path / "run") == before != {}
    assert "Traced<" not in str(caught.value)


@pytest.mark.parametrize("name", ["run.json", "unfinished/catch-0.npz"])
@pytest.mark.parametrize("content", ["", "x", "{"])
def test_a_damaged_file_of_a_run_is_told(name, content, tmp_path):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    with pytest.raises(checkpoints.DamagedRunError, match=r"is not what a run writes .* begin anew in this one \(--overwrite\)\."):
        runner.run("random", ["catch/0"], tmp_path, episodes=2)
    assert runner.run("random", ["catch/0"], tmp_path, episodes=2, overwrite=True) == ("catch/0",)


def test_missing_data_are_told_before_results_are_touched(agents, tmp_path, monkeypatch):
    runner.run(f"{agents}:ones", ["catch/0"], tmp_path / "run", episodes=10)
    before = files(tmp_path / "run")
    monkeypatch.delenv("JAXENV_MNIST_DIR")
    with pytest.raises(MnistNotFoundError):
        runner.run(f"{agents}:ones", ["catch/0", "mnist/0"], tmp_path / "run", episodes=10, overwrite=True)
    assert files(tmp_path / "run") == before != {}


def test_noise_and_scale_are_in_the_returns_but_not_in_the_counts(tmp_path, agents):
    names = ["bandit/0", "bandit_scale/16", "bandit_noise/16"]
    runner.run(f"{agents}:ones", names, tmp_path / "run", episodes=20)
    clean, scaled, noisy = (logs.read(tmp_path / "run")[name] for name in names)
    assert np.array_equal(clean["total_regret"], scaled["total_regret"])
    assert np.array_equal(clean["total_regret"], noisy["total_regret"])
    assert scaled["total_return"] == pytest.approx(1000 * clean["total_return"], rel=1e-6)
    assert np.abs(noisy["episode_return"] - clean["episode_return"]).max() > 1
