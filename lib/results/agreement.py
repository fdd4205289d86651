"""Does a new run contradict the committed reference? One line per claim, stable for nbval."""

from collections.abc import Iterable

import pandas as pd

from lib.results.claims import Claim
from lib.results.verdicts import evaluate

OPPOSITES = {"reproduced", "not reproduced"}


def agreement_lines(
    claims: Iterable[Claim],
    reference: tuple[pd.DataFrame, pd.DataFrame],
    run: tuple[pd.DataFrame, pd.DataFrame],
) -> list[str]:
    """`claim-id: reference says partly: ok`, or OFF where the new run says the opposite.

    `reference` and `run` are (rows with averages, runs). Only *reproduced* against *not
    reproduced* is a contradiction: a smaller or larger run may well be less sure, or test less.
    The new verdict is not printed, so that the lines are the same for every run that agrees.
    """
    listed = list(claims)
    told = evaluate(listed, *reference)["verdict"]
    new = evaluate(listed, *run)["verdict"]
    return [
        f"{claim.id}: reference says {old}: {'OFF' if {old, now} == OPPOSITES else 'ok'}"
        for claim, old, now in zip(listed, told, new, strict=True)
    ]
