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
# # GradCon: anomalies in the gradient
#
# *Kwon, Prabhushankar, Temel and AlRegib* {cite:p}`kwon2020gradcon` *ask how far a network would
# have to change to explain an image, instead of how badly it explains it now.*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`gc-cifar-10`
# - {glue:text}`gc-mnist`
# - {glue:text}`gc-error-found`
# - {glue:text}`gc-build`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist, fashion-mnist, cifar-10 or cifar-100
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
methods = ["CAE", "CAE+Grad", "VAE", "VAE+Grad"]  # CAE and CAE+Grad are needed
classes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # the normal class of each model, one model per entry
seeds = [0]  # one whole experiment per seed
epochs = 20  # passes over the training images of a class (the document: 1000)
prolong = 0  # epochs to which the first seed's CAE and CAE+Grad are trained on; 0: no further
alpha = 0.03  # weight of the gradient loss in training
beta = 0.12  # weight of the gradient score in GradCon
learning_rate = 0.001  # of Adam
batch_size = 64  # images per update
train_limit = 0  # most training images per class; 0: all of them
trust = False  # also read images whose content hash is not known
selection = "best"  # epoch to keep: best, last or official
reconstruction = "squared"  # loss of the reconstruction: squared error, or bce (cross-entropy)
averaging = "all"  # steps that the reference gradient averages: all, or decaying
watch = []  # epochs after which the test images are scored too; those beyond the last are left out
full_test = False  # beside the balanced draw, score all test images
kernel_images = 100  # training images of the Fisher kernel, beside twice as many tests; 0: none
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import shutil
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from matplotlib.ticker import NullFormatter
from myst_nb import glue

from lib import metrics, parameters, results, scores, training, workspace
from lib.data import anomaly_labels, load, one_class, resize, to_float
from lib.errors import BadInput
from lib.experiments import kernel_test
from lib.figures import (
    COLOURS,
    angle_rose,
    kernel_ratios_by_class,
    kernel_shares,
    learning_curves,
    reconstruction_grid,
    roc_curves,
    score_histograms,
    use_style,
)
from lib.models import CAE, VAE, build, count_parameters
from lib.pages import (
    gradcon,
    gradcon_classes,
    gradcon_digits,
    gradcon_places,
    gradcon_reference,
    gradcon_tables,
)
from lib.pages import gradcon_words as told

began = workspace.begin()
settings = {name: globals()[name] for name in parameters.declared("gradcon")}
run = workspace.run_name("gradcon", settings)
parameters.need_entries(settings, 0, "classes", "seeds")
if alpha <= 0:
    raise BadInput(f"alpha must be above 0 (the plain CAE stands beside it); it was {alpha}.")
order = gradcon.NETWORKS
if not {"CAE", "CAE+Grad"} <= set(methods) <= set(order) or len(set(methods)) < len(methods):
    raise BadInput(
        f"methods needs CAE and CAE+Grad, and may have VAE and VAE+Grad; it was {methods}."
    )
if kernel_images < 0 or kernel_images == 1:
    raise BadInput(f"kernel_images must be 0 or at least 2; it was {kernel_images}.")
if watch:
    parameters.need_entries(settings, 1, "watch")
if prolong and prolong <= epochs:
    raise BadInput(f"prolong must be 0 or more epochs than {epochs}; it was {prolong}.")
watch = [epoch for epoch in watch if epoch <= max(epochs, prolong)]
device = training.named_device(device)
training.deterministic(seeds[0])
use_style()

# %% [markdown]
# ## The question
#
# An autoencoder trained on one class of images reconstructs that class well and others badly. The
# usual anomaly score is therefore the **activation-based** one, the reconstruction error: *how much
# of the image does not lie on the manifold the network has learned?* GradCon asks a
# **gradient-based** question of the same network: *if we were to train on this one image, in which
# direction would the weights move?* An image of the training class asks for the kind of change that
# training images have always asked for. An anomaly asks for another one, even where its
# reconstruction is not much worse.
#
# ### In the language of kernels
#
# Train with a negative log-likelihood as loss, and the gradient of the loss in the decoder weights
# $\phi$ is, up to its sign, the **Fisher score** $U_\phi^X = \nabla_\phi \log P(X \mid \phi, z)$.
# Two images are compared by the Fisher kernel
#
# $$
# K_{FK}(X_i, X_j) = {U_\phi^{X_i}}^{\!\top} F^{-1}\, U_\phi^{X_j},
# \qquad F = \mathbb{E}_X\!\left[U_\phi^X {U_\phi^X}^{\!\top}\right],
# $$ (eq-gc-fisher)
#
# and the slides argue that training against abnormal images gives values far from those of training
# against normal ones. GradCon keeps the idea and drops the expensive inverse: it replaces
# {eq}`eq-gc-fisher` by a cosine with the *average* training gradient.

# %% [markdown]
# ## Images and split
#
# One class is normal, the other nine are anomalies. The network sees only normal training images,
# less a tenth that choose the epoch. The test has all test images of the normal class and equally
# many others, drawn at random over the other classes.

# %% tags=["hide-input"]
images = load(dataset, data_root=data_root or None, trust=trust)
pixels = to_float(resize(images.images, 28))
splits = {
    (seed, normal): one_class(
        images,
        normal,
        training.numpy_generator(seed, "split", normal),
        train_limit=train_limit,
    )
    for seed in seeds
    for normal in classes
}

# %% tags=["nbval-check-output", "remove-input"]
first = splits[seeds[0], classes[0]]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
print("normal class", images.class_names[classes[0]], {k: len(v) for k, v in first.items()})
print("autoencoder parameters", f"{count_parameters(CAE(pixels.shape[1])):,}")
print("scores", ", ".join(scores.TABLE))

# %% [markdown]
# ## The constraint, in ten lines
#
# Let $\mathcal{L}$ be the mean squared reconstruction error of a mini-batch and $\phi_i$ the weight
# of decoder layer $i$. At step $k$ training minimises
#
# $$
# J = \mathcal{L} - \alpha\,\mathbb{E}_i\!\left[\cos\!\left(
#   \frac{\partial J}{\partial \phi_i}^{k-1}_{\mathrm{avg}},\;
#   \frac{\partial \mathcal{L}}{\partial \phi_i}^{k}\right)\right],
# $$ (eq-gc-objective)
#
# where the first argument is the running mean of all gradients so far. The slides print no weight;
# the official code has $\alpha = 0.03$. Since {eq}`eq-gc-objective` contains a gradient, its own
# gradient is one of second order. A step is, in essence, what follows; `lib/training/constraint.py`
# writes the derivatives out, for the same update in less time:
#
# ```python
# loss = F.mse_loss(model(x), x)
# gradients = torch.autograd.grad(loss, decoder_weights(model), create_graph=True)
# cosines = gradient_cosines(gradients, reference.mean)
# objective = loss - alpha * cosines.mean()
# optimiser.zero_grad()
# objective.backward()
# reference.update([w.grad for w in decoder_weights(model)])
# optimiser.step()
# ```
#
# With $\alpha = 0$ this is the plain autoencoder (CAE). It starts from the same weights and sees
# the same batches as the constrained one (CAE+Grad), and we keep its average gradient too, so that
# both networks can be scored in both ways.
#
# ### The variational pair
#
# The slides' second pair of networks has the same stacks with a Gaussian latent between them (VAE):
# 576 means and 576 log variances, and to the loss comes the divergence of that Gaussian from a
# standard one. How the document trained them is not public ([](deviations.md)). We take the *same*
# squared error as in the CAE, so that a difference between the two is the latent constraint's and
# not the loss's, and divide the divergence by the number of pixels, which is the sum over pixels
# plus the divergence with weight one, on the CAE's scale:
#
# $$
# \mathcal{L}_{\mathrm{VAE}} = \overline{(x-\hat x)^2} +
# \tfrac{1}{D}\,\mathrm{KL}\!\left(q(z \mid x)\,\|\,\mathcal{N}(0, I)\right),
# \qquad D = \text{pixels} \times \text{channels}.
# $$ (eq-gc-vae)
#
# The constraint looks at the gradient of the error alone, since the divergence does not reach the
# decoder. Cross-entropy in place of the squared error is one parameter away
# (`-p reconstruction '"bce"'`); its rows have the variant *loss=bce*.

# %% tags=["remove-output"]
ARMS = {method: alpha if "Grad" in method else 0.0 for method in order if method in methods}


def network(seed: int, normal: int, kind: type[CAE] = CAE) -> CAE:
    """The untrained network of a seed and class: the same start with and without constraint."""
    generator = training.generator(seed, "weights", normal)
    return build(lambda: kind(pixels.shape[1]), generator).to(device)


def train(method: str, seed: int, normal: int, *, until: int = epochs) -> training.Fitted:
    """One trained network; goes on from its checkpoint where there is one."""
    split, name = splits[seed, normal], images.class_names[normal]
    checkpoint = workspace.checkpoint_path(method, normal, seed)
    if until > epochs and checkpoint is not None:  # on from a copy: the shorter training stays
        shorter, checkpoint = checkpoint, workspace.checkpoint_path(method, normal, seed, until)
        if not checkpoint.exists():
            shutil.copyfile(shorter, checkpoint)

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 5) == 0 or entry["epoch"] == until:
            print(
                f"{name} {method} seed {seed} epoch {entry['epoch']:.0f}/{until}"
                f" L {entry['validation_L']:.4f} cosine {entry['validation_cosine']:.3f}"
            )

    same = ["learning_rate", "batch_size", "train_limit", "selection", "averaging"]
    if selection == "official":  # it looks at the last epoch too; else a training can be prolonged
        same.append("epochs")
    same = {name: settings[name] for name in (*same, "reconstruction")}
    same |= {"data": images.sha256, "alpha": ARMS[method]}
    return training.fit(
        network(seed, normal, VAE if method.startswith("VAE") else CAE),
        pixels[split["train"]].to(device),
        pixels[split["validation"]].to(device),
        generator=training.generator(seed, "batches", normal),
        epochs=until,
        alpha=ARMS[method],
        batch_size=batch_size,
        learning_rate=learning_rate,
        selection=selection,
        reconstruction=reconstruction,
        reference=averaging,
        keep=watch,
        progress=report,
        checkpoint=checkpoint,
        fingerprint=training.fingerprint(same, training.fit),
    )


fitted = {
    (method, seed, normal): train(method, seed, normal)
    for seed in seeds
    for normal in classes
    for method in ARMS
}
longer = {
    (method, seeds[0], normal): train(method, seeds[0], normal, until=prolong)
    for normal in (classes if prolong else ())
    for method in ("CAE", "CAE+Grad")
}

# %% [markdown]
# ## Scores
#
# For one image $x$ with reconstruction $\hat x$ the scores are
#
# $$
# \begin{aligned}
# \mathrm{recon}(x) &= \overline{(x - \hat x)^2}, \\
# \mathrm{grad}(x) &= -\mathbb{E}_i\!\left[\cos\!\left(
#   \frac{\partial J}{\partial \phi_i}_{\mathrm{avg}},
#   \frac{\partial\,\mathrm{recon}(x)}{\partial \phi_i}\right)\right], \\
# \mathrm{GradCon}(x) &= \mathrm{recon}(x) + \beta\,\mathrm{grad}(x),
# \end{aligned}
# $$ (eq-gc-scores)
#
# all **higher for anomalies**. The VAE has a fourth, the *latent* score: the divergence of one
# image in {eq}`eq-gc-vae`. The gradient must belong to one image, which is why the official code
# scores images one at a time. There is no need to: before the products of a layer's inputs and
# output gradients are summed over a batch, the images are still apart. Whole batches are scored at
# once; the largest difference from the loop over single images was
# {glue:text}`gc-loop-difference` on {glue:text}`gc-loop-images` images of this run.


# %% tags=["hide-input"]
def as_numpy(found: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: values.double().numpy() for name, values in found.items()}


other = gradcon_places.OTHER[reconstruction]


def score_all(model: CAE, mean: list[torch.Tensor], x: torch.Tensor) -> dict[str, np.ndarray]:
    """GradCon's scores of images, and for a VAE the latent score."""
    found = scores.gradcon_scores(model, x, mean, beta=beta, reconstruction=reconstruction)
    if isinstance(model, VAE):
        found["latent"] = scores.in_batches(partial(scores.latent_score, model), x.to(device)).cpu()
    return as_numpy(found)


def other_error(model: CAE, x: torch.Tensor) -> dict[str, np.ndarray]:
    """The reconstruction error that was not trained on: cross-entropy, or the squared error."""
    squared = reconstruction == "squared"
    error = scores.cross_entropy_error if squared else scores.reconstruction_error
    return as_numpy({other: scores.in_batches(partial(error, model), x.to(device)).cpu()})


final_gradient = partial(
    training.mean_gradient, batch_size=batch_size, reconstruction=reconstruction
)
tested = {key: {} for key in splits}  # scores by network; untrained and trivial ones beside
truth = {}
for (seed, normal), split in splits.items():
    found = tested[seed, normal]
    x, train_pixels = pixels[split["test"]], pixels[split["train"]]
    truth[seed, normal] = anomaly_labels(images.labels[split["test"]], normal)
    for method in ARMS:
        best = fitted[method, seed, normal]
        found[method] = score_all(best.model, best.reference.mean, x) | other_error(best.model, x)
        # the same network against its own mean gradient, in place of that over all of training
        at_end = final_gradient(best.model, train_pixels.to(device))
        found[f"{method}, final"] = score_all(best.model, at_end.mean, x)
    start = network(seed, normal)
    first_gradients = final_gradient(start, train_pixels.to(device))
    found["untrained CAE"] = score_all(start, first_gradients.mean, x) | other_error(start, x)
    found["trivial"] = as_numpy(
        {
            "mean brightness": scores.mean_brightness(x),
            "distance to mean": scores.distance_to_mean(x, train_pixels),
        }
    )
    found["no network"] = as_numpy({"pixel entropy": scores.pixel_entropy(x)})

prolonged = {}
for (method, seed, normal), on in longer.items():
    x = pixels[splits[seed, normal]["test"]]
    scores_on = score_all(on.model, on.reference.mean, x)
    prolonged.setdefault((seed, normal), {})[method] = scores_on

best = fitted["CAE+Grad", seeds[0], classes[0]]
few = pixels[splits[seeds[0], classes[0]]["test"]][:16].to(device)
together = scores.gradient_score(best.model, few, best.reference.mean)
alone = torch.cat(
    [scores.gradient_score(best.model, one[None], best.reference.mean) for one in few]
)
largest = float((together - alone).abs().max())
glue("gc-loop-difference", f"{largest:.0e}" if largest else "exactly zero", display=False)
glue("gc-loop-images", str(len(few)), display=False)

# %% tags=["remove-cell"]
# Further measurements: lengths of gradients, the course of training, all test images, the kernel
by_layer, watched, whole_test, kernels, without_kernel = {}, {}, {}, {}, []
for (seed, normal), split in splits.items():
    best, x = fitted["CAE+Grad", seed, normal], pixels[split["test"]]
    measure = partial(scores.gradient_magnitudes, best.model, reconstruction=reconstruction)
    measured = scores.in_batches(measure, x.to(device))
    by_layer[seed, normal] = measured.cpu().numpy()
    # the length of all four layers' gradient together: a score without direction
    length = measured.square().sum(1).sqrt().cpu().double().numpy()
    tested[seed, normal]["CAE+Grad"][gradcon_places.LENGTH] = length
    watched[seed, normal] = [
        (name, epoch, score_all(*source[name, seed, normal].at(epoch), x))
        for epoch in watch
        for source in [fitted if epoch <= epochs else longer]
        for name in ("CAE", "CAE+Grad")
        if (name, seed, normal) in source
    ]
    if full_test:
        everyone = np.flatnonzero(images.is_test)
        whole = {
            name: score_all(done.model, done.reference.mean, pixels[everyone])
            for name in ("CAE", "CAE+Grad")
            for done in [fitted[name, seed, normal]]
        }
        whole_test[seed, normal] = (anomaly_labels(images.labels[everyone], normal), whole)

for (seed, normal), split in splits.items() if kernel_images else ():
    rng, labels = training.numpy_generator(seed, "kernel", normal), truth[seed, normal]
    members = {"training": split["train"]}
    members |= {kind: split["test"][labels == i] for i, kind in enumerate(("normal", "abnormal"))}
    # methods.md 1.9: twice as many test images of either kind as training images
    limits = dict.fromkeys(members, 2 * kernel_images) | {"training": kernel_images}
    chosen = {
        word: pixels[np.sort(rng.permutation(found)[: limits[word]])].to(device)
        for word, found in members.items()
    }
    model, everything = fitted["CAE", seed, normal].model, pixels[split["train"]].to(device)
    try:
        kernels[seed, normal] = kernel_test(model, everything, chosen.pop("training"), chosen)
    except BadInput:  # a network that draws black for every image has no gradient at all
        without_kernel.append(images.class_names[normal])

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
GRADCON = gradcon.GRADCON
variants = gradcon_places.variants(gradcon_places.changed(settings))


def explained_variance(best: training.Fitted, x: torch.Tensor) -> float:
    """Share of the images' variance that is reconstructed; 0 for drawing their mean image."""
    error = scores.reconstruction_error(best.model, x.to(device)).mean().item()
    return 1 - error / float((x - x.mean(0)).square().mean())


add, collected = results.collector(run=run, dataset=images.title)
for key, split in splits.items():
    add_here = partial(add, seed=key[0], class_=images.class_names[key[1]])

    def add_auroc(labels, placed, add_here=add_here):
        value = metrics.auroc(labels, placed.values)
        add_here(value, metric="AUROC", n=len(labels), **placed.place)

    placed = gradcon_places.network_scores(tested[key], variants, beta=beta)
    placed += gradcon_places.other_errors(tested[key], variants, reconstruction=reconstruction)
    if key in prolonged:
        placed += gradcon_places.prolonged_scores(prolonged[key], variants, epochs=prolong)
    for seen in watched[key]:
        placed += gradcon_places.watched_scores(*seen, variants)
    for each in placed:
        add_auroc(truth[key], each)
    if key in whole_test:
        all_labels, whole = whole_test[key]
        for each in gradcon_places.full_test_scores(whole, variants):
            add_auroc(all_labels, each)
    if key in kernels:
        found, where = kernels[key], {"table": gradcon.KERNEL, "method": "CAE", **variants.loose}
        for (kind, score), value in found.means.items():
            where |= {"score": score, "n": found.pairs[kind]}
            add_here(value, metric="kernel", condition=kind, **where)
        for score, values in found.scores.items():
            where |= {"score": score, "n": len(values)}
            add_here(metrics.auroc(found.labels, values), metric="AUROC", **where)
    held_out = pixels[split["validation"]]
    for method in ARMS:
        done, where = fitted[method, *key], {"table": gradcon.TRAINING, "method": method}
        where |= {"n": len(held_out), **variants.of(method)}
        add_here(explained_variance(done, held_out), metric="explained variance", **where)
        add_here(done.epoch, metric="kept epoch", **where)
        for entry in longer.get((method, *key), done).history:
            if (epoch := int(entry["epoch"])) in watch:
                loss = entry["validation_L"]
                add_here(loss, metric="validation loss", epochs_shown=epoch, **where)

channels = pixels.shape[1]
collected.append(
    results.row(
        run=run,
        table="model-size",
        method="GradCon",
        metric="parameters",
        value=count_parameters(CAE(channels)),
        variant="" if channels == 1 else results.variant(channels=channels),
        seed=0,
        n=1,
    )
)
rows = results.frame(collected)
provenance = workspace.leave_run(
    "gradcon", settings, rows, began=began, device=device, images=images
)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the documents' own numbers.
mine = results.with_averages(rows)
reference, reference_runs = results.reference_rows(), results.reference_runs()
document = results.published("gradcon-slides")
printed = gradcon_reference.printed(results.published())
SLOW = gradcon_reference.SLOW
full_size = results.full_title(images.title)
PLACES = gradcon_places.main_places(variants, methods)
# means over the classes and seeds of this run
checked = {
    name: float(gradcon.single_classes(rows, *place)["value"].mean())
    for name, place in PLACES.items()
}
workspace.leave_checked(checked)
# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    print(*results.check_lines("gradcon", checked), sep="\n")

# %% [markdown]
# ## Result
#
# {glue:text}`gc-summary`
#
# ### All classes
#
# Each line says whose numbers it holds: *published* are the document's, *reference* are our
# committed runs on the full images (means over seeds, and for the average ± half the 95 %
# interval; without ± there is one seed), and *this build* is the run you are looking at
# ({glue:text}`gc-run-line`). Untrained and trivial lines show what a number is worth.

# %% tags=["hide-input", "full-width", "figure"]
gradcon_tables.baseline_table(mine, reference, document, full_size, images.title)

# %% [markdown]
# The combined score stands beside other methods on the page [](comparison.ipynb). The slides' own
# table, on CIFAR-10, is held against ours class by class on the page [](classes.ipynb), with
# Fashion-MNIST and MNIST's digits. What can explain the distance to the printed mean, and whether
# more epochs would help, is asked on the page [](moves.ipynb).
#
# ### How sure is one cell?
#
# {numref}`fig-gc-classes` gives each AUROC of this build with its DeLong interval, which covers the
# choice of test images but not that of the seed.

# %% tags=["remove-cell", "figure"]
SHOWN = {"CAE recon": "recon", "CAE+Grad grad": "grad", "GradCon": "recon+beta*grad"}
lines = []
for (seed, normal), labels in truth.items():
    for name, score in SHOWN.items():
        values = tested[seed, normal]["CAE" if name == "CAE recon" else "CAE+Grad"][score]
        found = metrics.delong_interval(labels, values)
        where = {"seed": seed, "class": images.class_names[normal], "score": name}
        lines.append(where | {"AUROC": found.mean, "low": found.low, "high": found.high})
intervals = pd.DataFrame(lines)

figure, axis = plt.subplots(figsize=(8, 3.4))
for offset, (name, score) in zip((-0.22, 0, 0.22), SHOWN.items(), strict=True):
    part = intervals[(intervals["score"] == name) & (intervals["seed"] == seeds[0])]
    where = np.arange(len(part)) + offset
    spread = np.stack([part["AUROC"] - part["low"], part["high"] - part["AUROC"]])
    axis.errorbar(where, part["AUROC"], spread, fmt="o", ms=5, color=COLOURS[score], label=name)
axis.axhline(0.5, color="0.7", linestyle=":")
axis.set_xticks(range(len(classes)), [images.class_names[c] for c in classes])
axis.set(xlabel="normal class", ylabel="AUROC", ylim=(0, 1.02))
axis.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
glue("gc-classes", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-classes
# :name: fig-gc-classes
# AUROC of this build with 95 % DeLong intervals, first seed.
# ```
#
# ### What the slides claim, judged
#
# Each verdict is computed by the rule in `results/claims.yml`, for our reference runs and for this
# build. A build on the embedded images is at best *partly*, and says nothing on claims about other
# data sets. The [scoreboard](scoreboard.ipynb) has the claims of all four documents. One warning
# goes with every claim on MNIST. {glue:text}`gc-dead-line`

# %% tags=["hide-input", "full-width", "figure"]
board = results.boards("gradcon", reference, mine, provenance, stand_in={full_size: images.title})
verdicts = results.verdict_table(*board)
verdicts["claim"] += " (" + board.reference["scope"] + ")"
told_of = pd.concat([found["verdict"] != "not tested yet" for found in board], axis=1).any(axis=1)
results.page_table(verdicts[told_of], kind="words")

# %% [markdown]
# ## The idea in a picture
#
# Take the model of class {glue:text}`gc-shown-class` and a test image of either kind. On the left
# is what the activation-based score sees: the part of the image that was not reconstructed. On the
# right is what the gradient-based score sees: the angle between the change each image asks for and
# the change that training images asked for on average. The picture shows the images in the middle
# of either group, not the best ones.

# %% tags=["remove-cell", "figure"]
shown = classes[len(classes) // 2]
key = (seeds[0], shown)
best, labels = fitted["CAE+Grad", *key], truth[key]
ours_here, x_here = tested[key]["CAE+Grad"], pixels[splits[key]["test"]]


def middle(label: int) -> int:
    """Test image whose gradient score is the median of its group."""
    members = np.flatnonzero(labels == label)
    return int(members[np.argsort(ours_here["grad"][members])[len(members) // 2]])


pair = [middle(0), middle(1)]
with torch.no_grad():
    drawn = best.model(x_here[pair].to(device)).cpu().numpy()

figure = plt.figure(figsize=(9, 4))
left, right = figure.subfigures(1, 2, width_ratios=[0.8, 1.2])
reconstruction_grid(left, x_here[pair].numpy(), drawn, ["normal", "anomaly"])
axis = right.add_subplot(projection="polar")
arrow = "average training gradient"
angle_rose(axis, labels, -ours_here["grad"], picked=pair, reference=arrow)
axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0.2), ncols=3, fontsize="small")
axis.set_title("angle to the average training gradient", y=0.95)
glue("gc-idea", figure, display=False)
plt.close(figure)
glue("gc-shown-class", images.class_names[shown], display=False)

# %% [markdown]
# ```{glue:figure} gc-idea
# :name: fig-gc-idea
# Left: image, reconstruction and squared error of a normal and an abnormal test image. Right:
# angles (of the mean cosine over the four decoder layers) of all test images of that class; the
# black arrow is the average training gradient, the coloured ones belong to the two images.
# ```
#
# ### Direction against length
#
# A gradient has a direction and a length. {numref}`fig-gc-direction` shows both for all test images
# of that class, layer by layer: to the left the length, upwards the angle to the average training
# gradient. {glue:text}`gc-direction-line`

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), sharey=True)
for layer, axis in enumerate(axes):
    angle = np.degrees(np.arccos(np.clip(-ours_here[gradcon_places.LAYERS[layer]], -1, 1)))
    for label, word in ((0, "normal"), (1, "anomaly")):
        kind = labels == label
        length = by_layer[key][kind, layer]
        axis.plot(length, angle[kind], ".", ms=3, color=COLOURS[word], label=word)
    axis.axhline(90, color="0.6", ls=":")
    axis.set(xscale="log", xlabel="length of the gradient", title=f"layer {layer + 1}")
    axis.xaxis.set_minor_formatter(NullFormatter())  # too narrow for more than whole powers
axes[0].set(ylabel="angle, degrees", ylim=(0, 180))
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
glue("gc-direction", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-direction
# :name: fig-gc-direction
# Length of each image's gradient and its angle to the average training gradient, CAE+Grad of class
# {glue:text}`gc-shown-class`, from the latent (layer 1) to the pixels (layer 4).
# ```
#
# ## Distributions behind the numbers

# %% tags=["remove-cell", "figure"]
panel = {
    "CAE recon": tested[key]["CAE"]["recon"],
    "CAE+Grad recon": ours_here["recon"],
    "CAE+Grad grad": ours_here["grad"],
    "GradCon": ours_here["recon+beta*grad"],
}
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8))
score_histograms(axes, labels, panel)
glue("gc-histograms", figure, display=False)
plt.close(figure)

picked = [classes[0], shown, classes[-1]] if len(classes) > 2 else classes
figure, axes = plt.subplots(1, len(picked), figsize=(3.4 * len(picked), 3.4), squeeze=False)
for axis, normal in zip(axes[0], picked, strict=True):
    at = tested[seeds[0], normal]["CAE+Grad"]
    curves = {
        "recon": tested[seeds[0], normal]["CAE"]["recon"],
        "grad": at["grad"],
        "recon+beta*grad": at["recon+beta*grad"],
    }
    title = f"normal class {images.class_names[normal]}"
    roc_curves(axis, truth[seeds[0], normal], curves, title=title)
axes[0, 0].legend(loc="lower right", fontsize="small")
glue("gc-roc", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-histograms
# :name: fig-gc-histograms
# Scores of normal and abnormal test images, model of class {glue:text}`gc-shown-class`.
# ```
#
# ```{glue:figure} gc-roc
# :name: fig-gc-roc
# ROC curves of three models: recon of the CAE, grad and GradCon of the CAE+Grad.
# ```
#
# ## What the networks draw

# %% tags=["remove-cell", "figure"]
test_classes = images.labels[splits[key]["test"]]
others = [np.flatnonzero(test_classes == c) for c in np.unique(test_classes[labels == 1])]
members = [*np.flatnonzero(labels == 0)[:4], *(found[0] for found in others[:5])]
words = ["normal"] * 4 + [images.class_names[c] for c in test_classes[members[4:]]]
for method in ("CAE", "CAE+Grad"):
    with torch.no_grad():
        drawn = fitted[method, *key].model(x_here[members].to(device)).cpu().numpy()
    figure = plt.figure(figsize=(9, 3.1))
    reconstruction_grid(figure, x_here[members].numpy(), drawn, words)
    glue(f"gc-drawn-{'plain' if method == 'CAE' else 'constrained'}", figure, display=False)
    plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-drawn-plain
# :name: fig-gc-drawn-plain
# CAE of class {glue:text}`gc-shown-class`: the first four normal test images, and the first of five
# other classes. One error scale for all columns.
# ```
#
# ```{glue:figure} gc-drawn-constrained
# :name: fig-gc-drawn-constrained
# The same images through the CAE+Grad.
# ```
#
# ## Learning curves
#
# The constraint pulls the gradient of each new batch towards the average of all earlier ones.
# {numref}`fig-gc-learning` shows what that does to the cosine and to the reconstruction error.
#
# On digits something can happen that the slides do not mention. Digits are mostly black, and
# the first few dozen updates at the official learning rate can push the logits of the output so far
# down that the sigmoid is zero to all digits. Then the gradient is zero as well, exactly: the
# network draws black for ever, and its reconstruction error ranks images by nothing but their ink.
# The constraint cannot wake a network that has come so far, since a gradient of zero has no
# direction. It acts earlier. The slope of a cosine grows as the gradient shrinks, so the
# constrained network is still pushed where the error alone hardly moves the plain one. What looks
# like an effect of the constraint on *detection* can therefore be one on *training*.
# {glue:text}`gc-collapse`
#
# A smaller learning rate is the control; the page [](classes.ipynb) has it digit by digit.

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(
    2, len(ARMS), figsize=(3 + 2.6 * len(ARMS), 5.6), sharex=True, sharey="row", squeeze=False
)
for column, method in enumerate(ARMS):
    histories = {
        images.class_names[normal]: fitted[method, seeds[0], normal].history for normal in classes
    }
    learning_curves(axes[0, column], histories, key="validation_L", ylabel="error")
    learning_curves(axes[1, column], histories, key="validation_cosine", ylabel="cosine")
    axes[0, column].set(title=method, yscale="log", xlabel="")
figure.legend(
    *axes[0, 1].get_legend_handles_labels(), title="normal class", loc="outside right upper"
)
glue("gc-learning", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-learning
# :name: fig-gc-learning
# Squared error and cosine with the reference gradient on validation images, one line per class.
# ```
#
# ## Layers
#
# The slides say that gradients of different layers capture abnormality at different levels of
# abstraction. {numref}`fig-gc-layers` scores each decoder layer alone, from the latent (1) to the
# pixels (4). {glue:text}`gc-layer-line`

# %% tags=["remove-cell", "figure"]
layer_sources = {
    "CIFAR-10, reference": gradcon.layers(reference, "CIFAR-10"),
    f"{images.title}, this build": gradcon.layers(rows, images.title, setting=variants.train),
}
layer_sources = {words: found for words, found in layer_sources.items() if len(found)}
figure, axes = plt.subplots(
    len(layer_sources), 1, figsize=(8, 0.6 + 2.4 * len(layer_sources)), squeeze=False
)
for axis, (words, found) in zip(axes[:, 0], layer_sources.items(), strict=True):
    sns.barplot(found, x="class", y="value", hue="layer", palette="viridis", errorbar=None, ax=axis)
    axis.axhline(0.5, color="0.5", linestyle=":")
    axis.set(xlabel="", ylabel="AUROC of grad", ylim=(0, 1.02))
    axis.set_title(f"{words}, {told.seeds(found['seed'].unique())}", fontsize="small")
    axis.get_legend().remove()
axes[-1, 0].set_xlabel("normal class")
handles = axes[0, 0].get_legend_handles_labels()
figure.legend(*handles, title="decoder layer", ncols=4, loc="outside lower center")
glue("gc-layers", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-layers
# :name: fig-gc-layers
# AUROC of minus the cosine of one decoder layer alone, CAE+Grad, means over seeds.
# ```
#
# ## The Fisher kernel, tested
#
# The slides argue with {eq}`eq-gc-fisher`: training images should lie far from abnormal ones,
# $K^{out}_{FK} \gg K^{in}_{FK}$. That can be measured. With $u$ the gradient of
# $-\lVert x - \hat x\rVert^2/2$ in the four decoder weights of the plain CAE and the diagonal of
# the empirical Fisher information for $F$, {numref}`fig-gc-fisher` shows the mean kernel of each
# test image with training images.
#
# $K$ is an inner product, not a distance, so its sign is free, and there are two readings: the mean
# of its absolute value, which we judge, and the signed mean. We read *much larger* as twice or
# more. {glue:text}`gc-fisher-line`

# %% tags=["remove-cell", "figure"]
kernel_sources = {
    "CIFAR-10, reference": (reference, "CIFAR-10", {}),
    "MNIST, reference": (reference, "MNIST", {}),
    "MNIST, reference, learning rate 0.0001": (reference, "MNIST", SLOW),
    f"{images.title}, this build": (rows, images.title, variants.loose),
}
kernel_sources = {
    words: source
    for words, source in kernel_sources.items()
    if len(gradcon.kernel_means(source[0], source[1], setting=source[2]))
}
ratios = {
    words: gradcon.kernel_means(source, title, setting=setting)["ratio"]
    for words, (source, title, setting) in kernel_sources.items()
}
picked = [words for words in ratios if words.startswith("CIFAR-10") or words.endswith("build")]
figure, axes = plt.subplots(
    1, 2 + max(1, len(picked)), figsize=(6.4 + 3 * max(1, len(picked)), 3.2)
)
if kernels:
    kernel_key = (seeds[0], shown) if (seeds[0], shown) in kernels else next(iter(kernels))
    kernel_shares(axes[:2], kernels[kernel_key].by_image)
for axis, words in zip(axes[2:], picked, strict=False):
    readings = {"absolute": gradcon.ABSOLUTE, "signed": gradcon.SIGNED}
    by_class = {reading: ratios[words].loc[score] for reading, score in readings.items()}
    kernel_ratios_by_class(axis, by_class, title=f"abnormal / normal\n{words}")
glue("gc-fisher", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} gc-fisher
# :name: fig-gc-fisher
# Two panels on the left: mean kernel of each test image of this build with training images, class
# {glue:text}`gc-kernel-class`. Further right: the kernel of abnormal images over that of normal
# ones, by class, in both readings; the dashed line is the *much larger* of the slides. On a signed
# scale of powers of ten, since signed means can differ in sign.
# ```
#
# Is the Fisher metric the better ruler? The table has the AUROC of three scores. The *self term* is
# the kernel of an image with itself. The two cosines are both taken to the mean gradient of the
# training images at the kept weights (GradCon's own reference is the average over all of training),
# but they differ in more than the metric: the plain one is GradCon's mean of four cosines, one per
# layer; the one in the Fisher metric takes the four layers as one long vector.


# %% tags=["hide-input", "full-width", "figure"]
def kernel_column(source: pd.DataFrame, title: str, setting: dict) -> dict[str, str]:
    """Means over classes of the kernel and the AUROC of its scores; ± over seeds."""
    found, by_seed = {}, gradcon.kernel_ratios(source, title, setting=setting)
    for score in gradcon.KERNEL_SCORES:
        for kind in ("normal", "abnormal"):
            found[f"{score}, {kind} images"] = told.size(by_seed.loc[score, kind].mean())
        ratio = results.mean_text(by_seed.loc[score, "ratio"], decimals=2)
        found[f"{score}, abnormal / normal"] = ratio
    kept = source[(source["table"] == gradcon.KERNEL) & (source["metric"] == "AUROC")]
    kept = kept[(kept["dataset"] == title) & (kept["class"] != "average")]
    kept = kept[kept["variant"] == results.variant(**setting)]
    for score, part in kept.groupby("score", sort=False):
        found[f"AUROC of the {score}"] = results.mean_text(part.groupby("seed")["value"].mean())
    return found


kernel_table = pd.DataFrame(
    {words: kernel_column(*found) for words, found in kernel_sources.items()}
)
results.page_table(kernel_table.fillna(""))

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: ex-gc-scale
# The slides sum the gradients of all earlier steps, the official code averages them. Which numbers
# in this chapter change?
# ```
#
# ```{solution} ex-gc-scale
# :class: dropdown
# None. Sum and mean over the same steps differ by a positive factor, and
# $\cos(\lambda a, b) = \cos(a, b)$ for $\lambda > 0$. A *decaying* average would be another matter:
# it points elsewhere.
# ```
#
# ```{exercise}
# :label: ex-gc-beta
# GradCon adds a mean squared error and $\beta = 0.12$ times minus a cosine. Which of
# the two decides the ranking? Compute the AUROC over a range of $\beta$ for one class.
# ```
#
# ````{solution-start} ex-gc-beta
# :class: dropdown
# ````

# %%
tried = pd.DataFrame({"beta": [0, 0.003, 0.01, 0.03, 0.12, 0.5, 2, 10]})
tried["AUROC"] = [
    metrics.auroc(labels, ours_here["recon"] + weight * ours_here["grad"])
    for weight in tried["beta"]
]
tried.style.hide(axis="index").format("{:.3f}")

# %% [markdown]
# From $\beta = 0$ (recon alone) the AUROC moves to that of grad alone, and at 0.12 it may be close
# to either end, depending on the spread of the errors. Do not choose $\beta$ from this list: its
# labels are test labels.
#
# ````{solution-end}
# ````
#
# ```{exercise}
# :label: ex-gc-reference
# What enters the reference is $\partial J/\partial\phi$, taken after the backward pass of $J$.
# Would $\partial\mathcal{L}/\partial\phi$ give the same reference? Change one line of
# `lib/training/gradcon.py` and run the smoke profile.
# ```
#
# ```{solution} ex-gc-reference
# :class: dropdown
# No. $\partial J/\partial\phi$ also holds $\alpha$ times the derivative of the cosine, a
# second-order term. Replace `reference.update(taken)` by an update with the list `gradients` (on
# the first step there is only `taken`) and compare the rows of `python -m lib.execute gradcon
# --profile smoke` before and after: the scores change, if not by much.
# ```
#
# ## About this run
#
# :::{admonition} How these numbers were made
# :class: note
# {glue:text}`gc-box`
#
# To make them again or with other settings see [](rerunning.md); what differs from the document,
# and why, is listed in [](deviations.md).
# :::

# %% tags=["remove-cell", "figure"]
# Every sentence with a number in it is put together here, from the rows.
n_classes, whole = len(classes), len(classes) == len(images.class_names)
over = f"over all {n_classes} classes" if whole else f"over {n_classes} of the classes"
gap = checked["CAE+Grad grad"] - checked["CAE recon"]
direction = "above" if gap > 0 else "below"
summary = (
    f"On {images.title}, averaged {over}, the gradient of the constrained network reaches an AUROC "
    f"of {checked['CAE+Grad grad']:.3f}, {abs(gap):.3f} {direction} the reconstruction error of "
    f"the plain autoencoder ({checked['CAE recon']:.3f}). The combined score has "
    f"{checked['GradCon']:.3f}. Without the constraint the same gradient score has "
    f"{checked['CAE grad']:.3f}; an untrained network has {checked['untrained recon']:.3f} (recon) "
    f"and {checked['untrained grad']:.3f} (grad), the distance to the mean training image "
    f"{checked['distance to mean']:.3f}."
)
glue("gc-summary", summary, display=False)
followed = gradcon_classes.followed(gradcon_classes.beside_printed(reference, document, "CIFAR-10"))
dead_here = gradcon_reference.worse_than_mean(rows, variants.loose, variants.train)
dead_there = gradcon_reference.dead(reference)
effect = board.reference.set_index("id").loc["gradcon-constraint-effect", "verdict"]
sentences = {
    "collapse": f"{dead_there} In this build: {dead_here}.",
    "dead-line": f"{dead_there} Comparisons on MNIST rest on these networks.",
    "error-found": gradcon_classes.error_found(followed),
    "cifar-10": gradcon_reference.on_cifar(
        reference, document, reference_runs, others=printed, verdict=effect
    ),
}
direction = []
on_cifar = partial(gradcon_reference.average, reference, "CIFAR-10", "CAE+Grad")
if len(length := on_cifar(gradcon_places.LENGTH)):
    angle = on_cifar("grad")
    direction.append(told.direction("CIFAR-10, reference", angle, length))
per_seed = [
    gradcon.single_classes(rows, *PLACES[name]).groupby("seed")["value"].mean()
    for name in ("CAE+Grad grad", "gradient norm")
]
direction.append(told.direction(f"{images.title}, this build", *per_seed))
sentences["direction-line"] = " ".join(direction)
sentences["layer-line"] = " ".join(told.layers(*source) for source in layer_sources.items())
kernel_lines = [
    told.kernel(
        words,
        gradcon.kernel_means(source, title, setting=setting),
        gradcon.kernel_ratios(source, title, setting=setting),
    )
    for words, (source, title, setting) in kernel_sources.items()
]
if without_kernel:
    kernel_lines.append(
        "Networks that draw black for every image have no gradient, so no kernel: those of class "
        f"{', '.join(without_kernel)} in this build."
    )
sentences["fisher-line"] = " ".join(kernel_lines) or "This run leaves the kernel out."
sentences["kernel-class"] = images.class_names[kernel_key[1]] if kernels else "none"
on_mnist = [
    gradcon_reference.on_mnist(reference, document, reference_runs),
    gradcon_digits.living_words(reference, document),
    gradcon_digits.variational_words(reference, short=True),
]
sentences["mnist"] = " ".join(filter(None, on_mnist))
sentences["build"] = (
    f"This build, on {images.title}: {checked['CAE+Grad grad']:.3f} (gradient), "
    f"{checked['CAE recon']:.3f} (reconstruction), {checked['GradCon']:.3f} (combined), "
    f"{checked['distance to mean']:.3f} (distance to the mean training image)."
)
for name, sentence in sentences.items():
    glue(f"gc-{name}", sentence, display=False)

settings_told = (
    f"classes {classes}; seeds {seeds}; {epochs} epochs, batches of {batch_size}, learning rate "
    f"{learning_rate:g}, alpha {alpha:g}, beta {beta:g}"
)
took = began.seconds()
glue("gc-run-line", f"profile {profile}, {images.title}, seeds {seeds}", display=False)
box = results.run_words(provenance, images.title, settings_told, seconds=took)
glue("gc-box", box, display=False)
