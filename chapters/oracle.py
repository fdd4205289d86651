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
import time
from datetime import UTC, datetime

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from myst_nb import glue
from scipy import stats

from lib import data, metrics, models, parameters, results, scores, training, workspace
from lib.data import class_names
from lib.errors import BadInput
from lib.figures import COLOURS, roc_curves, score_histograms, use_style
from lib.results import latent_store, oracle

started, clock = datetime.now(UTC), time.monotonic()
settings = {name: globals()[name] for name in parameters.declared("oracle")}
run = workspace.run_name("oracle", settings)
for name, least in (("seeds", 0), ("splits", 0), ("labelled", 1)):
    values = settings[name]
    if not values or min(values) < least or len(set(values)) < len(values):
        raise BadInput(f"{name} needs entries from {least} up, each once; it was {values}.")
if "base" not in networks:
    raise BadInput(f"networks must have the base network, but is {networks}.")
for listed in (networks, extra):
    for name in listed:
        training.recipe(name)  # refuses a name that is not known
if len(set(networks + extra)) < len(networks + extra):
    raise BadInput(f"Each network can be named once, but {networks} and {extra} came.")
if not set(store) <= set(networks + extra):
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
# holds more.
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
    """The nominal classes of a split: four lists in common use for ten classes, else drawn."""
    if len(names) == 10:
        known = data.distinct_splits(data.CIFAR10_SPLITS)
        if split >= len(known):
            raise BadInput(f"There are {len(known)} splits of ten classes, so not number {split}.")
        return known[split]
    rng = training.numpy_generator(split, "anomaly classes")
    return data.remaining_classes(data.draw_classes(len(names), len(names) // 5, rng), len(names))


def divide(split: int, seed: int) -> dict[str, np.ndarray]:
    anomalies = data.remaining_classes(nominal_of(split), len(names))
    return data.open_set(images, anomalies, training.numpy_generator(seed, "division"))


experiments = [(split, seed) for seed in seeds for split in splits]
FIRST = experiments[0]
parts = {each: divide(*each) for each in experiments}
levels = pixels[parts[FIRST]["train_all"]].double() / 255
usual = (models.CIFAR_MEAN, models.CIFAR_DEVIATION)
measured = [round(float(levels.mean()), 4)], [round(float(levels.std()), 4)]
mean, deviation = usual if channels == 3 else measured

# %% tags=["nbval-check-output", "remove-input"]
print("images", list(pixels.shape), "of", images.title, "sha256", images.sha256[:12])
for part, members in parts[FIRST].items():
    print(f"{part}: {len(members)}")
for split in splits:
    nominal = nominal_of(split)
    anomalies = data.remaining_classes(nominal, len(names))
    words = ("anomalies", anomalies) if len(names) > 10 else ("nominal", nominal)
    print(f"split {split}, {words[0]}:", ", ".join(names[c] for c in words[1]))
document_width = models.ResNet34(10)
print(f"ResNet-34 at width 64: {models.count_parameters(document_width):,} parameters")
here = models.ResNet34(len(nominal_of(splits[0])), width=width, channels=channels)
print(f"at width {width}: {models.count_parameters(here):,} parameters, z of {8 * width} numbers")

# %% tags=["remove-cell", "figure"]
figure, axes = plt.subplots(2, 6, figsize=(7.5, 2.9))
sides = (
    ("nominal", nominal_of(splits[0])),
    ("anomalies", data.remaining_classes(nominal_of(splits[0]), len(names))),
)
for line, (word, members) in zip(axes, sides, strict=True):
    for axis, label in zip(line, members, strict=False):
        example = images.images[np.flatnonzero(images.labels == label)[0]]
        axis.imshow(example[0] if channels == 1 else example.transpose(1, 2, 0))
        axis.set_title(names[label], fontsize="small")
    for axis in line:
        axis.axis("off")
    line[0].text(-0.25, 0.5, word, ha="right", va="center", transform=line[0].transAxes)
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
    ("ten classes, nominal", split): ", ".join(
        f"{label} {class_names.CIFAR_10[label]}" for label in nominal
    )
    for split, nominal in enumerate(data.distinct_splits(data.CIFAR10_SPLITS))
}
for split in range(3):
    drawn = data.draw_classes(100, 20, training.numpy_generator(split, "anomaly classes"))
    words = ", ".join(class_names.CIFAR_100[label] for label in drawn)
    lists["CIFAR-100, anomalies", split] = words
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
recipes = {name: training.recipe(name) for name in (*networks, *extra)}
shown = {
    name: {
        "trained on": f"{each.classes} classes",
        "head": "cosine h / g" if each.head is models.GeneralizedOdinHead else "linear",
        "task beside": each.task or "",
        "λ": f"{each.weight:g}" if each.task else "",
        "augmented": "yes" if each.augment else "no",
        "width": each.width or width,
        "splits": "all" if name in networks else "first",
    }
    for name, each in recipes.items()
}
shown = pd.DataFrame.from_dict(shown, orient="index")
shown.style.set_table_attributes('class="numbers"').set_caption("The networks of this build")

# %% [markdown]
# The pictures' error is averaged over pixels and channels. Where λ exceeds 1 the whole loss is
# divided by it, since SGD at one learning rate would not survive it otherwise.

# %% tags=["hide-input", "remove-output"]
store_folder = latent_store.LATENTS
fitted, held = {}, {}


def key_of(name: str, each: tuple[int, int]) -> tuple[str, int, int]:
    """One network of all classes serves every split of a seed."""
    every = training.recipe(name).classes == "all"
    return name, splits[0] if every else each[0], each[1]


def untrained(name: str, each: tuple[int, int]) -> models.ResNet34:
    chosen = training.recipe(name)
    classes = len(names) if chosen.classes == "all" else len(nominal_of(each[0]))
    shape = {"classes": classes, "width": width, "channels": channels}
    fresh = training.untrained_network(
        chosen, seed=each[1], **shape, mean=mean, deviation=deviation
    )
    return fresh.to(device)


def labelled_images(indices: np.ndarray, classes) -> tuple[torch.Tensor, torch.Tensor]:
    targets = torch.from_numpy(data.class_positions(images.labels[indices], classes))
    return pixels[indices].to(device), targets.to(device)


def train(name: str, each: tuple[int, int]) -> training.TrainedClassifier:
    """One trained network; goes on from its checkpoint where there is one."""
    chosen, (split, seed) = training.recipe(name), each
    ending = "_all" if chosen.classes == "all" else ""
    classes = range(len(names)) if ending else nominal_of(split)

    def report(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, epochs // 3) == 0 or entry["epoch"] == epochs:
            accuracy = f"validation accuracy {entry['validation_accuracy']:.3f}"
            print(f"{name}, split {split}, epoch {entry['epoch']:.0f}/{epochs}, {accuracy}")

    return training.fit_recipe(
        chosen,
        untrained(name, each),
        labelled_images(parts[each][f"train{ending}"], classes),
        labelled_images(parts[each][f"validation{ending}"], classes),
        seed=seed,
        identity={"data": images.sha256, "nominal": list(nominal_of(split))},
        epochs=epochs,
        learning_rate=learning_rate,
        schedule=schedule,
        batch_size=batch_size,
        precision=precision,
        flip=not images.name.startswith("mnist"),
        keep=kept_epochs if name == "base" else (),
        progress=report,
        checkpoint=workspace.checkpoint_path(name.replace(" ", "-"), split, seed),
    )


def read(network: models.ResNet34, indices: np.ndarray) -> results.Latents:
    """z and logits of images, rounded as they are stored, so that both ways give the same rows."""
    found = training.predict(network, pixels[indices])
    z, logits = (part.numpy().astype(np.float16).astype(np.float32) for part in reversed(found))
    return results.Latents(z=z, logits=logits, labels=images.labels[indices], indices=indices)


def validation_and_test(each: tuple[int, int]) -> np.ndarray:
    return np.concatenate([parts[each]["validation_all"], parts[each]["test"]])


usual_epochs = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 50, 100, 200)
kept_epochs = [*(epoch for epoch in usual_epochs if epoch < epochs), epochs]
known = {}
for each in experiments:
    for name in [*networks, *(extra if each == FIRST else [])]:
        key = key_of(name, each)
        if key in held:
            continue
        if latents:
            where = dict(zip(latent_store.KEYS, (images.title, *key), strict=True))
            if training.recipe(name).classes == "all":  # stored with any split, it serves all
                listed = latent_store.stored_latents(store_folder)
                listed = listed[(listed["network"] == name) & (listed["seed"] == key[2])]
                listed = listed[listed["dataset"] == images.title]
                where["split"] = int(listed["split"].min()) if len(listed) else key[1]
            found = latent_store.find_latents(**where, folder=store_folder)
            if found and found[1]["data_sha256"] == images.sha256:
                held[key], known[key] = found
                own_width = training.recipe(name).width or width
                if known[key]["width"] != own_width or known[key]["epochs"] != epochs:
                    raise BadInput(
                        f"The stored z of {name!r} are of width {known[key]['width']} and "
                        f"{known[key]['epochs']} epochs: set width and epochs to these."
                    )
            continue
        fitted[key] = train(name, each)
        held[key] = read(fitted[key].model, validation_and_test(each))
        entry = fitted[key].history[fitted[key].epoch - 1]
        known[key] = {"epoch": fitted[key].epoch, "width": fitted[key].model.trunk[0].out_channels}
        known[key] |= {"validation_accuracy": round(entry["validation_accuracy"], 6)}
        if name in store and workspace.work_folder():
            told = dict(zip(latent_store.KEYS, (images.title, *key), strict=True))
            told |= known[key] | {"data_sha256": images.sha256, "epochs": epochs}
            latent_store.keep_latents(workspace.work_folder() / "latents", held[key], told)
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
short = {"width": "width", "learning_rate": "lr", "schedule": "schedule", "epochs": "epochs"}
own = {name: p.default for name, p in parameters.declared("oracle").items()}
if profile in parameters.profile_names():
    own |= parameters.profile(profile, "oracle")
if dataset != own["dataset"]:  # other images have a budget of their own
    own["epochs"] = epochs
changed = {short[name]: settings[name] for name in short if settings[name] != own[name]}
add, collected = results.collector(run=run, dataset=images.title)
FOREST, SMALL_FOREST = oracle.forest_name(trees), oracle.forest_name(curve_trees)
jobs = torch.get_num_threads()
# minutes for a thousand trees: a killed run need not grow them again
forest_score = workspace.remembered(scores.forest_score, but=["jobs"])
forest_learning_curve = workspace.remembered(scores.forest_learning_curve, but=["jobs"])


def number_of(each: tuple[int, int]) -> int:
    """The row's seed: splits and seeds both count as repetitions of the experiment."""
    return each[0] + 100 * each[1]


def add_all(numbers: dict[str, float], each: tuple[int, int], *, n: int, **where) -> None:
    setting = {"class_": oracle.CLASS, "seed": number_of(each), **changed}
    for metric, value in numbers.items():
        add(value, metric=metric, n=n, **(setting | where))


def truth(each: tuple[int, int], labels: np.ndarray) -> np.ndarray:
    return 1 - np.isin(labels, nominal_of(each[0])).astype(np.int64)


class Sides:
    """z and logits of a network's validation and test images, with 1 for the split's anomalies."""

    def __init__(self, found: results.Latents, each: tuple[int, int]) -> None:
        in_test = np.isin(found.indices, parts[each]["test"])
        self.known_z, self.z = found.z[~in_test], found.z[in_test]
        self.logits = torch.from_numpy(found.logits[in_test])
        self.known_y, self.y = (truth(each, found.labels[side]) for side in (~in_test, in_test))
        self.labels, self.known_labels = found.labels[in_test], found.labels[~in_test]

    def forest(
        self, *purpose: str | int, trees: int = trees, besides: np.ndarray | None = None, keep=None
    ) -> np.ndarray:
        """The oracle detector's score of the test images, and of the z `besides`, if any.

        `keep` limits the labelled images that it sees.
        """
        seen = slice(None) if keep is None else keep
        rng = training.numpy_generator(0, "forest", *purpose)
        asked = self.z if besides is None else np.concatenate([self.z, besides])
        known_z, known_y = self.known_z[seen], self.known_y[seen]
        return forest_score(known_z, known_y, asked, rng=rng, trees=trees, jobs=jobs)


def far_images(name: str) -> torch.Tensor:
    """At most `sample` images from elsewhere, as this network takes them."""
    if name == "noise":
        shape, drawn = (sample, channels, 32, 32), training.generator(seeds[0], "noise")
        return torch.randint(256, shape, generator=drawn, dtype=torch.uint8)
    if name == dataset:
        raise BadInput(f"far must name other images than those of the run, but has {name!r}.")
    other = data.load(name, data_root=data_root or None, trust=trust)
    chosen = data.pad(other.images[oracle.evenly(len(other.images), sample)], 32)
    found = torch.from_numpy(chosen.copy())
    if found.shape[1] == channels:
        return found
    if channels == 3:
        return found.expand(-1, 3, -1, -1).contiguous()
    return (data.grey(found.float() / 255)[:, :1] * 255).round().to(torch.uint8)


others = {} if latents else {name: far_images(name) for name in far}
sides, forests, max_logits, far_found, far_forests = {}, {}, {}, {}, {}
for each in experiments:
    for name in [*networks, *(extra if each == FIRST else [])]:
        if key_of(name, each) not in held:
            continue
        sides[name, each] = Sides(held[key_of(name, each)], each)
        if name == "base" and others:  # the same forest is asked about far images, too
            network = fitted["base", *each].model
            far_found[each] = {word: training.predict(network, x) for word, x in others.items()}
            far_z = np.concatenate([found.z.numpy() for found in far_found[each].values()])
            found = sides[name, each].forest(name, *each, besides=far_z)
            forests[name, each], far_forests[each] = np.split(found, [len(sides[name, each].y)])
        else:
            forests[name, each] = sides[name, each].forest(name, *each)


def accuracy_of(side: Sides, each: tuple[int, int], name: str) -> float:
    """Share of the test images of its own classes that a network names rightly."""
    every = training.recipe(name).classes == "all"
    inside = np.ones(len(side.y), bool) if every else side.y == 0
    classes = range(len(names)) if every else nominal_of(each[0])
    targets = data.class_positions(side.labels[inside], classes)
    return float((side.logits[inside].argmax(1).numpy() == targets).mean())


# every network: its accuracy, the scores of its logits, the detectors on its z
for (name, each), side in sides.items():
    method, variant = oracle.method_of(name)
    setting = {"table": "networks", "method": method, "n": len(side.y), **variant}
    classifies = training.recipe(name).classification > 0
    if classifies:
        add_all({"test accuracy": accuracy_of(side, each, name)}, each, **setting)
        told = known[key_of(name, each)]
        add_all({"validation accuracy": told["validation_accuracy"]}, each, **setting)
    found = {
        FOREST: forests[name, each],
        oracle.PROBE: scores.linear_probe_score(side.known_z, side.known_y, side.z),
        oracle.VOTE: scores.oracle_neighbour_vote(side.known_z, side.known_y, side.z, jobs=jobs),
    }
    if training.recipe(name).classes == "nominal":
        nominal_z = side.known_z[side.known_y == 0]
        found[oracle.NEIGHBOUR] = scores.nominal_neighbour_distance(nominal_z, side.z, jobs=jobs)
        if classifies:
            for score, entry in scores.LOGIT_TABLE.items():
                found[score] = entry(logits=side.logits).numpy()
            max_logits[name, each] = found["max logit"]
    if name == "generalized odin" and key_of(name, each) in fitted:  # stored logits are h / g alone
        head = fitted[key_of(name, each)].model.head.cpu()
        with torch.no_grad():
            z = torch.from_numpy(side.z)
            found["max cosine h"] = scores.max_logit(head.cosines(z)).numpy()
            found["divisor g"] = -head.divisor(z)[:, 0].numpy()
        head.to(device)
    for score, values in found.items():
        add_all(oracle.detection(side.y, values), each, score=score, **setting)

# the talk's three numbers and two gaps
for each in experiments:
    base = sides["base", each]
    setting = {"table": oracle.Q1_Q2, "n": len(base.y)}
    steps = [(oracle.BASE, "max logit", max_logits["base", each])]
    steps.append((oracle.DETECTOR, FOREST, forests["base", each]))
    if ("all classes", each) in sides:
        steps.append((oracle.REPRESENTATION, FOREST, forests["all classes", each]))
    for method, score, values in steps:
        found = oracle.detection(base.y, values) | oracle.limits(base.y, values)
        add_all(found, each, method=method, score=score, **setting)
    setting |= {"table": oracle.GAPS, "score": oracle.GAP_SCORE}
    pairs = zip((oracle.Q1_GAP, oracle.Q2_GAP), steps, steps[1:], strict=False)
    for method, worse, better in pairs:
        add_all(oracle.gap(base.y, better[2], worse[2]), each, method=method, **setting)

# %% tags=["remove-cell"]
# Controls: the same forest on z of an untrained network and on the pixels; scores of no network
for each in experiments:
    indices = validation_and_test(each)
    test, x_train = pixels[parts[each]["test"]], pixels[parts[each]["train"]]
    y = truth(each, images.labels[parts[each]["test"]])
    setting = {"table": "networks", "n": len(y)}
    fresh = Sides(read(untrained("base", each), indices), each)
    found = {(oracle.UNTRAINED, FOREST): fresh.forest("untrained", *each)}
    found[oracle.BASE.replace("ResNet34", "untrained ResNet34"), "max logit"] = scores.max_logit(
        fresh.logits
    ).numpy()
    x, centre = test.float() / 255, x_train.float().mean(0, keepdim=True) / 255
    found["trivial", "mean brightness"] = scores.mean_brightness(x).numpy()
    found["trivial", "distance to mean"] = scores.distance_to_mean(x, centre).numpy()
    if each == FIRST:  # thousands of numbers an image make slow forests
        flat = pixels[indices].flatten(1).numpy()
        bare = results.Latents(flat, held["base", *each].logits, images.labels[indices], indices)
        name = oracle.forest_name(trees, "pixels")
        found[oracle.PIXELS, name] = Sides(bare, each).forest("pixels", *each)
    for (method, score), values in found.items():
        add_all(oracle.detection(y, values), each, method=method, score=score, **setting)

# %% tags=["remove-cell"]
# What the oracle detector needs: few labelled anomalies, or all classes but one
for each in experiments:
    base = sides["base", each]
    setting = {"method": oracle.DETECTOR, "score": SMALL_FOREST, "n": len(base.y)}
    setting["table"] = "few-labels"
    rng = training.numpy_generator(0, "few labels", *each)
    counts = [count for count in labelled if count <= base.known_y.sum()]
    known_and_asked = (base.known_z, base.known_y, base.z, base.y)
    curve = forest_learning_curve(
        *known_and_asked, counts=counts, rng=rng, trees=curve_trees, jobs=jobs
    )
    for count, value in curve.items():
        add_all({oracle.AUC: value}, each, labelled=count, **setting)
    setting["table"] = "left-out"
    by_arm = {"seen": [], "unseen": []}
    seen_all = base.forest("left out", *each, trees=curve_trees)
    for label in np.unique(base.labels[base.y == 1]):
        asked = (base.y == 0) | (base.labels == label)
        keep = base.known_labels != label
        purpose = ("left out", int(label), *each)
        by_forest = {"seen": seen_all}
        by_forest["unseen"] = base.forest(*purpose, trees=curve_trees, keep=keep)
        for arm, values in by_forest.items():
            numbers = oracle.detection(base.y[asked], values[asked])
            by_arm[arm].append(numbers)
            where = setting | {"arm": arm, "left_out": names[label], "n": int(asked.sum())}
            add_all(numbers, each, **where)
    for arm, found in by_arm.items():
        numbers = pd.DataFrame(found).mean().to_dict()
        add_all(numbers, each, **(setting | {"table": "left-out-average", "arm": arm}))

# %% tags=["remove-cell"]
# Over training, and far images: these need the weights
for each, seen in far_found.items():
    base = sides["base", each]
    ends = np.cumsum([len(part.z) for part in seen.values()])
    at_once = np.split(far_forests[each], ends[:-1])
    nominal = base.y == 0
    averages = {}
    for (name, part), by_forest in zip(seen.items(), at_once, strict=True):
        y = np.concatenate([np.zeros(nominal.sum()), np.ones(len(part.z))]).astype(np.int64)
        values = {
            (oracle.BASE, score): (entry(logits=base.logits)[nominal], entry(logits=part.logits))
            for score, entry in scores.LOGIT_TABLE.items()
        }
        values[oracle.DETECTOR, FOREST] = (forests["base", each][nominal], by_forest)
        for (method, score), pair in values.items():
            numbers = oracle.detection(y, np.concatenate(pair))
            averages.setdefault((method, score), []).append(numbers)
            where = {"table": "far", "method": method, "score": score, "n": len(y), "far": name}
            add_all(numbers, each, **where)
    for (method, score), found in averages.items():
        where = {"table": "far-average", "method": method, "score": score, "n": int(ends[-1])}
        add_all(pd.DataFrame(found).mean().to_dict(), each, **where)

over_training = []
if ("base", *FIRST) in fitted:
    done = fitted["base", *FIRST]
    budget = {"width": width, "epochs": epochs, "schedule": schedule}
    cost = {"minutes of one core": sum(entry["seconds"] for entry in done.history) / 60}
    cost["validation accuracy"] = known["base", *FIRST]["validation_accuracy"]
    setting = {"table": "budget", "method": oracle.BASE, "n": len(parts[FIRST]["validation"])}
    add_all(cost, FIRST, **setting, **budget)
    setting = {"table": "over-training", "method": oracle.BASE, "n": len(sides["base", FIRST].y)}
    for epoch, weights in done.snapshots.items():
        network = untrained("base", FIRST)
        network.load_state_dict(weights)
        side = Sides(read(network, validation_and_test(FIRST)), FIRST)
        entry = done.history[epoch - 1]
        line = {
            "epoch": epoch,
            "training loss": entry["train_loss"],
            "gradient norm": entry["gradient_norm"],
            "validation accuracy": entry["validation_accuracy"],
            "test accuracy": accuracy_of(side, FIRST, "base"),
        }
        for metric in list(line)[1:]:
            add_all({metric: line[metric]}, FIRST, epochs_shown=epoch, **setting)
        ranked = {"max logit": scores.max_logit(side.logits).numpy()}
        ranked[SMALL_FOREST] = side.forest("over training", epoch, *FIRST, trees=curve_trees)
        for score, values in ranked.items():
            numbers = oracle.detection(side.y, values)
            line[score] = numbers[oracle.AUC]
            add_all(numbers, FIRST, score=score, epochs_shown=epoch, **setting)
        over_training.append(line)
    over_training = pd.DataFrame(over_training)
    setting["table"] = "over-training-summary"
    if len(over_training) > 1:
        curve = over_training[SMALL_FOREST].to_numpy()
        last = {"AUC at the last epoch less the largest before": curve[-1] - curve[:-1].max()}
        add_all(last, FIRST, score=SMALL_FOREST, **setting)

# %% tags=["remove-cell"]
# ODIN on the plain and on the Generalized ODIN head, on some test images
asked = oracle.evenly(len(parts[FIRST]["test"]), sample)
x = pixels[parts[FIRST]["test"][asked]].to(device).float() / 255
y = truth(FIRST, images.labels[parts[FIRST]["test"][asked]])
grids = {}
for name in ("base", "generalized odin"):
    if (name, *FIRST) not in fitted:
        continue
    network, method = fitted[name, *FIRST].model, oracle.METHODS[name]
    setting = {"method": method, "n": len(y)}
    grid = {}
    for epsilon in epsilons:
        for temperature in temperatures:
            found = scores.odin(network, x, temperature=temperature, epsilon=epsilon)
            grid["ODIN", temperature, epsilon] = oracle.detection(y, found.cpu().numpy())
        if name == "generalized odin":
            found = scores.generalized_odin(network, x, epsilon=epsilon)
            grid["max cosine h", 1, epsilon] = oracle.detection(y, found.cpu().numpy())
    for (score, temperature, epsilon), numbers in grid.items():
        where = {"table": "odin", "score": score, "temperature": temperature, "epsilon": epsilon}
        add_all(numbers, FIRST, **setting, **where)
    auc = {place: numbers[oracle.AUC] for place, numbers in grid.items()}
    grids[name] = auc
    score = "max cosine h" if name == "generalized odin" else "ODIN"
    moved = [(score, 1, epsilon) for epsilon in epsilons if epsilon]
    cooled = [("ODIN", temperature, 0) for temperature in temperatures if temperature != 1]
    summary = {"unperturbed": (score, 1, 0), "temperature 1": ("ODIN", 1, 0)}
    summary |= {"best perturbation": max(moved, key=auc.get)} if moved else {}
    summary |= {"best temperature": max(cooled, key=auc.get)} if cooled else {}
    for word, place in summary.items():
        add_all(grid[place], FIRST, table="odin-best", score=word, **setting)

# %% tags=["remove-cell"]
# Several networks of the first split at once: ensembles, the choice of lambda, accuracy against AUC
base = sides["base", FIRST]
setting = {"n": len(base.y)}
members = ["base", *sorted(name for name, _ in sides if name.startswith("member "))]
logits = [sides[name, FIRST].logits for name in members]
for count in range(2, len(members) + 1):
    stacked = torch.stack(logits[:count])
    where = {"table": "ensembles", "method": oracle.ENSEMBLE, "members": count, **setting}
    for score, values in (
        ("mean max logit", scores.ensemble_max_logit(stacked)),
        ("max probability of the mean", scores.ensemble_max_probability(stacked)),
    ):
        add_all(oracle.detection(base.y, values.numpy()), FIRST, score=score, **where)
hybrids = {}
for name in [name for name in extra if name.startswith("hybrid ") and (name, FIRST) in sides]:
    hybrids[name] = {
        "lambda": training.recipe(name).weight,
        "validation": known[key_of(name, FIRST)]["validation_accuracy"],
        "max logit": oracle.detection(base.y, max_logits[name, FIRST]),
        FOREST: oracle.detection(base.y, forests[name, FIRST]),
    }
    hybrids[name]["forest AUC"] = hybrids[name][FOREST][oracle.AUC]
hybrids = pd.DataFrame(list(hybrids.values()), index=list(hybrids))
if len(hybrids):
    for arm, column in (("validation", "validation"), ("test", "forest AUC")):
        best = hybrids.loc[hybrids[column].idxmax()]
        where = {"table": "hybrid-chosen", "method": oracle.HYBRID, "selection": arm, **setting}
        for score in ("max logit", FOREST):
            add_all(best[score], FIRST, score=score, **where)
        add_all({"lambda": best["lambda"]}, FIRST, **where)
finished = pd.DataFrame(
    [
        {
            "network": name,
            "accuracy": accuracy_of(sides[name, FIRST], FIRST, name),
            "max logit": metrics.auroc(base.y, values),
        }
        for (name, each), values in max_logits.items()
        if each == FIRST
    ]
)
arms = {"networks": finished[["accuracy", "max logit"]]}
if len(over_training):
    arms["checkpoints"] = over_training[["test accuracy", "max logit"]]
for arm, table in arms.items():
    if len(table) > 2 and (table.nunique() > 1).all():
        told = {"Spearman of accuracy and AUC": stats.spearmanr(*table.to_numpy().T).statistic}
        where = {"table": "reflection-accuracy", "method": oracle.BASE, "score": "max logit"}
        add_all(told, FIRST, arm=arm, **where, n=len(table))

# %% tags=["remove-cell"]
rows = results.frame(collected)
trained_seconds = sum(entry["seconds"] for done in fitted.values() for entry in done.history)
provenance = results.provenance(
    run=run,
    chapter="oracle",
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
document = results.published("oracle-slides")
FULL = ("CIFAR-10", "CIFAR-100", "Fashion-MNIST", "MNIST")
main = images.title if images.title in FULL else "CIFAR-10"
stand_in = {main: images.title}
claims = [claim for claim in results.load_claims() if claim.document == "oracle-slides"]
ours = results.evaluate(claims, rows, results.runs_frame([provenance]), stand_in=stand_in)
theirs = results.evaluate(claims, reference, results.reference_runs())
NETWORKS = {"table": "networks", "class_": oracle.CLASS}
SOURCES = {
    "reference": (reference, main, {}),
    "this build": (rows, images.title, changed),
}
# lines of the tables: a network in words, its method and what makes it a variant
LINES = {"base": (oracle.BASE, {})}
LINES |= {
    "Generalized ODIN head" if name == "generalized odin" else name: oracle.method_of(name)
    for name in (*oracle.METHODS, *("hybrid 0.005", "hybrid 0.9", "hybrid 15.4", "hybrid 2765"))
    if name not in ("base", "all classes")
}


def values_of(source: str, title: str = "", **cells) -> pd.Series:
    """A number of the reference or of this build over splits; `setting` is its variant.

    With `first` that of the first split alone, beside networks that others have none of.
    """
    first = cells.pop("first", False)
    table, own_title, more = SOURCES[source]
    setting = {**more, **cells.pop("setting", {})}
    cells = {**NETWORKS, "dataset": title or own_title, **cells}
    found = results.pick(table, variant=results.variant(**setting), **cells)
    return found[found.index == found.index.min()] if first else found


def both(source: str, title: str = "", **cells) -> str:
    """AUC with its interval over splits, and the equal error rate: `0.776 ± 0.010 / 0.29`."""
    auc, eer = (values_of(source, title, metric=m, **cells) for m in (oracle.AUC, oracle.EER))
    if auc.empty:
        return ""
    text = results.interval_text(metrics.student_interval(auc))
    return f"{text} / {eer.mean():.2f}" if len(eer) else text


def one(source: str, *, decimals: int = 3, **cells) -> str:
    """Mean over splits with half its 95 % interval; empty where there is no such number."""
    found = values_of(source, **cells)
    if found.empty:
        return ""
    return results.interval_text(metrics.student_interval(found), decimals=decimals)


def beside(**cells) -> str:
    """The reference number with this build's in brackets, or the one that there is."""
    texts = [one("reference", **cells), one("this build", **cells)]
    if all(texts):
        return f"{texts[0]} [{texts[1]}]"
    return texts[0] or (f"[{texts[1]}]" if texts[1] else "not measured")


def table_of(
    columns: dict[str, dict], lines: dict[str, tuple[str, dict]], caption: str, *, first=False
):
    """One line per source and network, one column per score: AUC / equal error rate."""
    found = {}
    for source in SOURCES:
        for word, (method, setting) in lines.items():
            of_line = {"method": method, "setting": setting, "first": first}
            texts = {
                name: (one if "metric" in column else both)(source, **(of_line | column))
                for name, column in columns.items()
            }
            if any(texts.values()):
                found[source, word] = texts
    shown = pd.DataFrame.from_dict(found, orient="index", columns=list(columns))
    if len(shown):
        shown.index = pd.MultiIndex.from_tuples(shown.index)
    return shown.style.set_table_attributes('class="numbers"').set_caption(caption)


def judged(*prefixes: str):
    """The verdicts on the claims whose id begins so, of the reference and of this build."""
    found = results.verdict_table(theirs, ours, *(f"oracle-{word}" for word in prefixes))
    return found.style.hide(axis="index").set_table_attributes('class="words"')


SCORE = {name: {"score": name} for name in scores.LOGIT_TABLE}
EVERY = "AUC / equal error rate"

# the numbers that smoke runs check
checked = {"accuracy": values_of("this build", metric="test accuracy", method=oracle.BASE)}
for word, method, score in (
    ("max logit", oracle.BASE, "max logit"),
    ("max probability", oracle.BASE, "max probability"),
    ("forest", oracle.BASE, FOREST),
    ("linear probe", oracle.BASE, oracle.PROBE),
    ("forest on an untrained network", oracle.UNTRAINED, FOREST),
    ("Generalized ODIN", oracle.GENERALIZED_ODIN, "max cosine h"),
):
    checked[word] = values_of("this build", metric=oracle.AUC, method=method, score=score)
checked = {word: float(found.mean()) for word, found in checked.items() if len(found)}
workspace.leave_checked(checked)

# %% tags=["nbval-check-output", "remove-cell"]
if profile == "smoke":
    expected = results.load_expected(parameters.CHAPTERS / "expected" / "oracle.csv")
    for name, value in checked.items():
        print(results.check_line(name, value, expected))

# %% [markdown]
# ## It works fairly well
#
# Here and below stands a number of our reference first, and this build's in square brackets.
# {glue:text}`or-baseline`

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    SCORE | {"distance to nominal z": {"score": oracle.NEIGHBOUR}},
    {
        "base": (oracle.BASE, {}),
        "untrained": (oracle.BASE.replace("ResNet34", "untrained ResNet34"), {}),
    },
    f"Scores that know no anomaly; {EVERY}",
)

# %% tags=["remove-cell", "figure"]
each, base = FIRST, sides["base", FIRST]
shown = {name: entry(logits=base.logits).numpy() for name, entry in scores.LOGIT_TABLE.items()}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
score_histograms(
    axes[:2],
    base.y,
    {"max logit": shown["max logit"], FOREST.split(",")[0]: forests["base", FIRST]},
)
curves = {"max logit": shown["max logit"], "max probability": shown["max probability"]}
curves |= {"oracle detector": forests["base", FIRST]}
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
STEPS = {
    "max logit": {"method": oracle.BASE, "score": "max logit"},
    "oracle\ndetector": {"method": oracle.DETECTOR, "score": oracle.forest_name(1000)},
    "oracle\nrepresentation": {"method": oracle.REPRESENTATION, "score": oracle.forest_name(1000)},
}
panels = {}
for title in (*FULL[:3], images.title):
    told = document[(document["table"] == oracle.Q1_Q2) & (document["dataset"] == title)]
    bars = {"published": told["value"].tolist()} if len(told) else {}
    for source in SOURCES:
        if source == "this build" and title != images.title:
            continue
        cells = {"table": oracle.Q1_Q2, "metric": oracle.AUC}
        here_score = {"score": FOREST} if source == "this build" else {}
        found = [
            values_of(source, title, **cells, **(step | (here_score if i else {})))
            for i, step in enumerate(STEPS.values())
        ]
        if all(len(values) for values in found):
            bars[source] = [metrics.student_interval(values) for values in found]
    if bars and (len(bars) > 1 or "published" not in bars or title == main):
        panels.setdefault(title, bars)
figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.2), squeeze=False)
look = {"published": "0.75", "reference": COLOURS["normal"], "this build": COLOURS["grad"]}
for axis, (title, bars) in zip(axes[0], panels.items(), strict=True):
    for i, (word, found) in enumerate(bars.items()):
        heights = [getattr(value, "mean", value) for value in found]
        errors = [value.high - value.mean if hasattr(value, "n") else 0 for value in found]
        where = np.arange(3) + (i - (len(bars) - 1) / 2) * 0.8 / len(bars)
        errors = np.where(np.isfinite(errors), errors, 0)
        axis.bar(where, heights, 0.8 / len(bars), yerr=errors, color=look[word], label=word)
        for place, height, error in zip(where, heights, errors, strict=True):
            # above its interval, and apart from the neighbours' numbers
            axis.text(place, height + error + 0.006, f"{height:.3f}", ha="center", fontsize=7)
    axis.set_xticks(range(3), list(STEPS), fontsize="small")
    axis.set(title=title, ylim=(0.5, 1.08), ylabel="AUC")
    axis.legend(fontsize="small", loc="upper left")
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
lines = {}
for title in dict.fromkeys((main, "CIFAR-10", "CIFAR-100", "Fashion-MNIST")):
    for word, step in STEPS.items():
        for metric in (oracle.AUC, oracle.EER):
            lines[f"{title}, {' '.join(word.split())}: {metric}"] = {
                "table": oracle.Q1_Q2,
                "dataset": title,
                "class": oracle.CLASS,
                "metric": metric,
                **step,
            }
    for method in (oracle.Q1_GAP, oracle.Q2_GAP):
        lines[f"{title}, {method}"] = {
            "table": oracle.GAPS,
            "dataset": title,
            "class": oracle.CLASS,
            "method": method,
            "score": oracle.GAP_SCORE,
            "metric": oracle.GAP_METRIC,
        }
HERE = results.variant(**changed)
mine = rows[rows["variant"] == HERE].assign(variant="")
shown = results.compared(lines, mine, reference, document, stand_in=stand_in)
shown = shown[(shown != "").any(axis=1)]
shown.style.set_table_attributes('class="numbers"').set_caption(
    "Published, reference and this build, ± half the 95 % interval over splits"
)

# %% [markdown]
# An interval over splits asks whether the gap holds for other classes. Within one split the
# question is whether it could be the draw of test images; there DeLong's interval
# {cite:p}`delong1988` answers, for both scores see the same images:

# %% tags=["hide-input", "figure"]


def by_split(source: pd.DataFrame, title: str) -> dict[tuple[str, str], dict[str, str]]:
    """Each gap with its limits, one line per data set and split."""
    kept = source[(source["table"] == oracle.GAPS) & (source["dataset"] == title)]
    found = {}
    for (method, seed), group in kept.groupby(["method", "seed"], sort=False):
        at = group.set_index("metric")["value"]
        names_of = (oracle.GAP_METRIC, *(f"{oracle.GAP_METRIC}, {s} 95 % limit" for s in LIMITS))
        mean_gap, low, high = (at[name] for name in names_of)
        line = found.setdefault((title, f"split {seed % 100}, seed {seed // 100}"), {})
        line[method] = f"{mean_gap:.3f} [{low:.3f}, {high:.3f}]"
    return found


LIMITS = ("lower", "upper")
split_lines = {}
for title in FULL:
    split_lines |= by_split(reference, title)
if images.title not in {title for title, _ in split_lines}:
    split_lines |= by_split(rows, images.title)
shown = pd.DataFrame.from_dict(split_lines, orient="index")
shown.index = pd.MultiIndex.from_tuples(shown.index)
shown.style.set_table_attributes('class="numbers"').set_caption(
    "The gaps split by split, with DeLong's 95 % intervals"
)

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
DETECTORS = {
    "forest": {"score": FOREST},
    "linear probe": {"score": oracle.PROBE},
    "labelled neighbours": {"score": oracle.VOTE},
    "nominal neighbours": {"score": oracle.NEIGHBOUR},
}
table_of(
    DETECTORS,
    {
        "z of the classifier": (oracle.BASE, {}),
        "z of the Generalized ODIN network": (oracle.GENERALIZED_ODIN, {}),
        "z of the network of all classes": ("oracle representation", {}),
        "z of the untrained classifier": (oracle.UNTRAINED, {}),
    },
    f"Detectors on z; {EVERY}",
)

# %% tags=["hide-input", "full-width", "figure"]
PIXEL_FOREST = oracle.forest_name(trees, "pixels")
table_of(
    {
        "forest on pixels": {"method": oracle.PIXELS, "score": PIXEL_FOREST},
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


def curve_of(source: str, key: str, **cells) -> pd.DataFrame:
    """A number along one setting: its value and the mean, least and largest over splits."""
    table, title, more = SOURCES[source]
    cells = {"dataset": title, "metric": oracle.AUC, **cells}
    kept = table[(table[list(cells)] == pd.Series(cells)).all(axis=1)]
    lines = []
    for (text, _), group in kept.groupby(["variant", "table"], sort=False):
        told = results.parse_variant(text)
        rest = {n: v for n, v in told.items() if n != key}
        if key in told and rest == results.parse_variant(results.variant(**more)):
            spread = group["value"].agg(["mean", "min", "max"])
            lines.append({key: told[key], **spread.to_dict()})
    return pd.DataFrame(lines, columns=[key, "mean", "min", "max"])


figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
for source, style in (("reference", "-"), ("this build", "--")):
    few = curve_of(source, "labelled", table="few-labels")
    if len(few):
        x_axis = few["labelled"].astype(float)
        axes[0].plot(x_axis, few["mean"], style, marker="o", ms=4, color=look[source], label=source)
        axes[0].fill_between(x_axis, few["min"], few["max"], color=look[source], alpha=0.15)
        simple = values_of(source, metric=oracle.AUC, method=oracle.BASE, score="max logit").mean()
        axes[0].axhline(simple, ls=":", color=look[source])
axes[0].set(xscale="log", xlabel="labelled anomalies", ylabel="AUC of the forest")
axes[0].legend(fontsize="small", title="dotted: max logit", title_fontsize="small")
left_out = {}
for source, (table, title, _) in SOURCES.items():
    kept = table[(table["table"] == "left-out") & (table["dataset"] == title)]
    kept = kept[kept["metric"] == oracle.AUC]
    told = pd.DataFrame([results.parse_variant(text) for text in kept["variant"]])
    if len(told):
        told["value"], told["seed"] = kept["value"].to_numpy(), kept["seed"].to_numpy()
        pair = told.pivot_table(index=["left_out", "seed"], columns="arm", values="value")
        left_out[source] = pair
        axes[1].scatter(pair["seen"], pair["unseen"], s=18, color=look[source], label=source)
lowest = min((pair.to_numpy().min() for pair in left_out.values()), default=0.5) - 0.02
axes[1].plot([lowest, 1], [lowest, 1], color="0.7", ls=":")
axes[1].set(xlabel="AUC, class among the labelled", ylabel="AUC, class left out")
axes[1].legend(fontsize="small")
shown = {}
for source in SOURCES:
    for method, score, word in (
        (oracle.BASE, "max logit", "max logit"),
        (oracle.DETECTOR, oracle.forest_name(1000) if source == "reference" else FOREST, "forest"),
    ):
        table = curve_of(source, "far", table="far", method=method, score=score)
        at = dict(zip(table["far"], table["mean"], strict=True))
        q1_q2 = {"table": oracle.Q1_Q2, "method": method, "score": score}
        at["anomaly classes"] = values_of(source, metric=oracle.AUC, **q1_q2).mean()
        shown[f"{word}, {source}"] = at
shown = pd.DataFrame(shown).dropna(axis=1, how="all")
for i, column in enumerate(shown):
    colour = look[column.split(", ")[1]]
    marker = "o" if column.startswith("max") else "s"
    where = np.arange(len(shown)) + 0.12 * (i - 1.5)
    axes[2].plot(where, shown[column], marker, color=colour, label=column, ms=5)
axes[2].set_xticks(range(len(shown)), list(shown.index), rotation=20, fontsize="small")
axes[2].set(ylabel="AUC against nominal test images")
axes[2].legend(fontsize="x-small")
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
# ## Q3: does drawing the image help?
#
# The hybrid network also draws its input again from $z$, and adds $\lambda$ times the per-pixel
# squared error to the loss. Whether that error is summed or averaged over the 3072 numbers of an
# image is not printed, so each published weight has two readings: 0.9 or 2765 for CIFAR-10, 0.005
# or 15.4 for CIFAR-100, written here as weights of the *averaged* error. The slides warn that
# theirs was tuned on labelled test data. {glue:text}`or-hybrid`

# %% tags=["hide-input", "full-width", "figure"]
ACCURACY = {"metric": "test accuracy"}
SHORT = {"test accuracy": ACCURACY, "max logit": SCORE["max logit"], "entropy": SCORE["entropy"]}
SHORT |= {"forest": {"score": FOREST}, "linear probe": {"score": oracle.PROBE}}
FAMILY = ("base", "hybrid 0.005", "hybrid 0.9", "hybrid 15.4", "hybrid 2765", "reconstruction")
table_of(
    SHORT,
    {word: LINES[word] for word in FAMILY},
    f"Classification, both, reconstruction alone, first split; {EVERY}",
    first=True,
)

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    {
        f"{word}: {what}": {"table": "hybrid-chosen", "setting": {"selection": word}, **cell}
        for word in ("validation", "test")
        for what, cell in (
            ("lambda", {"metric": "lambda", "score": ""}),
            ("max logit", SCORE["max logit"]),
            ("forest", {"score": FOREST}),
        )
    },
    {"hybrid": (oracle.HYBRID, {})},
    "The hybrid by validation accuracy, and by the test images' own labels",
)

# %% tags=["hide-input", "full-width", "figure"]
judged("q3", "reflection-reconstruction")

# %% [markdown]
# ## Improvements: Generalized ODIN, ODIN, ensembles
#
# Generalized ODIN {cite:p}`hsu2020generalized` writes the logits as a quotient $h_y(z)/g(z)$ of
# cosines and one divisor, trains on the quotient and scores by the largest $h$. ODIN
# {cite:p}`liang2018odin` divides logits by a temperature and moves each pixel a little towards more
# confidence. {glue:text}`or-improvements`

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    SCORE | {"max h": {"score": "max cosine h"}, "divisor g": {"score": "divisor g"}},
    {"base": (oracle.BASE, {}), "Generalized ODIN": (oracle.GENERALIZED_ODIN, {})},
    f"Plain and Generalized ODIN head; {EVERY}",
)

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    {
        word: {"table": "odin-best", "score": word, "metric": oracle.AUC}
        for word in ("unperturbed", "best perturbation", "temperature 1", "best temperature")
    },
    {"base": (oracle.BASE, {}), "Generalized ODIN": (oracle.GENERALIZED_ODIN, {})},
    "ODIN on part of the test images of the first split: AUC; the best is chosen on those images",
)

# %% tags=["remove-cell", "figure"]


def odin_grid(source: str, method: str) -> pd.DataFrame:
    """AUC by perturbation (lines) and temperature (columns)."""
    table, title, _ = SOURCES[source]
    cells = {"table": "odin", "dataset": title, "method": method, "score": "ODIN"}
    cells |= {"metric": oracle.AUC}
    kept = table[(table[list(cells)] == pd.Series(cells)).all(axis=1)]
    told = [results.parse_variant(text) for text in kept["variant"]]
    if not told:
        return pd.DataFrame()
    found = pd.DataFrame(told)[["epsilon", "temperature"]].astype(float)
    found["AUC"] = kept["value"].to_numpy()
    return found.pivot_table(index="epsilon", columns="temperature", values="AUC")


odin_source = "reference" if len(odin_grid("reference", oracle.BASE)) else "this build"
odin_grids = {
    word: odin_grid(odin_source, method)
    for word, method in (("plain head", oracle.BASE), ("Generalized ODIN", oracle.GENERALIZED_ODIN))
}
odin_grids = {word: grid for word, grid in odin_grids.items() if len(grid)}
columns = max(len(odin_grids), 1)
figure, axes = plt.subplots(1, columns, figsize=(4.6 * columns, 2.8), squeeze=False)
for axis, (word, grid) in zip(axes[0], odin_grids.items(), strict=False):
    sns.heatmap(grid, annot=True, fmt=".3f", cbar=False, cmap="viridis", ax=axis)
    axis.set(title=word, xlabel="temperature", ylabel="perturbation")
glue("or-odin", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-odin
# :name: fig-or-odin
# AUC of ODIN's score, 1 less the largest probability, by temperature and perturbation; test images
# of {glue:text}`or-odin-source`.
# ```

# %% tags=["hide-input", "full-width", "figure"]
members_lines = {"base": (oracle.BASE, {})}
members_lines |= {f"member {i}": (oracle.BASE, {"member": i}) for i in range(1, 5)}
table_of(
    {"test accuracy": ACCURACY, "max logit": SCORE["max logit"], "forest": {"score": FOREST}},
    members_lines,
    f"The members of the ensemble alone, first split; {EVERY}",
    first=True,
)

# %% tags=["hide-input", "full-width", "figure"]
ENSEMBLES = {"table": "ensembles"}
table_of(
    {
        "mean max logit": ENSEMBLES | {"score": "mean max logit"},
        "max probability of the mean": ENSEMBLES | {"score": "max probability of the mean"},
    },
    {f"{i} members": (oracle.ENSEMBLE, {"members": i}) for i in range(2, 6)},
    f"Deep ensembles, first split; {EVERY}",
)

# %% tags=["hide-input", "full-width", "figure"]
judged("godin", "odin", "ensemble")

# %% [markdown]
# ## Tasks that did not help, says the talk
#
# A network that must also name how far the image was turned, colour a grey image, or draw its
# Sobel edges. One head each on $z$, beside the classes. {glue:text}`or-auxiliary`

# %% tags=["hide-input", "full-width", "figure"]
table_of(
    SHORT,
    {word: LINES[word] for word in ("base", "rotation", "recolouring", "sobel")},
    f"With an auxiliary task, first split; {EVERY}",
    first=True,
)

# %% tags=["hide-input", "full-width", "figure"]
judged("auxiliary")

# %% [markdown]
# GEOM, CSI, JEM and the SVGD ensembles, which the talk also names, need a GPU for hours or have
# parts that no source prints. They stand in the ledger and are not tested:

# %% tags=["hide-input", "full-width", "figure"]
judged("untested")

# %% [markdown]
# ## Reflections: accuracy, gradients, augmentation
#
# *Better classifiers allow simple methods to work better*, it is often said, and the talk asks why
# a representation does not lose its power over novelty as it specialises; perhaps only because
# gradients vanish with the loss. {numref}`fig-or-reflections` shows one training and all
# finished networks of the first split. {glue:text}`or-reflections`

# %% tags=["remove-cell", "figure"]


def along_training(source: str) -> pd.DataFrame:
    """What was read after some epochs of the first base network, one column each."""
    table, title, _ = SOURCES[source]
    kept = table[(table["table"] == "over-training") & (table["dataset"] == title)]
    kept = kept[(kept["seed"] == kept["seed"].min()) & (kept["metric"] != oracle.EER)]
    told = [int(results.parse_variant(text)["epochs_shown"]) for text in kept["variant"]]
    kept = kept.assign(epoch=told, what=kept["score"].where(kept["score"] != "", kept["metric"]))
    return kept.pivot_table(index="epoch", columns="what", values="value")


def finished_networks(source: str) -> pd.DataFrame:
    """Test accuracy and max-logit AUC of the finished networks of the first split."""
    table, title, _ = SOURCES[source]
    kept = table[(table["table"] == "networks") & (table["dataset"] == title)]
    kept = kept[(kept["seed"] == kept["seed"].min())]
    accuracy = kept[kept["metric"] == "test accuracy"]
    auc = kept[(kept["metric"] == oracle.AUC) & (kept["score"] == "max logit")]
    both_of = ["method", "variant"]
    return accuracy.merge(auc, on=both_of)[[*both_of, "value_x", "value_y"]]


trained_by = "reference" if len(along_training("reference")) else "this build"
over, points = along_training(trained_by), finished_networks(trained_by)
forest_column = next(name for name in [*over.columns, "none"] if "forest" in name or name == "none")
figure, axes = plt.subplots(1, 3, figsize=(12, 3.4))
if len(over):
    for name, style in (("training loss", "-"), ("gradient norm", "--")):
        axes[0].plot(over.index, over[name], style, color="0.3", label=name)
    axes[1].plot(over.index, over[forest_column], "s-", ms=4, label="forest on z")
    axes[1].plot(over.index, over["max logit"], "o-", ms=4, label="max logit")
    axes[1].plot(over.index, over["test accuracy"], ":", color="0.4", label="test accuracy")
    axes[2].plot(over["test accuracy"], over["max logit"], "o-", ms=4, lw=0.8, label="one training")
axes[0].set(xlabel="epoch", yscale="log")
axes[0].legend(fontsize="small")
axes[1].set(xlabel="epoch", ylabel="AUC")
axes[1].legend(fontsize="small")
axes[2].plot(points["value_x"], points["value_y"], "D", ms=5, label="finished networks")
axes[2].set(xlabel="test accuracy", ylabel="AUC of the max logit")
axes[2].legend(fontsize="small")
glue("or-reflections-figure", figure, display=False)
plt.close(figure)

# %% [markdown]
# ```{glue:figure} or-reflections-figure
# :name: fig-or-reflections
# Left and middle: training loss, gradient norm, and what score and forest find, over one training
# of the base network. Right: accuracy against the AUC of the max logit. From
# {glue:text}`or-reflections-source`.
# ```

# %% tags=["hide-input", "full-width", "figure"]
widths = {f"width {w}": (oracle.BASE, {"width": w}) for w in (8, 24, 32)}
table_of(
    SHORT,
    {"base": LINES["base"], **widths, "no augmentation": LINES["no augmentation"]},
    f"Widths and augmentation, first split; {EVERY}",
    first=True,
)

# %% tags=["hide-input", "full-width", "figure"]
judged("reflection-accuracy", "reflection-training", "reflection-augmentation")

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
worded = {"reference": "our reference", "this build": "this build"}
sentences = {"odin-source": worded[odin_source], "reflections-source": worded[trained_by]}
sentences |= {"trees": f"{trees:,}", "curve-trees": f"{curve_trees:,}"}
STEP_CELLS = [
    {"table": oracle.Q1_Q2, "metric": oracle.AUC, "method": method, "score": score}
    for method, score in (
        (oracle.BASE, "max logit"),
        (oracle.DETECTOR, FOREST),
        (oracle.REPRESENTATION, FOREST),
    )
]
GAP_CELLS = {"table": oracle.GAPS, "metric": oracle.GAP_METRIC, "score": oracle.GAP_SCORE}


def printed(title: str, metric: str = "AUC") -> str:
    """What the document prints of a set's three numbers, or of its two gaps."""
    told = document[(document["dataset"] == title) & (document["metric"] == metric)]
    return " → ".join(f"{value:.3f}" for value in told["value"])


def chain(source: str, title: str = "") -> str:
    """The three AUCs in a row, as the talk writes them."""
    return " → ".join(filter(None, (one(source, title=title, **c) for c in STEP_CELLS)))


def gap_text(source: str, method: str) -> str:
    return one(source, **GAP_CELLS, method=method)


told = f"{main}: {chain('reference')} in our reference" if chain("reference") else ""
here = f"{images.title}: {chain('this build')} in this build"
sentences["gaps"] = (
    f"Score → oracle detector → oracle representation. {'; '.join(filter(None, [told, here]))}. "
    f"The talk has {printed('CIFAR-10')} for CIFAR-10 and {printed('CIFAR-100')} for CIFAR-100, "
    "with wider networks."
)
for key, method, words in (
    ("q1", oracle.Q1_GAP, "Q1, from the score to an oracle detector on the same z"),
    ("q2", oracle.Q2_GAP, "Q2, from there to the z of a network that has seen all classes"),
):
    measured_gap = gap_text("reference", method)
    where_from = f"{main}, our reference" if measured_gap else f"{images.title}, this build"
    shown_gap = measured_gap or gap_text("this build", method) or "not measured"
    place = ["Q1 detector gap", "Q2 representation gap"].index(method)
    published_gap = printed("CIFAR-10", oracle.GAP_METRIC).split(" → ")[place]
    sentences[key] = f"{words}: {shown_gap} of AUC ({where_from}); published {published_gap}."
LOGIT = {"metric": oracle.AUC, "score": "max logit"}
OF_FOREST = {"metric": oracle.AUC, "score": FOREST}
insects = document.loc[document["metric"].str.startswith("equal error rate"), "value"].iloc[0]
sentences["baseline"] = (
    f"The AUC of the max logit is {beside(method=oracle.BASE, **LOGIT)}; of the same score before "
    f"training {beside(method='untrained ResNet34 classifier', **LOGIT)}; of the distance to the "
    "mean training image "
    f"{beside(method='trivial', metric=oracle.AUC, score='distance to mean')}. The max logit's "
    f"equal error rate is {beside(method=oracle.BASE, metric=oracle.EER, score='max logit')}; the "
    f"talk's insects had {insects:.2f} in 2011."
)
probe = beside(method=oracle.BASE, metric=oracle.AUC, score=oracle.PROBE)
pixel = beside(method=oracle.PIXELS, metric=oracle.AUC, score=PIXEL_FOREST)
sentences["controls"] = (
    f"On the classifier's z the forest's AUC is {beside(method=oracle.BASE, **OF_FOREST)} and "
    f"the linear probe's {probe}. On z of the untrained network the forest has "
    f"{beside(method=oracle.UNTRAINED, **OF_FOREST)}, on the pixels {pixel}."
)
sentences["doubt"] = (
    "What the same forest reads elsewhere: its AUC is "
    f"{beside(method=oracle.UNTRAINED, **OF_FOREST)} on an untrained network, and {pixel} on the "
    f"pixels; a linear probe on z has {probe}, the forest "
    f"{beside(method=oracle.BASE, **OF_FOREST)}."
)
OF_SMALL = {"metric": oracle.AUC, "score": SMALL_FOREST, "method": oracle.DETECTOR}
LEFT = {"table": "left-out-average", **OF_SMALL}
FAR = {"table": "far-average"}
few_counts = [min(labelled), max(labelled)]
few_texts = [
    f"{count} labelled anomalies: "
    + beside(table="few-labels", setting={"labelled": count}, **OF_SMALL)
    for count in few_counts
]
sentences["open"] = (
    f"With {'; with '.join(few_texts)}. A class left out of the labelled ones: AUC "
    f"{beside(**LEFT, setting={'arm': 'unseen'})}; when it is among them, "
    f"{beside(**LEFT, setting={'arm': 'seen'})}. Far images, mean over the sets: max logit "
    f"{beside(**FAR, method=oracle.BASE, **LOGIT)}; the forest, which learnt from other classes "
    f"what an anomaly is, {beside(**FAR, method=oracle.DETECTOR, **OF_FOREST)}."
)


def listed(cells_by_word: dict[str, dict]) -> str:
    """`word number; word number`, of what was measured."""
    texts = {word: beside(**cells) for word, cells in cells_by_word.items()}
    return "; ".join(f"{word} {text}" for word, text in texts.items() if text != "not measured")


hybrid_text = listed(
    {
        f"λ = {weight:g}:": {"method": oracle.HYBRID, "setting": {"lambda": weight}, **OF_FOREST}
        for weight in (0.005, 0.9, 15.4, 2765)
    }
)
alone = beside(method=oracle.RECONSTRUCTION, **OF_FOREST)
sentences["hybrid"] = (
    "AUC of the forest, first split: without reconstruction "
    f"{beside(method=oracle.BASE, first=True, **OF_FOREST)}; "
    f"{hybrid_text or 'no hybrid was trained'}; reconstruction alone {alone}."
)
first_only = "first split, so without an interval"
sentences["q3"] = (
    f"Q3: {hybrid_text or 'no hybrid was trained'} (AUC of the forest on the hybrid's z; "
    f"{first_only}); the plain network has "
    f"{beside(method=oracle.BASE, first=True, **OF_FOREST)} there."
)
godin = {"method": oracle.GENERALIZED_ODIN, "metric": oracle.AUC}
of_ensemble = {"table": "ensembles", "method": oracle.ENSEMBLE, "metric": oracle.AUC}
of_ensemble |= {"score": "mean max logit"}
ensembles = listed(
    {f"{i} members:": of_ensemble | {"setting": {"members": i}} for i in range(2, 6)}
)
sentences["improvements"] = (
    f"AUC of the largest h: {beside(**godin, score='max cosine h')}; of the plain network's max "
    f"logit: {beside(method=oracle.BASE, **LOGIT)}. Ensembles on the first split, mean max logit: "
    f"{ensembles or 'none was trained'}."
)
tasks = listed(
    {
        f"with {name}": {"method": oracle.METHODS[name], **LOGIT}
        for name in ("rotation", "recolouring", "sobel")
    }
)
sentences["auxiliary"] = (
    f"AUC of the max logit, first split: {tasks}."
    if tasks
    else "This build trains none of them, and there is no reference yet."
)
RANKS = {"table": "reflection-accuracy", "score": "max logit", "method": oracle.BASE}
RANKS |= {"metric": "Spearman of accuracy and AUC"}
lost = {"metric": "AUC at the last epoch less the largest before", "score": SMALL_FOREST}
lost |= {"table": "over-training-summary", "method": oracle.BASE}
sentences["reflections"] = (
    "Rank correlation of accuracy and AUC: over the epochs of one training "
    f"{beside(**RANKS, setting={'arm': 'checkpoints'}, decimals=2)}, over finished networks "
    f"{beside(**RANKS, setting={'arm': 'networks'}, decimals=2)}. What the forest finds at the "
    f"last epoch, less the most it found before: {beside(**lost)}."
)
budgets = pd.concat([reference, rows])
budgets = budgets[budgets["table"] == "budget"]
words = []
for (title, variant), group in budgets.groupby(["dataset", "variant"], sort=False):
    at = group.groupby("metric")["value"].mean()
    setting = results.parse_variant(variant)
    words.append(
        f"{title}, width {setting['width']}, {setting['epochs']} epochs, {setting['schedule']}: "
        f"{at['validation accuracy']:.3f} in {at['minutes of one core']:.1f} min"
    )
sentences["budget"] = (
    f"This build uses width {width} and {epochs} epochs with the schedule {schedule}. Validation "
    f"accuracy of the base network by budget, first split: {'; '.join(words)}."
)
sentences["build"] = (
    f"This build, on {images.title} with width {width} and {epochs} epochs: "
    f"{chain('this build')} (score → detector → representation)."
)
trained_on = "z and logits from results/reference/latents" if latents else "trained here"
settings_told = (
    f"networks {', '.join(networks + extra)}, {trained_on}; splits {splits}, seeds {seeds}; "
    f"width {width}, {epochs} epochs, batches of {batch_size}, learning rate "
    f"{learning_rate:g} ({schedule}, {precision}); forests of {trees} trees"
)
took = time.monotonic() - clock
sentences["box"] = results.run_words(provenance, images.title, settings_told, seconds=took)
for name, sentence in sentences.items():
    glue(f"or-{name}", sentence, display=False)
