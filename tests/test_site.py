"""The documentation site: every public name, page and link has its place. Nothing is built; ``tox -e docs`` does that."""

import importlib
import json
import posixpath
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from statistics import geometric_mean

import jaxenv
import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

sys.path.insert(0, str(DOCS))

from check_site import problems  # noqa: E402 - in docs
from sitegen import diagrams, docstrings, environments, lessons, play, reference, site, sources  # noqa: E402 - in docs

NAV = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
PATHS = site.paths(site.navigation(NAV))
PLAYABLE = {play.path_of(spec) for spec in environments.tasks()}
WRITTEN = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}


@cache
def pages():
    """All pages of the site. Not made when this module is imported: every worker imports it."""
    return {path: site.relinked(text, path) for path, text in WRITTEN.items()} | site.generated()


# -- the reference -------------------------------------------------------------------------------------------------


def public_modules():
    """Every module of the packages that has ``__all__``, but for those that only the engine, rules and gymnax's layout need."""
    inner = ("engine", "rules", "libraries", "precision", "tabular", "adapters.gymnax.")
    for file in ROOT.glob("packages/*/src/**/*.py"):
        if re.search(r"^(\w+, )*__all__ =", file.read_text(encoding="utf-8"), re.MULTILINE):
            parts = file.relative_to(next(p for p in file.parents if p.name == "src")).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not any(word in module for word in inner):
                yield module


def test_every_public_module_has_a_page():
    assert set(public_modules()) <= {page.module for page in reference.PAGES}
    assert len(set(public_modules())) > 12


@pytest.mark.parametrize("module", [page.module for page in reference.PAGES])
def test_every_public_name_is_in_the_reference(module):
    text = site.generated()[reference.path_of(module)]
    documented = set(re.findall(rf"^::: {re.escape(module)}\.(\w+)$", text, re.MULTILINE))
    linked = set(re.findall(r"^\| \[?`(\w+)`", text, re.MULTILINE))
    try:
        public = importlib.import_module(module).__all__
    except AttributeError:
        public = reference.names(module)
    except ImportError:  # an adapter to a library that is not installed
        assert "adapters" in module
        public = reference.names(module)
    assert set(public) <= linked
    modules = {name for name in public if reference._is_module(module, name)}
    assert documented == set(public) - modules


def test_every_command_is_in_the_reference():
    text = site.generated()["reference/cli.md"]
    for command in ("list", "show", "rollout", "bench", "new-plugin", "bsuite score", "train", "optimal"):
        assert re.search(rf"^##+ jaxenv {command}$", text, re.MULTILINE), command


# -- environments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", environments.tasks(), ids=lambda spec: spec.name)
def test_every_environment_has_a_whole_page(spec):
    text = site.generated()[environments.path_of(spec)]
    for part in ("\n## Use it", "\n## Reward and end of an episode", "\n## Source", "\n## Differences", "\n## Parameters"):
        assert part in text, part
    assert text.count("**Reward.**") == text.count("**Termination.**") == text.count("**Time limit.**") == 1
    assert ("\n## Trained agent" in text) == (environments.agent_of(spec) is not None)
    assert "====" not in text
    assert ">>>" not in text
    assert "``" not in text.replace("```", "")
    assert (DOCS / environments.picture_of(spec)).is_file()
    compile(environments.code(spec), spec.name, "exec")


def test_the_tasks_are_all_classes_of_the_families():
    classes = {
        spec.entry_point
        for spec in jaxenv.registered_envs()
        if spec.namespace in environments.FAMILIES and ".wrapped:" not in spec.entry_point
    }
    assert {spec.entry_point for spec in environments.tasks()} == classes


def test_the_program_of_a_page_runs():
    names = {}
    exec(environments.code(jaxenv.spec("CartPole-v1")), names)
    assert names["reward"] == 1


def test_a_page_shows_what_was_measured():
    text = environments.page(jaxenv.spec("CartPole-v1"))
    (ours,) = (
        one["steps_per_second"]
        for one in environments.measurements()["h100-2000"]["measurements"]
        if one["env_id"] == "classic/CartPole-v1" and one["library"] == "jaxenv"
    )
    assert f"[H100, 2,000 environments](../../benchmarks.md#h100-2000) | {ours / 1e6:,.1f} | " in text


# -- pages and links -----------------------------------------------------------------------------------------------


def test_every_page_is_in_the_navigation_once():
    assert sorted(PATHS) == sorted({*PATHS} | {"packages/baselines.md"})
    assert set(PATHS) == set(pages())


def anchors(text):
    """The anchors of a page's headings, as Python-Markdown makes them, and those of its entries of the reference."""
    found = set()
    for title in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip().lower())
        number = next(n for n in range(len(found) + 1) if (f"{slug}_{n}" if n else slug) not in found)
        found.add(f"{slug}_{number}" if number else slug)
    return found | set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))


@pytest.mark.parametrize("page", sorted({*PATHS}))
def test_every_link_inside_leads_somewhere(page):
    def follow(target):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        assert path in pages() or path in PLAYABLE or (DOCS / path).is_file(), target
        return target

    sources.links(pages()[page], follow)
    prose = re.sub(r"^```.*?^```$", "", pages()[page], flags=re.MULTILINE | re.DOTALL)
    for target, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", prose):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
        assert anchor in anchors(pages()[path]), f"{target}#{anchor}"


@pytest.mark.parametrize("page", ["README.md", *map(str, WRITTEN)])
def test_every_link_works_in_the_repository_too(page):
    file = ROOT / page if page == "README.md" else DOCS / page

    def follow(target):
        path = posixpath.normpath(posixpath.join(file.parent, target))
        assert Path(path).exists() or posixpath.relpath(path, DOCS) in site.generated(), target
        return target

    sources.links(file.read_text(encoding="utf-8"), follow)


def test_a_page_of_an_environment_embeds_the_environment():
    spec = jaxenv.spec("MountainCar-v0")
    text = site.generated()[environments.path_of(spec)]
    assert f'<iframe src="../../{play.path_of(spec)}"' in text
    assert "function step(key, s, action, p) {" in play.page(spec)


def test_links_to_files_lead_to_the_pages_that_show_them():
    text = "[a](../examples/actor_critic.py) [b](../packages/misc) [c](../tox.ini) [d](../docs/engine.md#networks)"
    assert sources.relink(text, "docs/adapters.md", "adapters.md") == (
        "[a](examples/actor_critic.md) [b](packages/misc.md) c [d](engine.md#networks)"
    )
    assert sources.relink("[a](getting_started.py)", "docs/lessons/index.md", "lessons/index.md") == "[a](getting_started.md)"


def test_the_blocks_of_every_page_are_executed():
    # conftest.py at the root collects README.md, docs/*.md and docs/*/*.md.
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert {"docs", "README.md"} <= set(settings["testpaths"])
    assert all(len(Path(page).parts) <= 2 for page in WRITTEN)


# -- how things are written as Markdown ----------------------------------------------------------------------------


def test_docstrings_become_markdown():
    text = "\n".join(
        [
            "Use :func:`~jaxenv.make`, and ``x | y``::",
            "",
            "    step(state)",
            "",
            "=====  =======",
            "Index  Meaning",
            "=====  =======",
            "0      left",
            "       or up",
            "=====  =======",
            "",
            ">>> 1 + 1",
            "2",
        ]
    )
    assert docstrings.markdown(text, lambda target, shown: f"<{target} {shown}>").splitlines() == [
        "Use <jaxenv.make make>, and `x | y`:",
        "",
        "```python",
        "step(state)",
        "```",
        "",
        "",
        "| Index | Meaning |",
        "| --- | --- |",
        "| 0 | left or up |",
        "",
        "",
        "```pycon",
        ">>> 1 + 1",
        "2",
        "```",
    ]


def test_a_lesson_becomes_markdown():
    assert (
        lessons.page("# %% [markdown]\n# # Title\n#\n# Words.\n\n# %%\nx = 1\n") == "# Title\n\nWords.\n\n```python\nx = 1\n```\n"
    )


# -- the check of the built site -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "fetches https://cdn.example/x.js from elsewhere"),
        ('<img src="//cdn.example/x.png">', "fetches //cdn.example/x.png from elsewhere"),
        ('<link rel="stylesheet" href="https://fonts.example/css">', "fetches https://fonts.example/css from elsewhere"),
        ('<p style="background: url(https://cdn.example/x.png)">', "fetches https://cdn.example/x.png from elsewhere"),
        ('<img src="missing.png">', "missing.png, which is not there"),
        ('<a href="missing.html">', "links to missing.html, which is not there"),
        ('<a href="other.html#missing">', "other.html has no such anchor"),
        ('<pre class="mermaid">', "has a Mermaid diagram"),
    ],
)
def test_what_is_wrong_with_a_built_page_is_found(tmp_path, body, problem):
    (tmp_path / "index.html").write_text(f"<h1>{body}</h1>")
    (tmp_path / "other.html").write_text('<h1 id="here"></h1>')
    (found,) = problems(tmp_path)
    assert problem in found


def test_a_style_sheet_is_checked_too(tmp_path):
    (tmp_path / "a.css").write_text("@font-face { src: url('https://fonts.example/a.woff2') }")
    assert problems(tmp_path) == ["a.css fetches https://fonts.example/a.woff2 from elsewhere."]


def test_a_right_page_has_no_problems(tmp_path):
    (tmp_path / "index.html").write_text(
        '<a href="other.html#here"></a><a href="https://example.org"></a><a href="#top" id="top"></a>'
    )
    (tmp_path / "other.html").write_text('<h1 id="here"></h1><img src="data:image/png;base64,AA">')
    assert problems(tmp_path) == []


# -- README.md -----------------------------------------------------------------------------------------------------

README = (ROOT / "README.md").read_text(encoding="utf-8")


def times_as_fast(name, library="gymnax"):
    """The number of tasks in a report on the speed against a library, and the geometric mean of the ratios."""
    report = json.loads((DOCS / "benchmarks" / f"{name}.json").read_text(encoding="utf-8"))
    took = {(one["env_id"], one["library"]): one["nanoseconds_per_step"] for one in report["measurements"]}
    ratios = [took[task, library] / ours for (task, who), ours in took.items() if who == "jaxenv" and (task, library) in took]
    return len(ratios), geometric_mean(ratios)


@pytest.mark.parametrize(
    ("name", "hardware", "num_envs"),
    [
        ("h100-2000", "one NVIDIA H100", "2,000"),
        ("h100-mlp-2048", "one NVIDIA H100", "2,048"),
        ("cpu-2000", "two cores of an AMD EPYC", "2,000"),
    ],
)
def test_the_figures_of_the_readme_are_those_of_the_measurements(name, hardware, num_envs):
    tasks, ratio = times_as_fast(name)
    assert re.search(
        rf"^\|.*{num_envs} environments, {tasks} tasks \| {hardware} \| \*\*{ratio:.1f}x\*\* \|$", README, re.MULTILINE
    )


def test_the_readme_is_one_screen_of_short_lines_and_a_small_picture():
    commands = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = README.splitlines()
    assert all(len(line) <= 110 for line in lines if f"{line}\n" not in commands)
    assert len(lines) < 70
    (picture,) = re.findall(r'<img src="([^"]+)"', README)
    assert (ROOT / picture).stat().st_size < 1_500_000


def test_ci_runs_the_test_command_of_the_readme():
    _, command = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert command.replace("pip install tox", "pip install --quiet tox") in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


# -- packages ------------------------------------------------------------------------------------------------------


def test_every_package_describes_itself():
    for file in ROOT.glob("packages/*/pyproject.toml"):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        assert {"Programming Language :: Python :: 3.13", "Typing :: Typed"} <= set(project["classifiers"]), file
        assert {"jax", "reinforcement-learning", "environments"} < set(project["keywords"]), file
        assert (file.parent / project["readme"]).is_file()
        assert all("example" not in url for url in project.get("urls", {}).values())


def test_the_citation_names_the_version_of_the_packages():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "packages/core/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    assert cited["license"] == project["license"]
    assert cited["title"] in (DOCS / "about" / "cite.md").read_text(encoding="utf-8").replace("{JAX}", "JAX")
    assert set(cited) >= {"cff-version", "message", "authors", "type"}


# -- diagrams ------------------------------------------------------------------------------------------------------


def test_every_diagram_is_shown_as_a_picture_in_both_schemes():
    pages = {file: file.read_text() for file in (ROOT / "docs").rglob("*.md")}
    blocks = {file.relative_to(ROOT / "docs").as_posix(): text for file, text in pages.items() if diagrams.BLOCK.search(text)}
    assert "architecture.md" in blocks
    named: set[str] = set()
    for page, text in blocks.items():
        drawn = diagrams.drawn(text, page)
        assert "```mermaid" not in drawn
        found = re.findall(r"!\[Diagram: [^\]]+\]\(([^)#]+)#only-(?:light|dark)\)", drawn)
        assert len(found) == 2 * len(diagrams.BLOCK.findall(text))
        named |= {Path(path).name for path in found}
    files = {file.name: file.read_text() for file in (ROOT / "docs" / diagrams.FOLDER).iterdir()}
    assert set(files) == named
    assert all("<foreignObject" not in svg and "http" not in svg.replace("http://www.w3.org/", "") for svg in files.values())


def test_a_diagram_whose_text_changed_has_to_be_drawn_anew():
    with pytest.raises(
        diagrams.StaleDiagramError, match=r"a diagram under 'Way' has no .*-light\.svg\. Run docs/make_diagrams\.py\."
    ):
        diagrams.drawn("## Way\n\n```mermaid\nflowchart\n```\n", "architecture.md")
