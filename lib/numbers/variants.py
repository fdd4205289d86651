"""The `variant` column: how a control or a grid point differs from the document's setting."""

import re
from collections.abc import Mapping
from functools import cache
from numbers import Real
from types import MappingProxyType

from lib.errors import BadInput, UnknownName, nearest

# the one list of keys; add here before a chapter uses a new one
VARIANT_KEYS = (
    "alpha",  # weight of the gradient loss in training
    "arm",  # branch of a controlled comparison
    "attack",  # another way to make fooling images than the document's
    "beta",  # weight of the gradient in the score
    "channels",  # image channels where the document counts a one-channel network
    "condition",  # corruption
    "epochs",  # of the training, where a grid varies them
    "epochs_shown",  # epoch at which a curve was read
    "epsilon",  # step of an input perturbation, in image units
    "far",  # other images that are asked about in place of the anomaly classes
    "form",  # another form of a score than the document's
    "gamma",  # whether a curvature factor is part of the confidence
    "labelled",  # how many labelled anomalies a detector has seen
    "lambda",  # weight of a reconstruction or density term
    "layer",  # one decoder layer alone, counted from 1 at the latent
    "left_out",  # anomaly class that a detector has not seen
    "level",  # corruption level, 1 to 5
    "limit",  # most steps that an attempt may take
    "loss",  # another training loss than the document's
    "lr",  # learning rate
    "member",  # further network of an ensemble, equal but for its draws
    "members",  # how many networks an ensemble has
    "noise",  # standard deviation of input noise
    "omega",  # units that a class has in COOL's output layer
    "probes",  # random vectors of an estimated trace
    "randomised",  # parts with random weights, counted from the output back
    "reference",  # steps that a reference gradient averages, where not all of them
    "schedule",  # of the learning rate
    "selection",  # how the epoch to keep was chosen
    "split",  # which random split of classes or images
    "temperature",  # divisor of the logits
    "test",  # another set of test images than the document's draw
    "transform",  # what was done to a map before it was compared
    "width",  # network width
)


def variant(**settings: str | int | float) -> str:
    """The settings as canonical text, `alpha=0;layer=2`: keys sorted, empty without settings.

    Numbers lose trailing zeros, so 0, 0.0 and 0.00 read alike. A key that Python reserves is
    given as `variant(**{"lambda": 0.9})`. Raises UnknownName for a key outside VARIANT_KEYS and
    BadInput for an empty value or one with `=` or `;`.
    """
    for key in settings:
        if key not in VARIANT_KEYS:
            close = nearest(key, VARIANT_KEYS)
            known = ", ".join(VARIANT_KEYS)
            raise UnknownName(f"There is no variant key {key!r}.{close} Known: {known}.")
    return ";".join(f"{key}={setting_text(settings[key])}" for key in sorted(settings))


@cache
def parse_variant(text: str) -> Mapping[str, str]:
    """The settings in a variant text. Raises UnknownName or BadInput if it is not canonical."""
    pairs = [pair.partition("=") for pair in text.split(";")] if text else []
    settings = {key: value for key, _, value in pairs}
    if variant(**settings) != text:
        raise BadInput(f"Variant {text!r} must be sorted key=value pairs joined by ';'.")
    return MappingProxyType(settings)


def setting_text(value: object) -> str:
    """A setting as a variant has it. Raises BadInput for what would not read back."""
    if type(value) is not bool and isinstance(value, Real):
        return f"{float(value) + 0.0:.12g}"  # no minus before a zero, no 0.1 + 0.2
    if isinstance(value, str) and value == value.strip() and re.fullmatch("[^=;]+", value):
        return value
    raise BadInput(f"A setting must be a plain word or number, but {value!r} came.")
