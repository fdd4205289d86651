"""The built book, opened from disk in Chromium with the network off."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

from lib.paths import ROOT

pytestmark = pytest.mark.browser

HTML = ROOT / "_build" / "html"
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
LOCAL = ("file:", "data:", "blob:")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# one entry per formula that the page asked for: its width in pixels, 0 where nothing was drawn
FORMULA_WIDTHS = """async () => {
  const sources = [...document.querySelectorAll('.math')];
  if (sources.length) await MathJax.startup.promise;
  await document.fonts.ready;
  return sources.map(s => s.querySelector('mjx-container')?.getBoundingClientRect().width ?? 0);
}"""
BROKEN_FONTS = "() => [...document.fonts].filter(f => f.status === 'error').map(f => f.family)"
# lazy images below the fold load only when they are scrolled to
BROKEN_IMAGES = """async () => {
  const images = [...document.querySelectorAll('img')];
  images.forEach(i => { i.loading = 'eager'; });
  await Promise.allSettled(images.map(i => i.decode()));
  return images.filter(i => !i.complete || i.naturalWidth === 0).map(i => i.src);
}"""
TABLES = """() => [...document.querySelectorAll('article table')].map(
  t => [...t.rows].map(r => [...r.cells].map(c => c.textContent.trim())))"""


@dataclass
class Visit:
    """An open page and what went wrong while it loaded."""

    page: Page
    asked_network: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium`")
    if not (HTML / "index.html").exists():
        pytest.skip("no built book: `make book` first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


def visit(browser: Browser, path: Path) -> Visit:
    context = browser.new_context()
    context.set_offline(True)
    seen = Visit(context.new_page())

    def local_only(route: Route) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            seen.asked_network.append(route.request.url)
            route.abort()

    def request_failed(request: Request) -> None:
        seen.failed.append(f"{request.url}: {request.failure}")

    context.route("**/*", local_only)
    seen.page.on("requestfailed", request_failed)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on(
        "console", lambda line: seen.errors.append(line.text) if line.type == "error" else None
    )
    seen.page.goto(path.as_uri())
    seen.page.wait_for_load_state("networkidle")
    return seen


@pytest.fixture(scope="module")
def opened(chromium: Browser) -> dict[str, Visit]:
    """Every page of the table of contents, each opened once."""
    return {name: visit(chromium, HTML / f"{name}.html") for name in PAGES}


def test_the_entry_leads_to_the_first_page(chromium: Browser) -> None:
    entry = visit(chromium, HTML / "index.html")
    entry.page.wait_for_selector("article h1")
    assert entry.page.url.endswith(f"{PAGES[0]}.html") or PAGES[0] == "index"
    assert (entry.asked_network, entry.failed, entry.errors) == ([], [], [])


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_complete_without_a_network(opened: dict[str, Visit], name: str) -> None:
    page = opened[name].page
    assert (opened[name].asked_network, opened[name].failed, opened[name].errors) == ([], [], [])
    assert all(width > 0 for width in page.evaluate(FORMULA_WIDTHS))
    errors = page.locator("mjx-merror, [data-mjx-error]")
    assert errors.evaluate_all("all => all.map(e => e.textContent)") == []
    assert page.evaluate(BROKEN_FONTS) == [] and page.evaluate(BROKEN_IMAGES) == []
    numbers = page.locator(".number").all_text_contents()
    assert [text for text in numbers if text.strip() in {"", "nan", "None"}] == []
    prose = page.locator("article.bd-article p, article.bd-article li").all_text_contents()
    # MyST leaves a role that it could not read as it was typed
    assert [text for text in prose if re.search(r"\{(number|verdict|cite|eq|ref)\b", text)] == []


def test_the_scoreboard_shows_the_lines_with_the_words_asked_for(opened: dict[str, Visit]) -> None:
    page = opened["chapters/scoreboard"].page
    lines = page.locator("table.filtered >> nth=0 >> tbody tr")
    total = lines.count()
    page.locator("input.filter").first.fill("Not Tested Yet")
    shown = [line for line in lines.all() if line.is_visible()]
    assert 0 < len(shown) < total
    assert all("not tested yet" in line.inner_text() for line in shown)
    page.locator("input.filter").first.fill("")
    assert all(line.is_visible() for line in lines.all())


def test_the_gradcon_page_shows_formulas_figures_and_aurocs(opened: dict[str, Visit]) -> None:
    page = opened["chapters/gradcon"].page
    assert len(page.evaluate(FORMULA_WIDTHS)) > 0
    assert page.locator("article img").count() >= 2

    def values(row: list[str]) -> list[float]:
        return [float(cell.split()[0]) for cell in row if re.match(r"[01]?\.\d", cell)]

    rows = [values(row) for table in page.evaluate(TABLES) for row in table]
    long = [row for row in rows if len(row) >= 5]  # printed on two sets, measured on three
    assert long, "no table row with five AUROCs"
    assert all(0 <= value <= 1 for row in long for value in row)
