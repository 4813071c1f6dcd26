"""Recorded markets: files of exchange feeds, the one stream they become, and the book rebuilt from it."""
