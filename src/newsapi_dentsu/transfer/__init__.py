"""Moving a whole warehouse: between the engines, to files and back, and proving that it arrived."""
