"""Networks, one per file, as plain `torch.nn.Module`s."""

from lib.models.build import build, count_parameters
from lib.models.cae import CAE, decoder_weights

__all__ = ["CAE", "build", "count_parameters", "decoder_weights"]
