"""Make an SVG file of every Mermaid diagram in docs/*.md, for each colour scheme of the site.

It needs Mermaid (MIT licence), which npm downloads, and Playwright with a Chromium. The site itself needs neither.

    npm pack mermaid@11.17.2 && tar xzf mermaid-11.17.2.tgz package/dist/mermaid.min.js
    python docs/make_diagrams.py package/dist/mermaid.min.js
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright
from sitegen.diagrams import BLOCK, FOLDER, SCHEMES, file_name
from sitegen.sources import DOCS

FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
"""Fonts of the same widths: the boxes are as wide as their texts are here."""
THEMES = {"light": "neutral", "dark": "dark"}
DRAW = """async ([text, theme, font]) => {
    mermaid.initialize({startOnLoad: false, theme, fontFamily: font, htmlLabels: false, deterministicIds: true,
                        flowchart: {htmlLabels: false}});
    const svg = new DOMParser().parseFromString((await mermaid.render("diagram", text)).svg, "image/svg+xml").documentElement;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    svg.setAttribute("width", Math.round(width * 0.75));  // texts as large as those of the page around it
    svg.setAttribute("height", Math.round(height * 0.75));
    svg.removeAttribute("style");
    return new XMLSerializer().serializeToString(svg);
}"""


def main() -> None:
    """Write the files, and remove those of diagrams that are gone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mermaid", type=Path, help="mermaid.min.js")
    parser.add_argument("--chromium", help="path of a Chromium; by default Playwright's own")
    given = parser.parse_args()
    made: set[str] = set()
    (DOCS / FOLDER).mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium)
        page = browser.new_page()
        page.set_content("<body></body>")
        page.add_script_tag(path=str(given.mermaid))
        for file in sorted(DOCS.rglob("*.md")):
            name = file.relative_to(DOCS).as_posix()
            for text in BLOCK.findall(file.read_text(encoding="utf-8")):
                for scheme in SCHEMES:
                    svg = page.evaluate(DRAW, [text, THEMES[scheme], FONT])
                    made.add(file_name(name, text, scheme))
                    (DOCS / FOLDER / file_name(name, text, scheme)).write_text(svg + "\n", encoding="utf-8")
        browser.close()
    for file in (DOCS / FOLDER).glob("*.svg"):
        if file.name not in made:
            file.unlink()
    print(f"{len(made)} files in docs/{FOLDER}")


if __name__ == "__main__":
    main()
