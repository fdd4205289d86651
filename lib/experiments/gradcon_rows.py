"""Where each score of GradCon's networks stands in the result rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.metrics import learning_state

BASELINE, COMPARED, TRAINING = "baseline-auroc", "sota-auroc", "training"
GRADCON = "recon+beta*grad"
OTHER_ERROR = "other-error-auroc"  # recon by the loss that a network was not trained on
KERNEL = "fisher-kernel"
NETWORKS = ("CAE", "CAE+Grad", "VAE", "VAE+Grad")
BETAS = (0.0, 0.03, 0.5, 1.0, 4.0)  # weights of the gradient score tried beside the run's own
LAYERS = ("layer=1", "layer=2", "layer=3", "layer=4")  # from the latent to the pixels
LENGTH = "gradient norm"
# the reconstruction error that a network was not trained on, by the one it was
OTHER = {"squared": "cross-entropy", "bce": "squared error"}

Setting = dict[str, str | int | float]
Values = NDArray[np.float64]
Scores = Mapping[str, Values]


@dataclass(frozen=True)
class Variants:
    """What rows have in their variant: for GradCon's combined score all of `changed`."""

    changed: Setting

    @property
    def plain(self) -> Setting:
        """Of a network without constraint: alpha has no part in it."""
        return {key: value for key, value in self.constrained.items() if key != "alpha"}

    @property
    def constrained(self) -> Setting:
        """Of a network with the constraint."""
        return {key: value for key, value in self.changed.items() if key != "beta"}

    @property
    def control(self) -> Setting:
        """Of gradients of a network that was trained without the constraint."""
        return self.plain | {"alpha": 0}

    def of(self, method: str) -> Setting:
        """Of a network's reconstruction error."""
        return self.constrained if "Grad" in method else self.plain


class Placed(NamedTuple):
    """Scores `[n]` of test images, higher for anomalies, and where their AUROC stands."""

    table: str
    method: str
    score: str
    values: Values
    setting: Setting

    @property
    def cells(self) -> dict[str, str | int | float]:
        """As arguments of the function that collects rows."""
        return {"table": self.table, "method": self.method, "score": self.score, **self.setting}


def own_scores(
    tested: Mapping[str, Scores], variants: Callable[[str], Variants], *, beta: float
) -> list[Placed]:
    """The AUROC rows of one class and seed, in their order: of the CAE pair, then of the VAEs.

    `tested` has scores by network. With "CAE" it has "CAE+Grad", "untrained CAE" and "trivial" too,
    and "CAE+Grad, final", whose reference is the mean gradient of the final weights. The gradient
    score of a plain network stands as a control among those of its constrained twin. `variants`
    gives those of a network.
    """
    placed = _pair_scores(tested, variants("CAE"), beta=beta) if "CAE" in tested else []
    for method in ("VAE", "VAE+Grad"):
        if method in tested:
            own, found = variants(method), tested[method]
            gradient = own.control if method == "VAE" else own.constrained
            for score in ("recon", "latent"):
                placed.append(_baseline(method, score, found[score], own.of(method)))
            placed.append(_baseline("VAE+Grad", "grad", found["grad"], gradient))
    return placed


def _pair_scores(tested: Mapping[str, Scores], variants: Variants, *, beta: float) -> list[Placed]:
    plain, train = variants.plain, variants.constrained
    constrained, untrained = tested["CAE+Grad"], tested["untrained CAE"]
    recon, grad = constrained["recon"], constrained["grad"]
    return [
        _baseline("CAE", "recon", tested["CAE"]["recon"], plain),
        _baseline("CAE+Grad", "grad", tested["CAE"]["grad"], variants.control),
        _baseline("CAE+Grad", "recon", recon, train),
        _baseline("CAE+Grad", "grad", grad, train),
        _baseline("untrained CAE", "recon", untrained["recon"], plain),
        _baseline("untrained CAE", "grad", untrained["grad"], plain),
        *(_baseline(name, "", values, plain) for name, values in tested["trivial"].items()),
        _gradcon(constrained[GRADCON], variants.changed),
        *(
            _baseline("CAE+Grad", "grad", constrained[layer], train | {"layer": number})
            for number, layer in enumerate(LAYERS, start=1)
        ),
        _baseline("CAE+Grad", LENGTH, constrained[LENGTH], train),
        *(
            _gradcon(recon + weight * grad, train | {"beta": weight})
            for weight in BETAS
            if weight != beta
        ),
        _gradcon(tested["CAE+Grad, final"][GRADCON], variants.changed | {"reference": "final"}),
    ]


def other_errors(
    tested: Mapping[str, Scores],
    variants: Callable[[str], Variants],
    *,
    loss_of: Callable[[str], str],
) -> list[Placed]:
    """The error that each network was not trained on (OTHER)."""
    placed = []
    for method in (*NETWORKS, "untrained CAE"):
        if method in tested:
            other = OTHER[loss_of(method)]
            setting = variants(method).of(method)
            placed.append(Placed(OTHER_ERROR, method, other, tested[method][other], setting))
    return placed


def prolonged_scores(
    tested: Mapping[str, Scores], variants: Variants, *, epochs: int
) -> list[Placed]:
    """The scores of CAE and CAE+Grad that were trained for `epochs`, more than the run's."""
    more: Setting = {"epochs": epochs}
    constrained = tested["CAE+Grad"]
    return [
        _baseline("CAE", "recon", tested["CAE"]["recon"], variants.plain | more),
        _baseline("CAE+Grad", "recon", constrained["recon"], variants.constrained | more),
        _baseline("CAE+Grad", "grad", constrained["grad"], variants.constrained | more),
        _gradcon(constrained[GRADCON], variants.changed | more),
    ]


def watched_scores(method: str, epoch: int, found: Scores, variants: Variants) -> list[Placed]:
    """The scores of CAE or CAE+Grad after one epoch of its training."""
    at: Setting = {"epochs_shown": epoch}
    gradient = variants.control if method == "CAE" else variants.constrained
    return [
        _baseline(method, "recon", found["recon"], variants.of(method) | at),
        _baseline("CAE+Grad", "grad", found["grad"], gradient | at),
    ]


def _baseline(method: str, score: str, values: Values, setting: Setting) -> Placed:
    return Placed(BASELINE, method, score, values, setting)


def _gradcon(values: Values, setting: Setting) -> Placed:
    return Placed(COMPARED, "GradCon", GRADCON, values, setting)


def learning_states(rows: pd.DataFrame) -> pd.DataFrame:
    """How many networks of each kind have learned, are on a plateau, or dead.

    `rows` have the explained variance and, where it was measured, the pixel range of networks in
    one setting; averages are left out. Without a pixel range a network that draws worse than the
    mean image counts as "dead or on a plateau".
    """
    single = rows[rows["class"] != "average"]
    keys = ["method", "dataset", "class", "seed"]
    wide = single.pivot_table(index=keys, columns="metric", values="value", sort=False)
    wide = wide.reindex(columns=["explained variance", "pixel range"])

    def state(explained: float, change: float) -> str:
        if not np.isnan(change):
            return learning_state(explained, change)
        return "learned" if explained >= 0 else "dead or on a plateau"

    states = pd.Series([state(*pair) for pair in wide.itertuples(index=False)], name="state")
    columns = ["learned", "on a plateau", "dead", "dead or on a plateau"]
    counts = pd.crosstab(wide.index.get_level_values("method"), states.to_numpy())
    return counts.reindex(columns=columns, fill_value=0).rename_axis(index=None, columns=None)
