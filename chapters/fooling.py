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
# # Fooling: three attacks, one after the other
#
# **The denoising autoencoder is said to stop fooling altogether**: of 200 attempts on each data
# set not one succeeds {cite:p}`spigler2019denoising`. The networks and their confidence are those
# of [](dae.ipynb). Here the paper's attack is made first, as it is printed, then an attack that
# sees the confidence, then better ones.
#
# :::{admonition} What we found
# :class: tip
# - The paper claims that no attempt fools the denoising autoencoder, where all fool the plain
#   network. **With its own attack that is so here too**, at both thresholds, with a tenth of its
#   epochs: {verdict}`dae-fooling-mnist-dae-sym-90`.
# - The rate of zero is the attack's doing: it descends on the unscaled output and never learns of
#   the confidence. **At 90 % an attack that does, with longer steps, fools the same network in
#   every attempt.** That nothing fools it is {verdict}`dae-stronger-mnist`.
# - At 99 % the same attempts fail, though blends of two digits still pass now and then. So the
#   protection hangs on a strict threshold, whose price in accuracy is on [](dae.ipynb).
# :::
#
# <!-- true while: dae-fooling-mnist-dae-sym-90 is partly or reproduced -->
# <!-- true while: dae-fooling-mnist-dae-sym-99 is partly or reproduced -->
# <!-- true while: fooled by long steps 90 > 0.95 ; fooled by long steps 99 < 0.05 -->
# <!-- true while: fooled from a blend 99 > 0.1 ; fooled from a blend 99 < 0.3 -->

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist or fashion-mnist (grey images of 28×28)
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
trust = False  # also read images whose content hash is not known
networks = ["CNN", "COOL", "dAE sym"]  # also "dAE asym"
controls = []  # further networks, first seed: "dAE sym, L2 10" and the like
noise = 0.2  # standard deviation on the autoencoders' input; the paper: 0.1 on Fashion-MNIST
l2 = 0.0  # weight of the squared weights; the paper: 10 on Fashion-MNIST
reconstruction = 10.0  # weight of the reconstruction error, averaged over pixels
pixel_error = "cross-entropy"  # of a pixel: cross-entropy or squared
omega = 10  # units of a class in COOL's output layer
thresholds = [0.9, 0.99]  # of the outputs
alphas = [20.0, 3.0]  # weight of the error at each threshold; the paper: 20 and 2 on Fashion-MNIST
seeds = [0]  # one network of each kind per seed
epochs = 5  # passes over the training images; the paper: 100
batch_size = 32  # images per update
learning_rate = 0.001  # of Adam
class_images = 0  # most training images of a class; 0: all
missing = "train"  # what to do about a network that is not trained yet: train or skip
attempts = 10  # fooling attempts per network, as many for each class; the paper: 200
max_steps = 300  # most updates of the document's attack; the paper: 10,000; 0 leaves it out
rate = 1e-5  # learning rate of its generator
fast_rate = 1e-3  # the paper's second learning rate
fast_steps = 30  # most updates with it
clamped_steps = 0  # the document's attack with a clamped probability
scaled_steps = 100  # the attack on the scaled output, at the highest threshold
attacks = 10  # attempts of each stronger attack
attack_steps = 60  # most updates of those
restarts = 2  # starts of an attempt of the stronger attack with restarts
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from lib import experiments, figures, training
from lib.experiments.fooling import at
from lib.run import golden

settings, run = experiments.begin(experiments.fooling.Settings, globals())
figures.use_style()

# %% tags=["remove-output", "hide-input"]
measured = experiments.fooling.measure(settings, run.device)
page = experiments.leave("fooling", measured, run)

# %% [markdown]
# ## The attack in ten lines
#
# One dense layer with a sigmoid makes an image from a fixed random input. Its 615,440 weights are
# trained by Adam until the network gives a wished class an output of 0.9 or 0.99. **The loss is
# the cross-entropy of the unscaled output $y$; only success is judged on $\tilde c(x)\, y$.**

# %%
network = measured.example
rng = training.generator(0, "page")
layer, wished = torch.nn.Linear(784, 784), torch.tensor([3])
start, given = training.generator_start(1, generator=rng)
with torch.no_grad():
    layer.bias += start.flatten() - layer(given[0])  # begin where the library's attempt begins

adam = torch.optim.Adam(layer.parameters(), lr=settings.rate)
for _ in range(5):
    image = torch.sigmoid(layer(given[0])).view(1, 1, 28, 28)
    log_y, error = network.evidence(image)
    loss = F.nll_loss(log_y, wished)  # no confidence in it
    adam.zero_grad()
    loss.backward()
    adam.step()

found = training.fool(
    network.evidence, start, wished, criteria=[training.Criterion(1.0, 1e6)], max_steps=5,
    learning_rate=training.generator_rate(given, learning_rate=settings.rate),
)  # fmt: skip
image = torch.sigmoid(layer(given[0])).view(1, 1, 28, 28).detach()
moved = (found.images - start.sigmoid()).abs().mean()
assert (image - found.images).abs().mean() < 0.05 * moved  # Adam's epsilon, float32

# %% tags=["nbval-check-output", "remove-input"]
print("after five steps the short cut agrees with the generator")

# %% [markdown]
# `training.fool` moves the 784 logits themselves: with a fixed input each weight's gradient is its
# logit's times a constant, which Adam does not see, so the steps are the same and all attempts go
# on in one batch.
#
# ## Does the document's attack fail?
#
# **No attempt fools the denoising autoencoder, and every one fools the plain network**, as printed.
# Ten thousand updates end with an unscaled output near 1 in all 200 attempts and with an image that
# the decoder cannot redraw. COOL does not hold here: all attempts fool it, where the paper has
# {number}`dae-fooling-mnist-cool-90.published` at 90 % and
# {number}`dae-fooling-mnist-cool-99.published` at 99 %. Our COOL has a tenth of the paper's epochs,
# and at 99 % it is not yet sure of most test images either, so this is
# {verdict}`dae-fooling-mnist-cool-90`.
# <!-- true while: CNN fooled 90 > 0.95 ; COOL fooled 90 > 0.95 ; COOL accuracy 99 < 0.5 -->

# %% tags=["hide-input", "full-width"]
columns = {f"{100 * t:g} %": {"class": at(t)} for t in settings.thresholds}
lines = {
    f"{title}, {name}": {"dataset": title, "method": name}
    for title in ("MNIST", "Fashion-MNIST")
    for name in ("CNN", "COOL", "dAE sym", "dAE asym")
}
page.compare(
    lines,
    columns=columns,
    caption="Tables 1 and 2 of the slides: share of attempts that succeed.",
    table="fooling",
    score="fooling rate",
    metric="fraction",
    best="",
    rate=True,
)

# %% tags=["hide-input", "full-width"]
page.compare(
    {line: cells for line, cells in lines.items() if "dAE" not in line},
    columns=columns,
    caption="Mean steps of the attempts that succeed; there are none where none does.",
    decimals=1,
    best="",
    table="fooling",
    score="average steps",
    metric="optimizer steps",
)

# %% tags=["hide-input", "full-width"]
page.verdicts(
    *(f"dae-fooling-{title}-dae-sym-{t}" for title in ("mnist", "fashion-mnist") for t in (90, 99)),
    "dae-fooling-mnist-below",
    "dae-fooling-mnist-cool-below",
)

# %% [markdown]
# **The loss knows nothing of the confidence.** Its gradient is $y - 1$ times that of a logit: it
# fades when the classifier is sure, and none of it points to where an image can be redrawn.
# {numref}`fig-fo-path` shows where that ends: the output is high and the error far above what
# either threshold lets through. A rate of 0 therefore says nothing of an attacker who knows the
# confidence.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-fo-path", "caption": "Where the document's attempts end, this build: unscaled output of the wished class and norm of the error, for each attempt. Lines: what it takes to be let through at each threshold with its alpha."}}
figure, axis = plt.subplots(figsize=(6.4, 3.2))
for (kind, name), attack in measured.attacks.items():
    if kind == "document" and attack.network.has_decoder:
        axis.plot(784 * attack.found.errors, attack.found.outputs, ".", label=name)
norms = np.linspace(0, 20, 200)
for threshold, alpha in zip(settings.thresholds, settings.alphas, strict=True):
    needed = threshold * np.exp(alpha * norms / 784)
    axis.plot(norms, np.where(needed <= 1, needed, np.nan), label=f"{100 * threshold:g} %")
axis.set(xlabel="norm of r(x) - x", ylabel="output y", xlim=(0, 20), ylim=(0, 1.03))
axis.legend(fontsize="small")
figure

# %% [markdown]
# ## What the rate hangs on: alpha
#
# **Any $\alpha$ from 10 to 20 keeps nearly all the accuracy at 90 % and lets no attempt through**:
# the attack does not see $\alpha$, so one run tells the rate for all of them
# ({numref}`fig-fo-alpha`). At 10 the accuracy is {number}`alpha 10 accuracy 90`, and at 7 every
# attempt succeeds. So a rate of zero needs no careful choice, and the paper's 20 is on the safe
# side; from 30 on the accuracy falls. At 99 % even $\alpha = 1$ stops them all, with an accuracy
# of {number}`alpha 1 accuracy 99`.
# <!-- true while: alpha 10 fooled 90 < 0.02 ; alpha 7 fooled 90 > 0.95 ; alpha 1 fooled 99 < 0.02 -->
# <!-- true while: alpha 10 accuracy 90 > 0.95 ; alpha 30 accuracy 90 < 0.94 -->

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-fo-alpha", "caption": "Accuracy (solid) and rate of the document's attack (dashed) of dAE sym over alpha; left to right the thresholds. Dotted: the paper's alpha; crosses: its two numbers. Reference where there is one, else this build."}}
where = {"dataset": "MNIST", "method": "dAE sym", "metric": "fraction"}
curves = where | {"table": "alpha-curve", "alpha": "*"}
source = "this build" if page.values("reference", **curves).empty else "reference"
figure, axes = plt.subplots(1, len(settings.thresholds), figsize=(9.4, 3.2), sharey=True)
for axis, (threshold, paper) in zip(np.atleast_1d(axes), settings.pairs, strict=True):
    for score, style in (("accuracy", "C0-"), ("fooling rate", "C3--")):
        found = page.values(source, **curves, class_=at(threshold), score=score)
        means = found.groupby("alpha")["value"].mean()
        axis.plot(means.index, means, style, lw=2)
    axis.axvline(paper, color="0.4", ls=":")
    printed = page.values("published", **where, table="fooling", class_=at(threshold))
    axis.plot([paper] * len(printed), printed["value"], "x", color="0.2", ms=8)
    axis.set(xscale="symlog", xlabel="alpha", title=f"{100 * threshold:g} %", xlim=(0, 500))
figure

# %% [markdown]
# **A hundred times the rate does not change that.** With 1e-3 in place of 1e-5 the plain network is
# fooled within {number}`fast steps CNN 90:.1f` steps (printed:
# {number}`fast steps CNN 90.published:.1f`), and the denoising autoencoder is not fooled at all.
# <!-- true while: fast steps CNN 90 < 5 ; fast fooled dAE sym 90 < 0.02 -->
#
# ## Does an attack on the confidence fail?
#
# **The generator's short steps fail here as well, as the paper says.** It lets the attack descend
# through $\tilde c(x)\, y$ at 99 % on MNIST and reports one success in a hundred, after more than
# five thousand steps; in three thousand steps we have none, but the error is still on its way down.
# For a network with an L2 weight of 10 the paper reports that every attempt succeeds, with samples
# that look like digits and a lower accuracy; we have not run it.
# <!-- true while: scaled fooled 99 < 0.02 -->

# %% tags=["hide-input", "full-width"]
shares = {"score": "fooling rate", "metric": "fraction"}
high = {"class": "threshold=99%"}
page.compare(
    {name: {"method": name} for name in ("CNN", "COOL", "dAE sym", "dAE sym, L2 10")},
    columns={
        "rate 1e-3, 90 %": {"table": "fooling-fast", "class": "threshold=90%", **shares},
        "on the scaled output, 99 %": {"table": "fooling-scaled", **high, **shares},
    },
    caption="The paper's further experiments on MNIST: share of attempts that succeed.",
    best="",
    rate=True,
    dataset="MNIST",
)

# %% [markdown]
# ## Does a better attack fail?
#
# **At 90 % it does not fail: long steps on the scaled output fool the denoising autoencoder in
# every attempt, within 300 updates.** Nothing obliges an attacker to start from noise, or to take
# short steps. Ours descend on the scaled output: the generator with a hundred times the rate, and
# Adam on the pixels' logits from a test image of another class, or from two laid over each other.
# At 99 % with $\alpha = 3$ the same generator never succeeds, and only blends of two digits do
# ({number}`fooled from a blend 99.interval`).
#
# Are these still *fooling* images, *unrecognizable to humans*? {numref}`fig-fo-images` lets the
# reader judge. Their median distance to the nearest training image is {number}`near long steps`,
# between that of test images ({number}`near test`) and of noise ({number}`near noise`); the few
# that pass at 99 % are nearly as close as test images ({number}`near blend 99`). The confidence
# does push the attack towards digits, and the stricter the threshold, the more so.
# <!-- true while: fooled by long steps 90 > 0.95 ; fooled from an image 90 > 0.9 -->
# <!-- true while: fooled by long steps 99 < 0.05 ; near long steps > near test + 0.1 -->

# %% tags=["hide-input", "full-width"]
source = "this build" if page.values(table="fooling-stronger", attack="*").empty else "reference"
page.grid(
    rows=["dataset", "class", "method"],
    columns="attack",
    source=source,
    caption="Share of stronger attempts that succeed.",
    decimals=2,
    table="fooling-stronger",
    score="fooling rate",
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-fo-images", "caption": "What the attacks on dAE sym end with, this build: one attempt per class; above it the scaled output at the first threshold."}}
shown, alpha = {}, settings.alphas[0]
for (kind, name), attack in measured.attacks.items():
    if name == "dAE sym" and (kind == "document" or kind.endswith(at(0.9))):
        first = [int(np.flatnonzero(attack.targets == c)[0]) for c in range(10)]
        outputs = attack.found.outputs * torch.exp(-alpha * attack.found.errors)
        titles = [f"{outputs[i]:.2f}" for i in first]
        shown[kind.partition(",")[0]] = (attack.found.images[first, 0].numpy(), titles)
figure = plt.figure(figsize=(9, 0.95 * max(len(shown), 1) + 0.3))
if shown:
    figures.titled_grid(figure, shown, fontsize=8)
figure

# %% tags=["hide-input", "full-width"]
page.verdicts("dae-stronger-mnist")

# %% [markdown]
# ## Exercise
#
# ```{exercise}
# :label: ex-fo-adam
# Run the attack with plain gradient descent in place of Adam. By which factor would the
# generator's weights move the logits further than a step on the logits?
# ```
#
# ```{solution} ex-fo-adam
# :class: dropdown
# By $\lVert u \rVert_2^2 + 1$ for the input $u$, since the gradient of a weight is its logit's
# times $u_j$; with Adam, which normalises it away, by $\lVert u \rVert_1 + 1$.
# ```
#
# What differs from the document stands in [](deviations.md). Our first protocol descended on the
# scaled output with one $\alpha$ for both thresholds, and its rates were taken off this page.

# %% tags=["nbval-check-output", "remove-cell"]
golden.check("fooling", measured.checked(), profile=profile)
