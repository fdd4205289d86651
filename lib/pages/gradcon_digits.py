"""MNIST digit by digit, at the official learning rate and at a tenth of it."""

from collections.abc import Mapping

import pandas as pd

from lib.pages.gradcon import COMPARED, GRADCON, TRAINING, Setting, single_classes
from lib.pages.gradcon_reference import SLOW
from lib.results.variants import variant

PLACES = (("CAE", "recon"), ("CAE+Grad", "recon"), ("CAE+Grad", "grad"), ("GradCon", GRADCON))
RATES: Mapping[str, Setting] = {"official rate": {}, "a tenth of it": SLOW}
DIGITS = [str(digit) for digit in range(10)]


def digits_table(reference: pd.DataFrame, document: pd.DataFrame) -> pd.DataFrame:
    """AUROC with every digit as normal class, in words: as published, and at both learning rates.

    Ours are means over seeds. "black" counts the networks, over all seeds, that draw validation
    images worse than the mean image would. The columns are line, setting, the digits and mean;
    lines without all ten digits are left out, and it is empty without the slower rate.
    """
    ours, printed = (rows[rows["dataset"] == "MNIST"] for rows in (reference, document))
    found = []
    for method, score in PLACES:
        name = method if score == GRADCON else f"{method} {score}"
        own = printed[(printed["method"] == method) & (printed["score"] == score)]
        found.append((name, "published", own[own["table"] == COMPARED]))
        for words, setting in RATES.items():
            found.append((name, words, single_classes(ours, method, score, setting)))
    lines = [
        {"line": name, "setting": words, **{digit: f"{means[digit]:.3f}" for digit in DIGITS}}
        | {"mean": f"{means.mean():.3f}"}
        for name, words, rows in found
        for means in [rows[rows["class"].isin(DIGITS)].groupby("class")["value"].mean()]
        if len(means) == len(DIGITS)
    ]
    for method in ("CAE", "CAE+Grad"):
        lines += [
            {"line": f"{method} black", "setting": words} | counts
            for words, setting in RATES.items()
            if (counts := _black(ours, method, setting))
        ]
    slower = [line for line in lines if line["setting"] == "a tenth of it"]
    return pd.DataFrame(lines if slower else [], columns=["line", "setting", *DIGITS, "mean"])


def _black(rows: pd.DataFrame, method: str, setting: Setting) -> dict[str, str]:
    """How many networks of each digit explain less than nothing; empty unless all ten are there."""
    keys = {"table": TRAINING, "method": method, "variant": variant(**setting)}
    keys["metric"] = "explained variance"
    kept = rows[(rows[list(keys)] == pd.Series(keys)).all(axis=1) & rows["class"].isin(DIGITS)]
    bad = kept.assign(bad=kept["value"] < 0).groupby("class")["bad"].agg(["sum", "count"])
    if len(bad) < len(DIGITS):
        return {}
    cells = {str(digit): f"{line['sum']} of {line['count']}" for digit, line in bad.iterrows()}
    return cells | {"mean": f"{bad['sum'].sum()} of {bad['count'].sum()}"}
