"""A market laboratory: history, strategies and venues in; fills, risk and metrics out."""

__version__ = "0.1.0"
