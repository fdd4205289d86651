"""Which score of which network of kwon2020gradcon stands where in the result rows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.pages.gradcon import BASELINE, COMPARED, GRADCON, NETWORKS, OTHER_ERROR
from lib.run import parameters

Setting = dict[str, str | int | float]
Scores = Mapping[str, NDArray[np.float64]]
BETAS = (0.0, 0.03, 0.5, 1.0, 4.0)  # weights of the gradient score tried beside the run's own
LAYERS = ("layer=1", "layer=2", "layer=3", "layer=4")  # from the latent to the pixels
LENGTH = "gradient norm"
# the reconstruction error that a network was not trained on, by the one it was
OTHER = {"squared": "cross-entropy", "bce": "squared error"}
_KEYS = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr", "selection": "selection"}
_KEYS |= {"reconstruction": "loss", "averaging": "reference"}


class Variants(NamedTuple):
    """What a run's rows have in their variant, by what the number depends on.

    `loose` is for plain networks, `train` for constrained ones (alpha has a part in them), `whole`
    for GradCon itself (and beta).
    """

    loose: Setting
    train: Setting
    whole: Setting

    def of(self, method: str) -> Setting:
        """That of a network's reconstruction error."""
        return self.train if "Grad" in method else self.loose

    @property
    def control(self) -> Setting:
        """That of gradients of a network that was trained without the constraint."""
        return self.loose | {"alpha": 0}


def changed(settings: Mapping[str, Any]) -> Setting:
    """What a run of the chapter sets otherwise than its profile, by variant key."""
    return parameters.changed("gradcon", settings, _KEYS)


def variants(changed: Setting) -> Variants:
    """The variants of a run's rows from all settings it changes (`changed`)."""
    train = {key: value for key, value in changed.items() if key != "beta"}
    loose = {key: value for key, value in train.items() if key != "alpha"}
    return Variants(loose, train, dict(changed))


class Placed(NamedTuple):
    """Scores `[n]` of test images, higher for anomalies, and where their number stands."""

    table: str
    method: str
    score: str
    values: NDArray[np.float64]
    setting: Setting

    @property
    def place(self) -> dict[str, str | int | float]:
        """As arguments of the function that `results.collector` gives."""
        return {"table": self.table, "method": self.method, "score": self.score, **self.setting}


def network_scores(
    tested: Mapping[str, Scores], variants: Variants, *, beta: float
) -> list[Placed]:
    """All scores of one class and seed, in the order of their rows.

    `tested` has the scores of "CAE", "CAE+Grad", "untrained CAE" and "trivial", and of "CAE, final"
    and "CAE+Grad, final", whose reference is the mean gradient of the final weights; VAE and
    VAE+Grad where they were trained. Those of CAE+Grad include LENGTH and LAYERS. The gradient
    score of a plain network stands as a control among those of its constrained twin. Where training
    had another reference than usual, the final one is left out.
    """
    loose, train, whole = variants
    plain, constrained, untrained = (tested[w] for w in ("CAE", "CAE+Grad", "untrained CAE"))
    recon, grad = constrained["recon"], constrained["grad"]
    final: Setting = {"reference": "final"}
    control = variants.control
    found = [
        _baseline("CAE", "recon", plain["recon"], loose),
        _baseline("CAE+Grad", "grad", plain["grad"], control),
        _baseline("CAE+Grad", "recon", recon, train),
        _baseline("CAE+Grad", "grad", grad, train),
        _baseline("untrained CAE", "recon", untrained["recon"], loose),
        _baseline("untrained CAE", "grad", untrained["grad"], loose),
        *(_baseline(name, "", values, loose) for name, values in tested["trivial"].items()),
        _gradcon(constrained[GRADCON], whole),
        *(
            _baseline("CAE+Grad", "grad", constrained[layer], train | {"layer": number})
            for number, layer in enumerate(LAYERS, start=1)
        ),
        _baseline("CAE+Grad", LENGTH, constrained[LENGTH], train),
        # what moves the number: the weight in the score, and another reference gradient
        *(
            _gradcon(recon + weight * grad, train | {"beta": weight})
            for weight in BETAS
            if weight != beta
        ),
    ]
    if "reference" not in train:  # another reference in training too would be a second change
        found += [
            _baseline("CAE+Grad", "grad", tested["CAE+Grad, final"]["grad"], train | final),
            _baseline("CAE+Grad", "grad", tested["CAE, final"]["grad"], control | final),
            _gradcon(tested["CAE+Grad, final"][GRADCON], whole | final),
        ]
    for method in ("VAE", "VAE+Grad"):
        if method in tested:
            gradient = control if method == "VAE" else train
            for score in ("recon", "latent"):
                found.append(_baseline(method, score, tested[method][score], variants.of(method)))
            found.append(_baseline("VAE+Grad", "grad", tested[method]["grad"], gradient))
    return found


def other_errors(
    tested: Mapping[str, Scores], variants: Variants, *, reconstruction: str
) -> list[Placed]:
    """The error that the networks were not trained on (OTHER), and the pixels' own entropy.

    `tested` as for `network_scores`, with that error among each network's scores, and "no network"
    with "pixel entropy".
    """
    other = OTHER[reconstruction]
    found = [
        Placed(OTHER_ERROR, method, other, tested[method][other], variants.of(method))
        for method in (*NETWORKS, "untrained CAE")
        if method in tested
    ]
    for name, values in tested["no network"].items():
        found.append(Placed(OTHER_ERROR, name, "", values, variants.loose))
    return found


def prolonged_scores(
    tested: Mapping[str, Scores], variants: Variants, *, epochs: int
) -> list[Placed]:
    """The scores of CAE and CAE+Grad ("CAE", "CAE+Grad") that were trained on to `epochs`."""
    more: Setting = {"epochs": epochs}
    constrained = tested["CAE+Grad"]
    return [
        _baseline("CAE", "recon", tested["CAE"]["recon"], variants.loose | more),
        _baseline("CAE+Grad", "recon", constrained["recon"], variants.train | more),
        _baseline("CAE+Grad", "grad", constrained["grad"], variants.train | more),
        _gradcon(constrained[GRADCON], variants.whole | more),
    ]


def watched_scores(method: str, epoch: int, found: Scores, variants: Variants) -> list[Placed]:
    """The scores of CAE or CAE+Grad after one epoch of its training."""
    at: Setting = {"epochs_shown": epoch}
    gradient = variants.control if method == "CAE" else variants.train
    return [
        _baseline(method, "recon", found["recon"], variants.of(method) | at),
        _baseline("CAE+Grad", "grad", found["grad"], gradient | at),
    ]


def full_test_scores(tested: Mapping[str, Scores], variants: Variants) -> list[Placed]:
    """The main scores of CAE and CAE+Grad on all test images in place of the balanced draw."""
    full: Setting = {"test": "full"}
    constrained = tested["CAE+Grad"]
    return [
        _baseline("CAE", "recon", tested["CAE"]["recon"], variants.loose | full),
        _baseline("CAE+Grad", "grad", constrained["grad"], variants.train | full),
        _gradcon(constrained[GRADCON], variants.whole | full),
    ]


def main_places(variants: Variants, methods: Sequence[str]) -> dict[str, tuple[str, str, Setting]]:
    """Method, score and setting of the numbers that runs are held to, by their name in words."""
    loose, train, whole = variants
    found: dict[str, tuple[str, str, Setting]] = {
        "CAE recon": ("CAE", "recon", loose),
        "CAE+Grad recon": ("CAE+Grad", "recon", train),
        "CAE+Grad grad": ("CAE+Grad", "grad", train),
        "CAE grad": ("CAE+Grad", "grad", variants.control),
        "GradCon": ("GradCon", GRADCON, whole),
        "untrained recon": ("untrained CAE", "recon", loose),
        "untrained grad": ("untrained CAE", "grad", loose),
        "distance to mean": ("distance to mean", "", loose),
        "gradient norm": ("CAE+Grad", LENGTH, train),
    }
    if "VAE" in methods:
        found |= {f"VAE {score}": ("VAE", score, loose) for score in ("recon", "latent")}
    if "VAE+Grad" in methods:
        found["VAE+Grad grad"] = ("VAE+Grad", "grad", train)
    return found


def _baseline(method: str, score: str, values: NDArray[np.float64], setting: Setting) -> Placed:
    return Placed(BASELINE, method, score, values, setting)


def _gradcon(values: NDArray[np.float64], setting: Setting) -> Placed:
    return Placed(COMPARED, "GradCon", GRADCON, values, setting)
