"""Running chapters, sweeps and golden notebooks, and what the book needs to be built from them."""
