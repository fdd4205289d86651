# ---
# jupyter:
#   companion:
#     assembled: true
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Scoreboard
#
# {glue:text}`sb-summary`
#
# Each line is one claim of a document. Its verdict is computed from result rows by the rule in
# `results/claims.yml`: *reproduced* takes at least three seeds on full data and a 95 % interval
# over seeds that lies wholly where the claim puts it; an interval that crosses the bound is
# *partly* at best; so is everything measured on reduced data. A run with less of the document's
# budget, such as epochs, says so in the last column. *Not tested yet* means that the rows are
# missing, not that the claim is in doubt.

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import pandas as pd
from myst_nb import glue

from lib import parameters, results

claims = results.load_claims()
folders = sorted(path.parent for path in Path(rows_root).glob("*/runs.csv"))
built = results.with_averages(results.merge([results.read_rows(f / "rows.csv") for f in folders]))
built_runs = results.merge_runs([results.read_runs(f / "runs.csv") for f in folders])
# what the embedded digits of this build are read in place of
STAND_IN = {"oracle-slides": {"CIFAR-10": "MNIST-5k"}}
reference = results.evaluate(claims, results.reference_rows(), results.reference_runs())
parts = []
for document in dict.fromkeys(claim.document for claim in claims):
    own = [claim for claim in claims if claim.document == document]
    stand_in = STAND_IN.get(document, {"MNIST": "MNIST-5k"})
    stand_in = stand_in if "MNIST-5k" in set(built["dataset"]) else {}
    parts.append(results.evaluate(own, built, built_runs, stand_in=stand_in))
ours = pd.concat(parts).set_index("id").loc[reference["id"]].reset_index()
count = reference["verdict"].value_counts()
words = [f"{count.get(verdict, 0)} {verdict}" for verdict in reversed(results.VERDICTS)]
glue(
    "sb-summary",
    f"Of {len(claims)} claims, judged on our reference runs: {', '.join(words)}.",
    display=False,
)

# %% tags=["remove-input"]
caption = "Claims by the verdict of our reference runs"
counts = results.verdict_counts(reference)
in_order = [name for name in parameters.book_chapters() if name in counts.index]
results.page_table(counts.loc[[*in_order, "all"]], caption)

# %% tags=["remove-cell"]
COLOUR = {"reproduced": "#1a7f37", "partly": "#9a6700", "not reproduced": "#b3261e"}


def section(chapter: str):
    """The claims that a chapter tests, with the verdicts of reference and build."""
    of_chapter = reference["id"].str.startswith(f"{chapter}-")
    shown = reference[["document", "where", "claim", "published", "measured"]].assign(
        **{"reference": reference["verdict"], "this build": ours["verdict"]},
        why=reference["reason"],
    )[of_chapter]
    if shown["document"].nunique() == 1:
        shown = shown.drop(columns="document")
    return results.page_table(shown, kind="words").map(
        lambda verdict: f"color: {COLOUR.get(verdict, 'gray')}", subset=["reference", "this build"]
    )


# %% [markdown]
# ## GradCon
#
# Kwon et al. {cite:p}`kwon2020gradcon`, tested in [](gradcon.ipynb).

# %% tags=["hide-input", "full-width"]
section("gradcon")

# %% [markdown]
# ## GradCon against other methods
#
# The same document, tested in [](comparison.ipynb).

# %% tags=["hide-input", "full-width"]
section("comparison")

# %% [markdown]
# ## Abnormal conditions
#
# The same document, tested in [](conditions.ipynb).

# %% tags=["hide-input", "full-width"]
section("conditions")

# %% [markdown]
# ## Localization
#
# Feeney and Hughes {cite:p}`feeney2021localization`, tested in [](localization.ipynb).

# %% tags=["hide-input", "full-width"]
section("localization")

# %% [markdown]
# ## Representation oracle
#
# Dietterich, Garrepalli and Guyer {cite:p}`dietterich2021representation`, tested in
# [](oracle.ipynb) and [](improvements.ipynb).

# %% tags=["hide-input", "full-width"]
section("oracle")

# %% [markdown]
# ## Denoising autoencoder
#
# Spigler {cite:p}`spigler2019denoising`, tested in [](dae.ipynb) and
# [](openset.ipynb).

# %% tags=["hide-input", "full-width"]
section("dae")

# %% [markdown]
# ## What a verdict rests on
#
# Scope and remarks of each claim, as they stand in the ledger.

# %% tags=["hide-input", "full-width"]
pd.DataFrame(
    {
        "claim": [claim.id for claim in claims],
        "scope": [claim.scope for claim in claims],
        "rule": [claim.rule for claim in claims],
        "remark": [" ".join(part for part in (claim.why, claim.note) if part) for claim in claims],
    }
).style.hide(axis="index").set_table_attributes('class="words"')
