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

from lib import data, metrics, numbers, scores, training
from lib.experiments.oracle_study import Key, Network, Pair, Study

AUC, ACCURACY, VALIDATION = "AUC", "test accuracy", "validation accuracy"
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
Place = tuple[str, float, float]  # score, temperature and epsilon


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
    found: dict[str, Place] = {"unperturbed": (score, 1, 0), "temperature 1": ("ODIN", 1, 0)}
    found |= {"best perturbation": max(moved, key=auc.__getitem__)} if moved else {}
    return found | ({"best temperature": max(cooled, key=auc.__getitem__)} if cooled else {})


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
        self.far: dict[Pair, dict[str, training.Prediction]] = {}
        self.forests: dict[tuple[str, Pair], Values] = {}
        self.far_forests: dict[Pair, list[Values]] = {}
        self.max_logits: dict[tuple[str, Pair], Values] = {}
        self.course: list[dict[str, float]] = []

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
        found = [detection(y, each) for each in values.values()]
        for (method, score), detected in zip(values, found, strict=True):
            self.add(detected, pair, method=method, score=score, n=len(np.asarray(y)), **cells)
        return found

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
            sheet.far[pair] = seen
        far_z = [part.z.numpy() for part in seen.values()]
        forest = sheet.forest(side, name, *pair, besides=far_z)
        ends = np.cumsum([len(side.z), *map(len, far_z)])[:-1]
        sheet.forests[name, pair], *at_far = np.split(forest, ends)
        if seen:
            sheet.far_forests[pair] = at_far
        method, variant = method_of(name)
        cells = {"table": "networks", **variant}
        if recipe.classification:
            accuracy = {ACCURACY: data.own_accuracy(side, study.classes(name, pair))}
            accuracy[VALIDATION] = network.line["validation_accuracy"]
            sheet.add(accuracy, pair, method=method, n=len(side.y), **cells)
        known = side.known_z, side.known_y
        found = {
            sheet.forest_name: sheet.forests[name, pair],
            "linear probe on z": scores.linear_probe_score(*known, side.z),
            "labelled neighbours of z": scores.oracle_neighbour_vote(*known, side.z, jobs=jobs),
        }
        if recipe.classes == "nominal":
            nominal = side.known_z[side.known_y == 0]
            distance = scores.nominal_neighbour_distance(nominal, side.z, jobs=jobs)
            found["distance to nominal z"] = distance
            if recipe.classification:
                for score, entry in scores.LOGIT_TABLE.items():
                    found[score] = entry(logits=side.logits).numpy()
                sheet.max_logits[name, pair] = found["max logit"]
        if name == "generalized odin" and network.trained:  # stored logits are h / g alone
            head = network.trained.model.head.cpu()
            parts = scores.head_scores(head, torch.from_numpy(side.z))  # type: ignore[arg-type]
            found |= {score: part.numpy() for score, part in parts.items()}
            head.to(study.device)
        sheet.detect(side.y, {(method, score): v for score, v in found.items()}, pair, **cells)


def gaps(sheet: Sheet) -> None:
    """The talk's three numbers and two gaps, with DeLong's 95 % limits over the test images."""

    def limits(metric: str, found: metrics.Interval) -> dict[str, float]:
        low, high = (f"{metric}, {word} 95 % limit" for word in ("lower", "upper"))
        return {low: found.low, high: found.high}

    for pair in sheet.study.parts:
        y = sheet.sides["base", pair].y
        steps = {(BASE, "max logit"): sheet.max_logits["base", pair]}
        steps[DETECTOR, sheet.forest_name] = sheet.forests["base", pair]
        if ("all classes", pair) in sheet.sides:
            steps[REPRESENTATION, sheet.forest_name] = sheet.forests["all classes", pair]
        for (method, score), values in steps.items():
            detected = detection(y, values) | limits(AUC, metrics.delong_interval(y, values))
            cells = {"table": "results-q1-q2", "method": method, "score": score, "n": len(y)}
            sheet.add(detected, pair, **cells)
        names = "Q1 detector gap", "Q2 representation gap"
        for method, (worse, better) in zip(names, pairwise(steps.values()), strict=False):
            gap = metrics.delong_difference(y, better, worse)
            found = {"AUC difference": gap.mean} | limits("AUC difference", gap)
            cells = {"table": "results-gaps", "score": "difference of AUC", "n": len(y)}
            sheet.add(found, pair, method=method, **cells)


def controls(sheet: Sheet) -> None:
    """The same forest on z of an untrained network and on pixels; scores that need no network."""
    study = sheet.study
    for pair, part in study.parts.items():
        latents = study.read(study.untrained("base", pair), pair)
        fresh = study.sides(latents, pair)
        forest = sheet.forest(fresh, "untrained", *pair)
        found = {(UNTRAINED, sheet.forest_name): forest}
        found[f"untrained {BASE}", "max logit"] = scores.max_logit(fresh.logits).numpy()
        x = study.pixels[part["test"]].float() / 255
        centre = study.pixels[part["train"]].float().mean(0, keepdim=True) / 255
        found["trivial", "mean brightness"] = scores.mean_brightness(x).numpy()
        found["trivial", "distance to mean"] = scores.distance_to_mean(x, centre).numpy()
        if pair == sheet.first:  # thousands of numbers an image make slow forests
            bare = replace(latents, z=study.pixels[latents.indices].flatten(1).numpy())
            key = PIXELS, sheet.forest_name.replace("on z", "on pixels")
            found[key] = sheet.forest(study.sides(bare, pair), "pixels", *pair)
        sheet.detect(fresh.y, found, pair, table="networks")


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
                told = {"table": "left-out", "arm": arm, "left_out": names[label]}
                arms[arm] += sheet.detect(base.y[asked], {key: values[asked]}, pair, **told)
        for arm, several in arms.items():
            sheet.mean(several, pair, table="left-out-average", arm=arm, **cells)


def far(sheet: Sheet) -> None:
    """Images from elsewhere in the anomalies' place; these need the weights."""
    for pair, parts in sheet.far.items():
        base, forest = sheet.sides["base", pair], sheet.forests["base", pair]
        nominal = base.y == 0
        averages: dict[tuple[str, str], list[dict[str, float]]] = {}
        for (name, part), at_far in zip(parts.items(), sheet.far_forests[pair], strict=True):
            y = np.repeat([0, 1], [nominal.sum(), len(part.z)])
            logits = torch.cat([base.logits[nominal], part.logits])
            found: dict[tuple[str, str], ArrayLike] = {
                (BASE, score): entry(logits=logits) for score, entry in scores.LOGIT_TABLE.items()
            }
            found[DETECTOR, sheet.forest_name] = np.concatenate([forest[nominal], at_far])
            detected = sheet.detect(y, found, pair, table="far", far=name)
            for key, each in zip(found, detected, strict=True):
                averages.setdefault(key, []).append(each)
        n = sum(len(part.z) for part in parts.values())
        for (method, score), several in averages.items():
            sheet.mean(several, pair, table="far-average", method=method, score=score, n=n)


def course(sheet: Sheet) -> None:
    """The base network's cost, and what score and forest find over its training."""
    study, first, settings = sheet.study, sheet.first, sheet.settings
    network = sheet.network("base", first)
    if (done := network.trained) is None:
        return
    cost = {"minutes of one core": sum(entry["seconds"] for entry in done.history) / 60}
    cost[VALIDATION] = network.line["validation_accuracy"]
    budget = settings.model_dump(include={"width", "epochs", "schedule"})
    n = len(study.parts[first]["validation"])
    sheet.add(cost, first, table="budget", method=BASE, n=n, **budget)
    for epoch, weights in done.snapshots.items():
        model = study.untrained("base", first)
        model.load_state_dict(weights)
        side = study.sides(study.read(model, first), first)
        entry = done.history[epoch - 1]
        line = {
            "training loss": entry["train_loss"],
            "gradient norm": entry["gradient_norm"],
            VALIDATION: entry["validation_accuracy"],
            ACCURACY: data.own_accuracy(side, study.classes("base", first)),
        }
        cells = {"table": "over-training", "epochs_shown": epoch}
        sheet.add(line, first, method=BASE, n=len(side.y), **cells)
        purpose = "over training", epoch, *first
        forest = sheet.forest(side, *purpose, trees=settings.curve_trees)
        found = {"max logit": scores.max_logit(side.logits).numpy(), sheet.small_forest: forest}
        keys = {(BASE, score): values for score, values in found.items()}
        detected = sheet.detect(side.y, keys, first, **cells)
        sheet.course.append(line | {s: each[AUC] for s, each in zip(found, detected, strict=True)})
    if len(sheet.course) > 1:
        *before, last = (line[sheet.small_forest] for line in sheet.course)
        lost = {"AUC at the last epoch less the largest before": last - max(before)}
        cells = {"method": BASE, "score": sheet.small_forest}
        n = len(sheet.sides["base", first].y)
        sheet.add(lost, first, table="over-training-summary", n=n, **cells)


def odin(sheet: Sheet) -> None:
    """ODIN on the plain and on the Generalized ODIN head, on some test images."""
    study, first, settings = sheet.study, sheet.first, sheet.settings
    test = study.parts[first]["test"]
    test = test[data.evenly_spaced(np.ones(len(test), bool), settings.sample)]
    x = study.pixels[test].to(study.device).float() / 255
    y = 1 - np.isin(study.images.labels[test], study.nominal(first[0])).astype(int)
    grids = {"temperatures": settings.temperatures, "epsilons": settings.epsilons}
    for name in ("base", "generalized odin"):
        if (name, first) not in sheet.sides or not (done := sheet.network(name, first).trained):
            continue
        cells = {"method": METHODS[name], "n": len(y)}
        grid = {
            place: detection(y, values.cpu().numpy())
            for place, values in scores.odin_grid(done.model, x, **grids).items()
        }
        for (score, temperature, epsilon), detected in grid.items():
            place = {"score": score, "temperature": temperature, "epsilon": epsilon}
            sheet.add(detected, first, table="odin", **cells, **place)
        auc = {at: detected[AUC] for at, detected in grid.items()}
        score = "max cosine h" if name == "generalized odin" else "ODIN"
        for word, at in odin_choices(auc, score).items():
            sheet.add(grid[at], first, table="odin-best", score=word, **cells)


def several(sheet: Sheet) -> None:
    """Several networks of the first split: ensembles, the choice of lambda, accuracy and AUC."""
    first, y = sheet.first, sheet.sides["base", sheet.first].y
    sides = {name: side for (name, pair), side in sheet.sides.items() if pair == first}
    members = ["base", *sorted(name for name in sides if name.startswith("member "))]
    for count in range(2, len(members) + 1):
        logits = torch.stack([sides[name].logits for name in members[:count]])
        mean = scores.ensemble_max_probability(logits)
        found: dict[tuple[str, str], ArrayLike] = {
            ("deep ensemble", "mean max logit"): scores.ensemble_max_logit(logits),
            ("deep ensemble", "max probability of the mean"): mean,
        }
        sheet.detect(y, found, first, table="ensembles", members=count)
    hybrids = [name for name in sides if name.startswith("hybrid ")]
    merits = {
        "validation": {n: sheet.network(n, first).line["validation_accuracy"] for n in hybrids},
        "test": {name: metrics.auroc(y, sheet.forests[name, first]) for name in hybrids},
    }
    for selection, merit in merits.items() if hybrids else ():
        best, method = max(merit, key=merit.__getitem__), "hybrid network"
        cells = {"table": "hybrid-chosen", "selection": selection}
        found = {(method, "max logit"): sheet.max_logits[best, first]}
        found[method, sheet.forest_name] = sheet.forests[best, first]
        sheet.detect(y, found, first, **cells)
        weight = {"lambda": training.recipe(best).weight}
        sheet.add(weight, first, method=method, n=len(y), **cells)
    points = {"networks": [], "checkpoints": [(e[ACCURACY], e["max logit"]) for e in sheet.course]}
    for name in [name for name, pair in sheet.max_logits if pair == first]:
        accuracy = data.own_accuracy(sides[name], sheet.study.classes(name, first))
        points["networks"].append((accuracy, metrics.auroc(y, sheet.max_logits[name, first])))
    for arm, pairs in points.items():
        accuracies, aucs = ([each[i] for each in pairs] for i in (0, 1))
        if len(pairs) < 3 or min(len(set(accuracies)), len(set(aucs))) < 2:
            continue  # no rank correlation
        rank = {"Spearman of accuracy and AUC": float(stats.spearmanr(accuracies, aucs).statistic)}
        cells = {"table": "reflection-accuracy", "method": BASE, "score": "max logit", "arm": arm}
        sheet.add(rank, first, n=len(pairs), **cells)


STEPS = (detectors, gaps, controls, labels, far, course, odin, several)
