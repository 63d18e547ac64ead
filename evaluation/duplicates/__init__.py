"""Labelled pairs of texts: copies, rewrites, and texts that only look like copies."""
