"""Networks, one per file, as plain `torch.nn.Module`s."""

from lib.models.build import build, count_parameters
from lib.models.cae import CAE, decoder_weights
from lib.models.classifier import Classifier
from lib.models.dcgan import DCGANDiscriminator, DCGANGenerator
from lib.models.deep_svdd import DeepSVDD, deep_svdd
from lib.models.digit_classifier import DenoisingClassifier, digit_classifier
from lib.models.gpnd import (
    GPNDEncoder,
    GPNDGenerator,
    GPNDImageDiscriminator,
    GPNDLatentDiscriminator,
)
from lib.models.heads import (
    GeneralizedOdinHead,
    ReconstructionDecoder,
    parameter_groups,
    rotation_head,
)
from lib.models.lsa_autoencoder import LSAAutoencoder
from lib.models.lsa_cifar import LSACifarAutoencoder
from lib.models.lsa_estimator import LSAEstimator, count_unmasked
from lib.models.lsa_network import LSANetwork
from lib.models.randomise import cascade, randomised
from lib.models.resnet import CIFAR_DEVIATION, CIFAR_MEAN, ResNet34
from lib.models.toy import ToyAutoencoder, ToyDenoisingClassifier
from lib.models.vae import VAE

__all__ = [
    "CAE",
    "CIFAR_DEVIATION",
    "CIFAR_MEAN",
    "VAE",
    "Classifier",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DeepSVDD",
    "DenoisingClassifier",
    "GPNDEncoder",
    "GPNDGenerator",
    "GPNDImageDiscriminator",
    "GPNDLatentDiscriminator",
    "GeneralizedOdinHead",
    "LSAAutoencoder",
    "LSACifarAutoencoder",
    "LSAEstimator",
    "LSANetwork",
    "ReconstructionDecoder",
    "ResNet34",
    "ToyAutoencoder",
    "ToyDenoisingClassifier",
    "build",
    "cascade",
    "count_parameters",
    "count_unmasked",
    "decoder_weights",
    "deep_svdd",
    "digit_classifier",
    "parameter_groups",
    "randomised",
    "rotation_head",
]
