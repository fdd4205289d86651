# ---
# jupyter:
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
# # Localization: does the error point at the pixels that matter?
#
# *Feeney and Hughes* {cite:p}`feeney2021localization` *compare two maps of an autoencoder: where it
# errs, and on which pixels its error depends. If the first is to show what is novel in an image,
# they say, the two should agree.*
#
# :::{admonition} What we found
# :class: tip
# - **The paper says that error maps miss the pixels on which the error depends, and that holds in
#   every network we have, the author's own among them:** in most images the ten largest pixels of
#   the two maps share at most five, and one salient pixel is far from any large error.
# - **The paper says that the maps agree less on novel images; that hangs on the training budget.**
#   With the author's weights it holds after 500 epochs; after 100 (at $K = 5$) and after our 20 it
#   is the other way round. A gap is there also when nothing is novel, so it is no sign of novelty.
# - **Where the novel region is known the error map finds it better than saliency does**, with
#   about half of its ten largest pixels inside ([next page](planted.ipynb)).
# :::
# <!-- true while: lo-march-few-10-normal > 0.5 ; lo-april-few-10-normal > 0.5 ; lo-few-10-normal > 0.5 -->
# <!-- true while: lo-march-few-10-novel > lo-march-few-10-normal + 0.02 -->
# <!-- true while: lo-march-100-few-5-novel < lo-march-100-few-5-normal -->
# <!-- true while: localization-finding4-gap-top10 is not at this budget -->
# <!-- true while: lo-planted-error > lo-planted-saliency + 0.05 -->
# <!-- true while: lo-planted-hits = 0.5 ± 0.1 -->

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist or fashion-mnist (grey images of 28×28)
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
weights = ""  # folder with the author's weights, to measure them too; empty: not
normal_classes = [0, 1, 2, 3, 4]  # classes to train on; the others are novel
controls = True  # also train with roles swapped, and on all classes
seeds = [0]  # one whole experiment per seed
epochs = 20  # passes over the training images (the author's code: 500)
watch = [1, 5, 20, 50, 100, 200, 300, 400]  # epochs after which the maps are compared as well
last = 0  # and after each of so many last epochs
learning_rate = 0.01  # of Adam; chosen on held-out normal images
noise = 0.0  # standard deviation of Gaussian noise on the training input
batch_size = 256  # images per update
k = [5, 10]  # how many pixels of each map are compared
sample = 200  # test images of each kind for the slower comparisons
attributed = 32  # test images for the randomisation of weights
trust = False  # also read images whose content hash is not known
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import math

import matplotlib.pyplot as plt
import numpy as np
import torch

from lib import data, experiments, metrics, models, scores
from lib.experiments import localization_rows as at
from lib.figures import COLOURS, map_grid, use_style
from lib.run import golden

settings, run = experiments.begin(experiments.localization.Settings, globals())
use_style()

# %% tags=["remove-output", "hide-input"]
measured = experiments.localization.measure(settings, run.device)
page = experiments.leave("localization", measured, run)
study, images = measured.study, measured.images

# %% [markdown]
# ## The question
#
# An autoencoder $g(f(x))$ is trained on normal images. A new image $x$ with a large error is called
# novel, and its *error map* and mean error
#
# $$
# r(x) = \bigl(x - g(f(x))\bigr)^2, \qquad \bar r(x) = \frac1n \sum_{i=1}^n r_i(x)
# $$ (eq-lo-error)
#
# are often shown as the answer to the next question: *what in it is novel?* That takes for granted
# that the error of pixel $i$ is about pixel $i$. But between the two lies a code of 64 numbers,
# through which every pixel can move every other. The *saliency map*
#
# $$
# s(x) = \left|\frac{\partial \bar r}{\partial x}\right|
# $$ (eq-lo-saliency)
#
# asks directly how much the decision depends on each pixel. The paper trains the autoencoder of
# {cite:t}`abati2019lsa`, without its density estimator, on the digits 0 to 4 of MNIST; 5 to 9 are
# novel. It prints neither epochs nor learning rate; the author's code has Adam at 0.01, batches of
# 256, no noise and 500 epochs.

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(study.pixels.shape), "of", images.title, "sha256", images.sha256[:12])
for name in study.trained_on:
    sizes = {part: len(members) for part, members in study.splits[name, seeds[0]].items()}
    print("trained on", name, sizes)
print("autoencoder parameters", f"{models.count_parameters(models.LSAAutoencoder()):,}")
print("chance of agreement", {n: round(metrics.chance_top_k(n, 28 * 28), 4) for n in k})

# %% [markdown]
# ## The method in ten lines
#
# In {eq}`eq-lo-saliency` the image stands twice, as input and as target, and the gradient runs
# through both. The network is in evaluation mode, since batch normalisation would otherwise mix
# images. *Top-K agreement* counts the pixels that the K largest of both maps share; the *maximum
# distance* is that of the K most salient pixels which lies furthest from the K of largest error.

# %%
model, x = measured.fitted[study.first, seeds[0]].model, study.x[:50]
leaf = x.clone().requires_grad_()
r = (leaf - model(leaf)) ** 2
s = torch.autograd.grad(r.mean((1, 2, 3)).sum(), leaf)[0].abs()
error, saliency = r.detach()[:, 0].cpu(), s[:, 0].cpu()


def largest(one_map: torch.Tensor) -> set[tuple[int, int]]:
    """Row and column of the ten largest pixels."""
    return {divmod(int(i), 28) for i in one_map.flatten().topk(10).indices}


pairs = [(largest(a), largest(b)) for a, b in zip(saliency, error, strict=True)]
agreement = [len(a & b) for a, b in pairs]
distance = [max(min(math.dist(p, q) for q in b) for p in a) for a, b in pairs]

# %% [markdown]
# These lines are what `lib` does for ten thousand images:

# %%
# float32 sums in another order
assert torch.allclose(saliency, scores.saliency_map(model, x).cpu(), rtol=1e-4, atol=1e-7)
assert torch.allclose(error, scores.error_map(model, x).cpu(), rtol=1e-4, atol=1e-7)
assert agreement == metrics.top_k_agreement(saliency, error, k=10).tolist()
assert np.allclose(distance, metrics.max_distance(saliency, error, k=10))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-maps", "caption": "The paper's figure 1, by the network of this build: three normal and three novel test images, each map scaled to its own maximum. Saliency is scattered over places where the error map is dark, also once it is squared."}}
picked = [int(i) for m in study.kinds[study.first].values() for i in data.evenly_spaced(m, 3)]
with torch.no_grad():
    drawn = model(study.x[picked])[:, 0].cpu().numpy()
salient, errs = (each[picked] for each in measured.maps[study.first, seeds[0]])
columns = {"input": study.x[picked, 0].cpu().numpy(), "reconstruction": drawn}
columns |= {"saliency": salient, "squared saliency": salient**2, "error": errs}
shown = [images.class_names[study.labels[i]] for i in picked]
figure = plt.figure(figsize=(7.4, 1.2 * len(picked)))
map_grid(figure, columns, rows=shown, grey={"input", "reconstruction"})

# %% [markdown]
# ## The six findings
#
# **Findings 1, 3, 5 and 6 are robust; 2 and 4 are not.** After 20 of the 500 epochs saliency
# already has several times as many large pixels as the error map, the two share
# {number}`lo-agree-normal:.1f` of their ten largest pixels in normal images and
# {number}`lo-agree-novel:.1f` in novel ones (two random sets would share
# {number}`lo-agree-chance:.2f`), and squaring saliency brings it
# {number}`lo-map-error-normal / lo-map-error-squared-normal:.1f` times nearer to the error map.
# What changes with the training is *how little* the maps agree, and whether novel images agree
# less; a table's second decimal cannot be matched.
# <!-- true while: localization-finding6-squared-closer is reproduced -->
# <!-- true while: localization-finding2-correspondence-novel is not at this budget -->

# %% tags=["hide-input"]
BOTH = {"dataset": "MNIST", "score": at.BOTH}
SHARE = "fraction of test images with agreement"
kinds, lines = ("normal", "novel"), {}
for half, of in ((2, 5), (5, 10)):
    few = {"table": f"table1-top{of}-agreement", "metric": f"{SHARE} 0-{half}", **BOTH}
    lines |= {f"top {of}: at most {half} shared, {kind}": {**few, "class": kind} for kind in kinds}
for of in (5, 10):
    far = {"table": f"finding5-max-distance-top{of}", "dataset": "MNIST", "score": at.TO_ERROR}
    far["metric"] = "mean over images of maximum distance to best match, pixels"
    lines |= {f"top {of}: distance in pixels, {kind}": {**far, "class": kind} for kind in kinds}
for word, score in (("saliency", at.BOTH), ("squared saliency", at.SQUARED)):
    near = {"table": "finding6-map-mse", "dataset": "MNIST", "score": score}
    near["metric"] = "mean squared error between max-scaled maps"
    lines |= {f"map error, {word}, {kind}": {**near, "class": kind} for kind in kinds}
rank = {**BOTH, "table": "finding2-spearman", "metric": "mean Spearman correlation"}
lines |= {f"rank correlation, {kind}": {**rank, "class": kind} for kind in kinds}
mine = {line: {**cells, "method": at.METHOD} for line, cells in lines.items()}
baselines = {
    f"{line}, {word}": {**lines[line], "method": method}
    for word, method in (("untrained network", at.UNTRAINED), ("chance", "chance"))
    for line in lines
    if line in ("top 10: at most 5 shared, normal", "top 10: distance in pixels, normal")
}
caption = "Table 1, findings 2, 5 and 6. The reference is three networks of 20 epochs."
page.compare(mine, baselines=baselines, caption=caption, best="")

# %% tags=["hide-input", "full-width"]
FINDINGS = ("1-saliency-more-large-pixels", "1-missed-pixels", "2-correspondence-novel")
FINDINGS += ("3-low-agreement", "3-total-agreement-rare", "4-gap-top5", "4-gap-top10")
FINDINGS += ("5-best-match-poor-top10", "6-squared-closer", "6-squared-looks-closer")
page.verdicts(*[f"localization-finding{word}" for word in FINDINGS])

# %% [markdown]
# ## The author's own weights
#
# **The author's networks show the paper's findings, finding 4 included, through our maps and
# metrics.** The first author's repositories hold the weights of two runs on digits 0-4
# (`PatrickFeeney/autoencoder-saliency`, commit 1f4ceb8, and
# `tufts-ai-robotics-group/polycraft-novelty-detection`, commits d6c668d and 79cc80f). Our network
# gives the author's output to the last bit. After 500 epochs
# {number}`lo-march-few-10-normal` of the normal and {number}`lo-march-few-10-novel` of the novel
# images share at most five of ten pixels; the paper prints {number}`lo-few-10-normal.published`
# and {number}`lo-few-10-novel.published`.
# <!-- true while: lo-april-few-10-novel > lo-april-few-10-normal + 0.02 -->
#
# They do not give the printed digits, and nor would any: at a rate of 0.01 the numbers move from
# epoch to epoch and from run to run. The two runs, of the same code and budget, lie
# {number}`lo-march-few-10-normal - lo-april-few-10-normal` apart, and the per-image values that the
# author published with the table belong to neither. A printed number is one snapshot.

# %% tags=["hide-input", "full-width"]
author = "LSA autoencoder, author's weights of"
columns = {
    "March, epoch 100": {"method": f"{author} March 2021", "epochs_shown": 100},
    "March, epoch 500": {"method": f"{author} March 2021"},
    "April, epoch 500": {"method": f"{author} April 2021"},
}
caption = "The same numbers of the author's weights, on all 10,000 test images."
page.compare(lines, columns=columns, caption=caption, best="")

# %% [markdown]
# ## Finding 4 needs the budget, and is not about novelty
#
# **Whether novel images agree less depends on how long the network was trained.** Follow the
# author's run of March at $K = 5$: after 100 epochs {number}`lo-march-100-few-5-normal` of the
# normal and {number}`lo-march-100-few-5-novel` of the novel images share at most two of five
# pixels, so novel images agree *more*; after 500 epochs it is {number}`lo-march-few-5-normal` and
# {number}`lo-march-few-5-novel`. {numref}`fig-lo-training` shows our own runs: at the author's rate
# the novel images agree more from epoch 5 to 20, at a tenth of it they agree less from the first.
# <!-- true while: lo-few-10-novel < lo-few-10-normal ; lo-slow-few-10-novel > lo-slow-few-10-normal + 0.02 -->

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-training", "caption": "Share of test images in which the ten largest pixels of both maps share at most five, over training. The sign of the gap between normal and novel digits depends on epoch and rate. Solid: our reference at the paper's rate, mean over seeds; dotted: at a tenth of it, one seed; crosses: the author's weights; dashed: the printed values."}}
few = {"table": "table1-top10-agreement", "metric": f"{SHARE} 0-5", "dataset": "MNIST"}
hues = {"normal": COLOURS["normal"], "novel": COLOURS["anomaly"]}
figure, axis = plt.subplots(figsize=(7.2, 3.4))
for kind, hue in hues.items():
    here = {**few, "class": kind, "epochs_shown": "*"}
    ours = page.values(method=at.METHOD, **here).groupby("epochs_shown")["value"].mean()
    axis.plot(ours.index, ours, "o-", ms=4, color=hue, label=kind)
    slow = page.values(method=at.METHOD, lr=0.001, **here)
    axis.plot(slow["epochs_shown"], slow["value"], ":", color=hue)
    for month in ("March 2021", "April 2021"):
        by = {**few, "class": kind, "method": f"{author} {month}"}
        early = page.values(**by, epochs_shown="*")
        end = page.values(**by)["value"]
        axis.plot(early["epochs_shown"], early["value"], "x", color=hue)
        axis.plot([500] * len(end), end, "x", color=hue)
    axis.axhline(page.values("published", **few, class_=kind)["value"].iloc[0], color=hue, ls="--")
axis.set(xscale="log", xlabel="epoch", ylabel="at most 5 of 10 shared")
axis.legend(fontsize="small")

# %% [markdown]
# **And the gap stays with the digits when novelty changes sides.** 5 to 9 are not only novel, they
# are also *other digits*, with other strokes. So we trained the same network on 5 to 9, where 0 to
# 4 are novel, and on all ten, where nothing is. After 20 epochs the digits 0 to 4 agree a little
# less than 5 to 9 in all three networks. Being novel moves them the other way: the share with at
# most five pixels in common is {number}`lo-few-10-normal` where 0 to 4 are normal and
# {number}`lo-few-10-swapped-0-4` where they are novel. With three seeds none of this is sure.
# <!-- true while: lo-few-10-normal > lo-few-10-novel ; lo-few-10-swapped-0-4 > lo-few-10-swapped-5-9 -->
#
# At 500 epochs the digits change places, and again without novelty: in a run of the author's on
# all ten digits, of the same days and also without noise, 5 to 9 agree less as well (seen when this
# book was planned; its weights are not among the files measured above, and our own network of all
# ten digits has 20 epochs). A gap that is there when nothing is novel cannot be evidence of
# novelty, however significant it is: it lies between two groups of digits.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lo-arms", "caption": "Share of each digit's test images with at most half of the K largest pixels in common, by the digits that the network was trained on: reference runs of 20 epochs, means over seeds. A digit agrees rather more where it is novel (0-4 in the network trained on 5-9, 5-9 in that trained on 0-4), which is against finding 4."}}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.1))
for axis, of in zip(axes, (5, 10), strict=True):
    here = {"table": f"digits-top{of}-agreement", "dataset": "MNIST", "method": at.METHOD}
    arms = {"0-4": {}, "5-9": {"arm": "5-9"}, "0-9": {"arm": "0-9"}}
    for name, arm in arms.items():
        found = page.values(**here, **arm)
        found = found[found["class"] != "average"].groupby("class")["value"].mean()
        axis.plot(found.index, 1 - found, "o-", ms=5, lw=0.9, label=f"trained on {name}")
    axis.set(xlabel="digit", ylabel=f"at most {of // 2} of {of} shared")
axes[0].legend(fontsize="small")

# %% [markdown]
# ## What it hangs on
#
# - **Epochs**: the maps agree most after the first few; from then on every share on this page
#   grows, not evenly.
# - **Rate**: see the dotted lines of {numref}`fig-lo-training`.
# - **Noise on the input** makes the maps agree more; the author's later runs have it, the paper's
#   does not.
# - **The gradient's way**: leaving out the path through the target, or taking the maps in training
#   mode, gives other numbers, further from the paper's ([](deviations.md)).
#
# ## Exercises
#
# ```{exercise}
# :label: ex-lo-squares
# Would top-K agreement change if saliency were squared, or the error replaced by its square root?
# ```
#
# ```{solution} ex-lo-squares
# :class: dropdown
# No: both keep the order of the pixels, and only the order decides which K are the largest. Map
# error compares values and does change.
# ```
#
# ```{exercise}
# :label: ex-lo-target
# In {eq}`eq-lo-saliency` the image is also the target. What is the saliency map of a network that
# draws the same picture for every image, and how does it then compare with the error map?
# ```
#
# ```{solution} ex-lo-target
# :class: dropdown
# With $g(f(x)) = c$ the gradient is $2(x - c)/n$, so saliency is the square root of the error up to
# a factor: both have the same order of pixels, the agreement is perfect, and squared saliency is
# the error map itself. All disagreement comes from the path through the network. An untrained
# network, which hardly looks at the image, is close to this: see the grey lines of the first table.
# ```
#
# ## What the paper names, run here or not
#
# Here: the LSA autoencoder without estimator, error maps, saliency {eq}`eq-lo-saliency`, plain and
# squared, top-K agreement, maximum distance; on the [next page](planted.ipynb) the percentile
# threshold, rank correlation, structural similarity and gradient histograms, and four other
# attributions. LSA with its estimator is part of [](comparison.ipynb). Not run: autoencoders with
# adversarial training, sparse codes or a memory, and Gaussian-mixture and context-encoding latent
# models; the paper names them as users of error maps and measures none.
#
# The reference networks were trained for 20 epochs, so what does not hold here is *not at this
# budget*. `-p weights FOLDER` measures the author's weights in a run of your own. To make the
# numbers again see [](rerunning.md); every difference from the paper is listed in
# [](deviations.md).

# %% tags=["nbval-check-output", "remove-cell"]
CHECKED = {
    "agreement up to 5": at.agreement_place(10, most=False),
    "distance": at.Place("finding5-max-distance-top10", at.TO_ERROR, far["metric"]),
    "map error": at.Place("finding6-map-mse", at.BOTH, near["metric"]),
    "squared map error": at.Place("finding6-map-mse", at.SQUARED, near["metric"]),
    "saliency after randomisation": at.sanity_place(at.SALIENCY, "Spearman", mean=True),
    "image AUROC": at.ranked_place(at.ERROR),
}
planted = ("planted-average", "mean pixel average precision")
for score in (at.ERROR, at.SALIENCY):
    CHECKED[f"planted, {score}"] = at.Place(planted[0], score, planted[1])
checked = {}
for word, place in CHECKED.items():
    found = page.values("this build", method=at.METHOD, **place._asdict())
    of_normal = found[found["class"] == "normal"]  # what ranks or finds novelty has no such rows
    if len(found):
        checked[word] = (of_normal if len(of_normal) else found)["value"].mean()
golden.check("localization", checked, profile=profile)
