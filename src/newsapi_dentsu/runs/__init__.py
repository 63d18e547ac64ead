"""A run as a whole: its figures, and the records of its stages."""
