"""Running chapters, and what the book needs to be built from them."""
