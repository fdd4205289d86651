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
# # GradCon against other methods
#
# *The slides of GradCon* {cite:p}`kwon2020gradcon` *put ten methods into one table, score garments
# among outliers, and count parameters and milliseconds. Most of those rows come from other papers,
# which tested on other images. Here the methods meet on the same ones.*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`cm-reference`
# - {glue:text}`cm-shares`
# - {glue:text}`cm-efficiency`
# - {glue:text}`cm-build`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist, fashion-mnist or cifar-10
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
methods = ["OCSVM", "KDE", "DAE", "VAE", "LSA", "DSVDD", "GradCon"]  # what is run
classes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # the normal class of each model, one model per entry
seeds = [0]  # one whole experiment per seed
epochs = 20  # of GradCon and the VAE (the document: 1000)
dae_epochs = 10  # of the denoising autoencoder
svdd_epochs = 10  # of Deep SVDD
svdd_pretrain = 10  # of Deep SVDD as an autoencoder, before; 0: leave it out
lsa_epochs = 10  # of LSA (its supplement: 200)
estimator_classes = []  # classes on which LSA gets its density estimator too, which costs much
alpha = 0.03  # weight of the gradient loss in GradCon's training
beta = 0.12  # weight of the gradient score in GradCon
learning_rate = 0.001  # of Adam, GradCon and the VAE
batch_size = 64  # images per update, GradCon and the VAE
other_learning_rate = 0.0  # the same for DAE, LSA and Deep SVDD; 0: each method's own
other_batch_size = 0  # the same for DAE, LSA and Deep SVDD; 0: each method's own
precision = "float32"  # of the large products where DAE and LSA are trained; or bfloat16
train_limit = 0  # most training images per class; 0: all of them
outlier_shares = [0.1, 0.2, 0.3, 0.4, 0.5]  # of the F1 and AUC part; empty: leave it out
share_classes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # normal classes of that part
timed = 20  # images that every method scores one at a time; 0: time nothing
trivial = True  # leave the rows of the distance to the mean; further runs need not repeat them
ranked = True  # rank the test images at all; False leaves times, sizes and the outlier shares
trust = False  # also read images whose content hash is not known
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from lib import data, metrics, parameters, results, scores, training, workspace
from lib import methods as room
from lib.errors import BadInput
from lib.figures import COLOURS, use_style
from lib.methods import METHODS, NOT_RERUN, published_protocol
from lib.pages import comparison as cm
from lib.pages import comparison_words as told

began = workspace.begin()
settings = {name: globals()[name] for name in parameters.declared("comparison")}
run = workspace.run_name("comparison", settings)
if not methods:
    raise BadInput("methods needs at least one entry.")
parameters.need_entries(settings, 0, "classes", "seeds")
for name in ("methods", "estimator_classes", "outlier_shares", "share_classes"):
    if len(set(settings[name])) < len(settings[name]):
        raise BadInput(f"{name} must not name one entry twice; it was {settings[name]}.")
for name in methods:
    room.method(name)  # refuses what is not known
if not set(estimator_classes) <= set(classes):
    raise BadInput(f"estimator_classes must be among the classes; it was {estimator_classes}.")
lengths = ("epochs", "dae_epochs", "svdd_epochs", "lsa_epochs", "batch_size")
parameters.need_least(settings, 1, *lengths)
perhaps = ("svdd_pretrain", "other_learning_rate", "other_batch_size", "train_limit", "timed")
parameters.need_least(settings, 0, *perhaps)
if alpha <= 0 or learning_rate <= 0:
    raise BadInput(f"alpha and learning_rate must be above 0; they were {alpha}, {learning_rate}.")
for share in outlier_shares:
    if not 0 < share < 1:
        raise BadInput(f"Each outlier share must lie between 0 and 1; {share} does not.")
if outlier_shares and not share_classes:
    raise BadInput("share_classes needs at least one entry, or outlier_shares none.")
training.check_precision(precision)
device = training.named_device(device)
training.deterministic(seeds[0])
use_style()

# %% [markdown]
# ## One table, several protocols
#
# As far as can be told from the earlier papers, the authors of the slides measured only GradCon's
# row and the VAE's on CIFAR-10, which is digit for digit the *latent* row of their own baseline
# experiment, a KL divergence. The other rows agree with those of three earlier papers:

# %% tags=["hide-input", "full-width", "figure"]
origins = [
    {
        "method": f"VAE, {title}" if name == "VAE" else name,
        "published row": published_protocol(name, title).origin,
        "its test images": published_protocol(name, title).test,
        "here": f"not re-run: {NOT_RERUN[name].reason}" if name in NOT_RERUN else "re-run",
    }
    for name in [*METHODS, *NOT_RERUN]
    for title in ("MNIST", "CIFAR-10")
]
results.page_table(pd.DataFrame(origins).drop_duplicates(), kind="words")

# %% [markdown]
# ## The same images for all
#
# Every method that two processor cores can run honestly is trained on the same images of one class,
# as on the page [](gradcon.ipynb), and scores *all* official test images once. From those scores
# come two numbers: the AUROC on GradCon's balanced draw (all normal test images and equally many
# others) and that on all test images, which the earlier papers used. Images have 28×28 pixels, but
# for the autoencoder of LSA in colour, which takes 32×32, and the DAE, which has the same body.

# %% tags=["hide-input"]
images = data.load(dataset, data_root=data_root or None, trust=trust)
channels, everyone = images.images.shape[1], np.flatnonzero(images.is_test)
sizes = {name: METHODS[name].size(channels) for name in methods}
sized = {size: data.resize(images.images, size) for size in {28, *sizes.values()}}
draw = training.numpy_generator  # by seed and purpose


def pixels(size: int, index: np.ndarray) -> torch.Tensor:
    """Some images at one size, float32 in [0, 1]."""
    return data.to_float(sized[size][index]).to(device)


splits = {
    (seed, c): data.one_class(images, c, draw(seed, "split", c), train_limit=train_limit)
    for seed in seeds
    for c in classes
}
folds = {
    (seed, c): {
        share: data.outlier_share(images, c, draw(seed, "outliers", c), share=share)
        for share in outlier_shares
    }
    for seed in seeds
    for c in (share_classes if outlier_shares else [])
}

# %% tags=["nbval-check-output", "remove-input"]
first = splits[seeds[0], classes[0]]
print("images", list(images.images.shape), "of", images.title, "sha256", images.sha256[:12])
print("normal class", images.class_names[classes[0]], {k: len(v) for k, v in first.items()})
print("sizes", sizes, "all test images", len(everyone))
for share, parts in folds[seeds[0], share_classes[0]].items() if folds else ():
    print(f"{share:.0%} outliers", {k: len(v) for k, v in parts.items()})
alike = all(
    np.array_equal(parts[kind], next(iter(by_share.values()))[kind])
    for by_share in folds.values()
    for parts in by_share.values()
    for kind in ("train", "validation")
)
print("equal training and validation folds at every share:", alike)

# %% [markdown]
# ### The methods
#
# One file each in `lib/methods`, and one line in its table. To add PixelCNN, say, write a file with
# a function that takes a task (normal images, a seed, a budget) and returns a function from images
# to scores; the rest of this page takes it up.
#
# OCSVM {cite:p}`scholkopf2001estimating`
# : One-class SVM on PCA-whitened pixels with 95 % of the variance, ν = 0.1, γ = 1/components: no
#   label is used. *Chosen by test labels*: ν and γ with the best AUROC on a tenth of the labelled
#   test images, as in the code of {cite:t}`ruff2018deep`; an upper bound, judged on the rest. That
#   code contrast-normalises CIFAR-10 first and does not whiten; here are plain pixels, unwhitened.
#
# KDE {cite:p}`parzen1962estimation`
# : Gaussian kernel on the same components, the bandwidth by held-out likelihood of training images.
#   No label was used in the earlier code either, so there is no upper bound.
#
# DAE {cite:p}`vincent2008extracting`
# : LSA's autoencoder, trained to undo Gaussian noise of 0.2; its error on the clean image.
#
# VAE {cite:p}`kingma2014auto`
# : GradCon's own network. The main score is the KL divergence on CIFAR-10, where the published row
#   is one, and minus the ELBO elsewhere; the other one stands beside it.
#
# LSA {cite:p}`abati2019lsa`
# : Autoencoder and autoregressive density of its code, trained together; *without estimator* the
#   autoencoder alone, with its error as score.
#
# DSVDD {cite:p}`ruff2018deep`
# : One-class Deep SVDD on contrast-normalised images, after training as an autoencoder.
#
# GradCon {cite:p}`kwon2020gradcon`
# : As on the page [](gradcon.ipynb), with the same draws. The reference numbers are that page's.
#
# {glue:text}`cm-updates` In essence:
#
# ```python
# scorer = METHODS["KDE"].fit(Task(train=x, validation=v, seed=0, normal=3, epochs=20))
# metrics.auroc(labels, scorer(test)[""])
# ```

# %% tags=["remove-output"]
EPOCHS = {"DAE": dae_epochs, "DSVDD": svdd_epochs, "LSA": lsa_epochs}
OTHER = ("DAE", "LSA", "DSVDD")
TRIVIAL = "distance to mean"


def arms(name: str, normal: int) -> list[dict[str, object]]:
    """The options of each fit of a method on one class; most have one."""
    if name == "OCSVM":
        return [{}] + [{"by_labels": True}] * ranked
    if name == "LSA":
        return [{"estimator": False}] + [{"estimator": True}] * (normal in estimator_classes)
    options = {"VAE": {"main": "KL" if images.title == "CIFAR-10" else "ELBO"}}
    options |= {"DSVDD": {"pretrain_epochs": svdd_pretrain}}
    options |= {"GradCon": {"alpha": alpha, "beta": beta}}
    return [options.get(name, {})]


def task(name: str, seed: int, normal: int, split: dict[str, np.ndarray], *words: str, **more):
    """What a method is to learn; `words` tell the trainings of the two parts of this page apart."""
    size, other = sizes.get(name, 28), name in OTHER
    return room.Task(
        train=pixels(size, split["train"][: train_limit or None]),
        validation=pixels(size, split["validation"]),
        seed=seed,
        normal=normal,
        epochs=EPOCHS.get(name, epochs),
        batch_size=(other_batch_size or None) if other else batch_size,
        learning_rate=(other_learning_rate or None) if other else learning_rate,
        precision=precision,
        checkpoint=lambda what: workspace.checkpoint_path(*words, what, normal, seed),
        identity={"data": images.sha256, "train_limit": train_limit, "part": words},
        **more,
    )


truth = {c: data.anomaly_labels(images.labels[everyone], c) for c in classes}
# a tenth of the test images, which an upper bound may look at
tenths = {(seed, c): room.a_tenth(truth[c], draw(seed, "labelled", c)) for seed, c in splits}
scored, scorers = {}, {}  # by seed, class, method and form of its score; one scorer of each to time
for (seed, normal), split in splits.items():
    for name in methods if ranked or timed else ():
        before, tenth = time.monotonic(), tenths[seed, normal]
        labelled = room.Labelled(pixels(sizes[name], everyone[tenth]), truth[normal][tenth])
        given = task(name, seed, normal, split, labelled=labelled)
        for options in arms(name, normal):
            scorer = METHODS[name].fit(given, **options)
            found = scorer(pixels(sizes[name], everyone if ranked else everyone[:1]))
            for form, values in found.items() if ranked else ():
                scored[seed, normal, name, form] = values.double().numpy()
            scorers.setdefault((name, next(iter(found))), scorer)
        seconds = time.monotonic() - before
        print(f"{name} of class {images.class_names[normal]}, seed {seed}: {seconds:.1f} s")
    if trivial and ranked:
        nothing = scores.distance_to_mean(pixels(28, everyone), pixels(28, split["train"]))
        scored[seed, normal, TRIVIAL, ""] = nothing.double().cpu().numpy()

# %% tags=["remove-cell"]
# Outliers at several shares: one GradCon per normal class and seed, F1 and AUC of its scores
GRADCON = METHODS["GradCon"].score
SHARED = {"Recon": "recon", "Grad": "grad", "GradCon": GRADCON}
F1, ANOMALY, AUC = "F1", "F1, anomaly positive", "AUC"
measured: dict[tuple, list[float]] = {}  # by seed, share, method and metric: one value per class
tested: dict[tuple, int] = {}  # by seed and share: test images over all classes


def at_share(kept: tuple, asked: tuple) -> dict[str, float]:
    """All metrics of labels and scores `asked`, by thresholds from those that were `kept` apart."""
    found = {AUC: metrics.auroc(*asked)}
    for metric, positive in ((F1, "normal"), (ANOMALY, "anomaly")):
        threshold = metrics.best_f1_threshold(*kept, positive=positive)
        found[metric] = metrics.f1_at(*asked, threshold, positive=positive)
    return found


for (seed, normal), by_share in folds.items():
    fold = next(iter(by_share.values()))
    best = room.train_gradcon(task("GradCon", seed, normal, fold, "shares"), alpha=alpha)
    asked = [by_share[share][part] for share in by_share for part in ("validation_mixed", "test")]
    union = np.unique(np.concatenate(asked))
    found = scores.gradcon_scores(best.model, pixels(28, union), best.reference.mean, beta=beta)
    found = {score: values.double().numpy() for score, values in found.items()}
    anomalous = data.anomaly_labels(images.labels[union], normal)
    for share, parts in by_share.items():
        held_out, test = (np.searchsorted(union, parts[p]) for p in ("validation_mixed", "test"))
        labels = anomalous[test]
        tested[seed, share] = tested.get((seed, share), 0) + len(labels)
        here = {("accept everything", F1): metrics.f1_accept_all(labels)}
        here["reject everything", ANOMALY] = metrics.f1_at(labels, 0 * labels, -np.inf)
        for name, score in SHARED.items():
            kept = anomalous[held_out], found[score][held_out]
            for metric, value in at_share(kept, (labels, found[score][test])).items():
                here[name, metric] = value
        for (name, metric), value in here.items():
            measured.setdefault((seed, share, name, metric), []).append(value)

# %% tags=["remove-cell"]
# Sizes, counted from the networks, and times, one image at a time
counted = room.published_sizes()
totals, stored = counted.totals, counted.lsa_stored
times: dict[tuple[str, str], float] = {}
timed_images = everyone[:: max(1, len(everyone) // max(1, timed))][:timed]
if timed:
    weights = training.generator(seeds[0], "timing")
    few = pixels(28, everyone[:: max(1, len(everyone) // 64)][:64])
    asked = {("GPND", ""): room.untrained_gpnd(few, weights)}
    # where GradCon is not run an untrained one stands in: its weights do not change the work
    asked |= {} if "GradCon" in methods else {("GradCon", ""): room.untrained_gradcon(few, weights)}
    asked |= {key: scorer for key, scorer in scorers.items() if key[1] != room.CHOSEN}
    shown = {size: pixels(size, timed_images) for size in sized}
    times = room.milliseconds({key: (asked[key], shown[sizes.get(key[0], 28)]) for key in asked})

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
short = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr", "other_learning_rate": "lr"}
TUNED = dict.fromkeys(OTHER, ("other_learning_rate",)) | {
    "VAE": ("learning_rate",),
    "GradCon": ("alpha", "beta", "learning_rate"),
    "Grad": ("alpha", "learning_rate"),
    "Recon": ("alpha", "learning_rate"),
}
changed = {
    name: parameters.changed("comparison", settings, {key: short[key] for key in keys})
    for name, keys in TUNED.items()
}
add, collected = results.collector(run=run, dataset=images.title)
balanced: dict[str, list[float]] = {}  # AUROC of the main scores, for the checked cell
for (seed, normal, name, form), values in scored.items():
    labels, at = truth[normal], np.arange(len(everyone))
    where = {"table": "sota-auroc", "method": name, "metric": "AUROC", "seed": seed}
    where |= {"class_": images.class_names[normal], **changed.get(name, {})}
    where |= {"score": METHODS[name].score} if name in METHODS else {}
    where |= {"form": form} if form else {}
    where |= {"arm": "comparison"} if name == "GradCon" else {}  # chapter gradcon has the main row
    if form == room.CHOSEN:  # on the draw few images of some kind might be left
        at = np.delete(at, tenths[seed, normal])
    else:
        few = np.isin(everyone, splits[seed, normal]["test"])
        value = metrics.auroc(labels[few], values[few])
        add(value, **where, n=int(few.sum()))
        balanced.setdefault(name if not form else f"{name} ({form})", []).append(value)
    add(metrics.auroc(labels[at], values[at]), **where, n=len(at), test="full")
whole = len(share_classes) == len(images.class_names)
part = {} if whole else {"split": "classes " + " ".join(map(str, sorted(share_classes)))}
for (seed, share, name, metric), values in measured.items():
    where = {"table": "fashion-mnist", "method": name, "score": SHARED.get(name, "")}
    where |= {"class_": f"outliers={share * 100:g}%", "metric": metric, "seed": seed}
    add(np.mean(values), **where, n=tested[seed, share], **changed.get(name, {}), **part)
add_plain, plain_rows = results.collector(run=run, dataset="")
counting = {"table": "model-size", "metric": "parameters", "seed": 0, "n": 1}
for name in ("AnoGAN", "GPND", "LSA"):
    add_plain(totals[name], **counting, method=name)
add_plain(stored, **counting, method="LSA", form="stored")
for (name, form), value in times.items():
    where = {"table": "inference-time", "method": name, "metric": "ms per image"}
    where |= {"seed": seeds[0], "n": len(timed_images)} | ({"form": form} if form else {})
    add_plain(value, **where, **({} if channels == 1 else {"channels": channels}))
rows = results.frame([*collected, *plain_rows])
provenance = workspace.leave_run(
    "comparison", settings, rows, began=began, device=device, images=images
)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the documents' own numbers
reference = results.reference_rows()
document = results.published("gradcon-slides")
full_size = results.full_title(images.title)
averaged = results.with_averages(rows)
mine = cm.lines_of(averaged, "arm", "split", *short.values())
there = cm.lines_of(reference)
add_plain(totals["GradCon"], **counting, method="GradCon")  # chapter gradcon leaves this row
judged = pd.concat([cm.lines_of(averaged, "arm"), pd.DataFrame(plain_rows)], ignore_index=True)
board = results.boards(
    "comparison",
    reference,
    results.frame(judged),
    provenance,
    stand_in={full_size: images.title},
)
CHECKED = ("OCSVM", "KDE", "DAE", "DSVDD", "GradCon")  # not the VAE: its spread is too uneven
checked = {name: float(np.mean(balanced[name])) for name in CHECKED if name in balanced}
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    print(*results.check_lines("comparison", checked), sep="\n")

# %% [markdown]
# ## Result
#
# {glue:text}`cm-build`
#
# Lines called *published* are the document's, with the table that they agree with; *reference* are
# our committed runs on the full images, *this build* is the run you are looking at, both on the
# balanced draw. LSA has its estimator on few classes at most, so its line may be short or missing;
# the line *without estimator* has every class.


# %% tags=["hide-input", "full-width", "figure"]
def tabled(title: str):
    """The document's table of one data set, each published line with its protocol."""
    here = title == full_size
    found = results.three_numbers(
        mine if here else mine.iloc[:0],
        there,
        document,
        table="sota-auroc",
        dataset=images.title if here else title,
        published_dataset=title,
        intervals_in=["average"],
    )
    found = results.flat_numbers(found, title)
    names = [line.partition(" (")[0] for line in found["method"]]
    protocols = []
    for name, numbers in zip(names, found["numbers"], strict=True):
        size = METHODS[name].size(3 if title == "CIFAR-10" else 1) if name in METHODS else 28
        protocol = f"balanced draw, {size}×{size}"
        if numbers == "published":
            protocol = published_protocol(name, title).origin
            protocol += ", not re-run" if name in NOT_RERUN else ""
        protocols.append(protocol)
    found.insert(2, "protocol", protocols)
    order = list(dict.fromkeys(names))
    found = found.iloc[sorted(range(len(found)), key=lambda i: order.index(names[i]))]
    caption = f"AUROC by class, {title}"
    return results.page_table(found.drop(columns="score"), caption).hide(axis="index")


tabled(full_size)

# %% tags=["hide-input", "full-width", "figure"]
tabled("MNIST" if full_size == "CIFAR-10" else "CIFAR-10")


# %% tags=["remove-cell", "figure"]
panels = {f"this build, {images.title}": cm.auroc_by_class(mine, images.title)}
panels |= {
    f"reference, {t}": cm.auroc_by_class(there, t) for t in ("CIFAR-10", "MNIST", "Fashion-MNIST")
}
panels = {title: found for title, found in panels.items() if len(found) > 1}
every_line = list(dict.fromkeys(line for found in panels.values() for line in found.index))
tall = 0.6 + 2.7 * len(panels)
layout = {"squeeze": False, "sharey": True}
figure, axes = plt.subplots(max(1, len(panels)), figsize=(8.5, tall), **layout)
named = {}  # one entry a line for the legend, whichever panels have it
for axis, (title, found) in zip(axes[:, 0], panels.items(), strict=False):  # perhaps no panel
    for place, line in enumerate(every_line):
        if line in found.index:
            heavy, shift = line == "GradCon", (place - len(every_line) / 2) * 0.07
            look = {"color": "black" if heavy else f"C{place % 10}", "ms": 7 if heavy else 5}
            where = np.arange(found.shape[1]) + shift
            named[line] = axis.plot(where, found.loc[line], "oPsXDvd^<>"[place % 10], **look)[0]
    axis.set_xticks(range(found.shape[1]), found.columns)
    axis.axhline(0.5, color="0.7", ls=":")
    axis.set(title=title, ylabel="AUROC", xlim=(-0.6, found.shape[1] - 0.4))
axes[-1, 0].set_xlabel("normal class")
figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4, fontsize="small")
glue("cm-classes", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} cm-classes
# :name: fig-cm-classes
# AUROC by normal class of every method that was run, on the balanced draw; means over the seeds
# that all of a panel's methods have.
# ```
#
# {glue:text}`cm-dead` The page [](gradcon.ipynb) shows how a network dies. That is a failure of the
# training, not of the score; GradCon's means on digits are over both kinds of networks.
#
# ### Balanced draw against all test images
#
# An AUROC is the chance that an abnormal image scores above a normal one, so the share of abnormal
# images does not matter: the balanced draw estimates the same number from fewer images. The
# difference is noise of the draw, not an advantage of either protocol. {glue:text}`cm-draws` A mean
# is over the classes that a method was run on, as many as *classes* says, and *GradCon on
# these* is GradCon's over the same ones, on all test images; the published mean is over all ten.


# %% tags=["hide-input", "full-width", "figure"]
draws = cm.both_draws(mine, images.title)
shown = {"this build": draws, "reference": cm.both_draws(there, full_size)}
both = pd.concat({word: found for word, found in shown.items() if len(found)}, axis=1)
printed_means = document[(document["table"] == "sota-auroc") & (document["dataset"] == full_size)]
printed_means = printed_means[printed_means["class"] == "average"].set_index("method")["value"]
protocols = [
    published_protocol(name, full_size).test if name in printed_means else "" for name in both.index
]
both.insert(0, ("published", "mean"), printed_means.reindex(both.index))
both.insert(1, ("published", "test images"), protocols)
results.page_table(
    both.rename_axis(index=None),
    f"Mean AUROC over classes: {images.title} in this build, {full_size} in the others",
).format(precision=3, na_rep="")

# %% [markdown]
# The line *chosen by test labels* was measured without the tenth of the test images that chose its
# settings, so it stands under *all test images* only. It has other principal components than the
# label-free machine (not whitened, as in that code), so it need not lie above it.
#
# ### Do our rows follow the printed ones?
#
# Most printed rows come from other papers, and the settings behind them are not always given. The
# classes show how near each of our lines is to the printed row, those with two scores or two
# choices of settings included. {glue:text}`cm-nearest`

# %% tags=["hide-input", "full-width", "figure"]
met = {title: cm.beside_printed(there, document, title) for title in ("CIFAR-10", "MNIST")}
results.page_table(
    pd.concat(met, names=["images", "method"]),
    "Our reference on all test images beside the printed row of the same method, ten classes each",
).format(precision=3)

# %% [markdown]
# ## Outliers at several shares
#
# On Fashion-MNIST the slides follow GPND {cite:p}`pidhorskyi2018gpnd`: all images in five folds,
# three to train, one to choose a threshold, one to test, and abnormal images mixed in at a share of
# 10 to 50 %. F1 takes *normal* for the positive class, so a detector that accepts every image
# starts high: with a share $p$ of normal images it has $2p/(1+p)$, the line *accept everything*.
# *F1, anomaly positive* has a threshold chosen for it and a floor of its own, *reject everything*.
# {glue:text}`cm-shares-line`

# %% tags=["hide-input", "full-width", "figure"]
by_metric = {
    metric: results.three_numbers(
        mine,
        there,
        document,
        table="fashion-mnist",
        dataset=images.title,
        published_dataset="Fashion-MNIST",
        metric=metric,
    )
    for metric in (F1, ANOMALY, AUC)
}
share_table = pd.concat(by_metric, names=["metric"]).fillna("")
share_table = results.flat_numbers(share_table, "Fashion-MNIST").drop(columns="score")
share_table.columns = share_table.columns.str.removeprefix("outliers=")
caption = "Fashion-MNIST: mean over the normal classes, by share of outliers"
results.page_table(share_table, caption).hide(axis="index")


# %% tags=["remove-cell", "figure"]
LINES = {"Recon": COLOURS["recon"], "Grad": COLOURS["grad"], "GradCon": COLOURS[GRADCON]}
LINES |= {"GPND": COLOURS["trivial"], "accept everything": "C9", "reject everything": "C9"}
SOURCES = {
    f"this build, {images.title}": (mine, images.title, {"ls": "-", "marker": "o"}),
    "reference, Fashion-MNIST": (there, "Fashion-MNIST", {"ls": ":", "marker": "^"}),
    "published, Fashion-MNIST": (document, "Fashion-MNIST", {"ls": "--"}),
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), sharex=True)
for axis, metric in zip(axes, (F1, ANOMALY, AUC), strict=True):
    for name, colour in LINES.items():
        for table, title, form in SOURCES.values():
            curve = cm.share_curve(table, title, name, metric)
            axis.plot(curve.index, curve, color=colour, ms=4, **form)
    axis.set(title=metric, xlabel="outliers, % of the images")
axes[0].set_ylabel("mean over normal classes")
keys = {name: {"color": colour} for name, colour in LINES.items()}
keys |= {title: {"color": "black", **form} for title, (*_, form) in SOURCES.items()}
handles = [plt.Line2D([], [], **key) for key in keys.values()]
figure.legend(handles, keys, loc="outside lower center", ncols=5, fontsize="small")
glue("cm-share-curves", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} cm-share-curves
# :name: fig-cm-share-curves
# F1 and AUC over the share of outliers. Light blue: the floor, a detector that gives every image
# the same answer. Published F1 has normal as its positive class, as on the left.
# ```
#
# ## Efficiency
#
# ### What the sizes count
#
# The slides print four numbers of parameters. Each can be counted from networks:
#
# - AnoGAN's is a plain DCGAN, generator *and* discriminator, for grey images of **64×64** pixels,
#   with noise of 100 numbers and no biases in the convolutions. No experiment of the table has such
#   images.
# - GPND's is all four networks of its public code of 2018. The count includes a layer of the
#   generator that is never called: {glue:text}`cm-gpnd-unused` parameters.
# - LSA's is the MNIST model with the weights that its masks leave. Stored are
#   {glue:text}`cm-lsa-stored`, about twice as many.
# - GradCon's is the network for *grey* images, while its headline table is in colour.
#
# So the numbers count what is trained, both players of a GAN included, and two methods need only
# part of it to score an image. {glue:text}`cm-size-line`

# %% tags=["nbval-check-output", "remove-cell"]
for name, parts in counted.parts.items():
    print(name, f"{totals[name]:,}", {part: f"{count:,}" for part, count in parts.items()})
print("never called by GPND", f"{counted.gpnd_unused:,}", "stored by LSA", f"{stored:,}")

# %% tags=["hide-input", "full-width", "figure"]
printed = document[document["metric"] == "parameters"].set_index("method")["value"]
sized_up = pd.DataFrame(
    [
        {
            "method": name,
            "published": f"{printed[name]:,.0f}",
            "counted": f"{totals[name]:,}",
            "GradCon's, times": f"{totals[name] / totals['GradCon']:.1f}",
            "of which": "; ".join(f"{part} {count:,}" for part, count in parts.items()),
        }
        for name, parts in counted.parts.items()
    ]
)
results.page_table(sized_up, kind="words")

# %% [markdown]
# ### Time per image
#
# The slides give times on a machine that they do not name, so only the ratio can be compared, and
# even that depends on the overhead of calls for a single image. Here every method scores the same
# images one at a time, in one run. GPND has random weights, which does not change what its scoring
# computes: the Jacobian of its encoder for each image, singular values, densities. The VAE's time
# is for both of its scores. {glue:text}`cm-time-line`

# %% tags=["hide-input", "full-width", "figure"]
printed_times = document[document["metric"] == "ms per image"].set_index("method")["value"]
here_times, there_times = cm.timed_rows(rows), cm.timed_rows(reference)
timetable = pd.DataFrame(
    {
        "this run, ms": here_times.mean(),
        "GradCon's, times": here_times.mean() / here_times.mean().get("GradCon", np.nan),
        "reference, ms": there_times.mean(),
        "reference, times": there_times.mean() / there_times.mean().get("GradCon", np.nan),
        "published, ms": printed_times,
    }
).sort_values(["this run, ms", "reference, ms"])
timetable = timetable[timetable[["this run, ms", "reference, ms"]].notna().any(axis=1)]
results.page_table(timetable.rename_axis(index=None)).format(precision=2, na_rep="")

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.2))
by_size = sorted(totals, key=totals.get, reverse=True)
axes[0].barh(by_size, [totals[name] for name in by_size], color="0.6")
axes[0].set(xscale="log", xlabel="parameters")
if times:
    by_time = timetable["this run, ms"].dropna().iloc[::-1]
    colours = [COLOURS[GRADCON] if name == "GradCon" else "0.6" for name in by_time.index]
    axes[1].barh(by_time.index, by_time, color=colours)
axes[1].set(xscale="log", xlabel="ms per image, one at a time")
glue("cm-times", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} cm-times
# :name: fig-cm-times
# Left: parameters as the slides count them. Right: median time to score one image, this run.
# ```
#
# ## What the slides claim, judged
#
# Each verdict is computed by the rule in `results/claims.yml` from rows of the methods above. A
# claim about a method that is not re-run can fail by another one, but not hold: at best it is *not
# tested yet*. So beside it stands one about the methods that are re-run.

# %% tags=["hide-input", "full-width", "figure"]
results.judged(board, "comparison")

# %% [markdown]
# ## Exercise
#
# ```{exercise}
# :label: ex-cm-add
# Add a method: distance to the nearest training image. How many lines does it take?
# ```
#
# ````{solution} ex-cm-add
# :class: dropdown
# A file `lib/methods/nearest.py`, and one line in `lib/methods/table.py`:
#
# ```python
# def fit_nearest(task: Task) -> Scorer:
#     known = task.train.flatten(1)
#
#     def score(x: Tensor) -> dict[str, Tensor]:
#         return {"": task.scored(lambda part: torch.cdist(part.flatten(1), known).amin(1), x)}
#
#     return score
# ```
#
# Then `python -m lib.execute comparison -p methods '["nearest", "GradCon"]'`.
# ````
#
# ## About this run
#
# :::{admonition} How these numbers were made
# :class: note
# {glue:text}`cm-box`
#
# To make them again or with other settings see [](rerunning.md); what differs from the document,
# and why, is listed in [](deviations.md).
# :::

# %% tags=["remove-cell", "figure"]
# Every sentence with a number in it is put together here, from the rows.
sentences = {}
known = [
    told.standing(there, title, f"Our reference, on {title}:") for title in ("CIFAR-10", "MNIST")
]
sentences["reference"] = " ".join(filter(None, known)) or (
    "There are no reference runs of the other methods yet, on CIFAR-10 or MNIST."
)
this_words = f"This build, on {images.title}:"
sentences["build"] = told.standing(mine, images.title, this_words) or f"{this_words} no GradCon."
sentences["nearest"] = " ".join(
    filter(None, [told.nearest_printed(found, title) for title, found in met.items()])
) or ("There are no reference runs on ten classes yet.")
sentences["dead"] = told.dead_networks(reference, "MNIST")
shares_here = (
    told.over_shares(mine, images.title, this_words) or "This build leaves the shares out."
)
shares_there = told.over_shares(there, "Fashion-MNIST", "Our reference, on Fashion-MNIST:")
sentences |= {"shares": shares_there or shares_here}
sentences["shares-line"] = " ".join(filter(None, [shares_there, shares_here]))
sentences["draws"] = (
    f"In this build the mean over classes moves by at most {draws['difference'].abs().max():.3f}, "
    f"and a single class by at most {draws['largest of a class'].max():.3f}."
    if len(draws)
    else "This build ranked nothing."
)
document_epochs = parameters.profile("paper", "comparison")["lsa_epochs"]
updates = partial(told.updates, len(first["train"][: train_limit or None]))
in_reference = {
    f"{name} {given[key]} on {given['dataset']}"
    for text in results.reference_runs().query("chapter == 'comparison'")["parameters"]
    for given in [results.run_parameters(text)]
    for name, key in (("DAE", "dae_epochs"), ("LSA", "lsa_epochs"))
    if name in given["methods"] and given.get("ranked", True)
}
own_batch = other_batch_size or room.LSA_BATCH
sentences["updates"] = (
    f"For class {images.class_names[classes[0]]} this run's epochs are "
    f"{updates(lsa_epochs, own_batch)} updates of LSA and {updates(dae_epochs, own_batch)} of the "
    f"DAE; the {document_epochs} epochs of LSA's supplement, whose DAE has the same body, would be "
    f"{updates(document_epochs, room.LSA_BATCH)}. "
    + (f"Epochs of our reference: {', '.join(sorted(in_reference))}." if in_reference else "")
).strip()
by_times = ", ".join(
    f"{name} {totals[name] / totals['GradCon']:.1f} times"
    for name in sorted(totals, key=totals.get)
    if name != "GradCon"
)
sentences["size-line"] = f"GradCon has {totals['GradCon']:,} parameters; {by_times} as many."
sentences |= {"lsa-stored": f"{stored:,}", "gpnd-unused": f"{counted.gpnd_unused:,}"}
printed_ratio = printed_times["GPND"] / printed_times["GradCon"]
sentences["time-line"] = " ".join(
    [
        told.time_ratio(here_times, "This run") or "This run timed nothing.",
        *filter(None, [told.time_ratio(there_times, "Our reference runs")]),
        f"The slides' two times have the ratio {printed_ratio:.2f}.",
    ]
)
sentences["efficiency"] = f"{sentences['size-line']} {sentences['time-line']}"
settings_told = (
    f"methods {', '.join(methods)}; classes {classes}; seeds {seeds}; epochs: GradCon and VAE "
    f"{epochs} (batches of {batch_size}, learning rate {learning_rate:g}), DAE {dae_epochs}, "
    f"Deep SVDD {svdd_pretrain} + {svdd_epochs}, LSA {lsa_epochs}, with estimator on classes "
    f"{estimator_classes}, DAE and LSA in {precision}; alpha {alpha:g}, beta {beta:g}; outlier "
    f"shares {outlier_shares} on classes {share_classes if outlier_shares else []}"
)
took = began.seconds()
sentences["box"] = results.run_words(provenance, images.title, settings_told, seconds=took)
for name, sentence in sentences.items():
    glue(f"cm-{name}", sentence, display=False)
