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
# *On CIFAR-10 the slides* {cite:p}`kwon2020gradcon` *print a mean AUROC of*
# {number}`GradCon recon+beta*grad.published`*; [our own](gradcon.ipynb) is*
# {number}`GradCon recon+beta*grad`*, and so is that of others with the official code. What can
# explain the gap?*
#
# :::{admonition} What we found
# :class: tip
# 1. **No change that we tried closes it.** The best weight in the score is smaller than the official
#    one, and even so, with $\beta = 0.03$, GradCon reaches only {number}`GradCon beta 0.03`.
# 2. **Longer training does not help**: from 60 to 150 epochs GradCon goes to
#    {number}`GradCon at 150 epochs`, while the error on validation images still falls.
# 3. What nobody can try are the document's seeds and its draw of test images, which are not public.
# :::
# <!-- true while: GradCon beta 0.03 > GradCon recon+beta*grad ; GradCon beta 0.03 < 0.65 -->
# <!-- true while: GradCon at 150 epochs < GradCon recon+beta*grad + 0.01 -->

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from lib import figures, numbers

figures.use_style()
page = numbers.open_page("moves", Path(rows_root) / "gradcon")
CELLS = {"dataset": "CIFAR-10", "metric": "AUROC"}

# %% [markdown]
# ## One change at a time
#
# {numref}`fig-gm-moves` changes one thing at a time in our own runs. Some changes were tried on
# three classes only, so every line has the published numbers of its own classes beside it. On those
# three a tenth of the learning rate gains most, as does the epoch that the official code keeps; a
# weight of one in training, as the slides' formula has it, costs more than any change gains.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gm-moves", "caption": "GradCon with one setting changed, reference runs on CIFAR-10. Vertical lines: the same classes and seeds without the change, and what the slides and two runs of the official code by others have for these classes. n: networks, one per class and seed."}}
WORDS = {
    "alpha": "weight in training {}",
    "beta": "weight in the score {}",
    "epochs": "{} epochs",
    "loss": "trained on cross-entropy",
    "lr": "learning rate {}",
    "reference": "reference: {}",
    "selection": "epoch: {}",
    "test": "all test images",
}
ours = page.values(table="sota-auroc", method="GradCon", variant="*", **CELLS)
ours = ours[ours["class"] != "average"].set_index(["class", "seed"])
base = ours[ours["variant"] == ""]["value"]
printed = numbers.published().query("dataset == 'CIFAR-10' and method == 'GradCon'")
rerun = printed["table"].str.contains("rerun of official code")
told = {
    "published": printed[printed["table"] == "sota-auroc"].groupby("class")["value"].mean(),
    "third party": printed[rerun].groupby("class")["value"].mean(),
}
lines = []
for text, part in ours.groupby("variant"):
    changed = numbers.parse_variant(text)
    if len(changed) == 1 and set(changed) <= set(WORDS):
        ((key, value),) = changed.items()
        names = part.index.get_level_values("class").unique()
        line = {"what": WORDS[key].format(value), "n": len(part), "value": part["value"].mean()}
        line |= {"base": base[part.index].mean()}
        lines.append(line | {who: means[names].mean() for who, means in told.items()})
moved = pd.DataFrame(lines).sort_values(["n", "what"], ascending=[False, True], ignore_index=True)
marks = {
    "base": {"color": "black", "ls": "-", "label": "without the change"},
    "published": {"color": "C3", "ls": "--", "label": "published"},
    "third party": {"color": "C0", "ls": ":", "label": "official code, run by others"},
}
figure, axis = plt.subplots(figsize=(8, 0.9 + 0.27 * len(moved)))
figures.change_lines(axis, moved, marks)
axis.set(xlabel="mean AUROC over the classes of the line")
figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4)

# %% [markdown]
# ## Would more epochs help?
#
# **On CIFAR-10 no.** The curves of {numref}`fig-gm-course` are flat from the second epoch on. On
# Fashion-MNIST the gradient still gains at the twentieth. On MNIST the curves of the constrained
# network rise each time that one of its networks leaves its plateau, and say little about the
# document's 1,000 epochs.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gm-course", "caption": "Mean AUROC over ten classes of the network after a number of epochs, reference runs, first seed."}}
course = page.values(
    table="baseline-auroc",
    dataset=["CIFAR-10", "Fashion-MNIST", "MNIST"],
    metric="AUROC",
    method=["CAE", "CAE+Grad"],
    score=["recon", "grad"],
    epochs_shown="*",
)
course = course[(course["class"] == "average") & (course["seed"] == 0)]
course = course.assign(line=course["method"] + " " + course["score"], epoch=course["epochs_shown"])
palette = {"CAE recon": "0.6", "CAE+Grad recon": "0.2", "CAE+Grad grad": figures.COLOURS["grad"]}
figure, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
for axis, (title, part) in zip(axes, course.groupby("dataset"), strict=True):
    sns.lineplot(part, x="epoch", y="value", hue="line", palette=palette, marker="o", ax=axis)
    axis.set(title=title, xscale="log", ylabel="mean AUROC")
    axis.legend(fontsize="x-small").set_visible(title == "CIFAR-10")
