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
# Every claim of the four documents has a rule, one line of data in `results/claims`, and its
# verdict is computed from result rows:
#
# - *reproduced*: the whole 95 % interval over seeds lies where the claim puts it, with three seeds
#   or more, full data, and networks as large as the document's;
# - *partly*: the mean lies there, but the interval crosses, or seeds, data or network are fewer;
# - *not at this budget*: it does not hold, but our run had fewer epochs, a smaller network or fewer
#   images than the document's, so nothing is refuted;
# - *not reproduced*: it does not hold at the document's own budget;
# - *not tested yet*: there are no rows, which says nothing of the claim.

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt

from lib import figures, numbers
from lib.numbers import board
from lib.numbers.page import claim_table

book = numbers.the_book()
build = board.build_verdicts(book, Path(rows_root))
documents = [
    next(document for document in book.ledger.documents if page in document.pages)
    for page in ("gradcon", "localization", "oracle", "dae")
]


def claims(*, table):
    every = [claim for d in documents for claim in board.claims_of(book, d, table=table)]
    lines = claim_table(book, every, build, board=True)
    return lines.set_table_attributes('class="words filtered"')


# %% tags=["remove-input", "full-width"]
numbers.styled(board.verdict_counts(book, documents), "Claims by the verdict of our reference runs")

# %% tags=["remove-input"] mystnb={"figure": {"name": "fig-sc-agreement", "caption": "Every AUROC, F1, accuracy and share that a document prints and our reference has, ours over theirs, with the 95 % interval where there are seeds. Most lie near the dotted line, where both are equal. The outliers are GradCon on MNIST (right edge) and COOL (its fooling rates along the top, its accuracy at 99 % at the lower right), both after a part of the epochs."}}
titles = {d.document: d.title.partition(" (")[0] for d in documents}
every = board.cells(book).dropna(subset="ours")
every = every[every["metric"].str.fullmatch("AUROC|AUC|F1|fraction.*")]
titles["spigler-paper"] = titles["dae-slides"]  # the talk's final paper
every = every.assign(document=every["source"].map(titles))
figures.use_style()
figure, axis = plt.subplots(figsize=(5.6, 5.6))
figures.agreement_scatter(axis, every, hue="document")
figure

# %% [markdown]
# ## Claims
#
# Kwon et al. {cite:p}`kwon2020gradcon` are tested in [](gradcon.ipynb), [](comparison.ipynb) and
# [](conditions.ipynb); Feeney and Hughes {cite:p}`feeney2021localization` in
# [](localization.ipynb) and [](planted.ipynb); Dietterich, Garrepalli and Guyer
# {cite:p}`dietterich2021representation` in [](oracle.ipynb) and [](improvements.ipynb); Spigler
# {cite:p}`spigler2019denoising` in [](dae.ipynb), [](fooling.ipynb) and [](openset.ipynb). A click
# on a reason unfolds the rule, why its tolerance is what it is, and remarks.

# %% tags=["remove-input", "full-width"]
claims(table=False)

# %% [markdown]
# ## Tables, cell by cell
#
# A claim that only restates a cell of a table counts here. A cell agrees where our mean is within
# its tolerance or, where none is set, where the printed number lies in our interval over seeds.
# Most of our runs are shorter than the documents', so a cell off is no error of theirs.

# %% tags=["remove-input"]
numbers.styled(board.agreement(book), "The documents' tables: cells re-made on full data").hide(
    axis="index"
)

# %% tags=["remove-input", "full-width"]
claims(table=True)
