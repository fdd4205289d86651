"""What prose says is true while its guards hold: each one is evaluated on the reference."""

import re
from collections.abc import Iterator
from pathlib import Path

from lib.errors import CompanionError
from lib.numbers import Book, the_book
from lib.paths import CHAPTERS, ROOT

PAGES = sorted([*CHAPTERS.glob("*.py"), *CHAPTERS.glob("*.md"), ROOT / "README.md"])
COMMENT = re.compile(r"<!--\s*true while:(.*?)-->", re.DOTALL)
ROLE = re.compile(r"\{(number|verdict)\}`+([^`]+)`+")


def plain(text: str) -> str:
    """A chapter's Markdown without the comment signs of its cells; lines stay where they are."""
    return re.sub(r"^# ?", "", text, flags=re.MULTILINE)


def guards(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, guard and the first words of the paragraph above, for each guard in a page."""
    for found in COMMENT.finditer(text):
        before = COMMENT.sub("", text[: found.start()]).rstrip()
        paragraph = " ".join(before.rpartition("\n\n")[2].split())
        line = text.count("\n", 0, found.start()) + 1
        for guard in re.split(r"[;\n]", found[1]):
            if guard.strip():
                yield line, guard.strip(), paragraph


def broken(page: Path, text: str, book: Book) -> list[str]:
    """What no longer holds in a page, or cannot be read: file, line, guard, paragraph."""
    found = []
    for line, guard, paragraph in guards(text):
        try:
            problem = "" if book.holds(guard) else "is no longer true"
        except CompanionError as error:
            problem = f"cannot be judged: {error}"
        if problem:
            found.append(f"{page.name}:{line}: {guard} {problem}\n    under: {paragraph[:200]}")
    return found


def test_every_guard_holds() -> None:
    for page in PAGES:
        problems = broken(page, plain(page.read_text("utf-8")), the_book())
        assert not problems, "rewrite these paragraphs:\n" + "\n".join(problems)


def test_every_number_and_verdict_in_prose_exists() -> None:
    for page in PAGES:
        book = the_book()
        for role, text in ROLE.findall(plain(page.read_text("utf-8"))):
            book.text(" ".join(text.split())) if role == "number" else book.verdict(text)


def test_the_numbers_of_the_readme_are_the_references() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert the_book().refreshed(text) == text, "run `make accept`"
    name = next(
        n for n, at in the_book().ledger.names.items() if the_book().reference.entries(at.cells)
    )
    now = the_book().text(f"{name}.interval")
    planted = f"a (0.12<!-- = {name} --> or x<!-- = {name}.interval -->), b"
    shown = f"a ({the_book().text(name)}<!-- = {name} --> or {now}<!-- = {name}.interval -->), b"
    assert the_book().refreshed(planted) == the_book().refreshed(shown) == shown
    rate = "b (0.12 [0.10, 0.14]<!-- = NAME.interval -->)".replace("NAME", name)
    assert the_book().refreshed(rate) == f"b ({now}<!-- = {name}.interval -->)"


def test_a_planted_false_guard_is_found() -> None:
    book = the_book()
    id_, verdict = next((id_, v.verdict) for id_, v in book.verdicts.items() if v.n_seeds)
    name = next(name for name, at in book.ledger.names.items() if book.reference.entries(at.cells))
    text = plain(
        "# %% [markdown]\n# # A page\n#\n# First paragraph.\n#\n# The finding, in\n# two lines.\n"
        f"# <!-- true while: {id_} is {verdict} -->\n"
        f"# <!-- true while: {name} < {name} ; {name} = {name} ± 0 -->\n"
        "# <!-- true while: no-such-claim is partly -->\n"
    )
    first, second = broken(Path("page.py"), text, book)
    assert first.startswith(f"page.py:9: {name} < {name} is no longer true")
    assert "under: The finding, in two lines." in first
    assert second.startswith("page.py:10: no-such-claim is partly cannot be judged: There is no")
