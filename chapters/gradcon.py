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
# {glue:text}`gc-conclusion`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist, fashion-mnist, cifar-10 or cifar-100
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
classes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # the normal class of each model, one model per entry
seeds = [0]  # one whole experiment per seed
epochs = 20  # passes over the training images of a class (the document: 1000)
alpha = 0.03  # weight of the gradient loss in training
beta = 0.12  # weight of the gradient score in GradCon
learning_rate = 0.001  # of Adam
batch_size = 64  # images per update
train_limit = 0  # most training images per class; 0: all of them
trust = False  # also read images whose content hash is not known
selection = "best"  # epoch to keep: best, last or official
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import time
from datetime import UTC, datetime

import numpy as np
import torch
from myst_nb import glue

from lib import metrics, parameters, results, scores, training, workspace
from lib.data import anomaly_labels, load, one_class, resize, to_float
from lib.errors import BadInput
from lib.figures import (
    use_style,
)
from lib.models import CAE, build, count_parameters

started, clock = datetime.now(UTC), time.monotonic()
settings = {name: globals()[name] for name in parameters.declared("gradcon")}
run = workspace.run_name("gradcon", settings)
if not classes or not seeds:
    raise BadInput("classes and seeds need at least one entry each.")
if alpha <= 0:
    raise BadInput(f"alpha must be above 0 (the plain CAE stands beside it); it was {alpha}.")
if device == "auto":
    device = "cuda" if torch.cuda.is_available() else "cpu"
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
if len(set(classes)) < len(classes) or len(set(seeds)) < len(seeds):
    raise BadInput("classes and seeds must not name one entry twice.")
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
# gradient is one of second order. This is the whole of it, from `lib/training/gradcon.py`:
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

# %% tags=["remove-output"]
ARMS = {"CAE": 0.0, "CAE+Grad": alpha}


def network(seed: int, normal: int) -> CAE:
    """The untrained network of a seed and class: the same start for both arms."""
    generator = training.generator(seed, "weights", normal)
    return build(lambda: CAE(pixels.shape[1]), generator).to(device)


def train(method: str, seed: int, normal: int) -> training.Fitted:
    """One trained network; goes on from its checkpoint where there is one."""
    split, name = splits[seed, normal], images.class_names[normal]

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 5) == 0 or entry["epoch"] == epochs:
            print(
                f"{name} {method} seed {seed} epoch {entry['epoch']:.0f}/{epochs}"
                f" L {entry['validation_L']:.4f} cosine {entry['validation_cosine']:.3f}"
            )

    same = {k: v for k, v in settings.items() if k not in ("classes", "seeds", "beta", "data_root")}
    return training.fit(
        network(seed, normal),
        pixels[split["train"]].to(device),
        pixels[split["validation"]].to(device),
        generator=training.generator(seed, "batches", normal),
        epochs=epochs,
        alpha=ARMS[method],
        batch_size=batch_size,
        learning_rate=learning_rate,
        selection=selection,
        progress=report,
        checkpoint=workspace.checkpoint_path(method, normal, seed),
        fingerprint=training.fingerprint(same | {"data": images.sha256}),
    )


fitted = {
    (method, seed, normal): train(method, seed, normal)
    for seed in seeds
    for normal in classes
    for method in ARMS
}

# %% [markdown]
# ## Scores
#
# For one image $x$ with reconstruction $\hat x$ the scores are
#
# $$
# \mathrm{recon}(x) = \overline{(x - \hat x)^2},\qquad
# \mathrm{grad}(x) = -\mathbb{E}_i\!\left[\cos\!\left(
#   \frac{\partial J}{\partial \phi_i}_{\mathrm{avg}},
#   \frac{\partial\,\mathrm{recon}(x)}{\partial \phi_i}\right)\right],\qquad
# \mathrm{GradCon}(x) = \mathrm{recon}(x) + \beta\,\mathrm{grad}(x),
# $$ (eq-gc-scores)
#
# all **higher for anomalies**. The gradient must belong to one image, which is why the official
# code scores images one at a time. There is no need to: before the products of a layer's inputs and
# output gradients are summed over a batch, the images are still apart. Whole batches are scored at
# once; the largest difference from the loop over single images was
# {glue:text}`gc-loop-difference` on {glue:text}`gc-loop-images` images of this run.

# %% tags=["hide-input"]
LAYERS = [f"layer={i}" for i in range(1, 5)]


def as_numpy(found: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: values.double().numpy() for name, values in found.items()}


tested, truth = {}, {}
for (seed, normal), split in splits.items():
    x, train_pixels = pixels[split["test"]], pixels[split["train"]]
    truth[seed, normal] = anomaly_labels(images.labels[split["test"]], normal)
    for method in ARMS:
        best = fitted[method, seed, normal]
        found = scores.gradcon_scores(best.model, x, best.reference.mean, beta=beta)
        tested[method, seed, normal] = as_numpy(found)
    start = network(seed, normal)
    first_gradients = training.mean_gradient(start, train_pixels.to(device), batch_size=batch_size)
    found = scores.gradcon_scores(start, x, first_gradients.mean, beta=beta)
    tested["untrained CAE", seed, normal] = as_numpy(found)
    tested["trivial", seed, normal] = as_numpy(
        {
            "mean brightness": scores.mean_brightness(x),
            "distance to mean": scores.distance_to_mean(x, train_pixels),
        }
    )

best = fitted["CAE+Grad", seeds[0], classes[0]]
few = pixels[splits[seeds[0], classes[0]]["test"]][:16].to(device)
together = scores.gradient_score(best.model, few, best.reference.mean)
alone = torch.cat(
    [scores.gradient_score(best.model, one[None], best.reference.mean) for one in few]
)
glue("gc-loop-difference", f"{float((together - alone).abs().max()):.0e}", display=False)
glue("gc-loop-images", str(len(few)), display=False)

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
own = {"alpha": 0.03, "beta": 0.12, "learning_rate": 1e-3, "selection": "best"}
if profile in parameters.profile_names():
    own |= {k: v for k, v in parameters.profile(profile, "gradcon").items() if k in own}
short = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr", "selection": "selection"}
changed = {short[name]: settings[name] for name in own if settings[name] != own[name]}
train_changed = {k: v for k, v in changed.items() if k != "beta"}
loose_changed = {k: v for k, v in train_changed.items() if k != "alpha"}  # alpha has no part here


def explained_variance(best: training.Fitted, x: torch.Tensor) -> float:
    """Share of the pixel variance around the mean image that the reconstruction explains."""
    error = scores.reconstruction_error(best.model, x.to(device)).mean().item()
    return 1 - error / float((x - x.mean(0)).square().mean())


collected = []
for (seed, normal), split in splits.items():
    labels = truth[seed, normal]

    def add(table, method, score, value, metric, n, *, seed=seed, normal=normal, **setting):
        collected.append(
            results.row(
                run=run,
                table=table,
                dataset=images.title,
                method=method,
                score=score,
                class_=images.class_names[normal],
                variant=results.variant(**setting),
                seed=seed,
                metric=metric,
                value=value,
                n=n,
            )
        )

    plain, constrained = (tested[method, seed, normal] for method in ARMS)
    untrained, trivial = (tested[word, seed, normal] for word in ("untrained CAE", "trivial"))
    without = loose_changed | {"alpha": 0}
    for table, method, score, values, setting in (
        ("baseline-auroc", "CAE", "recon", plain["recon"], loose_changed),
        ("baseline-auroc", "CAE+Grad", "grad", plain["grad"], without),
        ("baseline-auroc", "CAE+Grad", "recon", constrained["recon"], train_changed),
        ("baseline-auroc", "CAE+Grad", "grad", constrained["grad"], train_changed),
        ("baseline-auroc", "untrained CAE", "recon", untrained["recon"], loose_changed),
        ("baseline-auroc", "untrained CAE", "grad", untrained["grad"], loose_changed),
        *(("baseline-auroc", name, "", values, loose_changed) for name, values in trivial.items()),
        ("sota-auroc", "GradCon", "recon+beta*grad", constrained["recon+beta*grad"], changed),
        *(
            ("baseline-auroc", "CAE+Grad", "grad", constrained[layer], train_changed | {"layer": i})
            for i, layer in enumerate(LAYERS, start=1)
        ),
    ):
        add(table, method, score, metrics.auroc(labels, values), "AUROC", len(labels), **setting)
    for method, setting in (("CAE", loose_changed), ("CAE+Grad", train_changed)):
        held_out = pixels[split["validation"]]
        share = explained_variance(fitted[method, seed, normal], held_out)
        add("training", method, "", share, "explained variance", len(held_out), **setting)

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
provenance = results.provenance(
    run=run,
    chapter="gradcon",
    profile=profile,
    parameters=settings,
    started=started,
    seconds=time.monotonic() - clock,
    device=device,
    data_sha256=images.sha256,
    data_origin=images.origin,
)
workspace.leave_results(rows, provenance)
