"""A headless Chromium for the tests of pages."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def browser():
    """Return an installed Chromium that Playwright drives; without one, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    path = os.environ.get("JAXENV_CHROMIUM") or next(filter(None, found), None)
    if path is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()
