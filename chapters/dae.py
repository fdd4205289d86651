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
# # Denoising autoencoder: a confidence from reconstruction
#
# **A classifier should speak only where an autoencoder can redraw what it sees**, says Spigler
# {cite:p}`spigler2019denoising`: then images that show nothing are refused, and test images keep
# their class. This page builds the confidence and asks what it costs; whether it stops fooling is
# asked on [](fooling.ipynb), whether it refuses unknown classes on [](openset.ipynb).
#
# :::{admonition} What we found
# :class: tip
# - The paper claims that a reconstruction error, weighed by $\alpha$, tells images near the
#   training data from all others at the price of a few per cent of accuracy.
# - After a tenth of its epochs accuracy is {number}`dAE sym accuracy 90` at 90 % (printed:
#   {number}`dAE sym accuracy 90.published`) and {number}`dAE sym accuracy 99` at 99 %
#   ({number}`dAE sym accuracy 99.published`): {verdict}`dae-accuracy-mnist-dae-sym-99`, while the
#   error still falls. A decoder by itself costs next to nothing.
# - The price hangs on $\alpha$, which the paper sets for each threshold apart (20 at 90 %, 3 or 2 at
#   99 %), and on how long the decoder was trained: to pass at 99 % an image must be redrawn to
#   within a norm of 2.6.
# :::
#
# <!-- true while: dAE sym accuracy 90 > 0.94 ; dAE sym accuracy 99 < 0.9 ; dAE sym accuracy 99 > 0.8 -->
# <!-- true while: dae-accuracy-mnist-dae-sym-99 is not at this budget -->

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist or fashion-mnist (grey images of 28×28)
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
trust = False  # also read images whose content hash is not known
networks = ["CNN", "COOL", "dAE sym"]  # also "dAE asym"
noise = 0.2  # standard deviation on the autoencoders' input; the paper: 0.1 on Fashion-MNIST
l2 = 0.0  # weight of the squared weights; the paper: 10 on Fashion-MNIST
reconstruction = 10.0  # weight of the reconstruction error, averaged over pixels
pixel_error = "cross-entropy"  # of a pixel: cross-entropy or squared
omega = 10  # units of a class in COOL's output layer
thresholds = [0.9, 0.99]  # of the outputs
alphas = [20.0, 3.0]  # weight of the error at each threshold; the paper: 20 and 2 on Fashion-MNIST
beta = 10.0  # weight of the curvature
seeds = [0]  # one network of each kind per seed
epochs = 5  # passes over the training images; the paper: 100
batch_size = 32  # images per update
learning_rate = 0.001  # of Adam
class_images = 0  # most training images of a class; 0: all
missing = "train"  # what to do about a network that is not trained yet: train or skip
probes = 16  # random vectors of the estimated trace
sample = 60  # test images for estimated traces and for clutter
plane = True  # measure in the plane; runs on further image sets need not repeat it
toy_steps = 1000  # updates of the autoencoders of the mixture
toy_noises = [0.1, 0.2, 0.4]  # their noise; empty: only the rings
ring_steps = 5000  # updates of the network of the rings; the paper: 50,000
ring_noise = 0.2  # its noise
ring_alpha = 40.0  # weight of the error on the rings
ring_beta = 5.0  # weight of the curvature on the rings
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import torch

from lib import experiments, figures, scores
from lib.data import mixture
from lib.experiments.dae import GRID, at
from lib.run import golden

settings, run = experiments.begin(experiments.dae.Settings, globals())
figures.use_style()

# %% tags=["remove-output", "hide-input"]
measured = experiments.dae.measure(settings, run.device)
page = experiments.leave("dae", measured, run)

# %% [markdown]
# ## The confidence in ten lines
#
# A denoising autoencoder learns to take away a little noise. Its reconstruction $r(x)$ moves $x$
# up the log-density of the data {cite:p}`alain2014regularized`, so $r(x) - x$ is short where that
# slope is, and the Jacobian of $r$ tells a maximum from a valley:
#
# $$
# \begin{aligned}
# \tilde y &= \tilde c(x)\, y, \\
# \tilde c(x) &= \exp\Bigl(-\frac{\alpha}{D} \lVert r(x) - x \rVert_2\Bigr)\,
# \min\bigl(1, e^{-\beta \gamma(x)}\bigr), \\
# \gamma(x) &= \frac1D \sum_{i=1}^D \Bigl(\frac{\partial r_i(x)}{\partial x_i} - 1\Bigr) .
# \end{aligned}
# $$ (eq-da-confidence)
#
# The classifier's outputs $y$ are multiplied by it, and an image is refused where the largest of
# them stays below a threshold. One network does both: two 5×5 convolutions and 400 hidden units
# carry a softmax over the classes and a decoder that is the transpose of the encoder, with the
# same weights (*dAE sym*).

# %%
network = measured.example
x, alpha, D = measured.digits.test_x[:1], settings.alphas[0], 784

image = x.clone().requires_grad_()
r = network.model.reconstruct(image)
pixels = r.flatten(1).sum(0)  # an image's pixels depend on that image alone
trace = sum(torch.autograd.grad(p, image, retain_graph=True)[0].flatten(1)[:, i]
            for i, p in enumerate(pixels))  # fmt: skip
gamma = trace / D - 1
confidence = torch.exp(-alpha / D * (r - x).flatten(1).norm(dim=1))
confidence = confidence * torch.exp(-settings.beta * gamma).clamp(max=1)
y = torch.softmax(network.model(x), dim=1)
scaled_output = confidence[:, None] * y

lib_output = scores.log_outputs(network.model, x, alpha=alpha).exp().float()
torch.testing.assert_close(scaled_output, lib_output, rtol=1e-3, atol=1e-6)  # float32

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(measured.digits.pixels.shape), "of", measured.digits.images.title)
print("gamma below 0 on all:", bool((gamma < 0).all()))

# %% [markdown]
# In the library that is `scores.log_outputs`, in logarithms, which never round to 0, and without
# the curvature: through 400 hidden units the Jacobian has rank 400 at most, so the mean of its 784
# diagonal entries stays well below 1, and the factor is 1 on every image that we looked at. It is
# at work only in the plane, below.
#
# ## What it costs: accuracy at a threshold
#
# **A test image counts as right only if its class is right and its scaled output reaches the
# threshold.** The baselines are the plain *CNN* and *COOL* {cite:p}`kardan2017cool`, which gives
# each class ten units that compete in one softmax and multiplies them.
# That a decoder on the same hidden layer costs hardly any accuracy by itself is
# {verdict}`dae-accuracy-mnist-decoder-is-free`.
# <!-- true while: dae-accuracy-mnist-dae-sym-99 is not tested yet or not at this budget -->

# %% tags=["hide-input", "full-width"]
page.compare(
    {
        f"{title}, {name}": {"dataset": title, "method": name}
        for title in ("MNIST", "Fashion-MNIST")
        for name in ("CNN", "COOL", "dAE sym", "dAE asym")
    },
    columns={f"{100 * t:g} %": {"class": at(t)} for t in (0.0, *settings.thresholds)},
    baselines={
        f"MNIST, {name}": {"dataset": "MNIST", "method": name}
        for name in ("untrained CNN", "untrained dAE sym", "most frequent class")
    },
    caption="Tables 1 and 2 of the slides: accuracy at three thresholds.",
    decimals=4,
    best="",
    table="fooling",
    score="accuracy",
    metric="fraction",
)

# %% tags=["hide-input", "full-width"]
page.verdicts(
    "dae-accuracy-mnist-decoder-is-free",
    "dae-accuracy-mnist-dae-above-cool",
    "dae-accuracy-fashion-mnist-price",
)

# %% [markdown]
# ## What it hangs on: one error, two alphas
#
# With 784 pixels an $\alpha$ of 20 turns a norm of 2.5 into a confidence of 0.94 and one of 15,
# that of noise, into 0.68: at 90 % the clean image passes and the noise does not. At 99 % the same
# $\alpha$ would refuse both; with 3 the limit lies at a norm of 2.6. So the paper needs two values
# of $\alpha$, and at 99 % a network must redraw its test images to within that norm to speak at
# all. {numref}`fig-da-errors` shows how near this build comes.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-da-errors", "caption": "Norms of the error of dAE sym, this build. Dotted: the largest norm that a sure image may have at each threshold, with the paper's alpha for it."}}
figure, axis = plt.subplots(figsize=(7.2, 3))
for name, values in measured.errors.items():
    if len(values) > 1:
        axis.hist(values, np.linspace(0, 20, 81), density=True, alpha=0.6, label=name)
for threshold, weight in zip(settings.thresholds, settings.alphas, strict=True):
    limit = -np.log(threshold) * D / weight if weight else 20
    axis.axvline(limit, color="0.3", ls=":")
    axis.text(limit + 0.1, 0.9, f"{100 * threshold:g} %", transform=axis.get_xaxis_transform())
axis.set(xlabel="norm of r(x) - x", ylabel="density", xlim=(0, 20))
if measured.errors:
    axis.legend()
figure

# %% [markdown]
# The error falls with training, so the accuracy at 99 % is the number that short runs miss most.
# {numref}`fig-da-learning` has the held-out accuracy without any threshold, which is there early.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-da-learning", "caption": "Held-out accuracy and loss over epochs, this build: the classes are learned within a few epochs, the reconstruction is not."}}
figure, axes = plt.subplots(1, 2, figsize=(9, 3))
histories = {n.name: n.history for n in measured.networks.values() if n.seed == settings.seeds[0]}
decoders = {n.name: n.history for n in measured.networks.values() if n.has_decoder}
if decoders:
    figures.learning_curves(
        axes[0], histories, key="validation_accuracy", ylabel="held-out accuracy"
    )
    figures.learning_curves(axes[1], decoders, key="validation_loss", ylabel="held-out loss")
    axes[0].legend(fontsize="x-small")
figure

# %% [markdown]
# ## Where the truth is known: the plane
#
# **In the plane the theory holds.** For a mixture of three Gaussians the slope of the log-density
# is known, and $(r(x) - x)/\sigma^2$ follows it: {verdict}`dae-theory-gradient-denoising` for a
# denoising autoencoder, {verdict}`dae-theory-gradient-contractive` for a contractive one, which is
# held back by a penalty on its Jacobian. What a perfect denoiser has exactly is the slope of the
# density *smoothed* by the noise; only for little noise are the two the same.
# <!-- true while: dae-theory-gradient-denoising is reproduced -->

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-da-field", "caption": "What two autoencoders know of the density (grey), this build: arrows point up the log-density, the longest are cut to one length."}}
figure = plt.figure(figsize=(10, 3.4))
if measured.fields:
    density = np.exp(mixture.MIXTURE.log_density(GRID))
    figures.field_arrows(figure, GRID, density, measured.fields)
figure

# %% [markdown]
# The paper's own picture has three classes, each a thin ring. The classifier is sure of the whole
# plane; the confidence should be high on the rings only, with the curvature factor taking out the
# centres, where the slope of the density vanishes as well.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-da-rings", "caption": "Largest output, confidence, curvature factor and scaled output over the plane with the paper's settings, this build."}}
figure = plt.figure(figsize=(9.6, 6.2))
if measured.rings:
    figures.plane_maps(figure, measured.rings, extent=(-2, 2, -2, 2))
figure

# %% tags=["hide-input", "full-width"]
page.verdicts("dae-theory", "dae-rings", "dae-curvature")

# %% [markdown]
# ## Clutter
#
# **An object among others is not redrawn, though it is known**: the supplementary slides name this
# weakness and propose to look at the error within an attention mask. Where the mask comes from is
# left open; here it is known, because the clutter is ours. Errors of several objects should then
# add up, which holds for vectors and not for norms: two equal ones make $\sqrt 2$ of the whole.

# %% tags=["hide-input", "full-width"]
page.verdicts("dae-clutter")

# %% [markdown]
# ## Exercise
#
# ```{exercise}
# :label: ex-da-norm
# With $D = 784$ pixels in $[0, 1]$, which $\alpha$ gives an image of the largest possible error a
# confidence of 0.9? What does that say of small $\alpha$?
# ```
#
# ```{solution} ex-da-norm
# :class: dropdown
# The largest norm is $\sqrt{784} = 28$, and $\exp(-28\,\alpha/784) = 0.9$ gives $\alpha = 2.95$:
# below it *no* image whatever is refused at 0.9, and all safety is the classifier's. At 99 % the
# same holds below 0.28; the paper's 3 refuses norms above 2.6.
# ```
#
# ## What this document names, run here or not
#
# *dAE asym*, the decoder with weights of its own, has two empty cells on the slides, which the
# paper fills. Negative training samples are named as earlier work and not compared there; we leave
# them out. A recurrent attention model and an energy-based discriminator are future work of the
# slides, without numbers. What the paper leaves open (the reconstruction loss and its weight, the
# batch, the scale of L2, un-pooling) was decided by held-out accuracy and reconstruction, never by
# attacks; it stands with all that differs in [](deviations.md). To make these numbers again see
# [](rerunning.md).

# %% tags=["nbval-check-output", "remove-cell"]
golden.check("dae", measured.checked(), profile=profile)
