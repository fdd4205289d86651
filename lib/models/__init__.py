"""Networks, one per file, as plain `torch.nn.Module`s."""

from lib.models.build import build, count_parameters
from lib.models.cae import CAE, decoder_weights
from lib.models.classifier import Classifier
from lib.models.digit_classifier import DenoisingClassifier, digit_classifier
from lib.models.fooling_generator import FoolingGenerator
from lib.models.heads import (
    GeneralizedOdinHead,
    ReconstructionDecoder,
    parameter_groups,
    rotation_head,
)
from lib.models.lsa_autoencoder import LSAAutoencoder
from lib.models.randomise import cascade, randomised
from lib.models.resnet import CIFAR_DEVIATION, CIFAR_MEAN, ResNet34
from lib.models.toy import ToyAutoencoder, ToyClassifier

__all__ = [
    "CAE",
    "CIFAR_DEVIATION",
    "CIFAR_MEAN",
    "Classifier",
    "DenoisingClassifier",
    "FoolingGenerator",
    "GeneralizedOdinHead",
    "LSAAutoencoder",
    "ReconstructionDecoder",
    "ResNet34",
    "ToyAutoencoder",
    "ToyClassifier",
    "build",
    "cascade",
    "count_parameters",
    "decoder_weights",
    "digit_classifier",
    "parameter_groups",
    "randomised",
    "rotation_head",
]
