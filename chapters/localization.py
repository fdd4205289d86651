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
learning_rate = 0.01  # of Adam; chosen on held-out normal images
noise = 0.0  # standard deviation of Gaussian noise on the training input
batch_size = 256  # images per update
k = [5, 10]  # how many pixels of each map are compared
sample = 200  # test images of each kind for the slower comparisons
attributed = 32  # test images for the randomisation of weights
trust = False  # also read images whose content hash is not known
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import time
from datetime import UTC, datetime

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from lib import metrics, models, parameters, results, scores, training, workspace
from lib.data import PLANTED, load, plant, resize, several_classes, to_float
from lib.errors import BadInput
from lib.figures import COLOURS, learning_curves, map_grid, use_style
from lib.results import localization as lo

started, clock = datetime.now(UTC), time.monotonic()
settings = {name: globals()[name] for name in parameters.declared("localization")}
run = workspace.run_name("localization", settings)
if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
    raise BadInput("seeds needs at least one entry, none below 0 and none twice.")
if not k or min(k) < 1 or max(k) > 28 * 28 or len(set(k)) < len(k):
    raise BadInput(f"k needs numbers from 1 to the {28 * 28} pixels, each once; it was {k}.")
if min(sample, attributed) < 1:
    raise BadInput("sample and attributed must be at least 1.")
if not normal_classes:
    raise BadInput("normal_classes needs at least one class.")
if batch_size < 2:
    raise BadInput(f"batch_size must be at least 2, for batch normalisation; it was {batch_size}.")
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
images = load(dataset, data_root=data_root or None, trust=trust)
pixels = to_float(resize(images.images, 28))
names = images.class_names
if pixels.shape[1] != 1:
    raise BadInput(f"This network takes grey images, but those of {images.title} have colours.")
everything, normal_classes = list(range(len(names))), sorted(normal_classes)
swapped = [c for c in everything if c not in normal_classes]
if not swapped:  # a control of its own, as in our reference runs
    controls = False
trained_on = [normal_classes, *([swapped, everything] if controls else [])]


def arm(classes: list[int]) -> str:
    """The name of a set of training classes: 0-4, or 0+2+5."""
    classes = sorted(classes)
    run_of_classes = classes == list(range(classes[0], classes[-1] + 1))
    return f"{classes[0]}-{classes[-1]}" if run_of_classes else "+".join(map(str, classes))


splits = {
    (arm(classes), seed): several_classes(images, classes, training.numpy_generator(seed, "split"))
    for seed in seeds
    for classes in trained_on
}
OWN = arm(normal_classes)

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
for classes in trained_on:
    sizes = {part: len(members) for part, members in splits[arm(classes), seeds[0]].items()}
    print("trained on", arm(classes), sizes)
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
def network(seed: int) -> torch.nn.Module:
    """The untrained network of a seed, in evaluation mode."""
    fresh = models.build(models.LSAAutoencoder, training.generator(seed, "weights"))
    # convolutions on a CPU are a third faster in this order of memory
    return fresh.to(device, memory_format=torch.channels_last).eval()


def train(classes: list[int], seed: int) -> training.TrainedAutoencoder:
    """One trained network; goes on from its checkpoint where there is one."""
    split, name = splits[arm(classes), seed], arm(classes)

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 5) == 0 or entry["epoch"] == epochs:
            print(
                f"trained on {name} seed {seed} epoch {entry['epoch']:.0f}/{epochs} "
                f"validation {entry['validation_L']:.5f}"
            )

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
        keep=(1, 2, 5, 10, 20, 50, 100, 200, 500),
        progress=report,
        checkpoint=workspace.checkpoint_path(name, seed),
        fingerprint=training.fingerprint(same, models.LSAAutoencoder, training.fit_autoencoder),
    )


fitted = {(arm(classes), seed): train(classes, seed) for seed in seeds for classes in trained_on}

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


def maps_of(model: torch.nn.Module, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Saliency and error map of each image."""
    return scores.saliency_map(model, x).cpu().numpy(), scores.error_map(model, x).cpu().numpy()


def snapshot(name: str, seed: int, epoch: int) -> torch.nn.Module:
    """The network as it was after an epoch."""
    model = network(seed)
    model.load_state_dict(fitted[name, seed].snapshots[epoch])
    return model


final, maps, over_time = {}, {}, {}
fourth = np.arange(len(test_images)) % 4 == 0  # enough for a curve
for (name, seed), done in fitted.items():
    maps[name, seed] = maps_of(done.model, test_x)
    final[name, seed] = metrics.correspondence(*maps[name, seed], ks=k)
    for epoch in done.snapshots:
        found = maps_of(snapshot(name, seed, epoch), test_x[fourth])
        over_time[name, seed, epoch] = metrics.correspondence(*found, ks=k)
untrained = {seed: metrics.correspondence(*maps_of(network(seed), test_x), ks=k) for seed in seeds}

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
own = {"normal_classes": [0, 1, 2, 3, 4], "learning_rate": 0.01, "noise": 0.0}
if profile in parameters.profile_names():
    own |= {n: v for n, v in parameters.profile(profile, "localization").items() if n in own}
short = {"learning_rate": "lr", "noise": "noise"}
changed = {short[name]: settings[name] for name in short if settings[name] != own[name]}
FIRST = arm(own["normal_classes"])  # the document's own classes
add, collected = results.collector(run=run, dataset=images.title)


def setting_of(name: str, seed: int) -> dict[str, str | float | int]:
    """The seed and what makes these training classes and settings another variant."""
    return {"seed": seed, **changed, **({} if name == FIRST else {"arm": name})}


def kinds(name: str) -> dict[str, np.ndarray]:
    """Which test images are normal to a network, and which are novel."""
    classes = next(c for c in trained_on if arm(c) == name)
    is_normal = np.isin(test_labels, classes)
    return {w: m for w, m in (("normal", is_normal), ("novel", ~is_normal)) if m.any()}


def some_of(name: str, class_: str, most: int) -> np.ndarray:
    """At most `most` test images of a kind, evenly spaced: some sets are sorted by class."""
    members = np.flatnonzero(kinds(name)[class_])
    return members[np.linspace(0, len(members) - 1, min(most, len(members))).round().astype(int)]


def choose(found: dict[str, np.ndarray], members: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[members] for name, values in found.items()}


def add_all(numbers: dict[lo.Place, float], *, n: int, class_: str, method=lo.METHOD, **setting):
    for place, value in numbers.items():
        add(value, **place._asdict(), method=method, class_=class_, n=n, **setting)


for (name, seed, epoch), found in over_time.items():
    for class_, members in kinds(name).items():
        part = choose(found, members[fourth])
        setting = setting_of(name, seed) | {"epochs_shown": epoch}
        add_all(lo.paper_numbers(part, ks=k), n=len(part["map error"]), class_=class_, **setting)
for (name, seed), found in final.items():
    setting, parts = setting_of(name, seed), {w: choose(found, m) for w, m in kinds(name).items()}
    for class_, part in parts.items():
        n = len(part["map error"])
        add_all(lo.paper_numbers(part, ks=k), n=n, class_=class_, **setting)
        for each in k:
            add_all(lo.frequencies(part, k=each), n=n, class_=class_, **setting)
    if len(parts) == 2:
        for each in k:
            gaps = lo.gap_numbers(parts["normal"], parts["novel"], k=each)
            add_all(gaps, n=len(test_x), class_="normal - novel", **setting)
    for c in np.unique(test_labels):  # each class alone, whatever the network was trained on
        part = choose(found, test_labels == c)
        for each in k:
            place = lo.agreement_place(each, most=True)
            value = lo.paper_numbers(part, ks=[each])[place]
            place = place._replace(table=f"digits-top{each}-agreement")
            add_all({place: value}, n=len(part["map error"]), class_=names[c], **setting)
    where = {"table": "training", "method": lo.METHOD, "metric": "validation error"}
    for entry in fitted[name, seed].history:
        shown = {} if entry["epoch"] == epochs else {"epochs_shown": int(entry["epoch"])}
        n = len(splits[name, seed]["validation"])
        add(entry["validation_L"], **where, class_="normal", n=n, **setting, **shown)

# the same network untrained, and two maps that have nothing to do with each other
for seed, found in untrained.items():
    rng = training.numpy_generator(seed, "chance")
    for class_, members in kinds(OWN).items():
        setting = {"class_": class_, "n": int(members.sum()), **setting_of(OWN, seed)}
        numbers_found = lo.paper_numbers(choose(found, members), ks=k)
        add_all(numbers_found, method=lo.UNTRAINED, **setting)
        both = (scores.scaled(torch.from_numpy(m[members])).numpy() for m in maps[OWN, seed])
        add_all(lo.chance_numbers(*both, ks=k, rng=rng), method="chance", **setting)

# %% tags=["remove-cell"]
# Findings 1 and 2 as numbers, and section 3's claim that every pixel reaches every error
inked = (test_x.amax((1, 2, 3)) >= 0.5).cpu().numpy()  # without ink there is no outline
outlines = metrics.outline_distance(test_x[inked, 0].cpu().numpy())
REACH = {lo.REACH + "the largest": "image", lo.REACH + "their error pixel's largest": "pixel"}
for (name, seed), (saliency, error) in maps.items():
    rank = metrics.spearman(saliency, error)
    missed = np.full(len(test_x), np.nan)
    missed[inked] = metrics.missed_share(saliency[inked], error[inked], outlines)
    flat = {"saliency": saliency, "squared saliency": saliency**2, "reconstruction error": error}
    large = {score: metrics.share_of_large(m) for score, m in flat.items()}
    for class_, members in kinds(name).items():
        setting = {"class_": class_, "method": lo.METHOD, **setting_of(name, seed)}
        n, off = int(members.sum()), missed[members & inked]
        where = {"table": "finding1-missed", "score": lo.BOTH, "metric": lo.MISSED}
        add(off.mean(), **where, n=len(off), **setting)
        where = {"table": "finding2-spearman", "score": lo.BOTH, "metric": lo.RANK}
        add(np.nanmean(rank[members]), **where, n=n, **setting)
        for score, share in large.items():
            where = {"table": "finding1-large-pixels", "score": score, "metric": lo.LARGE}
            add(share[members].mean(), **where, n=n, **setting)
        few = test_x[some_of(name, class_, min(8, 1 + attributed // 16))]  # 784 passes for each
        moved = scores.error_jacobian(fitted[name, seed].model, few).cpu().numpy()
        where = {"table": "section3-reach", "score": "reconstruction error", "n": len(few)}
        for metric, of in REACH.items():
            value = metrics.reached_share(moved, relative_to=of).mean()
            add(value, **where, metric=metric, **setting)

# %% tags=["remove-cell"]
# Section 2.3: similarities of whole maps under changes that should matter little
for seed in seeds:
    for class_ in kinds(OWN):
        members = some_of(OWN, class_, sample)
        signed = scores.input_gradient(fitted[OWN, seed].model, test_x[members])[:, 0].cpu()
        signed = (signed / signed.abs().amax((1, 2), keepdim=True)).double().numpy()
        error = scores.scaled(torch.from_numpy(maps[OWN, seed][1][members])).double().numpy()
        setting = {"class_": class_, "method": lo.METHOD, "n": len(members)}
        for word, change in metrics.TRANSFORMS.items():
            setting |= setting_of(OWN, seed) | ({"transform": word} if word else {})
            for metric, similarity in metrics.SIMILARITIES.items():
                against_error = np.nanmean(similarity(change(signed), error))
                against_itself = np.nanmean(similarity(change(signed), signed))
                where = {"metric": metric, **setting}
                add(against_error, table="section2.3-metrics", score=lo.BOTH, **where)
                add(against_itself, table="section2.3-self", score="saliency vs itself", **where)

# %% tags=["remove-cell"]
# The decision itself: threshold at a percentile of the training errors, and ranking
decision = {}
for (name, seed), done in fitted.items():
    setting = {"table": "novelty-decision", **setting_of(name, seed)}
    parts = {w: test_x[m] for w, m in kinds(name).items()}
    parts |= {w: pixels[splits[name, seed][w]].to(device) for w in ("train", "validation")}
    errors = {w: scores.reconstruction_error(done.model, x).cpu().numpy() for w, x in parts.items()}
    decision[name, seed] = errors
    threshold = np.quantile(errors["train"], 0.95)
    where = {"method": lo.METHOD, "score": "reconstruction error", "metric": lo.FLAGGED}
    for word in ("validation", *kinds(name)):
        flagged = np.mean(errors[word] > threshold)
        add(flagged, **where, class_=word, n=len(errors[word]), **setting)
    if "novel" not in parts:
        continue
    x, labels = test_x, kinds(name)["novel"].astype(np.int64)
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
        where = {"method": method, "score": score, "metric": "AUROC", "class_": "novel"}
        add(value, **where, n=len(labels), **setting)

# %% tags=["remove-cell"]
# Known novel regions, planted into test images that are normal to the network
PLANTED_METRICS = {
    "mean pixel AUROC": metrics.pixel_auroc,
    "mean pixel average precision": metrics.pixel_average_precision,
    "mean top-10 hit rate": lambda m, masks: metrics.top_k_hits(m, masks, k=10),
    "AUPRO": metrics.aupro,
}
TRIVIAL = ["input intensity", "distance from the mean image"]
has_novel = "novel" in kinds(OWN)
planted, found_regions = {}, []


def maps_to_try(model, x, train_x, *, generator) -> dict[str, np.ndarray]:
    """The candidates for a localization, by name; the last two know nothing of the network."""
    error, saliency = scores.error_map(model, x), scores.saliency_map(model, x)
    tried = {
        "reconstruction error": error,
        "saliency": saliency,
        "squared saliency": scores.squared(saliency),
        "product": scores.product_map(error, saliency),
        "smoothed gradient": scores.smooth_gradient(model, x, generator=generator),
        TRIVIAL[0]: scores.intensity_map(x),
        TRIVIAL[1]: scores.mean_difference_map(x, train_x),
    }
    return {score: m.cpu().numpy() for score, m in tried.items()}


for seed, kind in [(s, w) for s in seeds for w in PLANTED if has_novel]:
    pools = (test_x[some_of(OWN, w, sample)].cpu() for w in ("normal", "novel"))
    x, masks = plant(kind, *pools, generator=training.generator(seed, "plant", kind))
    masks, train_x = masks.numpy(), pixels[splits[OWN, seed]["train"]].to(device)
    where = {"seed": seed, "kind": kind, "n": len(x)}
    for method, model in ((lo.METHOD, fitted[OWN, seed].model), (lo.UNTRAINED, network(seed))):
        draw = training.generator(seed, "smooth", kind)
        tried = maps_to_try(model, x.to(device), train_x, generator=draw)
        if method == lo.METHOD:
            planted[seed, kind] = {"image": x[:, 0].numpy(), "novel region": masks, **tried}
        for score, found in tried.items():
            owner = "trivial" if score in TRIVIAL else method
            if owner == "trivial" and method == lo.UNTRAINED:
                continue
            for metric, measure in PLANTED_METRICS.items():
                line = {"method": owner, "score": score, "metric": metric}
                found_regions.append(where | line | {"value": np.mean(measure(found, masks))})
    chance = (0.5, metrics.chance_average_precision(masks).mean(), metrics.mask_share(masks).mean())
    for metric, value in zip(PLANTED_METRICS, (*chance, 0.15), strict=True):  # AUPRO: half of 0.3
        line = {"method": "chance", "score": "", "metric": metric, "value": value}
        found_regions.append(where | line)
if has_novel:
    found_regions = pd.DataFrame(found_regions)
    averages = found_regions.groupby(["seed", "method", "score", "metric"], sort=False)
    averages = averages.agg(n=("n", "sum"), value=("value", "mean")).reset_index()
    for line in pd.concat([found_regions, averages.assign(kind="average")]).to_dict("records"):
        table = "planted-" + line.pop("kind").replace(" ", "-")
        add(**setting_of(OWN, line.pop("seed")), **line, table=table, class_="novel")

# %% tags=["remove-cell"]
# Weights randomised part by part, from the output back
STAGES = models.cascade(network(seeds[0]))
sanity = []
for seed in seeds:
    x, judge = test_x[some_of(OWN, "normal", attributed)], fitted[OWN, seed].model
    drawn = models.build(models.LSAAutoencoder, training.generator(seed, "randomise"))
    fresh = drawn.to(device, memory_format=torch.channels_last).eval()
    attributions = {
        "saliency": scores.saliency_map,
        "gradient x input": scores.gradient_times_input,
        "integrated gradients": scores.integrated_gradients,
        "guided back-propagation": scores.guided_backpropagation,
        "SmoothGrad": lambda model, x, seed=seed: scores.smooth_gradient(
            model, x, generator=training.generator(seed, "smooth")
        ),
    }
    for score, attribute in attributions.items():
        before = scores.scaled(attribute(judge, x)).cpu().numpy()
        for stage in range(1, len(STAGES) + 1):
            other = attribute(models.randomised(judge, fresh, STAGES[:stage]), x)
            after = scores.scaled(other).cpu().numpy()
            # a map can go dead with its network: then it shares nothing with the old one
            rank = np.nan_to_num(metrics.spearman(before, after)).mean()
            line = {"Spearman": rank, "SSIM": metrics.ssim(before, after).mean()}
            sanity.append({"seed": seed, "score": score, "stage": stage} | line)
sanity = pd.DataFrame(sanity)
where = {"table": "sanity-randomisation", "method": lo.METHOD, "class_": "normal", "n": len(x)}
for metric in ("Spearman", "SSIM"):
    for line in sanity.to_dict("records"):
        setting = setting_of(OWN, line["seed"]) | {"randomised": line["stage"]}
        told = f"{metric} with the trained network's map"
        add(line[metric], **where, score=line["score"], metric=told, **setting)
    for (seed, score), value in sanity.groupby(["seed", "score"])[metric].mean().items():
        told = f"mean {metric} over the stages"
        add(value, **where, score=score, metric=told, **setting_of(OWN, seed))

# %% tags=["remove-cell"]
rows = results.frame(collected)
trained_seconds = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
provenance = results.provenance(
    run=run,
    chapter="localization",
    profile=profile,
    parameters=settings,
    started=started,
    # what an interrupted run had trained before counts as well
    seconds=max(time.monotonic() - clock, trained_seconds),
    device=device,
    data_sha256=images.sha256,
    data_origin=images.origin,
)
workspace.leave_results(rows, provenance)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the document's own numbers
reference = results.reference_rows()
document = results.published("localization-paper")
full_size = {"MNIST-5k": "MNIST"}.get(images.title, images.title)
stand_in = {full_size: images.title}
claims = [claim for claim in results.load_claims() if claim.document == "localization-paper"]
ours = results.evaluate(claims, rows, results.runs_frame([provenance]), stand_in=stand_in)
theirs = results.evaluate(claims, reference, results.reference_runs())
HERE = results.variant(**{n: v for n, v in setting_of(OWN, 0).items() if n != "seed"})
BESIDE = {"untrained": {"method": lo.UNTRAINED}, "chance": {"method": "chance"}}


def of_build(**cells: str) -> float:
    """The mean over seeds of a number of this run, in its own setting."""
    cells = {"method": lo.METHOD, **cells}
    return float(results.pick(rows, dataset=images.title, variant=HERE, **cells).mean())


def of_reference(decimals: int = 3, **cells: str) -> str:
    """Mean and half the 95 % interval over seeds of a number of our reference; empty without."""
    values = results.pick(reference, dataset=full_size, **{"method": lo.METHOD, **cells})
    if values.empty:
        return ""
    return results.interval_text(metrics.student_interval(values), decimals=decimals)


def numbers(lines: dict[str, dict[str, str]], *, decimals: int = 3, beside=BESIDE):
    """Published, reference and this build's numbers in columns, for the page."""
    lines = {line: {"dataset": full_size, "method": lo.METHOD, **c} for line, c in lines.items()}
    mine = rows[rows["variant"] == HERE].assign(variant="")
    options = {"stand_in": stand_in, "beside": beside, "decimals": decimals}
    found = results.compared(lines, mine, reference, document, **options)
    return found.style.set_table_attributes('class="numbers"')


def judged(*prefixes: str):
    """The verdicts on the claims whose id begins so, of the reference and of this build."""
    found = results.verdict_table(theirs, ours, *(f"localization-{word}" for word in prefixes))
    return found.style.hide(axis="index").set_table_attributes('class="words"')


# the numbers that smoke runs check, over the normal test images
half = max(k) // 2
FEW, FAR = lo.agreement_place(max(k), most=False), lo.distance_place(max(k))
checked = {
    f"agreement up to {half}": of_build(**FEW._asdict(), class_="normal"),
    "distance": of_build(**FAR._asdict(), class_="normal"),
    "map error": of_build(**lo.map_error_place(lo.BOTH)._asdict(), class_="normal"),
    "squared map error": of_build(**lo.map_error_place(lo.SQUARED)._asdict(), class_="normal"),
    "saliency after randomisation": of_build(
        table="sanity-randomisation", score="saliency", metric="mean Spearman over the stages"
    ),
}
RANKING = {"table": "novelty-decision", "metric": "AUROC"}
REGION = {"table": "planted-average", "metric": "mean pixel average precision"}
if has_novel:
    checked["image AUROC"] = of_build(**RANKING, score="reconstruction error")
    for score in ("reconstruction error", "saliency"):
        checked[f"planted, {score}"] = of_build(**REGION, score=score)
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    expected = results.load_expected(parameters.CHAPTERS / "expected" / "localization.csv")
    for name, value in checked.items():
        print(results.check_line(name, value, expected))

# %% [markdown]
# ## Finding 1: error maps miss salient pixels
#
# {numref}`fig-lo-maps` shows what the document shows: saliency is scattered where the error is
# not, also once squared. Three normal test images and three novel ones, evenly spaced in the
# test set.

# %% tags=["remove-cell", "figure"]
shown_seed = seeds[0]
picked = {int(i): class_ for class_ in kinds(OWN) for i in some_of(OWN, class_, 3)}
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
    rows=[f"{class_}\n{names[test_labels[i]]}" for i, class_ in picked.items()],
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
lines = {
    f"pixels ≥ 0.5: {score}, {class_}": {
        "table": "finding1-large-pixels",
        "score": score,
        "class": class_,
    }
    for score in ("saliency", "squared saliency", "reconstruction error")
    for class_ in kinds(OWN)
}
for class_ in kinds(OWN):
    lines[f"missed of the ten: {class_}"] = {"table": "finding1-missed", "class": class_}
numbers(lines)

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
numbers(
    {f"Spearman, {w}": {"table": "finding2-spearman", "class": w} for w in kinds(OWN)}, beside={}
)

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
    for offset, (class_, members) in enumerate(kinds(OWN).items()):
        shared = np.stack([final[OWN, seed][f"agreement {each}"][members] for seed in seeds])
        share = [np.mean(shared == value) for value in range(each + 1)]
        where = np.arange(each + 1) + 0.4 * offset - 0.2
        axis.bar(where, share, 0.4, color=KIND_COLOURS[class_], label=class_)
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
lines = {
    f"top {each}: {'most' if most else 'half or fewer'} shared, {class_}": {
        **lo.agreement_place(each, most)._asdict(),
        "class": class_,
    }
    for each in k
    for most in (False, True)
    for class_ in kinds(OWN)
}
numbers(lines).set_caption("Table 1 of the document: shares of the test images")

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
lines = {}
for each in k:
    text = f"the share of images with agreement {each // 2 + 1}-{each}"
    gap = {"table": "finding4-gap", "class": "normal - novel"}
    lines[f"top {each}: normal minus novel"] = gap | {"metric": f"difference in {text}"}
    lines[f"top {each}: z"] = gap | {"metric": f"z of the difference in {text}"}
numbers(lines, beside={})

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


def by_class(source: pd.DataFrame, title: str, each: int, base: str) -> pd.DataFrame:
    """Share of images whose maps mostly agree: one line per seed, arm and class of images.

    `base` is the variant that all arms have in common.
    """
    kept = source[(source["table"] == f"digits-top{each}-agreement") & (source["dataset"] == title)]
    kept = kept[(kept["method"] == lo.METHOD) & (kept["class"] != "average")]
    told = [results.parse_variant(text) for text in kept["variant"]]
    kept = kept.assign(arm=[setting.pop("arm", FIRST) for setting in told])
    return kept.loc[[results.variant(**setting) == base for setting in told]]


def effects(table: pd.DataFrame) -> pd.DataFrame:
    """Per seed: the effect of novelty with the class held, and of the classes whatever is novel."""
    lines = []
    for _, group in table.groupby("seed"):
        shares = {
            w: dict(zip(g["class"], g["value"], strict=True)) for w, g in group.groupby("arm")
        }
        pair = [shares.get(w, {}) for w in (FIRST, arm(others))]
        if all(pair):
            inside = [names[c] for c in own["normal_classes"]]
            lines.append(metrics.swap_effects(*pair, normal_in_first=inside))
    return pd.DataFrame(lines)


others = [c for c in everything if c not in own["normal_classes"]]
swaps, told_by = {each: by_class(reference, full_size, each, "") for each in k}, "our reference"
if effects(swaps[max(k)]).empty:
    base, told_by = results.variant(**changed), "this build"
    swaps = {each: by_class(rows, images.title, each, base) for each in k}
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
lines = {
    f"top {each}: {score.replace('reconstruction ', '')}, {class_}": {
        **lo.distance_place(each, score)._asdict(),
        "class": class_,
    }
    for score in (lo.TO_ERROR, lo.TO_SALIENCY)
    for each in k
    for class_ in kinds(OWN)
}
numbers(lines, decimals=2).set_caption("Maximum distance to the best match, mean in pixels")

# %% tags=["hide-input", "full-width", "figure"]
judged("finding5")

# %% [markdown]
# ## Finding 6: square the saliency before comparing values

# %% tags=["hide-input", "figure"]
lines = {
    f"{score.replace(' vs reconstruction error', '')}, {class_}": {
        **lo.map_error_place(score)._asdict(),
        "class": class_,
    }
    for score in (lo.BOTH, lo.SQUARED)
    for class_ in kinds(OWN)
}
numbers(lines, decimals=4).set_caption("Mean squared error between max-scaled maps")

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
SHORT = {
    "Spearman of absolute values": "of absolutes",
    "Pearson of gradient histograms": "gradient histograms",
    "maximum distance, pixels": "distance",
}


def under_transforms(table: str, caption: str):
    """This build's similarities, one line per change of the map, over both kinds of images."""
    kept = rows[rows["table"] == table]
    told = [results.parse_variant(text).get("transform", "as it is") for text in kept["variant"]]
    kept = kept.assign(change=told)
    found = kept.pivot_table(index="change", columns="metric", values="value", sort=False)
    found = found[list(metrics.SIMILARITIES)].rename_axis(index="saliency map", columns=None)
    shown = found.rename(columns=SHORT).style.format("{:.3f}").set_caption(caption)
    return shown.set_table_attributes('class="numbers"')


under_transforms("section2.3-self", "Saliency against itself, this build")

# %% [markdown]
# And against the error map:

# %% tags=["hide-input", "full-width", "figure"]
under_transforms("section2.3-metrics", "Saliency against the error map, this build")

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


def curves(source: pd.DataFrame, title: str, base: str) -> pd.DataFrame:
    """Rows at single epochs, with what else is set beside `base` in words."""
    kept = source[(source["dataset"] == title) & (source["method"] == lo.METHOD)]
    kept = kept[kept["variant"].str.contains("epochs_shown=")]
    base = results.parse_variant(base)
    told = [results.parse_variant(text) for text in kept["variant"]]
    kept = kept.assign(epoch=[int(setting.pop("epochs_shown")) for setting in told])
    extra = [{n: v for n, v in setting.items() if base.get(n) != v} for setting in told]
    return kept.assign(other=[" ".join(f"{n} {v}" for n, v in more.items()) for more in extra])


over, over_by = curves(reference, full_size, ""), "our reference runs, means over seeds"
if over.empty:
    over, over_by = curves(rows, images.title, HERE), "this build"
over = over[~over["other"].str.contains("arm")]
PANELS = {
    f"top {max(k)}: 0-{half} shared": FEW,
    "distance, pixels": FAR,
    "map error, squared": lo.map_error_place(lo.SQUARED),
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for axis, (title, place) in zip(axes, PANELS.items(), strict=True):
    at_place = (over[list(place._fields)] == list(place)).all(axis=1)
    for (other, class_), group in over[at_place].groupby(["other", "class"], sort=False):
        mean = group.groupby("epoch")["value"].mean()
        style = {"ls": ":", "lw": 0.9} if other else {"ls": "-", "lw": 1.8, "marker": "o", "ms": 4}
        axis.plot(mean.index, mean, color=KIND_COLOURS[class_], **style)
    told = document[(document[list(place._fields)] == list(place)).all(axis=1)]
    for class_, value in zip(told["class"], told["value"], strict=True):
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
MOST = {each: lo.agreement_place(each, most=True) for each in k}
LARGE = lo.Place("finding1-large-pixels", "saliency", lo.LARGE)
RANKED = lo.Place("finding2-spearman", lo.BOTH, lo.RANK)
PLAIN, SQUARE = lo.map_error_place(lo.BOTH), lo.map_error_place(lo.SQUARED)
# left, right and what is added to it: the finding holds where left exceeds right, for each kind
HOLDS = {
    "1: more large values in saliency": (LARGE, LARGE._replace(score="reconstruction error")),
    f"3: at most {half} of {max(k)} shared in most images": (FEW, 0.5),
    "5: a salient pixel ≥ 3 pixels from large errors": (FAR, 3.0),
    "6: squared saliency is closer to the error": (PLAIN, SQUARE),
}
# here the normal images must exceed the novel ones
GAPS = {"2: rank correlation lower for novel images": RANKED}
GAPS |= {f"4: novel images agree less, K = {each}": place for each, place in MOST.items()}


def group_of(setting: dict[str, str]) -> str:
    """Which column of the survey a network belongs to."""
    if "epochs_shown" in setting:
        return "earlier epochs"
    if {"lr", "noise"} & set(setting):
        return "other rate or noise"
    return f"on {setting.get('arm', FIRST)}"


def survey(source: pd.DataFrame, title: str, base: str) -> pd.DataFrame:
    """In how many cases each finding holds, `3 of 3`, one column per group of networks."""
    kept = source[(source["dataset"] == title) & (source["method"] == lo.METHOD)]
    base, held = results.parse_variant(base), {}
    for (variant, _), group in kept.groupby(["variant", "seed"], sort=False):
        setting = results.parse_variant(variant)
        setting = {name: v for name, v in setting.items() if base.get(name) != v}
        if "transform" in setting or setting.get("epochs_shown") in ("1", str(epochs)):
            continue
        at = group.set_index(["table", "score", "metric", "class"])["value"].to_dict()

        def value(place: lo.Place | float, kind: str, at=at) -> float:
            return at.get((*place, kind), np.nan) if isinstance(place, lo.Place) else place

        present = [w for w in ("normal", "novel") if (*FEW, w) in at]
        margins = {
            name: [value(a, w) - value(b, w) for w in present] for name, (a, b) in HOLDS.items()
        }
        margins |= {name: [value(a, "normal") - value(a, "novel")] for name, a in GAPS.items()}
        for name, by_kind in margins.items():
            if by_kind and np.isfinite(by_kind).all():
                held.setdefault((name, group_of(setting)), []).append(min(by_kind) > 0)
    texts = {where: f"{sum(each)} of {len(each)}" for where, each in held.items()}
    table = pd.Series(texts, dtype=object).unstack()
    order = [f"on {arm(c)}" for c in (own["normal_classes"], others, everything)]
    order += ["other rate or noise", "earlier epochs"]
    return table.reindex(index=sorted(table.index), columns=[c for c in order if c in table])


if told_by == "this build":
    surveyed = survey(rows, images.title, results.variant(**changed))
else:
    surveyed = survey(reference, full_size, "")
surveyed.fillna("").style.set_caption(
    f"Cases in which a finding holds, from {told_by}; a case is a network at one epoch"
).set_table_attributes('class="numbers"')

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
figure = plt.figure(figsize=(9, 1.3 * len(PLANTED)))
if has_novel:
    held_out = pixels[splits[OWN, shown_seed]["validation"]].to(device)
    saliency, error = maps_of(fitted[OWN, shown_seed].model, held_out)
    tops = {"error": np.quantile(error, 0.999), "saliency": np.quantile(saliency, 0.999)}
    at = [planted[shown_seed, kind] for kind in PLANTED]
    columns = {
        title: np.stack([part[key][(3 * i + 1) % len(part[key])] for i, part in enumerate(at)])
        for title, key in shown_maps.items()
    }
    limits = {f"{word},\nusual scale": float(top) for word, top in tops.items()}
    grey = {"image", "novel\nregion"}
    map_grid(figure, columns, rows=list(PLANTED), limits=limits, grey=grey)
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
tried = {score: lo.METHOD for score in list(shown_maps.values())[2:]} | {
    "squared saliency": lo.METHOD
}
tried |= dict.fromkeys(TRIVIAL, "trivial")


def regions(source: pd.DataFrame, title: str, variant: str, methods: dict[str, str]):
    """Mean over the kinds of planting: one line per map, one column per metric."""
    where = {"table": "planted-average", "dataset": title, "variant": variant}
    lines = {}
    for score, method in methods.items():
        for metric in PLANTED_METRICS:
            at = results.pick(source, **where, method=method, score=score, metric=metric)
            if len(at):
                text = results.interval_text(metrics.student_interval(at))
                lines.setdefault(score, {})[metric.removeprefix("mean ")] = text
    return pd.DataFrame.from_dict(lines, orient="index")


untrained_maps = {score: lo.UNTRAINED for score, method in tried.items() if method == lo.METHOD}
shown = {
    "reference": regions(reference, full_size, "", tried),
    "this build": regions(rows, images.title, HERE, tried),
    "this build, untrained": regions(rows, images.title, HERE, untrained_maps),
    "chance": regions(rows, images.title, HERE, {"": "chance"}),
}
shown = pd.concat(
    {name: table for name, table in shown.items() if len(table)} or {"": document[:0]}
)
shown.style.set_table_attributes('class="numbers"').set_caption(
    "Finding a known novel region, mean over four kinds of planting"
)

# %% [markdown]
# AUROC and average precision rank the pixels within an image, the hit rate asks how many of the ten
# largest pixels lie in the region, and AUPRO {cite:p}`bergmann2020uninformed` asks how much of each
# region is covered at a threshold that is the same for all images, up to a false positive rate of
# 0.3. {glue:text}`lo-planted-line`

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, len(PLANTED), figsize=(11, 2.9), sharey=True)
for axis, kind in zip(axes, PLANTED if has_novel else [], strict=has_novel):
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
lines = {
    f"called novel: {word}": {
        "table": "novelty-decision",
        "metric": lo.FLAGGED,
        "class": class_,
    }
    for word, class_ in (
        ("held-out normal images", "validation"),
        ("normal test images", "normal"),
        ("novel test images", "novel"),
    )
}
lines |= {
    f"AUROC: {score}": {**RANKING, "score": score, "method": method}
    for score, method in (
        ("reconstruction error", lo.METHOD),
        ("largest pixel error", lo.METHOD),
        ("mean saliency", lo.METHOD),
        ("mean brightness", "trivial"),
        ("distance to mean", "trivial"),
    )
}
numbers(lines, beside={"untrained": {"method": lo.UNTRAINED}})

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


def both_texts(decimals: int = 3, **cells: str) -> str:
    """The reference number, where there is one, and this build's."""
    text, mine = of_reference(decimals, **cells), f"{of_build(**cells):.{decimals}f}"
    return f"{text} (this build: {mine})" if text else f"{mine} (this build)"


def of_kinds(template: str, place: lo.Place) -> str:
    """The template filled with this build's number, for each kind of test images."""
    values = {w: of_build(**place._asdict(), class_=w) for w in kinds(OWN)}
    return " and ".join(f"{template.format(value)} ({w})" for w, value in values.items())


def printed(place: lo.Place) -> str:
    """What the document prints for normal and novel images."""
    told = document[(document[list(place._fields)] == list(place)).all(axis=1)]
    return " and ".join(f"{value:g}" for value in told["value"])


sentences = {"own": OWN, "arms-source": told_by, "training-source": over_by}
sentences["chance-10"] = f"{metrics.chance_top_k(10, 28 * 28):.2f}"
sentences["none-by-chance"] = f"{metrics.chance_top_k_cdf(0, 10, 28 * 28):.0%}"
sentences["stages"] = ", ".join("+".join(part) for part in STAGES)
whole, by_pixel = (
    both_texts(2, table="section3-reach", metric=metric, class_="normal") for metric in REACH
)
sentences["reach"] = (
    "In the Jacobian of r for a few normal test images the share of entries above a thousandth of "
    f"the image's largest is {whole}. But where an error is nearly zero its derivative is so too; "
    f"above a thousandth of the largest entry of the same error pixel lies {by_pixel}."
)
ties = {each: sum(int(found[f"ties {each}"].sum()) for found in final.values()) for each in k}
counted = "; ".join(
    f"at K = {each} there were {count} at the border" for each, count in ties.items()
)
sentences["ties"] = f"{counted}, in {len(final) * len(test_images):,} pairs of maps"
mode = lo.Place(f"finding3-top{max(k)}-mode", lo.BOTH, f"most frequent top-{max(k)} agreement")
modes, modes_printed = of_kinds("{:.0f}", mode), printed(mode)
sentences["mode-line"] = (
    f"The most frequent agreement of the top {max(k)} is {modes} in this build"
    + (f", where the document has {modes_printed}." if modes_printed else ".")
)
drop = {
    w: of_build(**lo.map_error_place(lo.BOTH)._asdict(), class_=w)
    / of_build(**lo.map_error_place(lo.SQUARED)._asdict(), class_=w)
    for w in kinds(OWN)
}
factors = " and ".join(f"{value:.1f} ({w})" for w, value in drop.items())
sentences["squared-line"] = f"Squaring divides the map error by {factors} in this build."

trained_rows = reference[(reference["table"] == "training") & (reference["dataset"] == full_size)]
rates = {}
trained_rows = trained_rows[trained_rows["metric"] == "validation error"]
for line in trained_rows[trained_rows["seed"] == 0].to_dict("records"):
    told = results.parse_variant(line["variant"])
    if set(told) <= {"lr"}:
        rates[float(told.get("lr", own["learning_rate"]))] = line["value"]
sentences["rate-line"] = f"This build uses {learning_rate:g} and {epochs} epochs."
if len(rates) > 1:
    listed = ", ".join(f"{rate:g} ({rates[rate]:.5f})" for rate in sorted(rates))
    sentences["rate-line"] += (
        f" On full data we tried the rates {listed}; in brackets the error on held-out normal "
        f"images, by which {min(rates, key=rates.get):g} is the best."
    )
later = over[(over[list(FEW._fields)] == list(FEW)).all(axis=1)]
later = later[(later["class"] == "normal") & (later["epoch"] > 1)]["value"]
sentences["grid-line"] = ""
if len(later):
    sentences["grid-line"] = (
        f"From the second epoch on, the share of normal images with at most {half} of {max(k)} "
        f"pixels in common lies anywhere between {later.min():.2f} and {later.max():.2f}, "
        "depending on when one stops, on the learning rate and on the noise."
    )
means = {each: effects(table) for each, table in swaps.items()}
told = [
    f"Effect of novelty on the share of images whose top {each} mostly agree, the class held: "
    f"{results.interval_text(metrics.student_interval(-table['novelty']))}; effect of being one of "
    f"the classes {FIRST}, whatever is novel: "
    f"{results.interval_text(metrics.student_interval(table['classes']))}."
    for each, table in means.items()
    if len(table)
]
sentences["decomposed"] = " ".join(told) or "This run has one set of training classes only."
if told:
    sentences["decomposed"] += f" (From {told_by}.)"
total = surveyed.map(lambda text: text.split(" of ") if isinstance(text, str) else ["0", "0"])
held = {
    name: (sum(int(a) for a, _ in line), sum(int(b) for _, b in line))
    for name, line in zip(total.index, total.to_numpy(), strict=True)
}
always = [name for name, (a, b) in held.items() if a == b]
sometimes = [f"{name} ({a} of {b})" for name, (a, b) in held.items() if a < b]
sentences["survives"] = " ".join(
    f"{words} {told_by}: {'; '.join(found)}."
    for words, found in (("In every case of", always), ("Not in every case of", sometimes))
    if found
)
gap = held.get(f"4: novel images agree less, K = {max(k)}")
sentences["novelty"] = (
    f"That novel images agree less (finding 4, K = {max(k)}) holds in {gap[0]} of {gap[1]} cases "
    f"of {told_by}. {' '.join(told[-1:])}"
    if gap
    else sentences["decomposed"]
)
kept_most = sanity.groupby("score", sort=False)[["Spearman", "SSIM"]].mean()
ranking = ", ".join(
    f"{score} {value:.2f}" for score, value in kept_most["SSIM"].sort_values().items()
)
sentences["sanity-line"] = (
    "Mean structural similarity with the trained network's map over all stages of this build, the "
    f"most sensitive first: {ranking}."
)
if has_novel:
    precision = {
        score: of_build(**REGION, method=method, score=score) for score, method in tried.items()
    }
    best = max(precision, key=precision.get)
    by_chance = of_build(**REGION, method="chance")
    sentences["planted-line"] = (
        f"By average precision the best of this build is {best} ({precision[best]:.3f}); chance is "
        f"{by_chance:.3f}."
    )
    sentences["planted"] = (
        "Where the novel region is known, average precision is "
        f"{both_texts(**REGION, score='reconstruction error')} for the error map, "
        f"{both_texts(**REGION, score='saliency')} for saliency and "
        f"{both_texts(**REGION, score='product')} for their product; chance is {by_chance:.3f}."
    )
    sentences["decision-line"] = (
        "As a ranking the mean error has an AUROC of "
        f"{both_texts(**RANKING, score='reconstruction error')}, the distance to the mean training "
        f"image {both_texts(**RANKING, score='distance to mean', method='trivial')}."
    )
else:
    for name in ("planted-line", "planted", "decision-line"):
        sentences[name] = "No class is novel to the network of this build."
few = " and ".join(
    f"{both_texts(2, **FEW._asdict(), class_=class_)} of the {class_} images"
    for class_ in kinds(OWN)
)
sentences["agreement"] = (
    f"The {max(k)} most salient pixels and the {max(k)} of largest error share at most {half} in a "
    f"share of {few}" + (f"; published: {printed(FEW)}." if printed(FEW) else ".")
)
sentences["build"] = (
    f"This build, on {images.title} with {epochs} epochs: at most {half} of {max(k)} shared in "
    f"{of_kinds('{:.2f}', FEW)}; one salient pixel {of_kinds('{:.1f}', FAR)} pixels from any large "
    "error."
)
settings_told = (
    f"trained on {', '.join(arm(c) for c in trained_on)}; seeds {seeds}; {epochs} epochs, "
    f"batches of {batch_size}, learning rate {learning_rate:g}, noise {noise:g}"
)
took = time.monotonic() - clock
sentences["box"] = results.run_words(provenance, images.title, settings_told, seconds=took)
for name, sentence in sentences.items():
    glue(f"lo-{name}", sentence, display=False)
