"""The `variant` column: how a control or a grid point differs from the document's setting."""

from numbers import Integral, Real

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
    return ";".join(f"{_checked_key(key)}={_text(key, settings[key])}" for key in sorted(settings))


def parse_variant(text: str) -> dict[str, str]:
    """The settings in a variant text. Raises UnknownName or BadInput if it is not canonical."""
    pairs = [pair.partition("=") for pair in text.split(";")] if text else []
    settings = {key: value for key, _, value in pairs}
    if variant(**settings) != text:
        raise BadInput(f"Variant {text!r} must be sorted key=value pairs joined by ';'.")
    return settings


def variant_problem(text: str) -> str:
    """What is wrong with a variant text, in one sentence, or nothing."""
    try:
        parse_variant(text)
    except (BadInput, UnknownName) as problem:
        return str(problem)
    return ""


def _checked_key(key: str) -> str:
    if key not in VARIANT_KEYS:
        raise UnknownName(
            f"There is no variant key {key!r}.{nearest(key, VARIANT_KEYS)} "
            f"Known: {', '.join(VARIANT_KEYS)}."
        )
    return key


def _text(key: str, value: str | int | float) -> str:
    if isinstance(value, bool) or not isinstance(value, str | Integral | Real):
        raise BadInput(f"Variant {key} must be a number or a word, but {value!r} came.")
    # + 0.0 turns minus zero into zero; 12 digits hide binary rounding such as 0.1 + 0.2
    text = value if isinstance(value, str) else f"{float(value) + 0.0:.12g}"
    if not text or "=" in text or ";" in text or text != text.strip():
        raise BadInput(f"Variant {key} must be a plain word or number, but {value!r} came.")
    return text
