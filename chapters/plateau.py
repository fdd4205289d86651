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
# # Dead networks, and networks on a plateau
#
# *On MNIST, at the official learning rate, most plain autoencoders behind* [](gradcon.ipynb) *never
# learn, and many with the gradient constraint* {cite:p}`kwon2020gradcon` *learn late. Why?*
#
# :::{admonition} What we found
# :class: tip
# 1. **The constraint rescues networks, slowly**: constrained ones wait on a plateau, from a few
#    epochs to more than we trained, and then come alive one after the other; plain ones that are
#    flat stay flat.
# 2. It can, because a cosine has no scale: where the error's gradient has faded, the gradient of
#    its *direction* has not.
# 3. So a short run says nothing about constrained networks on digits, and what looks like better
#    detection there is better training: at a tenth of the learning rate the plain network wins.
# :::
# <!-- true while: explained by CAE on MNIST < 0 ; explained by CAE+Grad on MNIST > explained by CAE on MNIST + 0.2 -->
# <!-- true while: CAE+Grad recon slow on MNIST < CAE recon slow on MNIST - 0.05 -->

# %% tags=["parameters", "remove-cell"]
rows_root = "_build/book"  # folder with one folder of rows per chapter: this build

# %% tags=["remove-cell"]
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import torch
import torch.nn.functional as F
from torch import autograd

from lib import data, experiments, figures, numbers, training
from lib.models import CAE, build, decoder_weights

figures.use_style()
page = numbers.open_page("plateau", Path(rows_root) / "gradcon")

# %% [markdown]
# ## Two kinds of not having learned
#
# A network is **dead** if its image no longer changes with its input, by half a grey level in any
# pixel: it draws black for every digit, has no gradient, and will never learn. A network **on a
# plateau** still reacts to its input, but draws worse than the mean image would. Neither can detect
# anything; their error counts ink. In a table of AUROCs the two look alike.

# %% tags=["hide-input"]
both = {"table": "training", "metric": ["explained variance", "pixel range"]}
states = page.values("reference", dataset="MNIST", **both)
numbers.styled(
    experiments.gradcon.learning_states(states),
    "Networks of our reference on MNIST. Rows from before a pixel's range was measured cannot tell "
    "a plateau from death.",
)

# %% [markdown]
# **Plain networks die in the first epoch or live; constrained ones wait.** In {numref}`fig-pl-course`
# a plain network's error that is flat after one epoch is flat for good. Under the constraint error
# after error leaves its plateau, some late. With the official code, too, the constrained network of
# digit 1 came alive only after dozens of epochs.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-pl-course", "caption": "Squared error on validation images over the epochs of training, reference runs on MNIST: one line per digit and seed."}}
course = page.values(
    table="training",
    dataset="MNIST",
    method=["CAE", "CAE+Grad"],
    metric="validation loss",
    epochs_shown="*",
)
course = course[course["class"] != "average"].rename(columns={"class": "digit"})
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharex=True, sharey=True)
look = {"hue": "digit", "units": "seed", "estimator": None, "palette": "husl"}
for axis, (method, part) in zip(axes, course.groupby("method"), strict=True):
    sns.lineplot(part, x="epochs_shown", y="value", ax=axis, legend=method != "CAE", **look)
    axis.set(title=method, xscale="log", yscale="log", xlabel="epoch", ylabel="squared error")
axes[1].legend(title="digit", bbox_to_anchor=(1, 1), fontsize="small")

# %% [markdown]
# ## Why the constraint still pulls
#
# **A cosine has no scale.** Push the logits of a fresh network down by a constant: the gradient of
# the error falls with the slope of the sigmoid, by thousands, while the gradient of its direction
# does not. Adam, which adds $10^{-8}$ to what it divides by, sees the second long after the first is
# gone. But there is a point of no return. Once the gradient is shorter than the $10^{-8}$ that
# PyTorch takes for the least length, the cosine fades too, and at zero nothing is left.

# %%
images = data.load("mnist-5k")
zeros = data.to_float(images.images[images.labels == 0][:40]).double()
x, others = zeros[:8], zeros[8:]
model = build(lambda: CAE(1), training.generator(0, "page")).double()
reference = training.mean_gradient(model, others).mean
bias = model.decoder[-2].bias
start, fading = bias.detach().clone(), []
for down in (0, 5, 10, 15, 30, 800):
    with torch.no_grad():
        bias.copy_(start - down)
    gradients = autograd.grad(F.mse_loss(model(x), x), decoder_weights(model), create_graph=True)
    pairs = zip(gradients, reference, strict=True)
    cosines = [F.cosine_similarity(g.flatten(), r.flatten(), dim=0) for g, r in pairs]
    pull = autograd.grad(-0.03 * torch.stack(cosines).mean(), decoder_weights(model))
    lengths = [torch.cat([g.flatten() for g in part]).norm().item() for part in (gradients, pull)]
    fading.append((down, *lengths))
fading = pd.DataFrame(fading, columns=["logits lowered by", "gradient of L", "of the constraint"])
fresh, low, gone = (fading.iloc[i] for i in (0, 2, 5))
assert low["gradient of L"] < fresh["gradient of L"] / 1000
assert low["of the constraint"] > 100 * low["gradient of L"]
assert gone["gradient of L"] == gone["of the constraint"] == 0
fading.style.hide(axis="index").format("{:.1e}", subset=list(fading.columns[1:]))

# %% [markdown]
# ## The control: a smaller learning rate
#
# **At a tenth of the official rate no plain network dies**: its error reaches
# {number}`CAE recon slow on MNIST` where it had {number}`CAE recon on MNIST`, and the constraint
# costs detection ({number}`CAE+Grad recon slow on MNIST`). Twenty epochs are few for it, though:
# some of its networks may still be on their plateau.
# <!-- true while: CAE recon slow on MNIST > CAE recon on MNIST + 0.2 -->

# %% tags=["hide-input", "full-width"]
page.classes(
    table="baseline-auroc",
    dataset="MNIST",
    methods=["CAE", "CAE+Grad"],
    lr=0.0001,
    caption="AUROC by normal digit at the learning rate 0.0001",
)
