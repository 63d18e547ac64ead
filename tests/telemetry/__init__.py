"""Figures that leave for collectors."""
