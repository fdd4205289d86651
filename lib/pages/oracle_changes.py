"""What each change of the network brought on the first split, one line per change."""

from typing import Any

import pandas as pd

from lib.pages import oracle
from lib.pages.oracle_tables import Source, Sources, values
from lib.pages.oracle_words import LAMBDAS, TASKS

MAX_LOGIT = "max logit"
_WIDTHS, _MEMBERS = (8, 24, 32), (2, 3, 4, 5)


def changes(source: Source, score: str) -> pd.DataFrame:
    """AUC of max logit or forest with each change (what, value) and without any (base).

    `score` is MAX_LOGIT or the forest's name. Where a change brings another score in place of the
    max logit, the line says which. Changes that were not measured are left out. All is of the first
    split and seed, the only one that every network has.
    """
    base = values(source, metric=oracle.AUC, method=oracle.BASE, score=score, first=True)
    lines = []
    for what, cells in _cells(score).items():
        found = values(source, metric=oracle.AUC, first=True, **cells)
        if len(found) and len(base):
            lines.append({"what": what, "base": base.iloc[0], "value": found.iloc[0]})
    return pd.DataFrame(lines, columns=["what", "base", "value"])


def changes_words(sources: Sources) -> str:
    """How many changes raise max logit and forest, and which the most; of the reference if any."""
    for word, source in sources.items():
        told = [
            f"{name} rises with {_risen(table)}"
            for name, score in (("the max logit's AUC", MAX_LOGIT), ("the forest's", oracle.FOREST))
            if len(table := changes(source, score))
        ]
        if told:
            whose = "our reference" if word == "reference" else word
            return f"First split of {source.dataset}, {whose}: {'; '.join(told)}."
    return "No changed network was measured."


def _risen(table: pd.DataFrame) -> str:
    """`9 of 15 changes, the most with rotation task (+0.014)`."""
    gain = table["value"] - table["base"]
    rose = f"{int((gain > 0).sum())} of {len(table)} changes"
    best = int(gain.to_numpy().argmax())
    most = f"{table['what'].iloc[best]} ({gain.iloc[best]:+.3f})"
    return f"{rose}, the most {most}" if gain.iloc[best] > 0 else rose


def _cells(score: str) -> dict[str, dict[str, Any]]:
    """The cells of each change's row, by its words."""
    lines = {f"draws its image, λ = {weight:g}": f"hybrid {weight:g}" for weight in LAMBDAS}
    lines |= {"draws its image, no classes": "reconstruction"}
    lines |= {f"with {task} task": task for task in TASKS}
    lines |= {f"width {width}": f"width {width}" for width in _WIDTHS}
    lines |= {"without augmentation": "no augmentation"}
    found: dict[str, dict[str, Any]] = {}
    for what, network in lines.items():
        method, setting = oracle.method_of(network)
        found[what] = {"method": method, "setting": setting, "score": score}
    godin: dict[str, Any] = {"method": oracle.GENERALIZED_ODIN}
    if score != MAX_LOGIT:
        return found | {"Generalized ODIN": godin | {"score": score}}
    same = {"table": "ensembles", "method": oracle.ENSEMBLE, "score": "mean max logit"}
    several = {f"{n} networks, mean": same | {"setting": {"members": n}} for n in _MEMBERS}
    return found | {"Generalized ODIN, max h": godin | {"score": "max cosine h"}} | several
