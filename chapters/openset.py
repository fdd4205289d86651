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
# # Open set: refusing what was never learned
#
# *A classifier gives every image one of its classes. Can the confidence of a denoising autoencoder*
# {cite:p}`spigler2019denoising` *tell it which images belong to none?* The networks are those of
# the page [](dae.ipynb), trained anew on some of the classes.
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`os-open`
# - {glue:text}`os-one`
# :::

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
from myst_nb import glue

from lib import results
from lib.figures import range_curve, use_style
from lib.pages import dae, dae_open_words, dae_page, dae_tables
from lib.results import BUILD

use_style()
built, reference = results.read_chapter_run(Path(rows_root) / "dae"), results.reference_rows()
document, changed = results.published("dae-slides"), dae_page.changed(built.settings)
OF = dae_page.sources(reference, built.rows, document, built.title, changed)
boards = results.boards(
    "dae", reference, built.rows, built.provenance, stand_in={OF.full: built.title}
)
judged = partial(results.judged, boards, "dae")
LOW, HIGH = built.settings["thresholds"][0], built.settings["thresholds"][-1]

# %% [markdown]
# ## Known classes, unknown classes
#
# Networks are trained on one to ten classes and asked about all ten; an unknown image is right if
# it is refused. The slides plot one measure without naming it, so here are three: accuracy with
# reject, the macro F-measure (reject counts as a class), and the AUROC of the rejection score,
# which needs no threshold. With one class a softmax is constant, and only a confidence can refuse.
#
# Baselines: OpenMax {cite:p}`bendale2016openmax` on the CNN's logits, a Weibull-calibrated SVM
# {cite:p}`scheirer2014weibull` and a 1-vs-set machine {cite:p}`scheirer2013toward` on its last
# hidden layer, $k$ nearest neighbours on pixels. W-SVM and neighbours give no probabilities: they
# get the threshold that 95 of 100 held-out known images reach.
#
# In tables and figures *MNIST* and *Fashion-MNIST* are our reference, on the full sets.
# {glue:text}`os-open-threshold`

# %% tags=["hide-input", "full-width", "figure"]
results.page_table(
    dae_tables.open_set_table(OF),
    "AUROC of the rejection score, mean over orders of the classes",
).format("{:.3f}", na_rep="")

# %% tags=["remove-cell", "figure"]
OPEN_METRICS = {
    **{f"macro F-measure {dae.word_of(level)}": "" for level in (LOW, HIGH)},
    f"accuracy {dae.word_of(HIGH)}": f"accuracy with reject {dae.word_of(HIGH)}",
    "AUROC": "AUROC of the rejection score",
}


def open_figure(where: str):
    figure, axes = plt.subplots(2, 2, figsize=(8.6, 6.6), sharex=True)
    handles = {}
    for axis, (metric, label) in zip(axes.flat, OPEN_METRICS.items(), strict=False):
        own = metric.partition(" at ")[0] + " at its own threshold"
        by_method = dae_tables.numbers_by_count(OF, where, [metric, own])
        for number, (name, table) in enumerate(by_method.items()):
            style, shade = ("-", 0.15) if name in dae.MAIN else (":", 0)
            line = {"colour": f"C{number}", "label": name, "shade": shade}
            range_curve(axis, table, style, **line, marker="o")
        axis.set(xlabel="training classes", title=label or metric, ylim=(0, 1.02))
        axis.label_outer()
        handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    entries = (handles.values(), handles)
    figure.legend(*entries, fontsize="small", ncols=5, loc="outside lower center", frameon=False)
    return figure


for key, title in (("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST")):
    figure = open_figure(title if title in OF.reference else BUILD)
    glue(f"os-open-{key}", figure, display=False)
    plt.close(figure)

# %% [markdown]
# ```{glue:figure} os-open-mnist
# :name: fig-os-open
# MNIST, {glue:text}`os-source`: open-set recognition over the number of training classes. Lines:
# mean over all orders of the classes, solid for the document's networks; their bands reach from the
# least to the largest, and hollow points are numbers of classes with one order only.
# ```
#
# ```{glue:figure} os-open-fashion-mnist
# :name: fig-os-open-fashion
# The same for Fashion-MNIST. The slides take a threshold of 90 % here, and 99 % in the supplement.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("open")

# %% [markdown]
# ## One class
#
# With a single known class the question is the classical one, and the baselines are the classical
# ones: a one-class SVM on pixels, the error of the same autoencoder without noise, neighbours.
# {glue:text}`os-dead-line`

# %% tags=["hide-input", "full-width", "figure"]
one_known = dae_tables.one_class_table(OF)
caption = "AUROC with one class known, one seed"
results.page_table(one_known, caption).format("{:.3f}", na_rep="")

# %% tags=["hide-input", "full-width", "figure"]
judged("one")

# %% [markdown]
# ## Exercise
#
# ```{exercise}
# :label: ex-os-one
# With one known class the softmax is 1 for every image. What, then, does the AUROC of the scaled
# output depend on, and does $\alpha$ matter?
# ```
#
# ```{solution} ex-os-one
# :class: dropdown
# On the error $\lVert r(x) - x \rVert$ alone, and $\alpha$ does not matter: it changes all
# confidences but not their order. It matters as soon as a threshold is fixed.
# ```
#
# How the networks were trained stands on the page [](dae.ipynb), and their grids are listed in
# [](rerunning.md).

# %% tags=["remove-cell"]
# Every sentence with a number in it is put together here, from the rows.
sentences = {
    "source": OF.words,
    "open": dae_open_words.open_line(OF),
    "open-threshold": dae_open_words.open_threshold(OF, HIGH),
    "one": dae_open_words.one_line(OF, one_known),
    "dead-line": dae_open_words.dead_line(OF, one_known),
}
for name, sentence in sentences.items():
    glue(f"os-{name}", sentence, display=False)
