"""Two Sphinx roles for prose: a number of the committed reference by name, a verdict by claim.

`` {number}`CAE recon.published` `` and `` {verdict}`gradcon-fisher-kernel` ``. An unknown name is a
warning, and the book is built with warnings as errors.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from lib.errors import CompanionError
from lib.numbers import the_book
from lib.numbers.claims import CLAIMS
from lib.numbers.documents import REFERENCE

SCOREBOARD = "chapters/scoreboard"
logger = logging.getLogger(__name__)


class NumberRole(SphinxRole):
    """The number as text, `0.563`; what the book does not know becomes a warning."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The role's node."""
        for file in [*CLAIMS.glob("*.yml"), *REFERENCE.glob("*.csv")]:
            self.env.note_dependency(str(file))  # a page is read again when its numbers change
        try:
            return [self.node()], []
        except CompanionError as problem:
            logger.warning(str(problem), location=self.get_location(), type="numbers")
            return [nodes.problematic(self.rawtext, self.text)], []

    def node(self) -> nodes.Node:
        """What stands in the text."""
        return nodes.inline(self.rawtext, the_book().text(self.text), classes=["number"])


class VerdictRole(NumberRole):
    """The verdict as a coloured word that links to the claim's line on the scoreboard."""

    def node(self) -> nodes.Node:
        """The link."""
        verdict = the_book().verdict(self.text)
        board = self.env.app.builder.get_relative_uri(self.env.docname, SCOREBOARD)
        word = nodes.inline(
            "", verdict.verdict, classes=["verdict", verdict.verdict.replace(" ", "-")]
        )
        link = nodes.reference("", "", word, refuri=f"{board}#claim-{verdict.id}", internal=True)
        link["classes"] += ["verdict-link"]
        return link


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the roles with Sphinx."""
    app.add_role("number", NumberRole())
    app.add_role("verdict", VerdictRole())
    return {"version": str(Path(__file__).stat().st_mtime_ns), "parallel_read_safe": True}
