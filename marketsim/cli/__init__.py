"""One command for people: run, query, reproduce, serve.

Every module here imports only Click and the standard library at its top; what a command needs it imports when it runs, so that
``marketsim --help`` answers at once.
"""

from marketsim.cli.app import main

__all__ = ["main"]
