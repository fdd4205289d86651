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
# they say, the two should agree. They find that they do not.*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`lo-agreement`
# - {glue:text}`lo-novelty`
# - {glue:text}`lo-planted`
# - {glue:text}`lo-build`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist or fashion-mnist (grey images of 28×28)
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
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
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import LogLocator, NullLocator
from myst_nb import glue

from lib import data, experiments, metrics, models, parameters, results, scores, training, workspace
from lib.errors import BadInput
from lib.figures import COLOURS, learning_curves, map_grid, use_style
from lib.pages import localization as lo
from lib.pages import localization_lines as lines_of
from lib.pages import localization_measured as measured
from lib.pages import localization_survey as survey
from lib.pages import localization_tables as tables
from lib.pages import localization_words as told

began = workspace.begin()
settings = {name: globals()[name] for name in parameters.declared("localization")}
run = workspace.run_name("localization", settings)
parameters.need_entries(settings, 0, "seeds", "normal_classes")
parameters.need_entries(settings, 1, "k", "watch")
if max(k) > 28 * 28:
    raise BadInput(f"k takes numbers up to the {28 * 28} pixels of an image; it was {k}.")
parameters.need_least(settings, 1, "sample", "attributed")
parameters.need_least(settings, 2, "batch_size")  # for batch normalisation
parameters.need_least(settings, 0, "last")
device = training.named_device(device)
training.deterministic(seeds[0])
use_style()

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
# asks directly how much the decision depends on each pixel. The document compares the two on MNIST
# digits: 0 to 4 are normal, 5 to 9 novel.
#
# We re-make its figures, its table and its six findings, and then ask four questions it leaves
# open: is the gap between normal and novel digits about novelty; which map finds a novel region
# whose place is *known*; do these maps notice when the network is destroyed; and how good is the
# decision that all of it is meant to explain.
#
# ## Images and split
#
# A tenth of the training images is held out; of both parts only the normal ones are used. All test
# images are tested.

# %% tags=["hide-input"]
images = data.load(dataset, data_root=data_root or None, trust=trust)
pixels = data.to_float(data.resize(images.images, 28))
names = images.class_names
if pixels.shape[1] != 1:
    raise BadInput(f"This network takes grey images, but those of {images.title} have colours.")
everything, normal_classes = list(range(len(names))), sorted(normal_classes)
swapped = [c for c in everything if c not in normal_classes]
if not swapped:  # a control of its own, as in our reference runs
    controls = False
trained_on = {lo.arm(c): c for c in [normal_classes, *([swapped, everything] if controls else [])]}
OWN = lo.arm(normal_classes)
splits = {
    (name, seed): data.several_classes(images, classes, training.numpy_generator(seed, "split"))
    for seed in seeds
    for name, classes in trained_on.items()
}

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
for name in trained_on:
    sizes = {part: len(members) for part, members in splits[name, seeds[0]].items()}
    print("trained on", name, sizes)
print("autoencoder parameters", f"{models.count_parameters(models.LSAAutoencoder()):,}")
print("chance of agreement", {n: round(metrics.chance_top_k(n, 28 * 28), 4) for n in k})

# %% [markdown]
# ## The network
#
# The autoencoder for MNIST of {cite:t}`abati2019lsa` without its density estimator: two residual
# blocks down, a code of 64 numbers between 0 and 1, two blocks up; Adam on the mean squared error.
# The document trains it on normal images and tunes the learning rate on held-out normal images, but
# prints neither rate nor epochs. {glue:text}`lo-rate-line`
#
# Every network of one seed starts from the same weights.


# %% tags=["remove-output"]
def network(seed: int, purpose: str = "weights") -> torch.nn.Module:
    """The untrained network of a seed, in evaluation mode."""
    fresh = models.build(models.LSAAutoencoder, training.generator(seed, purpose))
    # convolutions on a CPU are a third faster in this order of memory
    return fresh.to(device, memory_format=torch.channels_last).eval()


def train(name: str, seed: int) -> training.TrainedAutoencoder:
    """One trained network; goes on from its checkpoint where there is one."""
    split, classes = splits[name, seed], trained_on[name]

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 5) == 0 or entry["epoch"] == epochs:
            epoch = f"seed {seed} epoch {entry['epoch']:.0f}/{epochs}"
            print("trained on", name, epoch, f"validation {entry['validation_L']:.5f}")

    same = {"data": images.sha256, "normal": classes, "seed": seed, "learning_rate": learning_rate}
    same |= {"noise": noise, "batch_size": batch_size}
    return training.fit_autoencoder(
        network(seed),
        pixels[split["train"]].to(device),
        pixels[split["validation"]].to(device),
        generator=training.generator(seed, "batches"),
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        noise=noise,
        keep=shown_epochs,
        progress=report,
        checkpoint=workspace.checkpoint_path(name, seed),
        fingerprint=training.fingerprint(same, training.fit_autoencoder, models.LSAAutoencoder),
    )


shown_epochs = {epoch for epoch in watch if epoch <= epochs}
shown_epochs |= set(range(max(1, epochs - last + 1), epochs + 1))
fitted = {(name, seed): train(name, seed) for name, seed in splits}

# %% [markdown]
# ## Two maps, three comparisons
#
# In {eq}`eq-lo-saliency` the image stands twice, as input and as target, and the gradient runs
# through both; the network is in evaluation mode, since batch normalisation would otherwise mix
# images. One backward pass gives the maps of a whole batch:
#
# ```python
# error = scores.error_map(model, x)  # r(x), [n, h, w]
# saliency = scores.saliency_map(model, x)  # s(x), [n, h, w]
# found = metrics.correspondence(saliency, error, ks=[5, 10])
# ```
#
# - **Top-K agreement**: how many of the K largest pixels the two maps share.
# - **Maximum distance to best match**: for each of the K most salient pixels the distance to the
#   nearest of the K pixels of largest error, and of these the largest. It is the directed Hausdorff
#   distance from saliency to error.
# - **Map error**: the mean squared difference of the maps, each divided by its own maximum, once
#   with saliency as it is and once squared.
#
# Chance stands beside each: two random sets of ten of the 784 pixels share
# {glue:text}`lo-chance-10` pixels on average.

# %% tags=["hide-input"]
test_images = np.flatnonzero(images.is_test)
test_x, test_labels = pixels[test_images].to(device), images.labels[test_images]
kinds = {name: data.normal_and_novel(test_labels, c) for name, c in trained_on.items()}


def maps_of(model: torch.nn.Module, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Saliency and error map of each image."""
    return scores.saliency_map(model, x).cpu().numpy(), scores.error_map(model, x).cpu().numpy()


final, maps, over_time = {}, {}, {}
for (name, seed), done in fitted.items():
    maps[name, seed] = maps_of(done.model, test_x)
    final[name, seed] = metrics.correspondence(*maps[name, seed], ks=k)
    for epoch, weights in done.snapshots.items():
        then = network(seed)
        then.load_state_dict(weights)
        over_time[name, seed, epoch] = metrics.correspondence(*maps_of(then, test_x), ks=k)
untrained = {seed: metrics.correspondence(*maps_of(network(seed), test_x), ks=k) for seed in seeds}

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
keys = {"learning_rate": "lr", "noise": "noise"}
changed = parameters.changed("localization", settings, keys)
own = parameters.own_values("localization", profile)
FIRST = lo.arm(own["normal_classes"])  # the document's own classes
others = [c for c in everything if c not in own["normal_classes"]]
add, collected = results.collector(run=run, dataset=images.title)


def setting_of(name: str, seed: int) -> dict[str, str | float | int]:
    """The seed and what makes these training classes and settings another variant."""
    return {"seed": seed, **changed, **({} if name == FIRST else {"arm": name})}


def add_all(found: list[lo.Measured], *, method=lo.METHOD, **setting):
    for place, class_, n, value in found:
        add(value, **place._asdict(), method=method, class_=class_, n=n, **setting)


def kinds_and_groups(name: str) -> dict[str, np.ndarray]:
    """Normal and novel images; where nothing is novel also the document's two groups of classes."""
    if "novel" in kinds[name]:
        return kinds[name]
    groups = data.normal_and_novel(test_labels, own["normal_classes"])
    groups = dict(zip((FIRST, lo.arm(others)), groups.values(), strict=True))
    return kinds[name] | groups


for (name, seed, epoch), found in over_time.items():
    setting = setting_of(name, seed) | {"epochs_shown": epoch}
    add_all(measured.kind_numbers(found, kinds_and_groups(name), ks=k), **setting)
for (name, seed), found in final.items():
    setting = setting_of(name, seed)
    add_all(measured.kind_numbers(found, kinds[name], ks=k, whole=True), **setting)
    add_all(measured.class_numbers(found, test_labels, names, ks=k), **setting)
    groups = {w: m for w, m in kinds_and_groups(name).items() if w not in kinds[name]}
    add_all(measured.kind_numbers(found, groups, ks=k), **setting)
    where = {**tables.VALIDATION._asdict(), "method": lo.METHOD, "class_": "normal"}
    n = len(splits[name, seed]["validation"])
    for entry in fitted[name, seed].history:
        if entry["epoch"] not in shown_epochs | {epochs}:
            continue
        shown = {} if entry["epoch"] == epochs else {"epochs_shown": int(entry["epoch"])}
        add(entry["validation_L"], **where, n=n, **setting, **shown)

# the same network untrained, and two maps that have nothing to do with each other
for seed, found in untrained.items():
    rng, setting = training.numpy_generator(seed, "chance"), setting_of(OWN, seed)
    for kind, members in kinds[OWN].items():
        alone = measured.kind_numbers(found, {kind: members}, ks=k)
        add_all(alone, method=lo.UNTRAINED, **setting)
        pair = (scores.scaled(torch.from_numpy(m[members])).numpy() for m in maps[OWN, seed])
        by_chance = lo.chance_numbers(*pair, ks=k, rng=rng)
        by_chance = measured.measured(by_chance, class_=kind, n=int(members.sum()))
        add_all(by_chance, method="chance", **setting)

# %% tags=["remove-cell"]
# Findings 1 and 2 as numbers, and section 3's claim that every pixel reaches every error
for (name, seed), pair in maps.items():
    setting = setting_of(name, seed)
    found = measured.picture_findings(test_x[:, 0].cpu().numpy(), *pair)
    for kind, members in kinds[name].items():
        add_all(measured.picture_numbers(found, members, class_=kind), **setting)
        # 784 passes for each
        few = test_x[data.evenly_spaced(members, min(8, 1 + attributed // 16))]
        moved = scores.error_jacobian(fitted[name, seed].model, few).cpu().numpy()
        add_all(measured.reach_numbers(moved, class_=kind), **setting)

# %% tags=["remove-cell"]
# Section 2.3: similarities of whole maps under changes that should matter little
for seed in seeds:
    for kind, members in kinds[OWN].items():
        some = data.evenly_spaced(members, sample)
        signed = scores.input_gradient(fitted[OWN, seed].model, test_x[some])[:, 0].cpu()
        signed = (signed / signed.abs().amax((1, 2), keepdim=True)).double().numpy()
        error = scores.scaled(torch.from_numpy(maps[OWN, seed][1][some])).double().numpy()
        for word, found in measured.change_numbers(signed, error, class_=kind).items():
            setting = setting_of(OWN, seed) | ({"transform": word} if word else {})
            add_all(found, **setting)

# %% tags=["remove-cell"]
# The decision itself: threshold at a percentile of the training errors, and ranking
decision = {}
for (name, seed), done in fitted.items():
    setting, held_out = setting_of(name, seed), ("train", "validation")
    parts = {word: pixels[splits[name, seed][word]].to(device) for word in held_out}
    parts |= {kind: test_x[members] for kind, members in kinds[name].items()}
    errors = {w: scores.reconstruction_error(done.model, x).cpu().numpy() for w, x in parts.items()}
    decision[name, seed] = errors
    add_all(measured.flagged_numbers(errors), **setting)
    if "novel" not in parts:
        continue
    x, labels = test_x, kinds[name]["novel"].astype(np.int64)
    saliency, error = maps[name, seed]
    ranked = {
        (lo.METHOD, "reconstruction error"): scores.reconstruction_error(done.model, x),
        (lo.METHOD, "largest pixel error"): error.max((1, 2)),
        (lo.METHOD, "mean saliency"): saliency.mean((1, 2)),
        (lo.UNTRAINED, "reconstruction error"): scores.reconstruction_error(network(seed), x),
        ("trivial", "mean brightness"): scores.mean_brightness(x),
        ("trivial", "distance to mean"): scores.distance_to_mean(x, parts["train"]),
    }
    for (method, score), values in ranked.items():
        value = metrics.auroc(labels, np.asarray(torch.as_tensor(values).cpu()))
        where = tables.RANKING | {"method": method, "score": score, "class_": "novel"}
        add(value, **where, n=len(labels), **setting)

# %% tags=["remove-cell"]
# Known novel regions, planted into test images that are normal to the network
has_novel = "novel" in kinds[OWN]
planted, found_regions = {}, []
for seed, kind in [(s, w) for s in seeds for w in data.PLANTED if has_novel]:
    pools = (test_x[data.evenly_spaced(members, sample)].cpu() for members in kinds[OWN].values())
    x, masks = data.plant(kind, *pools, generator=training.generator(seed, "plant", kind))
    draw = partial(training.generator, seed, "smooth", kind)
    tried = {
        lo.METHOD: scores.network_maps(fitted[OWN, seed].model, x.to(device), generator=draw()),
        "trivial": scores.trivial_maps(x.to(device), pixels[splits[OWN, seed]["train"]].to(device)),
        lo.UNTRAINED: scores.network_maps(network(seed), x.to(device), generator=draw()),
    }
    tried = {m: {score: t.cpu().numpy() for score, t in by.items()} for m, by in tried.items()}
    planted[seed, kind] = {"image": x[:, 0].numpy(), "novel region": masks.numpy()}
    planted[seed, kind] |= tried[lo.METHOD] | tried["trivial"]
    found = measured.region_table(tried, masks.numpy())
    found_regions.append(found.assign(seed=seed, kind=kind))
if has_novel:
    for line in measured.with_average_kind(found_regions).to_dict("records"):
        add(**setting_of(OWN, line.pop("seed")), **line, class_="novel")

# %% tags=["remove-cell"]
# Weights randomised part by part, from the output back
STAGES, sanity = models.cascade(network(seeds[0])), []
for seed in seeds:
    x = test_x[data.evenly_spaced(kinds[OWN]["normal"], attributed)]
    attributions = {
        "saliency": scores.saliency_map,
        "gradient x input": scores.gradient_times_input,
        "integrated gradients": scores.integrated_gradients,
        "guided back-propagation": scores.guided_backpropagation,
        "SmoothGrad": lambda model, x, seed=seed: scores.smooth_gradient(
            model, x, generator=training.generator(seed, "smooth")
        ),
    }
    judges = fitted[OWN, seed].model, network(seed, "randomise")
    cascades = {w: experiments.cascading_maps(by, *judges, x) for w, by in attributions.items()}
    sanity.append(measured.cascade_table(cascades).assign(seed=seed))
sanity = pd.concat(sanity, ignore_index=True)
where = {"table": "sanity-randomisation", "method": lo.METHOD, "class_": "normal", "n": len(x)}
for metric in ("Spearman", "SSIM"):
    for line in sanity.to_dict("records"):
        setting = setting_of(OWN, line["seed"]) | {"randomised": line["stage"]}
        named = {"score": line["score"], "metric": f"{metric} with the trained network's map"}
        add(line[metric], **where, **named, **setting)
    for (seed, score), value in sanity.groupby(["seed", "score"])[metric].mean().items():
        named = {"score": score, "metric": f"mean {metric} over the stages"}
        add(value, **where, **named, **setting_of(OWN, seed))

# %% tags=["remove-cell"]
rows = results.frame(collected)
trained = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
provenance = workspace.leave_run(
    "localization", settings, rows, began=began, device=device, images=images, trained=trained
)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the document's own numbers
document = results.published("localization-paper")
full_size = results.full_title(images.title)
HERE = results.variant(**{n: v for n, v in setting_of(OWN, 0).items() if n != "seed"})
reference = tables.Source(results.reference_rows(), full_size)
build = tables.Source(rows, images.title, HERE)
stand_in = {full_size: images.title}
boards = results.boards("localization", reference.rows, rows, provenance, stand_in=stand_in)
judged = partial(results.judged, boards, "localization")


def numbers(lines, caption="", **options):
    """Published, reference and this build's numbers in columns, for the page."""
    found = tables.beside_document(lines, reference, build, document, **options)
    return results.page_table(found, caption)


def of_build(place: lo.Place) -> dict[str, float]:
    """A number of this build, by kind of test images."""
    return {kind: build.mean(**lo.cells(place, kind)) for kind in kinds[OWN]}


half = max(k) // 2
FEW, FAR = lo.agreement_place(max(k), most=False), lo.distance_place(max(k))
PLAIN, SQUARE = lo.map_error_place(lo.BOTH), lo.map_error_place(lo.SQUARED)
checked = lines_of.checked(build, max(k))
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    print("\n".join(results.check_lines("localization", checked)))

# %% [markdown]
# ## Finding 1: error maps miss salient pixels
#
# {numref}`fig-lo-maps` shows what the document shows: saliency is scattered where the error is
# not, also once squared. Three normal test images and three novel ones, evenly spaced in the
# test set.

# %% tags=["remove-cell", "figure"]
shown_seed = seeds[0]
picked = {int(i): kind for kind, m in kinds[OWN].items() for i in data.evenly_spaced(m, 3)}
with torch.no_grad():
    drawn = fitted[OWN, shown_seed].model(test_x[list(picked)])[:, 0].cpu().numpy()
saliency, error = (m[list(picked)] for m in maps[OWN, shown_seed])
figure = plt.figure(figsize=(7.4, 1.3 * len(picked)))
map_grid(
    figure,
    {
        "input": test_x[list(picked), 0].cpu().numpy(),
        "reconstruction": drawn,
        "saliency": saliency,
        "squared saliency": saliency**2,
        "error": error,
    },
    rows=[f"{kind}\n{names[test_labels[i]]}" for i, kind in picked.items()],
    grey={"input", "reconstruction"},
)
glue("lo-maps", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-maps
# :name: fig-lo-maps
# Input, reconstruction, saliency, squared saliency and squared error, each map scaled to its own
# maximum, as in figure 1 of the document. Network of this build, trained on {glue:text}`lo-own`.
# ```
#
# As numbers: which share of the pixels reaches half of its map's maximum, and how many of the ten
# most salient pixels lie more than two pixels from the digit's outline *and* have an error below a
# tenth of the largest? The latter are what a reader of the error map would never suspect.

# %% tags=["hide-input", "figure"]
numbers(lines_of.pictures(kinds[OWN]))

# %% tags=["hide-input", "full-width", "figure"]
judged("finding1", "section3-", "figure1")

# %% [markdown]
# Behind it stands the claim of section 3 that each input pixel has some influence on each pixel of
# the error. {glue:text}`lo-reach`
#
# ## Finding 2: the two maps correspond less in novel images
#
# The document reads this from its figure. As a number it is the rank correlation of the two maps
# within an image:

# %% tags=["hide-input", "figure"]
numbers(lines_of.ranks(kinds[OWN]), beside={})

# %% tags=["hide-input", "full-width", "figure"]
judged("finding2")

# %% [markdown]
# ## Finding 3: the largest pixels rarely agree
#
# {numref}`fig-lo-agreement` is figure 2 of the document. {glue:text}`lo-mode-line`

# %% tags=["remove-cell", "figure"]
KIND_COLOURS = {"normal": COLOURS["normal"], "novel": COLOURS["anomaly"]}
figure, axes = plt.subplots(1, len(k), figsize=(4.6 * len(k), 3), squeeze=False)
for axis, each in zip(axes[0], k, strict=True):
    for offset, (kind, members) in enumerate(kinds[OWN].items()):
        shared = np.stack([final[OWN, seed][f"agreement {each}"][members] for seed in seeds])
        share = [np.mean(shared == value) for value in range(each + 1)]
        where = np.arange(each + 1) + 0.4 * offset - 0.2
        axis.bar(where, share, 0.4, color=KIND_COLOURS[kind], label=kind)
    axis.set(xlabel=f"pixels shared by the top {each}", ylabel="share of test images")
axes[0, 0].legend()
glue("lo-agreement-bars", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-agreement-bars
# :name: fig-lo-agreement
# How many of their K largest pixels saliency and error share, test images of this build. Two random
# sets of pixels would share none in {glue:text}`lo-none-by-chance` of the images (K = 10).
# ```

# %% tags=["hide-input", "figure"]
caption = "Table 1 of the document: shares of the test images"
numbers(lines_of.table_1(k, kinds[OWN]), caption)

# %% tags=["hide-input", "full-width", "figure"]
judged("finding3", "table1")

# %% [markdown]
# Ties have no part in this: {glue:text}`lo-ties`.
#
# ## Finding 4: do novel images agree less?
#
# The document finds that novel images agree less, and expects this to be significant. Here is the
# gap, in the document's setting:

# %% tags=["hide-input", "figure"]
numbers(lines_of.gaps(k), beside={})

# %% tags=["hide-input", "full-width", "figure"]
judged("finding4")

# %% [markdown]
# But 5 to 9 are not only novel, they are also *other digits*, with other strokes. So we trained the
# same network with the roles swapped, on 5 to 9, and on all ten, where nothing is novel. Each digit
# is then normal in one network and novel in another, and its own difference between the two is the
# effect of novelty alone.
#
# {glue:text}`lo-decomposed`

# %% tags=["remove-cell", "figure"]
roles = {"first": FIRST, "second": lo.arm(others)}
roles |= {"inside": [names[c] for c in own["normal_classes"]]}
compared, compared_by = reference, "our reference"
if tables.effects(tables.by_class(compared, max(k), first=FIRST), **roles).empty:
    compared, compared_by = build._replace(base=results.variant(**changed)), "this build"
swaps = {each: tables.by_class(compared, each, first=FIRST) for each in k}
effects = {each: tables.effects(table, **roles) for each, table in swaps.items()}
figure, axes = plt.subplots(1, len(k), figsize=(4.8 * len(k), 3.1), squeeze=False)
for axis, each in zip(axes[0], k, strict=True):
    for name, group in swaps[each].groupby("arm", sort=False):
        mean = group.groupby("class", sort=False)["value"].mean()
        axis.plot(range(len(mean)), mean.to_numpy(), "o-", ms=5, lw=0.9, label=f"trained on {name}")
    axis.set_xticks(range(len(names)), names, rotation=0 if len(names[0]) == 1 else 90)
    axis.set(xlabel="class of the test images", ylabel=f"{each // 2 + 1} or more of {each} shared")
axes[0, 0].legend(fontsize="small")
glue("lo-arms", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-arms
# :name: fig-lo-arms
# Share of test images whose saliency and error mostly agree, by class of the images and by the
# classes the network was trained on; means over seeds, from {glue:text}`lo-arms-source`.
# ```
#
# ## Finding 5: one salient pixel is far from any large error

# %% tags=["hide-input", "figure"]
caption = "Maximum distance to the best match, mean in pixels"
numbers(lines_of.distances(k, kinds[OWN]), caption, decimals=2)

# %% tags=["hide-input", "full-width", "figure"]
judged("finding5")

# %% [markdown]
# ## Finding 6: square the saliency before comparing values

# %% tags=["hide-input", "figure"]
caption = "Mean squared error between max-scaled maps"
numbers(lines_of.map_errors(kinds[OWN]), caption, decimals=4)

# %% tags=["hide-input", "full-width", "figure"]
judged("finding6")

# %% [markdown]
# *Chance* is the error between maps with these values but with the pixels of one shuffled: squaring
# makes most values small and would bring any two maps closer. {glue:text}`lo-squared-line`
#
# ## Why not a similarity of whole maps?
#
# Section 2.3 says that rank correlation, structural similarity and the correlation of gradient
# histograms are ill-suited here. We compare the saliency map with *itself* after harmless changes.
# A fair measure of localization should not mind a square or a factor, and should get worse
# gradually as the map is moved:

# %% tags=["hide-input", "full-width", "figure"]
caption = "Saliency against itself, this build"
results.page_table(tables.under_change(rows, "against itself"), caption).format("{:.3f}")

# %% [markdown]
# And against the error map:

# %% tags=["hide-input", "full-width", "figure"]
caption = "Saliency against the error map, this build"
results.page_table(tables.under_change(rows, "against the error"), caption).format("{:.3f}")

# %% [markdown]
# A square changes structural similarity and the histograms, a factor the first of them; both leave
# the largest pixels where they are. One pixel of shift takes most of the agreement of the largest
# pixels, and exactly one pixel of their distance.

# %% tags=["hide-input", "full-width", "figure"]
judged("section2.3", "section3.1")

# %% [markdown]
# ## What moves these numbers
#
# The document prints neither epochs nor learning rate, and whether noise was added is not known.
# {numref}`fig-lo-training` shows why two digits of agreement with its table cannot be expected.
# {glue:text}`lo-grid-line`

# %% tags=["remove-cell", "figure"]
over, over_by = tables.over_epochs(reference), "our reference runs, means over seeds"
if over.empty:
    over, over_by = tables.over_epochs(build), "this build"
PANELS = {
    f"top {max(k)}: 0-{half} shared": FEW,
    "distance, pixels": FAR,
    "map error, squared": SQUARE,
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for axis, (title, place) in zip(axes, PANELS.items(), strict=True):
    for (other, class_), group in lo.at(over, place).groupby(["other", "class"], sort=False):
        mean = group.groupby("epoch")["value"].mean()
        style = {"ls": ":", "lw": 0.9} if other else {"ls": "-", "lw": 1.8, "marker": "o", "ms": 4}
        axis.plot(mean.index, mean, color=KIND_COLOURS[class_], **style)
    printed = lo.at(document, place)
    for class_, value in zip(printed["class"], printed["value"], strict=True):
        axis.axhline(value, color=KIND_COLOURS[class_], lw=0.8, ls="--")
    axis.set(xlabel="epoch", xscale="log", title=title)
for word, colour in KIND_COLOURS.items():
    axes[0].plot([], color=colour, label=word)
axes[0].plot([], color="0.3", ls=":", label="other rate or noise")
axes[0].plot([], color="0.3", ls="--", label="published")
axes[0].legend(fontsize="small")
glue("lo-training", figure, display=False)
plt.close(figure)

figure, axis = plt.subplots(figsize=(6, 3))
histories = {f"trained on {name}, seed {seed}": f.history for (name, seed), f in fitted.items()}
learning_curves(axis, histories, key="validation_L", ylabel="validation error")
axis.set(yscale="log")
axis.legend(fontsize="small")
glue("lo-learning", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-training
# :name: fig-lo-training
# Three of the document's numbers over training, from {glue:text}`lo-training-source`.
# ```
#
# ```{glue:figure} lo-learning
# :name: fig-lo-learning
# Mean squared error on held-out normal images, the networks of this build.
# ```
#
# ## What survives
#
# A finding is robust if it does not hang on when one stopped or on which digits were normal. Here
# each finding is a plain inequality, and we count the cases in which it holds: networks trained on
# one or the other digits, with other rates or noise, and at earlier epochs, but for the first.

# %% tags=["hide-input", "full-width", "figure"]
GROUPS = [f"on {name}" for name in (FIRST, lo.arm(others), lo.arm(everything))]
GROUPS += [survey.OTHER, survey.EARLIER]
cases = survey.held(compared, k, first=FIRST)
caption = f"Cases in which a finding holds, from {compared_by}; a case is a network at one epoch"
results.page_table(survey.held_texts(cases, GROUPS), caption)

# %% [markdown]
# {glue:text}`lo-survives`
#
# ## Which map finds a known novelty?
#
# Everything so far compared two maps with each other. Neither is the truth. The document closes
# with the question whether saliency might take the error map's place. To answer it one needs images
# whose novel region is known, so we plant one into normal test digits: a piece of stroke of a novel
# digit, a patch of one, an erased piece of stroke, or a grey square. Everything else stays normal.

# %% tags=["remove-cell", "figure"]
shown_maps = {
    "image": "image",
    "novel\nregion": "novel region",
    "error,\nown scale": "reconstruction error",
    "error,\nusual scale": "reconstruction error",
    "saliency,\nown scale": "saliency",
    "saliency,\nusual scale": "saliency",
    "product": "product",
    "smoothed\ngradient": "smoothed gradient",
}
figure = plt.figure(figsize=(9, 1.3 * len(data.PLANTED)))
if has_novel:
    held_out = pixels[splits[OWN, shown_seed]["validation"]].to(device)
    saliency, error = maps_of(fitted[OWN, shown_seed].model, held_out)
    tops = {"error": np.quantile(error, 0.999), "saliency": np.quantile(saliency, 0.999)}
    at = [planted[shown_seed, kind] for kind in data.PLANTED]
    columns = {
        title: np.stack([part[key][(3 * i + 1) % len(part[key])] for i, part in enumerate(at)])
        for title, key in shown_maps.items()
    }
    limits = {f"{word},\nusual scale": float(top) for word, top in tops.items()}
    grey = {"image", "novel\nregion"}
    map_grid(figure, columns, rows=list(data.PLANTED), limits=limits, grey=grey)
glue("lo-planted-maps", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-planted-maps
# :name: fig-lo-planted
# Planted regions and the maps that should find them. On its *own scale* every map has a white spot,
# also where nothing is wrong; the *usual scale* ends at the value that one pixel in a thousand
# exceeds in held-out normal images.
# ```

# %% tags=["hide-input", "full-width", "figure"]
tried = dict.fromkeys([*list(shown_maps.values())[2:], "squared saliency"], lo.METHOD)
tried |= dict.fromkeys(("input intensity", "distance from the mean image"), "trivial")
found = tables.region_board(reference, build, tried)
caption = "Finding a known novel region, mean over four kinds of planting"
results.page_table(found, caption)

# %% [markdown]
# AUROC and average precision rank the pixels within an image, the hit rate asks how many of the ten
# largest pixels lie in the region, and AUPRO {cite:p}`bergmann2020uninformed` asks how much of each
# region is covered at a threshold that is the same for all images, up to a false positive rate of
# 0.3. {glue:text}`lo-planted-line`

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, len(data.PLANTED), figsize=(11, 2.9), sharey=True)
for axis, kind in zip(axes, data.PLANTED if has_novel else [], strict=has_novel):
    at = planted[shown_seed, kind]
    masks = at["novel region"]
    spread = [
        metrics.student_interval(metrics.pixel_average_precision(at[score], masks))
        for score in tried
    ]
    where, half_widths = np.arange(len(tried)), [s.high - s.mean for s in spread]
    axis.barh(where, [s.mean for s in spread], xerr=half_widths, color=COLOURS["normal"])
    axis.axvline(metrics.chance_average_precision(masks).mean(), color="0.3", ls=":")
    axis.set(title=kind, xlabel="average precision", xlim=(0, 1))
    axis.set_yticks(where, list(tried))
axes[0].invert_yaxis()
glue("lo-planted-bars", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-planted-bars
# :name: fig-lo-planted-bars
# Average precision of each map by kind of planting, this build, with 95 % intervals over images;
# dotted: chance.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("conclusion")

# %% [markdown]
# ## Do the maps notice a broken network?
#
# Section 2.2 prefers plain saliency because it exposes a network whose weights were randomised.
# {numref}`fig-lo-sanity` randomises the trained network from the output back to the input
# {cite:p}`adebayo2018sanity`, part by part, and compares each map with the one before. A curve that
# stays high belongs to a map that says little about the network. Integrated gradients and guided
# back-propagation come from Captum {cite:p}`kokhlikyan2020captum`. {glue:text}`lo-sanity-line`
#
# Two curves need a warning. Gradient × input and integrated gradients are zero wherever the image
# is black, trained network or not, and most of a digit's picture is black: their rank correlation
# stays near one for that reason alone. On such images it says nothing about the network.

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.3), sharex=True)
for axis, metric in zip(axes, ("Spearman", "SSIM"), strict=True):
    for score, group in sanity.groupby("score", sort=False):
        mean = group.groupby("stage")[metric].mean()
        axis.plot([0, *mean.index], [1, *mean], marker="o", ms=4, label=score)
    axis.axhline(0, color="0.7", lw=0.8)
    axis.set(xlabel="parts randomised, from the output back", ylabel=f"{metric} with the trained")
axes[1].legend(fontsize="small")
glue("lo-sanity", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-sanity
# :name: fig-lo-sanity
# Rank correlation and structural similarity of maps before and after randomising weights, normal
# test images of this build. The parts are {glue:text}`lo-stages`.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("section2.2")

# %% [markdown]
# ## The decision behind the maps
#
# Section 2.1 sets the threshold at a high percentile of the training errors' empirical
# distribution. At the 95th percentile five in a hundred normal images should be called novel;
# {numref}`fig-lo-decision` and the table show what happens. {glue:text}`lo-decision-line`

# %% tags=["hide-input", "figure"]
numbers(lines_of.decision(), beside={"untrained": tables.BESIDE["untrained"]})

# %% tags=["remove-cell", "figure"]
figure, axis = plt.subplots(figsize=(6.2, 3.2))
errors = decision[OWN, shown_seed]
for word, colour, style in (
    ("train", COLOURS["recon"], ":"),
    ("validation", COLOURS["recon"], "-"),
    *((word, colour, "-") for word, colour in KIND_COLOURS.items() if word in errors),
):
    ordered = np.sort(errors[word])
    heights = np.arange(1, len(ordered) + 1) / len(ordered)
    label = f"{word} test images" if word in KIND_COLOURS else word
    axis.plot(ordered, heights, style, color=colour, label=label)
axis.axvline(np.quantile(errors["train"], 0.95), color="0.4", lw=0.8)
axis.set(xlabel="mean squared error of an image", ylabel="share of images below", xscale="log")
axis.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
axis.xaxis.set_major_formatter("{x:g}")
axis.legend(fontsize="small")
glue("lo-decision", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} lo-decision
# :name: fig-lo-decision
# Distribution of the image error, this build; the vertical line is the 95th percentile of the
# training errors.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("section1", "section2.1")

# %% [markdown]
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
# network, which hardly looks at the image, is close to this: see the column *untrained*.
# ```
#
# ```{exercise}
# :label: ex-lo-direction
# The maximum distance takes saliency as the reference. Swap the maps for the first hundred test
# images. Why do the two directions differ?
# ```
#
# ````{solution-start} ex-lo-direction
# :class: dropdown
# ````

# %%
saliency, error = (m[:100] for m in maps[OWN, seeds[0]])
both_ways = {
    "saliency to error": metrics.max_distance(saliency, error, k=10).mean(),
    "error to saliency": metrics.max_distance(error, saliency, k=10).mean(),
}
pd.Series(both_ways, name="pixels").to_frame().style.format("{:.2f}")

# %% [markdown]
# The distance looks for a partner of every reference pixel. Large errors crowd along a stroke, so a
# lone salient pixel far away has no partner near; seen from the errors, some salient pixel is
# nearly always close.
#
# ````{solution-end}
# ````
#
# ## About this run
#
# :::{admonition} How these numbers were made
# :class: note
# {glue:text}`lo-box`
#
# To make them again or with other settings see [](rerunning.md); what differs from the document,
# and why, is listed in [](deviations.md).
# :::

# %% tags=["remove-cell", "figure"]
# Every sentence with a number in it is put together here, from the rows.
sentences = {"own": OWN, "arms-source": compared_by, "training-source": over_by}
sentences["chance-10"] = f"{metrics.chance_top_k(10, 28 * 28):.2f}"
sentences["none-by-chance"] = f"{metrics.chance_top_k_cdf(0, 10, 28 * 28):.0%}"
sentences["stages"] = ", ".join("+".join(part) for part in STAGES)
sentences["reach"] = told.reach(reference, build)
ties = {each: sum(int(found[f"ties {each}"].sum()) for found in final.values()) for each in k}
sentences["ties"] = told.ties(ties, len(final) * len(test_images))
mode = lo.mode_place(max(k))
sentences["mode-line"] = told.mode(max(k), of_build(mode), told.printed(document, mode))
sentences["squared-line"] = told.squaring(of_build(PLAIN), of_build(SQUARE))
rates = tables.rates_tried(reference, own=own["learning_rate"])
sentences["rate-line"] = told.rates(learning_rate, epochs, rates)
sentences["grid-line"] = told.grid(max(k), lo.at(over, FEW))
swapped_words = {each: told.swap(each, table, FIRST) for each, table in effects.items()}
sentences["decomposed"] = told.decomposed(swapped_words, compared_by)
held = survey.held_in_all(cases, GROUPS)
sentences["survives"] = told.survives(held, compared_by)
sentences["novelty"] = told.novelty(max(k), held, swapped_words, compared_by)
sentences["sanity-line"] = told.sanity(sanity.groupby("score", sort=False)["SSIM"].mean())
sentences |= dict.fromkeys(("planted-line", "planted", "decision-line"), told.NOTHING_NOVEL)
if has_novel:
    sentences["planted-line"] = told.best_map(build, tried)
    sentences["planted"] = told.planted(reference, build)
    sentences["decision-line"] = told.decision(reference, build)
shared = told.both_of_kinds(reference, build, FEW, kinds[OWN])
sentences["agreement"] = told.agreement(max(k), shared, told.printed(document, FEW))
sentences["build"] = told.build(images.title, epochs, max(k), of_build(FEW), of_build(FAR))
settings_told = (
    f"trained on {', '.join(trained_on)}; seeds {seeds}; {epochs} epochs, "
    f"batches of {batch_size}, learning rate {learning_rate:g}, noise {noise:g}"
)
took = began.seconds()
sentences["box"] = results.run_words(provenance, images.title, settings_told, seconds=took)
for name, sentence in sentences.items():
    glue(f"lo-{name}", sentence, display=False)
