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
# # What moves GradCon's number
#
# *The slides* {cite:p}`kwon2020gradcon` *print a mean AUROC of {glue:text}`gm-published-mean` on
# CIFAR-10. Two runs of the official code by others gave {glue:text}`gm-others`, and
# [our own](gradcon.ipynb) are near those. What can explain the gap?*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`gm-gap-line`
# - {glue:text}`gm-moves-line`
# - {glue:text}`gm-course-short`
# :::

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt
from myst_nb import glue

from lib import results
from lib.figures import COLOURS, change_lines, course_grid, use_style
from lib.pages import gradcon, gradcon_course, gradcon_near, gradcon_places, gradcon_reference
from lib.pages import gradcon_words as told

use_style()
built = results.read_chapter_run(Path(rows_root) / "gradcon")
rows, title = built.rows, built.title
own = gradcon_places.variants(gradcon_places.changed(built.settings))
reference, document = results.reference_rows(), results.published()
others = gradcon_reference.printed(document)

# %% [markdown]
# ## One change at a time
#
# {numref}`fig-gm-moves` changes one thing at a time in our own runs. Some changes were tried on
# three classes only, so every line has the published numbers *of its own classes* beside it.

# %% tags=["remove-cell", "figure"]
moved, source = gradcon.moves(reference, "CIFAR-10"), "reference runs on CIFAR-10"
if moved.empty:
    moved, source = gradcon.moves(rows, title, setting=own.whole), f"this build, {title}"
moved = others.beside(moved)
figure, axis = plt.subplots(figsize=(8, 0.9 + 0.27 * max(len(moved), 4)))
marks = {  # CIFAR-10's numbers have no place beside digits
    "base": {"color": "black", "ls": "-", "label": "our own setting"},
    "published": {"color": "C3", "ls": "--", "label": "published"},
    "third party": {"color": "C0", "ls": ":", "label": "third-party runs, mean of two"},
}
change_lines(axis, moved, marks)
axis.set(xlabel="mean AUROC over the classes of the line")
figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4)
glue("gm-moves", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gm-moves
# :name: fig-gm-moves
# GradCon with one thing changed, {glue:text}`gm-source`. Vertical lines: the same classes and
# seeds without the change, and what others report for the same classes. n: networks, one per class
# and seed.
# ```
#
# {glue:text}`gm-untried`
#
# Means say little about *which* run they come from; ten classes say more. {glue:text}`gm-near-line`
#
# ## Would more epochs help?
#
# The table has the change of the mean AUROC and of the error from each epoch that was looked at to
# the next, of this build too. {glue:text}`gm-course-line`

# %% tags=["remove-cell"]
METRICS = {"AUROC": "mean AUROC", "validation loss": "validation loss"}
FULL = ("CIFAR-10", "MNIST", "Fashion-MNIST")
sets = {f"{name}, reference": (reference, name, {}) for name in FULL}
sets |= {f"{title}, this build": (rows, title, own.train)}
courses = {
    words: tuple(gradcon.courses(*of, metric=metric, setting=setting) for metric in METRICS)
    for words, (*of, setting) in sets.items()
}
courses = {words: pair for words, pair in courses.items() if len(pair[0])}

# %% tags=["hide-input", "full-width", "figure"]
results.page_table(
    gradcon_course.change_table(
        {words.removesuffix(", reference"): pair for words, pair in courses.items()}
    ),
    "Reference runs and this build: change of the mean AUROC (how many networks rose, of all) and "
    "of the validation error; epochs in brackets: what the last change would give at its pace",
)

# %% tags=["remove-cell", "figure"]
colours = dict(
    zip(
        ("CAE recon", "CAE grad", "CAE+Grad recon", "CAE+Grad grad", *gradcon.NETWORKS),
        ("0.6", "C0", "0.2", COLOURS["grad"], "0.6", COLOURS["grad"], "C1", "C4"),
        strict=True,
    )
)
drawn = {
    label: {words: gradcon.course_means(pair[i]) for words, pair in courses.items()}
    for i, label in enumerate(METRICS.values())
}
figure = plt.figure(figsize=(2.4 + 3.2 * max(1, len(courses)), 5.4))
course_grid(figure, drawn, colours=colours)
glue("gm-course", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gm-course
# :name: fig-gm-course
# The last network after a number of epochs: AUROC, and error (of a VAE with its divergence) on
# validation images. Each line is the mean over those networks that have all of its epochs.
# ```
#
# How each of these runs was made stands on the page [](gradcon.ipynb), and their grids are listed
# in [](rerunning.md).

# %% tags=["remove-cell"]
# Every sentence with a number in it is put together here, from the rows.
near = {
    name: gradcon_near.near_settings(reference, values, "CIFAR-10")
    for name, values in (("the slides", others.slides), ("the third-party runs", others.others))
}
lines = [gradcon_course.last_change(words, pair) for words, pair in courses.items()]
sentences = {
    "published-mean": f"{others.slides_mean:.3f}",
    "others": others.others_words(),
    "gap-line": gradcon_reference.gap(reference, others),
    "source": source,
    "moves-line": told.moves(moved, source),
    "untried": told.untried(moved),
    "near-line": gradcon_near.near_words(near),
    "course-short": lines[0] if lines else "No run looked at the test images on the way.",
    "course-line": " ".join(lines[1:]) or "One set alone has such rows.",
}
for name, sentence in sentences.items():
    glue(f"gm-{name}", sentence, display=False)
