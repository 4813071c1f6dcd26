"""Prefect flows: when the five verbs run and in what order.

Prefect reads its settings from the environment once, when it is first imported, and every module here imports it;
so the defaults are laid down here, before any of them.
"""

from flows.settings import apply_defaults

apply_defaults()
