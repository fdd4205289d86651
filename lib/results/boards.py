"""The verdicts on a chapter's claims that its page shows: of the reference, and of its own run."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
from pandas.io.formats.style import Styler

from lib.errors import UnknownName
from lib.numbers.documents import reference_runs
from lib.numbers.runs import runs_frame
from lib.results.claims import load_claims
from lib.results.tables import page_table
from lib.results.verdicts import evaluate, verdict_table


class Boards(NamedTuple):
    """What `evaluate` gives for one chapter's claims, on the committed rows and on a run's."""

    reference: pd.DataFrame
    this_build: pd.DataFrame


def boards(
    chapter: str,
    reference: pd.DataFrame,
    rows: pd.DataFrame,
    provenance: Mapping[str, object],
    *,
    stand_in: Mapping[str, str] | None = None,
) -> Boards:
    """Judge the claims whose id begins with the chapter's name.

    `reference` are the committed rows; `rows` and `provenance` the run's own, `stand_in` as in
    `evaluate`. Raises UnknownName for a
    chapter without claims, BadInput as `evaluate` does.
    """
    claims = [claim for claim in load_claims() if claim.id.startswith(f"{chapter}-")]
    if not claims:
        raise UnknownName(f"No claim is about a chapter {chapter!r}.")
    return Boards(
        evaluate(claims, reference, reference_runs()),
        evaluate(claims, rows, runs_frame([provenance]), stand_in=stand_in),
    )


def judged(found: Boards, chapter: str, *words: str) -> Styler:
    """The verdicts on the claims `chapter-word…` side by side, as pages show them.

    Raises BadInput where a word fits no claim.
    """
    return page_table(verdict_table(*found, *(f"{chapter}-{word}" for word in words)), kind="words")
