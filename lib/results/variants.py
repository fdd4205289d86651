"""Moved to lib.numbers."""

from lib.numbers.variants import VARIANT_KEYS as VARIANT_KEYS
from lib.numbers.variants import parse_variant as parse_variant
from lib.numbers.variants import variant as variant
from lib.numbers.variants import variant_problem as variant_problem
