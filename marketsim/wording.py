"""Values and Pydantic's faults in the words of a person, for every error that quotes what somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LONGEST = 80
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list, such as [a, b]",
    "dict_type": "a section of keys and values",
    "model_type": "a section of keys and values",
    "date_type": "a date such as 2020-01-31",
    "date_parsing": "a date such as 2020-01-31",
    "date_from_datetime_parsing": "a date such as 2020-01-31",
    "date_from_datetime_inexact": "a date such as 2020-01-31, without a time",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "string_too_short": "text of at least {min_length} character(s)",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "literal_error": "{expected}",
    "too_short": "at least {min_length} entry",
    "too_long": "at most {max_length} entries",
}


def expected(fault: Mapping[str, Any]) -> str:
    """Return what one of Pydantic's faults expected, as the end of the sentence "expected …"; without a full stop."""
    template = _EXPECTED.get(fault["type"])
    if template is None:
        return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return template.format(**fault.get("ctx", {}))


def shown(value: Any) -> str:
    """Return a value the way a person would name it, at most 80 characters."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def named(text: str) -> str:
    """Return a key as an error may print it: on one line, no control characters, at most 80 characters."""
    plain = text if text.isprintable() else json.dumps(text)[1:-1]
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."
