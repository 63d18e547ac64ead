"""Sentences about brands, and how well the model of tone reads them."""
