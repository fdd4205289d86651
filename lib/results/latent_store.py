"""Moved to lib.numbers."""

from lib.numbers.latent_store import KEYS as KEYS
from lib.numbers.latent_store import LATENT_COLUMNS as LATENT_COLUMNS
from lib.numbers.latent_store import LATENTS as LATENTS
from lib.numbers.latent_store import adopt_latents as adopt_latents
from lib.numbers.latent_store import find_latents as find_latents
from lib.numbers.latent_store import find_trained as find_trained
from lib.numbers.latent_store import keep_latents as keep_latents
from lib.numbers.latent_store import stored_latents as stored_latents
