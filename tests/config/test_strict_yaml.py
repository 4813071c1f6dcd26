"""YAML scalars and refusals; expected values are those of the YAML 1.2 core schema, chapter 10.3.2."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketsim.config.file import check_spec, parse_yaml
from marketsim.config.run import RunSpec
from marketsim.config.strict_yaml import parse
from marketsim.errors import ConfigError

MINIMAL = {"name": "tiny", "symbols": ["AAPL"], "start": "2020-01-02", "strategy": {"kind": "buy_and_hold"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("ON", "ON"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("12:30", "12:30"),
        ("2020-01-02", "2020-01-02"),
        ("010", 10),
        ("08", 8),
        ("-7", -7),
        ("1_000_000", 1_000_000),
        ("1e6", 1e6),
        ("1.5E-3", 1.5e-3),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("0x1F", "0x1F"),
        ("=", "="),
        ("~", None),
        ("null", None),
        ("", None),
    ],
)
def test_plain_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    assert parse(text, "x") == value
    assert type(parse(text, "x")) is type(value)


def test_not_a_number_is_read_as_one() -> None:
    assert math.isnan(parse(".nan", "x"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "x, line 3: key 'a' stands twice (first on line 1); keep one."),
        ("a: &loop [*loop]", "x, line 1: the anchor refers to itself; write the value out."),
        ("a: !!python/object:os.system {}", "x, line 1: the tag !!python/object:os.system is not allowed; write a plain value."),
        ("a: 1\n? [b]\n: 2", "x, line 2: a list or section stands where a key is expected; write text."),
        ("a: *nowhere", "x, line 1: found undefined alias 'nowhere'; correct the YAML there."),
        ('a: "\\ud800"', 'x, line 1: "\\ud800" holds half of a two-part character; correct the escape.'),
        ("a: 1\n\tb: 2", "x, line 2: while scanning for the next token, found character '\\t' that cannot start any token"),
        ("a: 1\n---\nb: 2", "x, line 2: expected a single document in the stream, but found another document"),
        ("a\x00", "x: character 1 is '\\x00', which text does not contain; is this a YAML file?"),
        ("[" * 20_000, "x: is nested too deeply to read"),
        ("a: " + "9" * 5000, "x, line 1: a number of 5,000 digits is more than any key takes; correct the YAML there."),
    ],
)
def test_a_refusal_names_the_line_and_the_remedy(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x")
    assert str(caught.value).startswith(expected)


def test_aliases_that_multiply_are_refused_before_they_are_written_out() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match=r"line 5: its aliases write out to more than 100,000 values"):
        parse("\n".join(levels), "x")


def test_a_modest_alias_and_a_merge_key_are_fine() -> None:
    data = parse("base: &base {cash: 5, currency: USD}\nown: {<<: *base, cash: 6}\nlist: [*base, *base]", "x")
    assert data["own"] == {"cash": 6, "currency": "USD"}
    assert data["list"] == [data["base"], data["base"]]


@given(st.text(max_size=200))
@example("{:}")
@example("? ")
@example("<<: 5")
@example("<<: [1]")
@example("- &a !!int x")
@example("%YAML 9.9\n---\na: 1")
def test_any_text_is_a_mapping_or_a_config_error(text: str) -> None:
    refusal = ""
    try:
        assert isinstance(parse_yaml(text, "x"), dict)
    except ConfigError as error:
        refusal = str(error)
    assert refusal == "" or (refusal.startswith("x") and refusal.endswith((".", "?")))


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
_keys = st.sampled_from([*RunSpec.model_fields, "kind", "fast", "path", "parameters", "cash"]) | st.text(max_size=5)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(_keys, _values, max_size=5))
def test_any_mapping_is_a_specification_or_whole_sentences(changes: dict[str, object]) -> None:
    sentences: list[str] = []
    try:
        spec = check_spec({**MINIMAL, **changes}, "x.yaml")
        assert check_spec(spec.model_dump(mode="json"), "again") == spec
    except ConfigError as error:
        sentences = str(error).splitlines()
    assert all(line.startswith("x.yaml") and line.endswith((".", "?")) for line in sentences)
