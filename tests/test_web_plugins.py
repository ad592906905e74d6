"""``jaxenv web`` writes pages of the sample plugin's environments, and of what ``jaxenv new-plugin`` writes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jaxenv_web")

SAMPLE = Path(__file__).parent / "sample_plugin"
NODE = shutil.which("node")
PLAY = """
let key = seedKey(3), now, ends = 0;
({first: key, second: now} = splitKey(key));
let state = reset(now, INFO.params);
for (let t = 0; t < 2000; t++) {
  ({first: key, second: now} = splitKey(key));
  const after = step(now, state, sample(now), INFO.params);
  ({state} = after);
  ends += after.terminated || after.truncated;
}
console.log(JSON.stringify([ends, Array.from(Object.values(state)), observe(state, INFO.params)]));
"""


def run(*words, env, folder):
    done = subprocess.run([*map(str, words)], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def played(page, folder):
    """Return how many episodes ended in 2,000 random steps of a page's own functions, in Node."""
    code = page.read_text(encoding="utf-8").partition('"use strict";')[2].partition("</script>")[0]
    (folder / "play.js").write_text(code.partition("\nconst $ = ")[0] + PLAY)
    ends, state, obs = json.loads(run(NODE, folder / "play.js", env=os.environ, folder=folder))
    assert None not in state  # NaN and infinities are null
    assert obs is not None
    return ends


def write(install, project, ids, folder):
    out = run(sys.executable, "-m", "jaxenv", "web", *ids, folder / "out", env=install(project), folder=folder)
    assert "can't be played" not in out
    return [folder / "out" / f"{name.replace('/', '-')}.html" for name in ids]


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_the_sample_plugin_has_pages(install, tmp_path):
    ids = ["greenhouse/Greenhouse-v0", "greenhouse/GreenhouseWinter-v0"]
    for page in write(install, SAMPLE, ids, tmp_path):
        assert played(page, tmp_path) >= 1


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_what_new_plugin_writes_has_a_page(install, tmp_path):
    run(sys.executable, "-m", "jaxenv", "new-plugin", "hallway", "--path", tmp_path, env=os.environ, folder=tmp_path)
    (page,) = write(install, tmp_path / "jaxenv-hallway", ["hallway/Corridor-v0"], tmp_path)
    assert played(page, tmp_path) >= 3
