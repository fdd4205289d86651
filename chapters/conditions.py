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
# # GradCon in bad weather: abnormal conditions
#
# *An anomaly need not be another object. It can be the right object under a lens full of dirt. The
# slides of GradCon* {cite:p}`kwon2020gradcon` *show a figure without numbers: on traffic signs the
# gradient notices abnormal conditions far better than the reconstruction error does.*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`co-reference`
# - {glue:text}`co-below`
# - {glue:text}`co-build`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # gtsrb, mnist-5k, mnist, fashion-mnist or cifar-10; or cure-tsr
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
conditions = []  # what is done to the test images; empty: every condition that the images admit
levels = [1, 2, 3, 4, 5]  # strength of a condition
seeds = [0]  # one whole experiment per seed
epochs = 10  # passes over the training images (the document: 1000)
alpha = 0.03  # weight of the gradient loss in training
beta = 0.12  # weight of the gradient score in GradCon
learning_rate = 0.001  # of Adam
batch_size = 64  # images per update
train_limit = 2000  # most clean images to train on; 0: all of them
test_limit = 500  # most test images, each shown clean and under every condition; 0: all of them
trust = False  # also read images whose content hash is not known
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from myst_nb import glue

from lib import data, metrics, parameters, results, scores, training, workspace
from lib.data import to_float
from lib.errors import BadInput
from lib.figures import COLOURS, learning_curves, use_style
from lib.models import CAE, build
from lib.pages import conditions as page
from lib.pages import gradcon_places
from lib.pages.gradcon import GRADCON

began = workspace.begin()
settings = {name: globals()[name] for name in parameters.declared("conditions")}
run = workspace.run_name("conditions", settings)
parameters.need_entries(settings, 0, "seeds")
if not levels or not set(levels) <= set(range(1, 6)) or len(set(levels)) < len(levels):
    raise BadInput(f"levels needs whole numbers from 1 to 5, each once; it was {levels}.")
if len(set(conditions)) < len(conditions):
    raise BadInput(f"conditions must not name one entry twice; it was {conditions}.")
parameters.need_least(settings, 0, "train_limit", "test_limit")
if alpha <= 0:
    raise BadInput(f"alpha must be above 0 (the plain CAE stands beside it); it was {alpha}.")
device = training.named_device(device)
training.deterministic(seeds[0])
use_style()

# %% [markdown]
# ## The experiment, and what stands in for its images
#
# The document trains one autoencoder on clean signs of CURE-TSR and asks it to tell clean test
# signs from the *same* signs under one condition: rain, snow, a dirty lens, and so on, each at five
# levels. An anomaly is here a condition, not a class.
#
# :::{admonition} This is not CURE-TSR
# :class: warning
# CURE-TSR is handed out by its authors on request only. We keep the shape of the experiment and
# change the images: photographs of German traffic signs (or, in a build without them, digits), with
# the twelve conditions *synthesised* by `lib/data/conditions.py`. Whoever has CURE-TSR can run this
# chapter on it: `-p dataset cure-tsr -p data_root FOLDER`.
# :::

# %% tags=["hide-input"]
real = None  # photographs under real conditions, where the reader has them
if dataset == "cure-tsr":
    real = data.read_cure_tsr(
        data.resolve_root(data_root or None),
        conditions=["clean", *(conditions or data.conditions_for(3))],
        levels=levels,
    )
    images = data.clean_signs(real)
else:
    images = data.load(dataset, data_root=data_root or None, trust=trust)
pixels = to_float(data.resize(images.images, 28))
channels = pixels.shape[1]
known = data.conditions_for(channels)
for name in conditions:
    if name not in known:
        raise BadInput(f"conditions must be among {', '.join(known)}; {name!r} is not.")
used = list(conditions or known)


def split_of(seed: int) -> dict[str, np.ndarray]:
    """Training, validation and test images, all classes alike; the same limits for every seed."""
    rng = training.numpy_generator(seed, "split")
    everything = np.unique(images.labels).tolist()
    parts = data.several_classes(images, everything, rng)
    parts = {
        "train": parts["train"],
        "validation": parts["validation"],
        "test": parts["test_normal"],
    }
    limits = {"train": train_limit, "validation": train_limit // 9, "test": test_limit}
    return {
        name: np.sort(rng.permutation(parts[name])[: limit or None])
        for name, limit in limits.items()
    }


splits = {seed: split_of(seed) for seed in seeds}

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
print({k: len(v) for k, v in splits[seeds[0]].items()}, "levels", levels)
print("conditions", ", ".join(used))


# %% tags=["remove-cell", "figure"]
def changed_images(seed: int, condition: str, level: int, *, few: int | None = None):
    """The test images under a condition; levels of a condition share their random pattern."""
    if real is not None:
        kind = (real.conditions == condition) & (real.levels == level) & real.is_test
        return to_float(real.images[kind][: few or test_limit or None])
    clean = pixels[splits[seed]["test"][:few]]
    rng = training.numpy_generator(seed, "condition", condition)
    return data.apply_condition(clean, condition, level=level, rng=rng)


FIRST = seeds[0]
columns = {
    name: torch.cat([changed_images(FIRST, name, level, few=1) for level in levels])
    for name in used
}
figure, axes = plt.subplots(
    len(levels) + 1, len(used), figsize=(0.92 * len(used), 0.95 * (len(levels) + 1)), squeeze=False
)
for column, name in enumerate(used):
    stack = torch.cat([pixels[splits[FIRST]["test"][:1]], columns[name]])
    for row, image in enumerate(stack):
        axis = axes[row, column]
        axis.imshow(image.permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    axes[0, column].set_title(name.replace(" ", "\n"), fontsize="x-small")
for row, word in enumerate(["clean", *(f"level {level}" for level in levels)]):
    axes[row, 0].set_ylabel(word, fontsize="x-small")
glue("co-sheet", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} co-sheet
# :name: fig-co-sheet
# One test image of this build, clean and under each condition.
# ```
#
# ## Training
#
# One CAE and one CAE+Grad per seed, on clean images of all classes, as on the page
# [](gradcon.ipynb). Nothing has seen a condition before the test.

# %% tags=["remove-output"]
ARMS = {"CAE": 0.0, "CAE+Grad": alpha}


def network(seed: int) -> CAE:
    """The untrained network of a seed: the same start for both arms."""
    return build(lambda: CAE(channels), training.generator(seed, "weights")).to(device)


def train(method: str, seed: int) -> training.Fitted:
    """One trained network; goes on from its checkpoint where there is one."""
    split = splits[seed]

    def report(entry: dict[str, float]) -> None:
        print(f"{method} seed {seed} epoch {entry['epoch']:.0f} L {entry['validation_L']:.4f}")

    same = {"epochs", "alpha", "learning_rate", "batch_size", "train_limit"}
    identity = {name: settings[name] for name in same} | {"data": images.sha256}
    return training.fit(
        network(seed),
        pixels[split["train"]].to(device),
        pixels[split["validation"]].to(device),
        generator=training.generator(seed, "batches"),
        epochs=epochs,
        alpha=ARMS[method],
        batch_size=batch_size,
        learning_rate=learning_rate,
        progress=report,
        checkpoint=workspace.checkpoint_path(method, seed),
        fingerprint=training.fingerprint(identity, training.fit),
    )


fitted = {(method, seed): train(method, seed) for seed in seeds for method in ARMS}

# %% [markdown]
# ## Scores
#
# Each test image is scored clean and under each condition and level by the same scores as on the
# page before, high for anomalies:
#
# ```python
# found = scores.gradcon_scores(model, x, reference.mean, beta=0.12)
# metrics.auroc(labels, np.concatenate([clean["grad"], abnormal["grad"]]))
# ```

# %% tags=["remove-cell"]
keys = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr"}
variants = gradcon_places.variants(parameters.changed("conditions", settings, keys))
PLACES = page.lines(variants)


def score_all(seed: int, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Every score of every network on images, by line of the page."""
    by_name = {}
    for method in ARMS:
        best = fitted[method, seed]
        by_name[method] = scores.gradcon_scores(best.model, x, best.reference.mean, beta=beta)
    by_name["untrained"] = scores.gradcon_scores(starts[seed], x, at_start[seed].mean, beta=beta)
    plain, constrained, fresh = (by_name[name] for name in ("CAE", "CAE+Grad", "untrained"))
    found = {
        "CAE recon": plain["recon"],
        "CAE grad": plain["grad"],
        "CAE+Grad recon": constrained["recon"],
        "CAE+Grad grad": constrained["grad"],
        "GradCon": constrained[GRADCON],
        "untrained recon": fresh["recon"],
        "untrained grad": fresh["grad"],
        "mean brightness": scores.mean_brightness(x),
        "distance to mean": scores.distance_to_mean(x, pixels[splits[seed]["train"]]),
    }
    return {line: values.double().numpy() for line, values in found.items()}


starts = {seed: network(seed) for seed in seeds}
at_start = {
    seed: training.mean_gradient(starts[seed], pixels[splits[seed]["train"]].to(device))
    for seed in seeds
}


add, collected = results.collector(run=run, dataset=images.title)


def add_line(value: float, line: str, **more) -> None:
    """One row of a line of the page."""
    method, score, setting = PLACES[line]
    where = {"table": page.TABLE, "method": method, "score": score, "metric": "AUROC"}
    add(value, **where, **setting, **more)


for seed in seeds:
    clean = score_all(seed, pixels[splits[seed]["test"]])
    n_clean = len(splits[seed]["test"])
    by_line: dict[str, dict[str, list[float]]] = {line: {} for line in clean}
    for condition in used:
        for level in levels:
            x = changed_images(seed, condition, level)
            n = n_clean + len(x)
            labels = np.arange(n) >= n_clean
            for line, values in score_all(seed, x).items():
                value = metrics.auroc(labels, np.concatenate([clean[line], values]))
                by_line[line].setdefault(condition, []).append(value)
                where = {"class_": page.cell_of(condition), "level": level}
                add_line(value, line, seed=seed, n=n, **where)
    for line, by_condition in by_line.items():
        for condition, values in by_condition.items():
            where = {"class_": page.cell_of(condition), "n": n * len(levels)}
            add_line(np.mean(values), line, seed=seed, **where)
        # "average" is that over all conditions and levels, so only where none was left out
        if set(used) == set(known) and sorted(levels) == [1, 2, 3, 4, 5]:
            where = {"class_": "average", "n": n * len(levels) * len(used)}
            add_line(np.mean(list(by_condition.values())), line, seed=seed, **where)

rows = results.frame(collected)
provenance = workspace.leave_run(
    "conditions", settings, rows, began=began, device=device, images=images
)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the documents' own claims
SIGNS = "GTSRB-32"
reference = results.reference_rows()
board = results.boards("conditions", reference, rows, provenance, stand_in={SIGNS: images.title})
mine = page.means(rows, images.title, PLACES)
checked = {line: float(mine.loc[line].mean()) for line in PLACES}
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    print(*results.check_lines("conditions", checked), sep="\n")

# %% [markdown]
# ## Result
#
# {glue:text}`co-line`


# %% tags=["hide-input", "full-width", "figure"]
def by_condition(table: pd.DataFrame):
    """AUROC, mean over the levels, one column per condition, for the page."""
    shown = table.assign(mean=table.mean(axis=1)).rename_axis(columns=None)
    return results.page_table(shown).format("{:.3f}")


by_condition(mine).set_caption(f"This build, {images.title}: AUROC, mean over levels {levels}")

# %% tags=["hide-input", "full-width", "figure"]
theirs_means = page.means(reference, SIGNS, page.lines(gradcon_places.variants({})))
if theirs_means.size:
    caption = f"Reference, {SIGNS}: AUROC, mean over five levels and over seeds"
    shown = by_condition(theirs_means).set_caption(caption)
else:
    shown = pd.DataFrame({"reference": ["none yet"]}).style.hide(axis="index")
shown

# %% [markdown]
# ### Over the levels
#
# {numref}`fig-co-levels` shows each condition as it grows. A curve below 0.5 says that the score
# finds the abnormal images *more* normal than clean ones.

# %% tags=["remove-cell", "figure"]
CURVES = {"CAE recon": COLOURS["recon"], "CAE+Grad grad": COLOURS["grad"]}
CURVES |= {"distance to mean": COLOURS["trivial"]}

wide = 4
tall = -(-len(used) // wide)
figure, axes = plt.subplots(
    tall, wide, figsize=(9.6, 2.1 * tall), sharex=True, sharey=True, squeeze=False
)
for axis, condition in zip(axes.flat, used, strict=False):
    for line, colour in CURVES.items():
        curve = page.level_curve(rows, PLACES[line], condition)
        sns.lineplot(
            curve,
            x="level",
            y="value",
            color=colour,
            label=line,
            legend=False,
            errorbar=None,
            marker="o",
            ms=4,
            ax=axis,
        )
    axis.axhline(0.5, color="0.75", linestyle=":")
    axis.set(title=condition, ylim=(-0.02, 1.02), xlabel="level", ylabel="AUROC", xticks=levels)
for axis in axes.flat[len(used) :]:
    axis.set_axis_off()
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
glue("co-levels", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} co-levels
# :name: fig-co-levels
# AUROC of clean against abnormal test images over the level of each condition, this build: the
# reconstruction error of the CAE, the gradient of the CAE+Grad, and the distance to the mean
# training image, which needs no network.
# ```
#
# ### Why the reconstruction error fails where it does
#
# Blur and darkness take away what is hard to draw: an image with less contrast and fewer edges has
# a *smaller* error. {numref}`fig-co-errors` puts the change in error and the change in the gradient
# score side by side. A cosine has no scale, so an image is not excused for being faint; whether
# that is enough is what the figure tells.

# %% tags=["remove-cell", "figure"]
best = fitted["CAE+Grad", FIRST]
plain = fitted["CAE", FIRST]
clean_x = pixels[splits[FIRST]["test"]]
strongest = max(levels)
base_error = scores.reconstruction_error(plain.model, clean_x.to(device)).mean().item()
base_grad = scores.gradient_score(best.model, clean_x.to(device), best.reference.mean).mean().item()
points = []
for condition in used:
    x = changed_images(FIRST, condition, strongest).to(device)
    error = scores.reconstruction_error(plain.model, x).mean().item()
    grad = scores.gradient_score(best.model, x, best.reference.mean).mean().item()
    points.append((condition, error / base_error, grad - base_grad))
figure, axis = plt.subplots(figsize=(7.4, 4))
for condition, ratio, shift in points:
    axis.plot(ratio, shift, "o", color=COLOURS["grad"] if shift > 0 else "0.5")
    axis.annotate(condition, (ratio, shift), xytext=(4, 3), textcoords="offset points", fontsize=8)
axis.axvline(1, color="0.6", ls=":")
axis.axhline(0, color="0.6", ls=":")
axis.set(
    xscale="log",
    xlabel="mean reconstruction error, as a multiple of that of clean images (CAE)",
    ylabel="change of the gradient score (CAE+Grad)",
)
glue("co-errors", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} co-errors
# :name: fig-co-errors
# Each condition at its strongest level, first seed of this build. Left of the dotted line the
# abnormal images are reconstructed *better* than clean ones.
# ```
#
# ## What the network draws

# %% tags=["remove-cell", "figure"]
few = used[:: max(1, len(used) // 6)][:6]
inputs = torch.cat([clean_x[:1], *(changed_images(FIRST, name, strongest, few=1) for name in few)])
with torch.no_grad():
    drawn = plain.model(inputs.to(device)).cpu()
figure, axes = plt.subplots(2, len(inputs), figsize=(1.3 * len(inputs), 2.8))
for column, word in enumerate(["clean", *few]):
    for row, stack in enumerate((inputs, drawn)):
        axes[row, column].imshow(
            stack[column].permute(1, 2, 0).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1
        )
        axes[row, column].set(xticks=[], yticks=[])
    axes[0, column].set_title(word, fontsize="small")
axes[0, 0].set_ylabel("image")
axes[1, 0].set_ylabel("CAE")
glue("co-drawn", figure, display=False)
plt.close(figure)

figure, axis = plt.subplots(figsize=(5, 3))
learning_curves(
    axis,
    {f"{method}, seed {seed}": best.history for (method, seed), best in fitted.items()},
    key="validation_L",
    ylabel="squared error",
)
axis.set_yscale("log")
axis.legend(fontsize="small")
glue("co-learning", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} co-drawn
# :name: fig-co-drawn
# One test image under conditions at the strongest level, and what the CAE makes of it.
# ```
#
# {glue:text}`co-share`
#
# ```{glue:figure} co-learning
# :name: fig-co-learning
# Squared error on clean validation images over the epochs of this build.
# ```
#
# ## The claim, judged
#
# The document's own images are out of reach, so its claim stays *not tested*; its shape on other
# images is judged beside it.

# %% tags=["hide-input", "full-width", "figure"]
results.judged(board, "conditions")

# %% [markdown]
# ## Exercise
#
# ```{exercise}
# :label: ex-co-sum
# The reconstruction error misses blur because blurred images are easier to draw. Would the
# *absolute* difference of an image's error from the mean error of clean images do better? What
# would it cost?
# ```
#
# ```{solution} ex-co-sum
# :class: dropdown
# It finds both images with much and with little error, so it catches blur and darkness and loses
# little on noise. It is no longer a score for anomalies of any kind, though: it takes for granted
# that an error can be *too* small, which a normal but simple image (an empty sky, a digit 1) can
# have as well. The cosine has no such need.
# ```
#
# ## About this run
#
# :::{admonition} How these numbers were made
# :class: note
# {glue:text}`co-box`
#
# To make them again or with other settings see [](rerunning.md); what differs from the document,
# and why, is listed in [](deviations.md).
# :::

# %% tags=["remove-cell", "figure"]
# Every sentence with a number in it is put together here, from the rows.
sentences = {}


def explained(method: str) -> float:
    """Share of the variance of clean validation images that is redrawn, mean over seeds."""
    found = []
    for seed in seeds:
        x = pixels[splits[seed]["validation"]]
        error = scores.reconstruction_error(fitted[method, seed].model, x.to(device)).mean().item()
        found.append(1 - error / float((x - x.mean(0)).square().mean()))
    return float(np.mean(found))


shares = " and ".join(f"{explained(method):.0%} ({method})" for method in ARMS)
sentences["share"] = (
    f"Of the variance of clean validation images the networks of this build redraw {shares}; none "
    "or less would mean a network that draws one picture for all."
)
sentences["build"] = page.summary(mine, f"This build, on {images.title}:")
sentences["line"] = page.weak(mine, f"In this build, on {images.title},")
sentences["reference"] = (
    page.summary(theirs_means, f"Our reference, on {SIGNS}:")
    if theirs_means.size
    else "There is no reference run on traffic signs yet."
)
sentences["below"] = (
    page.weak(theirs_means, f"On {SIGNS}") if theirs_means.size else sentences["line"]
)
settings_told = (
    f"seeds {seeds}; {epochs} epochs, batches of {batch_size}, learning rate "
    f"{learning_rate:g}, alpha {alpha:g}, beta {beta:g}"
)
took = began.seconds()
sentences["box"] = results.run_words(provenance, images.title, settings_told, seconds=took)
for name, sentence in sentences.items():
    glue(f"co-{name}", sentence, display=False)
