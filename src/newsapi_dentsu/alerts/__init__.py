"""Notifying operators: messages, channels, and which notice reached whom."""
