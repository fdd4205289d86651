"""The tables of all scores; a test holds each to its direction."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from lib.scores.gradcon import gradcon_score, gradient_score
from lib.scores.logits import energy, entropy, max_logit, max_probability
from lib.scores.reconstruction import reconstruction_error
from lib.scores.trivial import distance_to_mean, mean_brightness


class ScoreEntry(NamedTuple):
    """A score, what it is called with, and where it comes from; higher is more anomalous."""

    function: Callable[..., Tensor]
    takes: tuple[str, ...]
    meaning: str
    source: str

    def __call__(self, **inputs: Any) -> Tensor:
        """The score, from inputs by name; those it does not take are left out."""
        return self.function(*(inputs[name] for name in self.takes))


TABLE: dict[str, ScoreEntry] = {
    "recon": ScoreEntry(
        reconstruction_error, ("model", "x"), "squared reconstruction error", "kwon2020gradcon"
    ),
    "grad": ScoreEntry(
        gradient_score,
        ("model", "x", "reference"),
        "minus the mean cosine of gradient and reference",
        "kwon2020gradcon",
    ),
    "recon+beta*grad": ScoreEntry(
        gradcon_score, ("model", "x", "reference"), "recon + beta · grad", "kwon2020gradcon"
    ),
    "mean brightness": ScoreEntry(mean_brightness, ("x",), "mean pixel value", "trivial"),
    "distance to mean": ScoreEntry(
        distance_to_mean, ("x", "train"), "distance to the mean training image", "trivial"
    ),
}

# apart from the above, which a checked cell of the GradCon chapter prints whole
LOGIT_TABLE: dict[str, ScoreEntry] = {
    "max probability": ScoreEntry(
        max_probability, ("logits",), "1 - largest softmax probability", "hendrycks2017baseline"
    ),
    "entropy": ScoreEntry(
        entropy, ("logits",), "entropy of the softmax", "dietterich2021representation"
    ),
    "max logit": ScoreEntry(
        max_logit, ("logits",), "minus the largest logit", "dietterich2021representation"
    ),
    "energy": ScoreEntry(energy, ("logits",), "minus log sum exp of the logits", "liu2020energy"),
}
