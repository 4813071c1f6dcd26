"""Numbers as people read them: percent signs, thousands, a real minus, a dash for what is not defined."""

from __future__ import annotations

import math

MISSING = "—"


def with_unit(value: float | None, unit: str) -> str:
    """Return a metric's value as text; ``unit`` is the one of table `metrics`: fraction, ratio, currency, count, bars or days."""
    if value is None or not math.isfinite(value):
        return MISSING
    if unit == "fraction":
        return percent(value)
    if unit == "currency":
        return money(value)
    if unit == "ratio":
        return _signed(f"{value:,.2f}")
    return _signed(f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.1f}")


def percent(fraction: float | None, digits: int = 2) -> str:
    """Return a fraction in percent."""
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    return _signed(f"{fraction * 100:,.{digits}f}") + " %"


def money(amount: float | None) -> str:
    """Return an amount of currency, cents only below a thousand."""
    if amount is None or not math.isfinite(amount):
        return MISSING
    return _signed(f"{amount:,.0f}" if abs(amount) >= 1000 else f"{amount:,.2f}")


def _signed(text: str) -> str:
    """Return ``text`` with a typographic minus, and none before a number that was rounded to zero."""
    if text.startswith("-"):
        return f"−{text[1:]}" if any(c in "123456789" for c in text) else text[1:]
    return text
