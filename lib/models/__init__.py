"""Networks, one per file, as plain `torch.nn.Module`s."""

from lib.models.build import build, count_parameters
from lib.models.cae import CAE, decoder_weights
from lib.models.lsa_autoencoder import LSAAutoencoder

__all__ = ["CAE", "LSAAutoencoder", "build", "count_parameters", "decoder_weights"]
