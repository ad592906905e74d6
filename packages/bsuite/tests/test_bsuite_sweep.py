"""The sweep, the ids and their constants against the data of the reference page and the installed bsuite."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import jaxenv
import jaxenv_bsuite
import numpy as np
import pytest
from jaxenv_bsuite import seeding, sweep
from jaxenv_bsuite.plugin import jaxenv_envs

pytestmark = pytest.mark.usefixtures("unoptimized")

DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "golden.json").read_text())


def test_settings_and_episodes_are_those_of_the_page():
    page = json.loads((DATA / "sweep.json").read_text())
    ours = {i: {"settings": dict(sweep.SETTINGS[i]), "num_episodes": sweep.EPISODES[i]} for i in sweep.SWEEP}
    assert list(ours) == list(page)
    assert ours == page
    assert len(ours) == 468
    assert len(sweep.EXPERIMENTS) == 23
    assert sum(sweep.EPISODES.values()) == 3_240_000


def test_tables_equal_the_reference(reference):
    theirs = reference.sweep
    assert theirs.SWEEP == jaxenv_bsuite.SWEEP
    assert theirs.TESTING == jaxenv_bsuite.TESTING
    assert dict(theirs.EPISODES) == dict(jaxenv_bsuite.EPISODES)
    assert {name: tuple(ids) for name, ids in theirs.TAGS.items()} == dict(jaxenv_bsuite.TAGS)
    assert {i: dict(settings) for i, settings in theirs.SETTINGS.items()} == {i: dict(s) for i, s in sweep.SETTINGS.items()}
    for name, experiment in sweep.EXPERIMENTS.items():
        assert getattr(theirs, name.upper()) == experiment.ids


def test_every_id_is_registered_once():
    names = [spec.name for spec in jaxenv_envs()]
    assert len(names) == len(set(names)) == 478
    assert set(names) >= set(sweep.SWEEP)
    assert {spec.id for spec in jaxenv.registered_envs("bsuite")} == {f"bsuite/{name}" for name in names}


def test_listing_imports_neither_jax_nor_an_environment():
    code = (
        "import sys, jaxenv_bsuite.plugin as p; p.jaxenv_envs(); p.jaxenv_commands(); "
        "bad = [m for m in sys.modules if m.partition('.')[0] in ('jax', 'flax', 'bsuite') or m == 'jaxenv_bsuite.catch']; "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("names", "count"),
    [(["catch/0"], 1), (["catch"], 20), (["catch", "catch/3"], 20), (["memory"], 40), (["testing"], 13), (["all"], 468), ([], 0)],
)
def test_select(names, count):
    ids = sweep.select(names)
    assert len(ids) == count
    assert list(ids) == sorted(ids, key=sweep.SWEEP.index)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("catch/20", "catch/0 to catch/19"),
        ("kach", "did you mean catch"),
        ("xyz", "the experiments are bandit"),
        ("deep_see/1", "deep_sea"),
    ],
)
def test_an_unknown_name_is_refused_with_advice(name, advice):
    with pytest.raises(sweep.UnknownIdError, match=advice):
        sweep.select([name])
    with pytest.raises(sweep.UnknownIdError, match=advice):
        jaxenv_bsuite.load_from_id(name)


def test_bandit_permutations_are_numpys():
    for seed, ranks in GOLDEN["bandit_perm"].items():
        assert seeding.reward_ranks(11, int(seed)).tolist() == ranks
        env, params = jaxenv_bsuite.load_from_id(f"bandit/{seed}")
        assert np.asarray(params.ranks).tolist() == ranks
        assert env.default_params.ranks.dtype == np.int32


def test_deep_sea_mappings_are_numpys():
    for size, digest in GOLDEN["deep_sea_mapping_sha256"].items():
        mapping = seeding.action_mapping(int(size), 42)
        assert mapping.sum() == GOLDEN["deep_sea_mapping_sum"][size]
        drawn = np.random.RandomState(42).binomial(1, 0.5, [int(size), int(size)])
        assert np.array_equal(mapping, drawn)
        assert digest in {
            hashlib.sha256(drawn.astype(kind).tobytes()).hexdigest() for kind in ("int64", "int32", "int8", "uint8", "bool")
        }


def test_discounting_bonus_arms():
    for seed, arm in GOLDEN["discounting_bonus_arm"].items():
        assert seeding.bonus_arm(int(seed)) == arm
        assert jaxenv_bsuite.load_from_id(f"discounting_chain/{seed}")[1].bonus_arm == arm


def test_constants_equal_the_references_own_objects(reference):
    assert reference.load("bandit/13")._rewards == pytest.approx(seeding.reward_ranks(11, 13) / 10, abs=1e-15)
    assert np.array_equal(reference.load("deep_sea/20")._action_mapping, seeding.action_mapping(50, 42))
    assert np.array_equal(reference.load("deep_sea_stochastic/3")._action_mapping, seeding.action_mapping(16, 42))
    assert np.argmax(reference.load("discounting_chain/19")._rewards) == seeding.bonus_arm(19)
