"""The code of docs/random.md runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "random.md"


def test_every_block_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    call = names["rollout"], names["draw"], names["slow"], names["separate"], names["array"]
    rollout, *draws = (f for f in call if callable(f))
    assert rollout(names["key"], 5).shape == ()
    assert all(draw(names["key"]) is not None for draw in draws)
