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
# # Which map finds a novelty whose place is known?
#
# *[](localization.ipynb) compares two maps with each other; neither is the truth. The paper*
# {cite:p}`feeney2021localization` *concludes that error maps are insufficient for localization and
# asks whether saliency might take their place. To answer, one needs images whose novel region is
# known.*
#
# :::{admonition} What we found
# :class: tip
# - **The paper asks whether saliency should replace the error map: on regions that we planted it
#   should not.** The error map finds them better, and their product is no better than the error.
# - **The paper calls the error map insufficient: about half of its ten largest pixels lie in the
#   region**, nine times as many as by chance, and the other half elsewhere.
# - **Plain saliency does notice when the network's weights are destroyed**, as the paper says, but
#   so does SmoothGrad; on black images rank correlation cannot tell.
# :::
# <!-- true while: lo-planted-error > lo-planted-saliency + 0.05 -->
# <!-- true while: lo-planted-product = lo-planted-error ± 0.02 -->
# <!-- true while: localization-section2.2-sanity-ssim is not at this budget -->

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lib import data, metrics, numbers, scores, training
from lib.experiments import localization_rows as at
from lib.figures import COLOURS, use_style

use_style()
built = numbers.read_rows(Path(rows_root) / "localization" / "rows.csv")
page = numbers.open_page("planted", built)

# %% [markdown]
# ## Planting a region
#
# Into a normal digit goes a piece of stroke of a novel digit, or a patch of one, or a piece of its
# own stroke is erased, or a grey square appears. The network was trained on normal digits; all but
# the region stays what it knows.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-planted", "caption": "A normal digit with each kind of planted region, and the region below it."}}
images = data.load("mnist-5k")
pixels, tested = data.to_float(images.images), np.flatnonzero(images.is_test)
normal, novel = (tested[np.isin(images.labels[tested], part)][::5] for part in ([0, 3], [5, 8]))
planted = {
    kind: data.plant(
        kind, pixels[normal], pixels[novel], generator=training.generator(0, "page", kind)
    )
    for kind in data.PLANTED
}
pictures = {kind: np.stack([x[7, 0], mask[7]]) for kind, (x, mask) in planted.items()}
figure, axes = plt.subplots(2, len(pictures), figsize=(6.4, 3.3))
for column, (kind, both) in zip(axes.T, pictures.items(), strict=True):
    for axis, picture in zip(column, both, strict=True):
        axis.imshow(picture, vmin=0, vmax=1)
        axis.set_axis_off()
    column[0].set_title(kind, fontsize="small")

# %% [markdown]
# ## The measure in ten lines
#
# A map ranks the pixels of one image. *Average precision* is the mean, over the region's pixels, of
# the share of region pixels among all that rank as high; the *hit rate* is the share of the region
# among the ten largest. Here is a map that needs no network, the distance from the mean image:

# %%
x, masks = planted["cut-out"]
away = scores.trivial_maps(x, pixels[~images.is_test])["distance from the mean image"].numpy()
order = np.argsort(-away[0], axis=None)
inside = masks[0].numpy().ravel()[order]
precision = inside.cumsum() / np.arange(1, inside.size + 1)
by_hand = precision[inside].mean(), inside[:10].mean()
by_lib = (
    metrics.pixel_average_precision(away, masks.numpy())[0],
    metrics.top_k_hits(away, masks.numpy(), k=10)[0],
)
ties = np.unique(away[0]).size < away[0].size  # tied pixels are called novel together
assert by_hand[1] == by_lib[1] and (ties or np.isclose(by_hand[0], by_lib[0]))

# %% [markdown]
# ## The error map wins
#
# **Where the novel region is known the error map has an average precision of
# {number}`lo-planted-error:.2f`, saliency {number}`lo-planted-saliency:.2f`.** Chance is
# {number}`lo-planted-chance:.2f`, and the brightness of the input alone has
# {number}`lo-planted-input:.2f`: only in its few largest pixels does saliency say more than where
# the ink is. The error of the network *before* training has {number}`lo-planted-untrained:.2f`. So
# the paper's premise, that saliency is the more reliable indicator of novel pixels, does not hold
# on these images, and low agreement with saliency is no argument against the error map. A piece of
# stroke that is *missing* no map finds.

# %% tags=["hide-input", "full-width"]
REGION = {"table": "planted-average", "dataset": "MNIST", "class": "novel"}
maps = ("reconstruction error", "product", "saliency", "squared saliency", "smoothed gradient")
lines = {name: {**REGION, "method": at.METHOD, "score": name} for name in maps}
trivial = {
    name: {**REGION, "method": "trivial", "score": name}
    for name in ("input intensity", "distance from the mean image")
}
trivial["error, untrained network"] = {**REGION, "method": at.UNTRAINED, "score": maps[0]}
trivial["chance"] = {**REGION, "method": "chance"}
columns = {
    "average precision": {"metric": "mean pixel average precision"},
    "hits of ten": {"metric": "mean top-10 hit rate"},
    "AUROC": {"metric": "mean pixel AUROC"},
    "AUPRO": {"metric": "AUPRO"},
}
caption = "Finding a known novel region, mean over the four kinds of planting."
page.compare(lines, columns=columns, baselines=trivial, caption=caption)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-planted-bars", "caption": "Average precision by kind of planting, reference, means over three networks; dotted: chance. Error map and product lead where something was added; an erased piece of stroke no map finds."}}
figure, axes = plt.subplots(1, len(data.PLANTED), figsize=(11, 2.7), sharey=True)
for axis, kind in zip(axes, data.PLANTED, strict=True):
    here = {"table": f"planted-{kind.replace(' ', '-')}", "dataset": "MNIST"}
    here |= {"metric": "mean pixel average precision"}
    every = page.values(method=[at.METHOD, "trivial"], **here)
    means = every.groupby("score", sort=False)["value"].mean()
    axis.barh(means.index, means, color=COLOURS["normal"])
    axis.axvline(page.values(method="chance", **here)["value"].mean(), color="0.3", ls=":")
    axis.set(title=kind, xlabel="average precision", xlim=(0, 1))
axes[0].invert_yaxis()

# %% [markdown]
# ## Which measures of agreement are fair?
#
# The paper finds rank correlation, structural similarity and histograms of gradients ill-suited,
# and shows no test. We compared the saliency map with the error map, and with *itself* after
# harmless changes. Squaring a map moves the histograms and the structural similarity, though no
# pixel changes its rank; halving it moves the structural similarity. One pixel of shift takes all
# but {number}`lo-self-moved-1-normal:.1f` of ten shared pixels and exactly one pixel of distance, as the
# paper says.
#
# ## Does a map notice a broken network?
#
# **Saliency changes with the weights; so does SmoothGrad.** Weights are randomised part by part
# from the output back {cite:p}`adebayo2018sanity`, and each map is compared with the one of the
# trained network. A map that stays the same says nothing about the network. Gradient × input and
# integrated gradients {cite:p}`kokhlikyan2020captum` are zero wherever the image is black, whatever
# the network, so their rank correlation stays near one for that reason alone.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-sanity", "caption": "Similarity with the trained network's map after randomising weights, from the output back: reference, means over three networks. Saliency and SmoothGrad fall at once and together."}}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.1), sharex=True)
for axis, metric in zip(axes, ("Spearman", "SSIM"), strict=True):
    found = page.values(
        table="sanity-randomisation",
        dataset="MNIST",
        metric=f"{metric} with the trained network's map",
        randomised="*",
    )
    for score, group in found.groupby("score", sort=False):
        mean = group.groupby("randomised")["value"].mean()
        axis.plot([0, *mean.index], [1, *mean], "o-", ms=4, label=score)
    axis.axhline(0, color="0.7", lw=0.8)
    axis.set(xlabel="parts randomised", ylabel=f"{metric} with the trained")
axes[1].legend(fontsize="small", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## The decision behind the maps
#
# A threshold at the 95th percentile of the training errors calls
# {number}`lo-flagged-normal:.0%` of the normal test images novel, close to the five that it should,
# and {number}`lo-flagged-novel:.0%` of the novel ones. As a ranking the mean error has an AUROC of
# {number}`lo-auroc`; the distance from the mean image has {number}`lo-auroc-mean-image`.

# %% tags=["hide-input", "full-width"]
page.verdicts("localization-section", "localization-conclusion", "localization-figure1")
