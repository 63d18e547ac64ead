"""Labelled pairs of texts: copies, versions, and texts that only look like copies."""
