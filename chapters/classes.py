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
# # GradCon class by class
#
# *The mean over ten classes hides what each says. Here the full-data runs behind the page*
# [](gradcon.ipynb) *are held class by class against the slides* {cite:p}`kwon2020gradcon`*: which
# error did they print, what did the latent constraint cost, and what happens to digits?*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`gk-error-found`
# - {glue:text}`gk-digits-living`
# :::

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import display
from myst_nb import glue

from lib import results
from lib.figures import COLOURS, class_scatter, use_style
from lib.pages import (
    gradcon,
    gradcon_classes,
    gradcon_digits,
    gradcon_near,
    gradcon_reference,
    gradcon_tables,
)
from lib.pages import gradcon_words as told

use_style()
built = results.read_chapter_run(Path(rows_root) / "gradcon")
document, mine = results.published("gradcon-slides"), results.with_averages(built.rows)
reference, reference_runs = results.reference_rows(), results.reference_runs()


def baseline_table(title: str):
    """The baseline experiment on one set; of this build if that is what it was run on."""
    of_build = mine if built.title == title else mine.iloc[:0]
    return gradcon_tables.baseline_table(of_build, reference, document, title, title)


# %% [markdown]
# ## The slides' own table: CIFAR-10
#
# The slides show their baseline experiment on CIFAR-10 only. These are our reference runs on it,
# beside the printed rows. {glue:text}`gk-budget-cifar`

# %% tags=["hide-input", "full-width", "figure"]
baseline_table("CIFAR-10")

# %% [markdown]
# ## Do single classes follow the slides'?
#
# Two means over ten classes can agree by chance. That all ten classes rise and fall together cannot
# well be chance, so {numref}`fig-gk-followed` holds each class against the printed one.
# {glue:text}`gk-followed-line`

# %% tags=["remove-cell", "figure"]
beside_slides = gradcon_classes.beside_printed(reference, document, "CIFAR-10")
followed = gradcon_classes.followed(beside_slides)
shown_lines = [line for line in followed if "," not in line or line.startswith("VAE")]
shown_lines.sort(key=lambda line: line.startswith("VAE"))
both = beside_slides[["published", "ours"]].stack()
limits = (both.min() - 0.03, both.max() + 0.03) if len(both) else (0, 1)
panels = max(1, -(-len(shown_lines) // 4))
figure, axes = plt.subplots(panels, 4, figsize=(10, 2.7 * panels), sharex=True, sharey=True)
for axis, line in zip(axes.flat, shown_lines, strict=False):
    kind = next((word for word in ("recon", "grad", "latent") if word in line), "recon+beta*grad")
    part = beside_slides[beside_slides["line"] == line]
    class_scatter(axis, part, limits=limits, color=COLOURS.get(kind, "0.3"))
    axis.set_title(f"{line}\nr = {followed[line].told}", fontsize="small")
for axis in axes.flat[len(shown_lines) :]:
    axis.axis("off")
figure.supxlabel("AUROC as printed", fontsize="small")
figure.supylabel("our reference runs", fontsize="small")
glue("gk-followed", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gk-followed
# :name: fig-gk-followed
# AUROC of each class of CIFAR-10, as printed and in our reference runs (means over seeds). On the
# dotted line both are equal; the two classes farthest from it are named. After a comma stands
# another error than the squared one.
# ```
#
# ## Is it the latent constraint, or the loss?
#
# The slides call the gap between CAE and VAE a *sacrifice from the latent constraint*. Two networks
# trained on two losses could not show that, so both have the squared error in the tables above.
# {glue:text}`gk-sacrifice`
#
# Nor may they be *scored* by two errors. So here each network's reconstructions are scored by
# cross-entropy as well, without any further training. {glue:text}`gk-error-line`
# {glue:text}`gk-entropy-line` {glue:text}`gk-loss-line`

# %% tags=["hide-input", "full-width", "figure"]
errors = gradcon_classes.error_table(reference, followed, "CIFAR-10")
caption = "Recon by two errors: AUROC (± over seeds; one seed without), r with the printed classes"
display(results.page_table(errors, caption, kind="words"))
by_loss = gradcon.losses(reference, "CIFAR-10")
if len(by_loss):
    trained_on = by_loss.rename(columns={"squared": "squared error", "bce": "cross-entropy"})
    trained_on = results.page_table(trained_on.reset_index(), "AUROC by the loss of the training")
    display(trained_on.hide(axis="index").format(precision=3))

# %% [markdown]
# ## Fashion-MNIST
#
# The same experiment on clothes, which the slides do not have (their Fashion-MNIST table has
# another protocol and stands on the page [](comparison.ipynb)). {glue:text}`gk-budget-fashion`

# %% tags=["hide-input", "full-width", "figure"]
baseline_table("Fashion-MNIST")

# %% [markdown]
# ## MNIST: digits and dead networks
#
# On digits many networks die within the first hundred updates at the official learning rate: they
# draw black for every image, and their error ranks images by nothing but ink. How that comes is
# told on the page [](gradcon.ipynb). {glue:text}`gk-dead` {glue:text}`gk-digits-variational`
#
# A smaller learning rate is the control. {glue:text}`gk-slow` The table has both learning rates by
# digit, *official* and *slower*; *poor* counts networks that draw worse than the mean image. At the
# slower rate that need not be death: few epochs may leave a network on its way.

# %% tags=["remove-input", "full-width"]
by_digit = gradcon_digits.digits_table(reference, document)
if len(by_digit):
    caption = "MNIST, reference runs: AUROC by normal digit, means over seeds"
    display(results.page_table(by_digit, caption).hide(axis="index"))

# %% [markdown]
# Is it the dead networks alone that keep us from the printed digits? What the others reach is told
# on top of this page. {glue:text}`gk-digits-near`
#
# How these runs were made is listed in [](rerunning.md), and what they differ in from the document
# in [](deviations.md).

# %% tags=["remove-cell"]
# Every sentence with a number in it is put together here, from the rows.
digits = gradcon_classes.by_class(document, "MNIST")[gradcon.COMPARED, "GradCon", gradcon.GRADCON]
near_digits = {"the slides": gradcon_near.near_settings(reference, digits, "MNIST")}
sentences = {
    "budget-cifar": gradcon_reference.budget(reference, reference_runs, "CIFAR-10"),
    "budget-fashion": gradcon_reference.budget(reference, reference_runs, "Fashion-MNIST"),
    "sacrifice": gradcon_reference.sacrifice(reference, document, "CIFAR-10"),
    "followed-line": gradcon_classes.followed_words(followed),
    "error-found": gradcon_classes.error_found(followed),
    "error-line": gradcon_classes.error_words(followed),
    "entropy-line": gradcon_classes.entropy_words(followed),
    "loss-line": told.losses(by_loss),
    "dead": gradcon_reference.dead(reference),
    "slow": gradcon_reference.slow(reference, reference_runs),
    "digits-variational": gradcon_digits.variational_words(reference),
    "digits-living": gradcon_digits.living_words(reference, document),
    "digits-near": gradcon_near.near_words(near_digits),
}
for name, sentence in sentences.items():
    glue(f"gk-{name}", sentence, display=False)
