"""The oracle's rows, table by table: each step adds its own to a sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from lib import data, metrics, models, numbers, scores, training
from lib.experiments.oracle_study import Key, Network, Pair, Study

AUC, ACCURACY = "AUC", "test accuracy"
CLASS = "nominal vs anomaly"
BASE = "ResNet34 classifier"
DETECTOR, REPRESENTATION, UNTRAINED, PIXELS = (
    f"{of} + oracle detector"
    for of in (BASE, "oracle representation", "untrained ResNet34", "pixels")
)
METHODS = {
    "base": BASE,
    "all classes": "oracle representation",
    "generalized odin": "Generalized ODIN, cosine h, linear g",
    "reconstruction": "reconstruction network",
    "no augmentation": f"{BASE}, no augmentation",
    "rotation": f"{BASE} with rotation task",
    "recolouring": f"{BASE} with recolouring task",
    "sobel": f"{BASE} with Sobel task",
}
# networks that a number tells apart: the variant's key, and the method
NUMBERED = {
    "hybrid": ("lambda", "hybrid network"),
    "member": ("member", BASE),
    "width": ("width", BASE),
}
# the reference's forests, by whose names pages ask for those of any number of trees
FOREST, SMALL_FOREST = (f"random forest, {trees} trees, on z" for trees in (1000, 200))
Values = NDArray[np.float64]
Place = tuple[str, float, float]  # score, temperature and epsilon of ODIN


def method_of(network: str) -> tuple[str, dict[str, float]]:
    """The method of a network of `training.recipe` in rows, and what makes it a variant of that."""
    word, _, number = network.partition(" ")
    if word in NUMBERED:
        key, method = NUMBERED[word]
        return method, {key: float(number)}
    return METHODS[network], {}


def detection(labels: ArrayLike, values: ArrayLike) -> dict[str, float]:
    """AUC and equal error rate of scores that are higher for anomalies (label 1), by metric."""
    error = metrics.equal_error_rate(labels, values)
    return {AUC: metrics.auroc(labels, values), "equal error rate": error}


def odin_choices(auc: Mapping[Place, float], score: str) -> dict[str, Place]:
    """`score` without perturbation and with the best, ODIN at temperature 1 and at the best other.

    `auc` holds an AUC by score, temperature and epsilon. A best that nothing can be chosen for is
    left out; the first of equal ones is taken.
    """
    moved = [place for place in auc if place[:2] == (score, 1) and place[2] != 0]
    cooled = [place for place in auc if place[0] == "ODIN" and place[1] != 1 and place[2] == 0]
    choices: dict[str, Place] = {"unperturbed": (score, 1, 0), "temperature 1": ("ODIN", 1, 0)}
    for word, places in (("best perturbation", moved), ("best temperature", cooled)):
        choices |= {word: max(places, key=auc.__getitem__)} if places else {}
    return choices


class Sheet:
    """A run's rows as they grow, and the scores that several tables need."""

    def __init__(self, study: Study, trained: Mapping[Key, Network], run: str) -> None:
        self.study, self.networks, self.variant = study, trained, study.settings.changed
        self.settings, self.first = study.settings, study.first
        self.forest_name = f"random forest, {study.settings.trees} trees, on z"
        self.small_forest = f"random forest, {study.settings.curve_trees} trees, on z"
        self._add, self.rows = numbers.collector(run=run, dataset=study.images.title)
        self.sides = {
            (name, pair): study.sides(trained[study.key(name, pair)].latents, pair)
            for name, pair in study.asked_for()
            if study.key(name, pair) in trained
        }
        self.far: dict[Pair, dict[str, tuple[training.Prediction, Values]]] = {}
        self.forests: dict[tuple[str, Pair], Values] = {}
        self.max_logits: dict[tuple[str, Pair], Values] = {}

    def network(self, name: str, pair: Pair) -> Network:
        return self.networks[self.study.key(name, pair)]

    def add(self, values: Mapping[Any, float], pair: Pair, **cells: Any) -> None:
        """A row per metric; its seed counts splits and seeds, for both repeat the experiment."""
        same = {"class_": CLASS, "seed": pair[0] + 100 * pair[1], **self.variant}
        for metric, value in values.items():
            self._add(value, metric=metric, **(same | cells))

    def detect(
        self, y: ArrayLike, values: Mapping[tuple[str, str], ArrayLike], pair: Pair, **cells: Any
    ) -> list[dict[str, float]]:
        """Rows of `detection` by method and score."""
        detections = [detection(y, each) for each in values.values()]
        for (method, score), detected in zip(values, detections, strict=True):
            self.add(detected, pair, method=method, score=score, n=len(np.asarray(y)), **cells)
        return detections

    def mean(self, several: Sequence[Mapping[str, float]], pair: Pair, **cells: Any) -> None:
        """Rows of the average of several detections."""
        self.add(pd.DataFrame(several).mean().to_dict(), pair, **cells)

    def forest(
        self,
        side: data.Sides,
        *purpose: str | int,
        trees: int = 0,
        besides: Sequence[NDArray[np.float32]] = (),
        keep: NDArray[np.bool_] | slice = slice(None),
    ) -> Values:
        """The oracle detector's score of test images and `besides`, learnt from `keep` alone."""
        return scores.forest_score(
            side.known_z[keep],
            side.known_y[keep],
            np.concatenate([side.z, *besides]),
            rng=training.numpy_generator(0, "forest", *purpose),
            trees=trees or self.settings.trees,
            jobs=torch.get_num_threads(),
        )


def detectors(sheet: Sheet) -> None:
    """Of every network: its accuracy, the scores of its logits, the detectors on its z."""
    study, jobs = sheet.study, torch.get_num_threads()
    for (name, pair), side in sheet.sides.items():
        recipe, network = training.recipe(name), sheet.network(name, pair)
        seen: dict[str, training.Prediction] = {}
        if name == "base" and network.trained:  # one forest is asked about far images, too
            model = network.trained.model
            seen = {word: training.predict(model, x) for word, x in study.far.items()}
        forest = sheet.forest(side, name, *pair, besides=[p.z.numpy() for p in seen.values()])
        ends = np.cumsum([len(side.z), *(len(part.z) for part in seen.values())])[:-1]
        sheet.forests[name, pair], *at_far = np.split(forest, ends)
        sheet.far[pair] = sheet.far.get(pair, {}) | {
            word: (seen[word], values) for word, values in zip(seen, at_far, strict=True)
        }
        method, variant = method_of(name)
        cells = {"table": "networks", **variant}
        if recipe.classification:
            accuracy = data.own_accuracy(side, study.classes(name, pair))
            sheet.add({ACCURACY: accuracy}, pair, method=method, n=len(side.y), **cells)
        values = {
            sheet.forest_name: sheet.forests[name, pair],
            "linear probe on z": scores.linear_probe_score(side.known_z, side.known_y, side.z),
        }
        if recipe.classes == "nominal":
            nominal = side.known_z[side.known_y == 0]
            distance = scores.nominal_neighbour_distance(nominal, side.z, jobs=jobs)
            values["distance to nominal z"] = distance
            if recipe.classification:
                for score, entry in scores.LOGIT_TABLE.items():
                    values[score] = entry(logits=side.logits).numpy()
                sheet.max_logits[name, pair] = values["max logit"]
        if name == "generalized odin" and network.trained:  # stored logits are h / g alone
            head: Any = network.trained.model.head
            with torch.no_grad():
                cosines = head.cosines(torch.from_numpy(side.z).to(study.device))
            values["max cosine h"] = scores.max_logit(cosines).cpu().numpy()
        sheet.detect(side.y, {(method, score): v for score, v in values.items()}, pair, **cells)


def gaps(sheet: Sheet) -> None:
    """The talk's three numbers and two gaps."""
    for pair in sheet.study.parts:
        y = sheet.sides["base", pair].y
        steps = {(BASE, "max logit"): sheet.max_logits["base", pair]}
        steps[DETECTOR, sheet.forest_name] = sheet.forests["base", pair]
        if ("all classes", pair) in sheet.sides:
            steps[REPRESENTATION, sheet.forest_name] = sheet.forests["all classes", pair]
        detected = sheet.detect(y, steps, pair, table="results-q1-q2")
        names = "Q1 detector gap", "Q2 representation gap"
        for method, (worse, better) in zip(names, pairwise(detected), strict=False):
            cells = {"table": "results-gaps", "score": "difference of AUC", "n": len(y)}
            sheet.add({"AUC difference": better[AUC] - worse[AUC]}, pair, method=method, **cells)


def controls(sheet: Sheet) -> None:
    """The same forest on z of an untrained network and on pixels; scores that need no network."""
    study = sheet.study
    for pair, part in study.parts.items():
        latents = study.read(study.untrained("base", pair), pair)
        fresh = study.sides(latents, pair)
        x = study.pixels[part["test"]].float() / 255
        centre = study.pixels[part["train"]].float().mean(0, keepdim=True) / 255
        values: dict[tuple[str, str], ArrayLike] = {
            (UNTRAINED, sheet.forest_name): sheet.forest(fresh, "untrained", *pair),
            (f"untrained {BASE}", "max logit"): scores.max_logit(fresh.logits),
            ("trivial", "mean brightness"): scores.mean_brightness(x),
            ("trivial", "distance to mean"): scores.distance_to_mean(x, centre),
        }
        if pair == sheet.first:  # thousands of numbers an image make slow forests
            bare = replace(latents, z=study.pixels[latents.indices].flatten(1).numpy())
            key = PIXELS, sheet.forest_name.replace("on z", "on pixels")
            values[key] = sheet.forest(study.sides(bare, pair), "pixels", *pair)
        sheet.detect(fresh.y, values, pair, table="networks")


def labels(sheet: Sheet) -> None:
    """What the oracle detector needs: few labelled anomalies, or all classes but one."""
    settings, names = sheet.settings, sheet.study.images.class_names
    key, trees = (DETECTOR, sheet.small_forest), settings.curve_trees
    for pair in sheet.study.parts:
        base = sheet.sides["base", pair]
        cells = {"method": DETECTOR, "score": sheet.small_forest, "n": len(base.y)}
        curve = scores.forest_learning_curve(
            *(base.known_z, base.known_y, base.z, base.y),
            counts=settings.labelled,
            rng=training.numpy_generator(0, "few labels", *pair),
            trees=trees,
            jobs=torch.get_num_threads(),
        )
        for count, value in curve.items():
            sheet.add({AUC: value}, pair, table="few-labels", labelled=count, **cells)
        seen_all = sheet.forest(base, "left out", *pair, trees=trees)
        arms: dict[str, list[dict[str, float]]] = {"seen": [], "unseen": []}
        for label, asked, keep in data.left_out(base):
            unseen = sheet.forest(base, "left out", label, *pair, trees=trees, keep=keep)
            for arm, values in (("seen", seen_all), ("unseen", unseen)):
                one = {"table": "left-out", "arm": arm, "left_out": names[label]}
                arms[arm] += sheet.detect(base.y[asked], {key: values[asked]}, pair, **one)
        for arm, several in arms.items():
            sheet.mean(several, pair, table="left-out-average", arm=arm, **cells)


def far(sheet: Sheet) -> None:
    """Images from elsewhere in the anomalies' place; these need the weights."""
    for pair, parts in sheet.far.items():
        base, forest = sheet.sides["base", pair], sheet.forests["base", pair]
        nominal = base.y == 0
        averages: dict[tuple[str, str], list[dict[str, float]]] = {}
        for name, (part, at_far) in parts.items():
            values: dict[tuple[str, str], ArrayLike] = {
                (BASE, "max logit"): scores.max_logit(
                    torch.cat([base.logits[nominal], part.logits])
                ),
                (DETECTOR, sheet.forest_name): np.concatenate([forest[nominal], at_far]),
            }
            y = np.repeat([0, 1], [nominal.sum(), len(part.z)])
            detected = sheet.detect(y, values, pair, table="far", far=name)
            for key, each in zip(values, detected, strict=True):
                averages.setdefault(key, []).append(each)
        n = sum(len(part.z) for part, _ in parts.values())
        for (method, score), several in averages.items():
            sheet.mean(several, pair, table="far-average", method=method, score=score, n=n)


def course(sheet: Sheet) -> None:
    """What score and forest find over the training of the base network."""
    study, first = sheet.study, sheet.first
    if (done := sheet.network("base", first).trained) is None:
        return
    of_forest = []
    for epoch, weights in done.snapshots.items():
        model = study.untrained("base", first)
        model.load_state_dict(weights)
        side = study.sides(study.read(model, first), first)
        entry = done.history[epoch - 1]
        line = {
            "training loss": entry["train_loss"],
            "gradient norm": entry["gradient_norm"],
            ACCURACY: data.own_accuracy(side, study.classes("base", first)),
        }
        cells = {"table": "over-training", "epochs_shown": epoch}
        sheet.add(line, first, method=BASE, n=len(side.y), **cells)
        purpose = "over training", epoch, *first
        values: dict[tuple[str, str], ArrayLike] = {
            (BASE, "max logit"): scores.max_logit(side.logits),
            (BASE, sheet.small_forest): sheet.forest(
                side, *purpose, trees=sheet.settings.curve_trees
            ),
        }
        of_forest.append(sheet.detect(side.y, values, first, **cells)[1][AUC])
    if len(of_forest) > 1:
        *before, last = of_forest
        lost = {"AUC at the last epoch less the largest before": last - max(before)}
        cells = {"table": "over-training-summary", "method": BASE, "score": sheet.small_forest}
        sheet.add(lost, first, n=len(side.y), **cells)


def odin(sheet: Sheet) -> None:
    """ODIN on the plain and on the Generalized ODIN head, on some test images."""
    study, first, settings = sheet.study, sheet.first, sheet.settings
    test = study.parts[first]["test"]
    test = test[data.evenly_spaced(np.ones(len(test), bool), settings.sample)]
    x = study.pixels[test].to(study.device).float() / 255
    y = 1 - np.isin(study.images.labels[test], study.nominal(first[0])).astype(int)
    cooled = [("ODIN", t, 0.0) for t in settings.temperatures if t != 1]
    for name in ("base", "generalized odin"):
        if (name, first) not in sheet.sides or not (done := sheet.network(name, first).trained):
            continue
        own = "max cosine h" if name == "generalized odin" else "ODIN"
        moved = [(s, 1.0, e) for s in dict.fromkeys(("ODIN", own)) for e in settings.epsilons]
        grid = {place: detection(y, _odin(done.model, x, place)) for place in [*moved, *cooled]}
        auc = {place: detected[AUC] for place, detected in grid.items()}
        cells = {"table": "odin-best", "method": METHODS[name], "n": len(y)}
        for word, place in odin_choices(auc, own).items():
            sheet.add(grid[place], first, score=word, **cells)


def _odin(model: models.Classifier, x: torch.Tensor, place: Place) -> Values:
    score, temperature, epsilon = place
    if score == "ODIN":
        values = scores.odin(model, x, temperature=temperature, epsilon=epsilon)
    else:
        values = scores.generalized_odin(model, x, epsilon=epsilon)
    return values.cpu().numpy()


def several(sheet: Sheet) -> None:
    """Several networks of the first split: their ensemble, and accuracy against AUC."""
    first, y = sheet.first, sheet.sides["base", sheet.first].y
    sides = {name: side for (name, pair), side in sheet.sides.items() if pair == first}
    members = ["base", *sorted(name for name in sides if name.startswith("member "))]
    if len(members) > 1:
        logits = torch.stack([sides[name].logits for name in members])
        values = {("deep ensemble", "mean max logit"): scores.ensemble_max_logit(logits)}
        sheet.detect(y, values, first, table="ensembles", members=len(members))
    points = pd.DataFrame(
        [
            (data.own_accuracy(sides[n], sheet.study.classes(n, first)), metrics.auroc(y, values))
            for (n, pair), values in sheet.max_logits.items()
            if pair == first
        ]
    )
    if len(points) > 2 and (points.nunique() > 1).all():  # else no rank correlation
        rank = {"Spearman of accuracy and AUC": float(stats.spearmanr(*points.T.to_numpy())[0])}
        cells = {"table": "reflection-accuracy", "method": BASE, "score": "max logit"}
        sheet.add(rank, first, n=len(points), arm="networks", **cells)


STEPS = (detectors, gaps, controls, labels, far, course, odin, several)
