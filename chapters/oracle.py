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
# # Oracle: what the latent space knows and the score does not say
#
# *Dietterich, Garrepalli and Guyer* {cite:p}`dietterich2021representation` *ask two questions of a
# classifier that meets a class it has never seen: how much does its latent space know about it, and
# how much of that does the anomaly score bring out?*
#
# :::{admonition} What we found
# :class: tip
# - {glue:text}`or-q1`
# - {glue:text}`or-q2`
# - {glue:text}`or-q3`
# - {glue:text}`or-doubt`
# - {glue:text}`or-build`
# :::

# %% tags=["parameters", "hide-input"]
profile = "custom"  # the profile these values came from; goes into the record
dataset = "mnist-5k"  # mnist-5k, mnist, fashion-mnist, cifar-10 or cifar-100
data_root = ""  # folder of the image sets; empty: $COMPANION_DATA, then data/
networks = ["base", "all classes", "generalized odin"]  # trained for every split; base is needed
extra = ["hybrid 0.9", "reconstruction"]  # trained for the first split and seed only
splits = [0]  # splits of the classes, one experiment each
seeds = [0]  # division of the images, initial weights and batches
latents = False  # take z and logits from results/reference/latents in place of training
store = []  # networks whose z and logits are left beside the rows
width = 8  # of ResNet-34; z has eight times as many numbers (the document: 64)
epochs = 6  # passes over the training images
learning_rate = 0.1  # of SGD; the peak of the schedule
schedule = "one-cycle"  # or steps: a tenth from half and again from three quarters on
batch_size = 64  # images per update
precision = "float32"  # of the large products in training; or bfloat16
trees = 1000  # of the oracle's random forests
curve_trees = 200  # of forests that are drawn as curves or compared among themselves
labelled = [10, 30, 100, 300]  # labelled anomalies of the forest's learning curve
far = ["noise"]  # images from elsewhere: names of image sets, or noise
temperatures = [1, 10, 100, 1000]  # of ODIN
epsilons = [0.0, 0.001, 0.002, 0.004]  # of ODIN's input perturbation
sample = 200  # test images for ODIN, and most images of each far set
trust = False  # also read images whose content hash is not known
device = "auto"  # auto, cpu or cuda

# %% tags=["remove-cell"]
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from lib import data, metrics, models, parameters, results, scores, training, workspace
from lib.data import class_names
from lib.errors import BadInput
from lib.figures import oracle as drawn
from lib.figures import roc_curves, score_histograms, use_style
from lib.pages import oracle, oracle_curves, oracle_page, oracle_tables, oracle_words
from lib.pages import oracle_run_words as run_words
from lib.pages.oracle_page import EVERY, FORESTS, FULL, LINES, PROBES, SCORE
from lib.results import latent_store

began = workspace.begin()
settings = {name: globals()[name] for name in parameters.declared("oracle")}
run = workspace.run_name("oracle", settings)
parameters.need_entries(settings, 0, "seeds", "splits")
parameters.need_entries(settings, 1, "labelled")
if "base" not in networks:
    raise BadInput(f"networks must have the base network, but is {networks}.")
recipes = {name: training.recipe(name) for name in (*networks, *extra)}
if len(recipes) < len(networks + extra):
    raise BadInput(f"Each network can be named once, but {networks} and {extra} came.")
if not set(store) <= set(recipes):
    raise BadInput(f"store can name trained networks only, but is {store}.")
if min(sample, trees, curve_trees, batch_size - 1) < 1:
    raise BadInput("sample and trees must be at least 1, and batch_size at least 2.")
if 0 not in epsilons or min(epsilons) < 0 or 1 not in temperatures or min(temperatures) <= 0:
    raise BadInput("epsilons need 0 and none below, temperatures 1 and none that is not above 0.")
device = training.named_device(device)
training.deterministic(seeds[0])
use_style()

# %% [markdown]
# ## The question
#
# To judge the health of a stream one collects the insects that live in it and counts them by
# species. The talk's group built a classifier for 54 classes of freshwater insects, about 90 %
# right. It could not be used: there are some 76,000 species in the world, and nets bring up stones
# and leaves as well. Asked whether a specimen belongs to *any* of its classes, the system erred
# one time in five, as often one way as the other: an equal error rate of 20 %. That is why the
# equal error rate stands beside the AUC wherever detectors are compared here.
#
# The obvious answer is to look at how *sure* the classifier is. With logits $\ell(x)$ of the known
# classes, three scores, each high for anomalies:
#
# $$
# 1 - \max_y P(y \mid x), \qquad H\bigl(P(\cdot \mid x)\bigr), \qquad -\max_y \ell_y(x).
# $$ (eq-or-scores)
#
# The slides print the third without its minus and the first with arg max; we read both as meant.
# This ought not to work, says the talk, since a classifier should discard whatever does not help
# to tell its classes apart. Yet it works fairly well. So two gaps are measured, with the numbers
# $z$ before the last layer as the *latent space*:
#
# 1. **Q1, detector**: from the score to an *oracle detector*, a random forest that sees $z$ of
#    labelled nominal images **and labelled anomalies**.
# 2. **Q2, representation**: from there to the same forest on an *oracle representation*, $z$ of a
#    network that was trained on all classes, the anomalies included.
#
# Neither oracle is a detector for use. The first says what the latent space holds, the second what
# the architecture could hold. **Q3** asks whether a network that must also draw its input again
# holds more; it has a [page of its own](improvements.ipynb), with all else that was tried to bring
# more of the information out.
#
# ## Images, classes, splits
#
# Every class is cut into 60 % for training, 20 % for validation and 20 % for testing. Six of ten
# classes are nominal; of the other four the classifier never sees an image. All splits of the
# classes share one division of the images.

# %% tags=["hide-input"]
images = data.load(dataset, data_root=data_root or None, trust=trust)
pixels = torch.from_numpy(data.pad(images.images, 32).copy())  # 28×28 digits get a black frame
names, channels = images.class_names, images.images.shape[1]


def nominal_of(split: int) -> tuple[int, ...]:
    drawing = training.numpy_generator(split, "anomaly classes")
    return data.nominal_split(split, len(names), drawing)


def anomalies_of(split: int) -> tuple[int, ...]:
    return data.remaining_classes(nominal_of(split), len(names))


def divide(split: int, seed: int) -> dict[str, np.ndarray]:
    return data.open_set(images, anomalies_of(split), training.numpy_generator(seed, "division"))


experiments = [(split, seed) for seed in seeds for split in splits]
FIRST = experiments[0]
parts = {each: divide(*each) for each in experiments}
levels = pixels[parts[FIRST]["train_all"]].double() / 255
mean, deviation = [round(float(levels.mean()), 4)], [round(float(levels.std()), 4)]
if channels == 3:
    mean, deviation = models.CIFAR_MEAN, models.CIFAR_DEVIATION

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
for part, members in parts[FIRST].items():
    print(f"{part}: {len(members)}")
for split in splits:
    word, of = ("anomalies", anomalies_of) if len(names) > 10 else ("nominal", nominal_of)
    print(f"split {split}, {word}:", ", ".join(names[label] for label in of(split)))
document_width = models.ResNet34(10)
print(f"ResNet-34 at width 64: {models.count_parameters(document_width):,} parameters")
here = models.ResNet34(len(nominal_of(splits[0])), width=width, channels=channels)
print(f"at width {width}: {models.count_parameters(here):,} parameters, z of {8 * width} numbers")

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(2, 6, figsize=(7.5, 2.9))
shown = {"nominal": nominal_of(splits[0]), "anomalies": anomalies_of(splits[0])}
drawn.class_examples(axes, images.images, images.labels, shown, names)
glue("or-classes", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-classes
# :name: fig-or-classes
# One image of some nominal and some anomaly classes of the first split.
# ```
#
# These are all splits of ten classes, as positions and as CIFAR-10 has them, and the first anomaly
# classes drawn for CIFAR-100:

# %% tags=["hide-input", "figure"]
lists = {
    ("ten classes, nominal", split): ", ".join(f"{c} {class_names.CIFAR_10[c]}" for c in nominal)
    for split, nominal in enumerate(data.distinct_splits(data.CIFAR10_SPLITS))
}
for split in range(3):
    drawing = training.numpy_generator(split, "anomaly classes")
    words = [class_names.CIFAR_100[label] for label in data.draw_classes(100, 20, drawing)]
    lists["CIFAR-100, anomalies", split] = ", ".join(words)
lists = pd.DataFrame({"classes": lists}).rename_axis(["", "split"])
lists.style.set_table_attributes('class="words"').set_caption("Splits of the classes")

# %% [markdown]
# ## The networks
#
# ResNet-34 {cite:p}`he2016resnet` for images of 32×32 pixels, trained with crops and, but for
# digits, flips; the epoch of best validation accuracy is kept. At the document's width of 64 an
# epoch takes minutes of a GPU and far more of a CPU, so ours are narrow. {glue:text}`or-budget`
#
# Every other network is named by a *recipe* and differs from the base network in one thing:

# %% tags=["hide-input"]
shown = {
    name: training.recipe_words(each, width=width)
    | {"splits": "all" if name in networks else "first"}
    for name, each in recipes.items()
}
results.page_table(pd.DataFrame.from_dict(shown, orient="index"), "The networks of this build")

# %% [markdown]
# The pictures' error is averaged over pixels and channels. Where λ exceeds 1 the whole loss is
# divided by it, since SGD at one learning rate would not survive it otherwise.

# %% tags=["hide-input", "remove-output"]
fitted, held, known = {}, {}, {}
usual_epochs = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 50, 100, 200)
kept_epochs = [*(epoch for epoch in usual_epochs if epoch < epochs), epochs]


def key_of(name: str, each: tuple[int, int]) -> tuple[str, int, int]:
    """One network of all classes serves every split of a seed."""
    return name, splits[0] if recipes[name].classes == "all" else each[0], each[1]


def classes_of(name: str, each: tuple[int, int]) -> tuple[int, ...]:
    every = recipes[name].classes == "all"
    return tuple(range(len(names))) if every else nominal_of(each[0])


def untrained(name: str, each: tuple[int, int]) -> models.ResNet34:
    shape = {"classes": len(classes_of(name, each)), "width": width, "channels": channels}
    scale = {"mean": mean, "deviation": deviation}
    return training.untrained_network(recipes[name], seed=each[1], **shape, **scale).to(device)


def train(name: str, each: tuple[int, int]) -> training.TrainedClassifier:
    """One trained network; goes on from its checkpoint where there is one."""
    split, seed = each
    budget = ("epochs", "learning_rate", "schedule", "batch_size", "precision")
    classes, ending = classes_of(name, each), "_all" if recipes[name].classes == "all" else ""

    def labelled_images(part: str) -> tuple[torch.Tensor, torch.Tensor]:
        indices = parts[each][part + ending]
        targets = data.class_positions(images.labels[indices], classes)
        return pixels[indices].to(device), torch.from_numpy(targets).to(device)

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 3) == 0 or entry["epoch"] == epochs:
            accuracy = f"validation accuracy {entry['validation_accuracy']:.3f}"
            print(f"{name}, split {split}, epoch {entry['epoch']:.0f}/{epochs}, {accuracy}")

    return training.fit_recipe(
        recipes[name],
        untrained(name, each),
        labelled_images("train"),
        labelled_images("validation"),
        seed=seed,
        identity={"data": images.sha256, "nominal": list(nominal_of(split))},
        **{word: settings[word] for word in budget},
        flip=not images.name.startswith("mnist"),
        keep=kept_epochs if name == "base" else (),
        progress=report,
        checkpoint=workspace.checkpoint_path(name.replace(" ", "-"), split, seed),
    )


def read(network: models.ResNet34, each: tuple[int, int]) -> results.Latents:
    """z and logits of validation and test images, rounded as they are stored."""
    indices = np.concatenate([parts[each]["validation_all"], parts[each]["test"]])
    found = training.predict(network, pixels[indices])
    z, logits = (part.numpy().astype(np.float16).astype(np.float32) for part in reversed(found))
    return results.Latents(z=z, logits=logits, labels=images.labels[indices], indices=indices)


asked_for = [(n, e) for e in experiments for n in [*networks, *(extra if e == FIRST else [])]]
for name, each in asked_for:
    key = key_of(name, each)
    if key in held:
        continue
    where = dict(zip(latent_store.KEYS, (images.title, *key), strict=True))
    where |= {"data_sha256": images.sha256, "epochs": epochs}
    if latents:
        found = latent_store.find_trained(
            **where,
            width=recipes[name].width or width,
            any_split=recipes[name].classes == "all",
            folder=latent_store.LATENTS,
        )
        if found:
            held[key], known[key] = found
        continue
    fitted[key] = done = train(name, each)
    held[key] = read(done.model, each)
    accuracy = done.history[done.epoch - 1]["validation_accuracy"]
    known[key] = {"epoch": done.epoch, "validation_accuracy": round(accuracy, 6)}
    known[key]["width"] = done.model.trunk[0].out_channels
    if name in store and workspace.work_folder():
        folder = workspace.work_folder() / "latents"
        latent_store.keep_latents(folder, held[key], where | known[key])
if any(("base", *each) not in held for each in experiments):
    raise BadInput(f"No z of the base network is stored for {images.title}, splits {splits}.")

# %% [markdown]
# ## Scores and oracles in a few lines
#
# ```python
# found = training.predict(network, images)  # logits and z
# score = scores.max_logit(found.logits)  # higher is more anomalous
# oracle = scores.forest_score(z_of_validation, is_anomaly, found.z, rng=rng)
# gap = metrics.delong_difference(is_anomaly_in_test, oracle, score)
# ```
#
# The forest has {glue:text}`or-trees` trees, {glue:text}`or-curve-trees` where curves are drawn,
# and scikit-learn's defaults otherwise. Beside it stand, on the same $z$, a
# linear probe and the vote of the ten nearest labelled images, and one detector that knows no
# anomaly: the distance to the tenth nearest nominal validation image.

# %% tags=["remove-cell"]
# Rows: one number each. What differs from the profile's own setting goes into `variant`.
changed = oracle_page.changed(settings)
add, collected = results.collector(run=run, dataset=images.title)
FOREST, SMALL_FOREST = oracle.forest_name(trees), oracle.forest_name(curve_trees)
PIXEL_FOREST = oracle.forest_name(trees, "pixels")
jobs = torch.get_num_threads()
# minutes for a thousand trees: a killed run need not grow them again
forest_score = workspace.remembered(scores.forest_score, but=["jobs"])
forest_learning_curve = workspace.remembered(scores.forest_learning_curve, but=["jobs"])


def add_all(numbers: dict[str, float], each: tuple[int, int], **where) -> None:
    """A row per metric; its seed counts splits and seeds, for both repeat the experiment."""
    setting = {"class_": oracle.CLASS, "seed": each[0] + 100 * each[1], **changed}
    for metric, value in numbers.items():
        add(value, metric=metric, **(setting | where))


def sides_of(found: results.Latents, each: tuple[int, int]) -> data.Sides:
    nominal, test = nominal_of(each[0]), parts[each]["test"]
    return data.sides(**vars(found), test=test, nominal=nominal)


def forest(side: data.Sides, *purpose, trees=trees, besides=None, keep=slice(None)) -> np.ndarray:
    """The oracle detector's score of the test images and of `besides`; `keep`: what it sees."""
    rng = training.numpy_generator(0, "forest", *purpose)
    asked = side.z if besides is None else np.concatenate([side.z, besides])
    seen = side.known_z[keep], side.known_y[keep]
    return forest_score(*seen, asked, rng=rng, trees=trees, jobs=jobs)


def far_images(name: str) -> torch.Tensor:
    """At most `sample` images from elsewhere, as this network takes them."""
    if name == "noise":
        shape, drawing = (sample, channels, 32, 32), training.generator(seeds[0], "noise")
        return torch.randint(256, shape, generator=drawing, dtype=torch.uint8)
    if name == dataset:
        raise BadInput(f"far must name other images than those of the run, but has {name!r}.")
    other = data.load(name, data_root=data_root or None, trust=trust)
    chosen = data.pad(other.images[oracle.evenly(len(other.images), sample)], 32)
    return torch.from_numpy(data.with_channels(chosen, channels).copy())


others = {} if latents else {name: far_images(name) for name in far}
sides, forests, max_logits, far_found, far_forests = {}, {}, {}, {}, {}
for name, each in asked_for:
    if key_of(name, each) not in held:
        continue
    side = sides[name, each] = sides_of(held[key_of(name, each)], each)
    if name == "base" and others:  # the same forest is asked about far images, too
        network = fitted["base", *each].model
        far_found[each] = {word: training.predict(network, x) for word, x in others.items()}
        far_z = [found.z.numpy() for found in far_found[each].values()]
        found = forest(side, name, *each, besides=np.concatenate(far_z))
        ends = np.cumsum([len(side.z), *map(len, far_z)])[:-1]
        forests[name, each], *at_far = np.split(found, ends)
        far_forests[each] = dict(zip(others, at_far, strict=True))
    else:
        forests[name, each] = forest(side, name, *each)


# every network: its accuracy, the scores of its logits, the detectors on its z
for (name, each), side in sides.items():
    method, variant = oracle.method_of(name)
    setting = {"table": "networks", "method": method, "n": len(side.y), **variant}
    classifies = recipes[name].classification > 0
    if classifies:
        found = {"test accuracy": data.own_accuracy(side, classes_of(name, each))}
        found["validation accuracy"] = known[key_of(name, each)]["validation_accuracy"]
        add_all(found, each, **setting)
    found = {
        FOREST: forests[name, each],
        oracle.PROBE: scores.linear_probe_score(side.known_z, side.known_y, side.z),
        oracle.VOTE: scores.oracle_neighbour_vote(side.known_z, side.known_y, side.z, jobs=jobs),
    }
    if recipes[name].classes == "nominal":
        nominal_z = side.known_z[side.known_y == 0]
        found[oracle.NEIGHBOUR] = scores.nominal_neighbour_distance(nominal_z, side.z, jobs=jobs)
        if classifies:
            for score, entry in scores.LOGIT_TABLE.items():
                found[score] = entry(logits=side.logits).numpy()
            max_logits[name, each] = found["max logit"]
    if name == "generalized odin" and key_of(name, each) in fitted:  # stored logits are h / g alone
        head = fitted[key_of(name, each)].model.head.cpu()
        parted = scores.head_scores(head, torch.from_numpy(side.z))
        found |= {score: values.numpy() for score, values in parted.items()}
        head.to(device)
    for score, values in found.items():
        add_all(oracle.detection(side.y, values), each, score=score, **setting)

# the talk's three numbers and two gaps
for each in experiments:
    y = sides["base", each].y
    steps = {(oracle.BASE, "max logit"): max_logits["base", each]}
    steps[oracle.DETECTOR, FOREST] = forests["base", each]
    if ("all classes", each) in sides:
        steps[oracle.REPRESENTATION, FOREST] = forests["all classes", each]
    for (table, method, score), numbers in oracle.steps_and_gaps(y, steps).items():
        add_all(numbers, each, table=table, method=method, score=score, n=len(y))

# %% tags=["remove-cell"]
# Controls: the same forest on z of an untrained network and on the pixels; scores of no network
for each in experiments:
    of_untrained = read(untrained("base", each), each)
    fresh = sides_of(of_untrained, each)
    found = {(oracle.UNTRAINED, FOREST): forest(fresh, "untrained", *each)}
    found[oracle.UNTRAINED_BASE, "max logit"] = scores.max_logit(fresh.logits).numpy()
    x = pixels[parts[each]["test"]].float() / 255
    centre = pixels[parts[each]["train"]].float().mean(0, keepdim=True) / 255
    found["trivial", "mean brightness"] = scores.mean_brightness(x).numpy()
    found["trivial", "distance to mean"] = scores.distance_to_mean(x, centre).numpy()
    if each == FIRST:  # thousands of numbers an image make slow forests
        bare = replace(of_untrained, z=pixels[of_untrained.indices].flatten(1).numpy())
        found[oracle.PIXELS, PIXEL_FOREST] = forest(sides_of(bare, each), "pixels", *each)
    for (method, score), values in found.items():
        where = {"table": "networks", "method": method, "score": score, "n": len(fresh.y)}
        add_all(oracle.detection(fresh.y, values), each, **where)

# %% tags=["remove-cell"]
# What the oracle detector needs: few labelled anomalies, or all classes but one
for each in experiments:
    base = sides["base", each]
    setting = {"method": oracle.DETECTOR, "score": SMALL_FOREST}
    counts = [count for count in labelled if count <= base.known_y.sum()]
    known_and_asked = (base.known_z, base.known_y, base.z, base.y)
    draws = {"rng": training.numpy_generator(0, "few labels", *each), "trees": curve_trees}
    curve = forest_learning_curve(*known_and_asked, counts=counts, **draws, jobs=jobs)
    for count, value in curve.items():
        where = {"table": "few-labels", "labelled": count, "n": len(base.y)}
        add_all({oracle.AUC: value}, each, **where, **setting)
    by_arm = {"seen": [], "unseen": []}
    seen_all = forest(base, "left out", *each, trees=curve_trees)
    for label, asked, keep in data.left_out(base):
        unseen = forest(base, "left out", label, *each, trees=curve_trees, keep=keep)
        for arm, values in (("seen", seen_all), ("unseen", unseen)):
            by_arm[arm].append(oracle.detection(base.y[asked], values[asked]))
            where = {"arm": arm, "left_out": names[label], "n": int(asked.sum())}
            add_all(by_arm[arm][-1], each, table="left-out", **where, **setting)
    for arm, found in by_arm.items():
        where = {"table": "left-out-average", "arm": arm, "n": len(base.y)}
        add_all(pd.DataFrame(found).mean().to_dict(), each, **where, **setting)

# %% tags=["remove-cell"]
# Over training, and far images: these need the weights
for each, seen in far_found.items():
    base, averages = sides["base", each], {}
    nominal = base.y == 0
    for name, part in seen.items():
        pairs = {
            (oracle.BASE, score): (entry(logits=base.logits)[nominal], entry(logits=part.logits))
            for score, entry in scores.LOGIT_TABLE.items()
        }
        pairs[oracle.DETECTOR, FOREST] = forests["base", each][nominal], far_forests[each][name]
        for (method, score), pair in pairs.items():
            numbers = oracle.detection_apart(*pair)
            averages.setdefault((method, score), []).append(numbers)
            where = {"method": method, "score": score, "far": name, "n": sum(map(len, pair))}
            add_all(numbers, each, table="far", **where)
    for (method, score), found in averages.items():
        n = sum(len(part.z) for part in seen.values())
        where = {"table": "far-average", "method": method, "score": score, "n": n}
        add_all(pd.DataFrame(found).mean().to_dict(), each, **where)

over_training = []
if ("base", *FIRST) in fitted:
    done = fitted["base", *FIRST]
    cost = {oracle.COST: sum(entry["seconds"] for entry in done.history) / 60}
    cost["validation accuracy"] = known["base", *FIRST]["validation_accuracy"]
    setting = {"table": "budget", "n": len(parts[FIRST]["validation"])}
    setting |= {"width": width, "epochs": epochs, "schedule": schedule}
    add_all(cost, FIRST, method=oracle.BASE, **setting)
    setting = {"method": oracle.BASE, "n": len(sides["base", FIRST].y)}
    for epoch, weights in done.snapshots.items():
        network = untrained("base", FIRST)
        network.load_state_dict(weights)
        side = sides_of(read(network, FIRST), FIRST)
        entry = done.history[epoch - 1]
        line = {
            "training loss": entry["train_loss"],
            "gradient norm": entry["gradient_norm"],
            "validation accuracy": entry["validation_accuracy"],
            "test accuracy": data.own_accuracy(side, classes_of("base", FIRST)),
        }
        where = {"table": "over-training", "epochs_shown": epoch, **setting}
        add_all(line, FIRST, **where)
        ranked = {"max logit": scores.max_logit(side.logits).numpy()}
        ranked[SMALL_FOREST] = forest(side, "over training", epoch, *FIRST, trees=curve_trees)
        for score, values in ranked.items():
            numbers = oracle.detection(side.y, values)
            line[score] = numbers[oracle.AUC]
            add_all(numbers, FIRST, score=score, **where)
        over_training.append(line)
    if len(over_training) > 1:
        *before, last = (line[SMALL_FOREST] for line in over_training)
        where = {"table": "over-training-summary", "score": SMALL_FOREST, **setting}
        add_all({oracle.LOST: last - max(before)}, FIRST, **where)

# %% tags=["remove-cell"]
# ODIN on the plain and on the Generalized ODIN head, on some test images
asked = oracle.evenly(len(parts[FIRST]["test"]), sample)
x = pixels[parts[FIRST]["test"][asked]].to(device).float() / 255
y = 1 - np.isin(images.labels[parts[FIRST]["test"][asked]], nominal_of(FIRST[0])).astype(int)
for name in ("base", "generalized odin"):
    if (name, *FIRST) not in fitted:
        continue
    setting = {"method": oracle.METHODS[name], "n": len(y)}
    network = fitted[name, *FIRST].model
    found = scores.odin_grid(network, x, temperatures=temperatures, epsilons=epsilons)
    grid = {place: oracle.detection(y, values.cpu().numpy()) for place, values in found.items()}
    for (score, temperature, epsilon), numbers in grid.items():
        where = {"table": "odin", "score": score, "temperature": temperature, "epsilon": epsilon}
        add_all(numbers, FIRST, **setting, **where)
    auc = {place: numbers[oracle.AUC] for place, numbers in grid.items()}
    score = "max cosine h" if name == "generalized odin" else "ODIN"
    for word, place in oracle.odin_choices(auc, score).items():
        add_all(grid[place], FIRST, table="odin-best", score=word, **setting)

# %% tags=["remove-cell"]
# Several networks of the first split at once: ensembles, the choice of lambda, accuracy against AUC
base = sides["base", FIRST]
setting = {"n": len(base.y)}
members = ["base", *sorted(name for name, _ in sides if name.startswith("member "))]
logits = [sides[name, FIRST].logits for name in members]
for count in range(2, len(members) + 1):
    stacked = torch.stack(logits[:count])
    found = {"mean max logit": scores.ensemble_max_logit(stacked)}
    found["max probability of the mean"] = scores.ensemble_max_probability(stacked)
    for score, values in found.items():
        where = {"table": "ensembles", "method": oracle.ENSEMBLE, "score": score, **setting}
        add_all(oracle.detection(base.y, values.numpy()), FIRST, members=count, **where)
hybrids = [name for name in extra if name.startswith("hybrid ") and (name, FIRST) in sides]
by_arm = {
    "validation": {name: known[key_of(name, FIRST)]["validation_accuracy"] for name in hybrids},
    "test": {name: metrics.auroc(base.y, forests[name, FIRST]) for name in hybrids},
}
for arm, found in by_arm.items() if hybrids else ():
    best = max(found, key=found.get)
    where = {"table": "hybrid-chosen", "method": oracle.HYBRID, "selection": arm, **setting}
    for score, values in (("max logit", max_logits), (FOREST, forests)):
        add_all(oracle.detection(base.y, values[best, FIRST]), FIRST, score=score, **where)
    add_all({"lambda": recipes[best].weight}, FIRST, **where)
of_first = [name for name, each in max_logits if each == FIRST]
side_of = {name: (sides[name, FIRST], classes_of(name, FIRST)) for name in of_first}
accuracies = {"networks": [data.own_accuracy(*side_of[name]) for name in of_first]}
aucs = {"networks": [metrics.auroc(base.y, max_logits[name, FIRST]) for name in of_first]}
accuracies["checkpoints"] = [line["test accuracy"] for line in over_training]
aucs["checkpoints"] = [line["max logit"] for line in over_training]
for arm, found in accuracies.items():
    where = {"table": "reflection-accuracy", "method": oracle.BASE, "score": "max logit"}
    add_all(oracle.rank(found, aucs[arm]), FIRST, arm=arm, **where, n=len(found))

# %% tags=["remove-cell"]
rows = results.frame(collected)
trained = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
provenance = workspace.leave_run(
    "oracle", settings, rows, began=began, device=device, images=images, trained=trained
)

# %% tags=["remove-cell"]
# What this run is read against: the committed full-data runs, and the document's own numbers
reference = results.reference_rows()
document = results.published("oracle-slides")
main = oracle_page.main_title(images.title)
stand_in = {main: images.title}
boards = results.boards("oracle", reference, rows, provenance, stand_in=stand_in)
judged = partial(results.judged, boards, "oracle")
SOURCES = oracle_page.sources(reference, rows, images.title, changed)
table_of = partial(oracle_page.network_table, SOURCES)

# the numbers that smoke runs check
base = {"metric": oracle.AUC, "method": oracle.BASE}
checked = {
    "accuracy": base | {"metric": "test accuracy"},
    "max logit": base | {"score": "max logit"},
    "max probability": base | {"score": "max probability"},
    "forest": base | {"score": oracle.FOREST},
    "linear probe": base | {"score": oracle.PROBE},
    "forest on an untrained network": base | {"method": oracle.UNTRAINED, "score": oracle.FOREST},
    "Generalized ODIN": base | {"method": oracle.GENERALIZED_ODIN, "score": "max cosine h"},
}
checked = {word: oracle_tables.values(SOURCES["this build"], **c) for word, c in checked.items()}
checked = {word: float(found.mean()) for word, found in checked.items() if len(found)}
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    for line in results.check_lines("oracle", checked):
        print(line)

# %% [markdown]
# ## It works fairly well
#
# Here and below stands a number of our reference first, and this build's in square brackets.
# {glue:text}`or-baseline`

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    SCORE | {"distance to nominal z": {"score": oracle.NEIGHBOUR}},
    {"base": (oracle.BASE, {}), "untrained": (oracle.UNTRAINED_BASE, {})},
    f"Scores that know no anomaly; {EVERY}",
)

# %% tags=["remove-cell", "figure"]
base, of_forest = sides["base", FIRST], forests["base", FIRST]
names_shown = ("max logit", "max probability")
curves = {name: scores.LOGIT_TABLE[name](logits=base.logits).numpy() for name in names_shown}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
both = {"max logit": curves["max logit"], "random forest": of_forest}
score_histograms(axes[:2], base.y, both)
curves["oracle detector"] = of_forest
if ("all classes", FIRST) in forests:
    curves["oracle representation"] = forests["all classes", FIRST]
roc_curves(axes[2], base.y, curves, title="")
axes[2].legend(fontsize="small", loc="lower right")
glue("or-histograms", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-histograms
# :name: fig-or-histograms
# The same network's test images: distribution of the max-logit score and of the oracle detector's,
# and ROC curves; first split of this build.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("baseline")

# %% [markdown]
# ## Q1 and Q2: two gaps
#
# {numref}`fig-or-bars` is the talk's pair of bar charts. {glue:text}`or-gaps`

# %% tags=["remove-cell", "figure"]
titles = (*FULL[:3], images.title)
panels = oracle_curves.step_bars(SOURCES, document, titles)
figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.2), squeeze=False)
ticks = [word.replace("oracle ", "oracle\n") for word in oracle_tables.step_cells()]
for axis, (title, bars) in zip(axes[0], panels.items(), strict=True):
    drawn.interval_bars(axis, bars, ticks, title=title)
glue("or-bars", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-bars
# :name: fig-or-bars
# AUC of nominal against anomaly images for the score, the oracle detector on the same $z$, and the
# oracle detector on the oracle representation; with 95 % intervals over splits where there are
# several.
# ```

# %% tags=["hide-input", "full-width", "figure"]
lines = oracle_tables.step_lines(main, "CIFAR-10", "CIFAR-100", "Fashion-MNIST")
mine = SOURCES["this build"].rows
mine = mine[mine["variant"] == results.variant(**changed)].assign(variant="")
shown = results.compared(lines, mine, reference, document, stand_in=stand_in)
caption = "Published, reference and this build, ± half the 95 % interval over splits"
results.page_table(shown[(shown != "").any(axis=1)], caption)

# %% [markdown]
# An interval over splits asks whether the gap holds for other classes. Within one split the
# question is whether it could be the draw of test images; there DeLong's interval
# {cite:p}`delong1988` answers, for both scores see the same images:

# %% tags=["hide-input", "figure"]
shown = oracle_tables.gaps_by_split([*((reference, name) for name in FULL), (rows, images.title)])
results.page_table(shown, "The gaps split by split, with DeLong's 95 % intervals")

# %% tags=["hide-input", "full-width", "figure"]
judged("q1", "q2")

# %% [markdown]
# ## What is it that the forest finds?
#
# The talk says that the information is *not easily available, e.g. to linear models*. A linear
# probe tests that at once. And an oracle's number means little without what the same oracle reads
# from things that know nothing of the classes: $z$ of the same network before training, and the
# pixels. {glue:text}`or-controls`

# %% tags=["hide-input", "full-width", "figure"]
NEIGHBOURS = {"labelled neighbours": oracle.VOTE, "nominal neighbours": oracle.NEIGHBOUR}
table_of(
    FORESTS | PROBES | {word: {"score": score} for word, score in NEIGHBOURS.items()},
    {
        "z of the classifier": (oracle.BASE, {}),
        "z of the Generalized ODIN network": (oracle.GENERALIZED_ODIN, {}),
        "z of the network of all classes": LINES["all classes"],
        "z of the untrained classifier": (oracle.UNTRAINED, {}),
    },
    f"Detectors on z; {EVERY}",
)

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    {
        "forest on pixels": {"method": oracle.PIXELS, "score": oracle.PIXEL_FOREST},
        "distance to the mean image": {"method": "trivial", "score": "distance to mean"},
        "mean brightness": {"method": "trivial", "score": "mean brightness"},
    },
    {"no network": ("", {})},
    f"Without any network; {EVERY}",
)

# %% tags=["hide-input", "full-width", "figure"]
judged("linear")

# %% [markdown]
# ## Few labels, missing classes, far images
#
# *The information may not reflect open space or support few-shot learning*, the talk closes. Three
# experiments: the forest with few labelled anomalies; the forest that has seen all anomaly classes
# but the one it is tested on; and images from elsewhere, which are what *out-of-distribution*
# benchmarks ask for. {glue:text}`or-open`

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
of_logit = {"metric": oracle.AUC, "method": oracle.BASE, "score": "max logit"}
simple = {word: oracle_tables.values(each, **of_logit).mean() for word, each in SOURCES.items()}
few_labels = partial(oracle_curves.curve, key="labelled", table="few-labels")
few = {word: few_labels(source) for word, source in SOURCES.items()}
left_out = {word: oracle_curves.left_out_pairs(source) for word, source in SOURCES.items()}
drawn.label_curves(axes[0], few, simple)
drawn.left_out_points(axes[1], left_out)
drawn.far_points(axes[2], oracle_curves.far_means(SOURCES))
glue("or-open-figure", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-open-figure
# :name: fig-or-open
# Left: AUC of the oracle detector by number of labelled anomalies, band from least to largest over
# splits. Middle: each anomaly class with and without labelled images of its own. Right: open-set
# classes beside far images.
# ```

# %% tags=["hide-input", "full-width", "figure"]
judged("openspace", "fewshot", "far")

# %% [markdown]
# ## A detector of your own, without training
#
# $z$, logits and labels of the reference networks are stored with the project, so a new detector
# takes seconds to try. The whole chapter runs on them, too, with `-p latents true`; only what needs
# the weights is left out. Here is the Mahalanobis distance to the nearest class mean, which the
# talk does not have:

# %% tags=["nbval-check-output"]
found = latent_store.find_latents(dataset="CIFAR-10", network="base", split=0, seed=0)
if found:  # the first half are validation images, the second half test images
    latent, nominal = found[0], data.distinct_splits(data.CIFAR10_SPLITS)[0]
    in_test = np.arange(len(latent.z)) >= len(latent.z) // 2
else:  # a project without reference: this build's own network
    latent, nominal = held["base", *FIRST], nominal_of(FIRST[0])
    in_test = np.isin(latent.indices, parts[FIRST]["test"])
known_z, known_labels = latent.z[~in_test], latent.labels[~in_test]
centres = np.stack([known_z[known_labels == label].mean(0) for label in nominal])
inside = np.isin(known_labels, nominal)
spread = known_z[inside] - centres[np.searchsorted(nominal, known_labels[inside])]
away = latent.z[in_test, None] - centres  # [n, classes, k]
distance = (away @ np.linalg.pinv(np.cov(spread.T)) * away).sum(2).min(1)
is_anomaly = 1 - np.isin(latent.labels[in_test], nominal)
print(f"AUC of the Mahalanobis distance {metrics.auroc(is_anomaly, distance):.3f}")

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: ex-or-monotone
# The energy and the max logit give nearly the same AUC, and entropy and max probability too, but
# the two pairs differ. Which information does the softmax throw away?
# ```
#
# ```{solution} ex-or-monotone
# :class: dropdown
# A constant added to all logits. The softmax does not see it, max logit and energy do: an image
# with weak evidence for *every* class has small logits and can still have a confident softmax.
# ```
#
# ```{exercise}
# :label: ex-or-oracle
# Why is it no leak that the oracle detector is trained on the very anomaly classes of the test?
# And what would it be if the number were offered as the performance of a detector?
# ```
#
# ```{solution} ex-or-oracle
# :class: dropdown
# The question is how much $z$ holds; to read it out at best is the point, and training and test
# images are disjoint. As the performance of a detector it would be plain cheating: in use the
# classes to come are not known. The experiment with a class left out is closer to that.
# ```
#
# ```{exercise}
# :label: ex-or-pixels
# Compare the forest on pixels with the forest on $z$. On which images would you expect the pixels
# to win, and does that contradict the talk?
# ```
#
# ```{solution} ex-or-pixels
# :class: dropdown
# On centred digits a pixel means the same in every image and a thousand trees classify them well,
# so pixels hold nearly everything, and a classifier's $z$ can only lose some of it. On photographs
# single pixels say little. It does not contradict the talk: *holding information* depends on who
# reads it. A forest's AUC is a lower bound of what is there, for $z$ as for pixels.
# ```
#
# ## About this run
#
# :::{admonition} How these numbers were made
# :class: note
# {glue:text}`or-box`
#
# To make them again or with other settings see [](rerunning.md); what differs from the document,
# and why, is listed in [](deviations.md).
# :::

# %% tags=["remove-cell", "figure"]
# Every sentence with a number in it is put together here, from the rows.
sentences = oracle_words.sentences(SOURCES, document, labelled)
budget = {"width": width, "epochs": epochs}
all_rows, took = pd.concat([reference, rows]), began.seconds()
in_words = run_words.settings(settings)
sentences |= {
    "trees": f"{trees:,}",
    "curve-trees": f"{curve_trees:,}",
    "budget": run_words.budget(all_rows, **budget, schedule=schedule),
    "build": run_words.build(SOURCES["this build"], **budget),
    "box": results.run_words(provenance, images.title, in_words, seconds=took),
}
for name, sentence in sentences.items():
    glue(f"or-{name}", sentence, display=False)
