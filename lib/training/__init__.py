"""Training rules: plain loops, one file per rule."""

from lib.training.autoencoder import TrainedAutoencoder, fit_autoencoder, mean_squared_error
from lib.training.auxiliary import Auxiliary
from lib.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from lib.training.classifier import TrainedClassifier, fit_classifier
from lib.training.deep_svdd import TrainedDeepSVDD, fit_deep_svdd
from lib.training.device import named_device
from lib.training.digit_recipes import (
    DIGIT_NETWORKS,
    DigitRecipe,
    digit_recipe,
    fit_digit_recipe,
    untrained_digits,
)
from lib.training.digits import (
    TrainedDigits,
    class_evidence,
    classification_loss,
    cool_loss,
    denoising_loss,
    fit_digits,
)
from lib.training.fooling import Criterion, Fooling, fool, generator_rate, generator_start
from lib.training.fooling_starts import class_targets, image_rates, image_start, images_of_others
from lib.training.gradcon import Fitted, fit, mean_gradient
from lib.training.lsa import TrainedLSA, fit_lsa
from lib.training.precision import Precision, check_precision
from lib.training.prediction import Prediction, predict
from lib.training.recipes import (
    NAMED,
    Recipe,
    fit_recipe,
    recipe,
    recipe_words,
    untrained_network,
)
from lib.training.reference import ReferenceGradient, gradient_cosines, save_reference
from lib.training.seeding import deterministic, generator, numpy_generator
from lib.training.stacked import fit_stacked as fit_stacked
from lib.training.toy import drawn_from, fit_toy_cae, fit_toy_dae, fit_toy_denoising_classifier
from lib.training.trained import Trained as Trained
from lib.training.trained import load_trained as load_trained
from lib.training.trained import save_trained as save_trained
from lib.training.trained import trained_path as trained_path

__all__ = [
    "DIGIT_NETWORKS",
    "NAMED",
    "Auxiliary",
    "Criterion",
    "DigitRecipe",
    "Fitted",
    "Fooling",
    "Precision",
    "Prediction",
    "Recipe",
    "ReferenceGradient",
    "TrainedAutoencoder",
    "TrainedClassifier",
    "TrainedDeepSVDD",
    "TrainedDigits",
    "TrainedLSA",
    "check_precision",
    "class_evidence",
    "class_targets",
    "classification_loss",
    "cool_loss",
    "denoising_loss",
    "deterministic",
    "digit_recipe",
    "drawn_from",
    "fingerprint",
    "fit",
    "fit_autoencoder",
    "fit_classifier",
    "fit_deep_svdd",
    "fit_digit_recipe",
    "fit_digits",
    "fit_lsa",
    "fit_recipe",
    "fit_toy_cae",
    "fit_toy_dae",
    "fit_toy_denoising_classifier",
    "fool",
    "generator",
    "generator_rate",
    "generator_start",
    "gradient_cosines",
    "image_rates",
    "image_start",
    "images_of_others",
    "load_checkpoint",
    "mean_gradient",
    "mean_squared_error",
    "named_device",
    "numpy_generator",
    "predict",
    "recipe",
    "recipe_words",
    "save_checkpoint",
    "save_reference",
    "untrained_digits",
    "untrained_network",
]
