"""No text, however strange, does anything but be read or be refused by name."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.agreements import drafting, reading, signing
from exchange.agreements.consent import as_of
from exchange.agreements.lines import read_yaml
from exchange.errors import AgreementError
from exchange.records.codes import ConsentState
from exchange.records.model import Consent

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12)
_SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | _WORDS
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4), max_leaves=20
)
_KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
_FLAT = st.dictionaries(_KEYS, _SCALARS | st.dictionaries(_KEYS, _SCALARS, max_size=3), max_size=5)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(AgreementError):
        reading.read(data, "a.yaml")
    with suppress(AgreementError):
        signing.thaw(data)


@settings(max_examples=50, deadline=None)
@given(st.text(st.sampled_from("[]{}:,-&*!|>'\"%@`#?~ \nab\t"), max_size=200))
def test_any_yaml_punctuation_is_read_or_refused(text: str) -> None:
    with suppress(AgreementError):
        reading.read(text.encode(), "a.yaml")


@settings(max_examples=50, deadline=None)
@given(_VALUES)
def test_any_value_has_findings_and_no_crash(value: object) -> None:
    assert reading.shape(value)


@settings(max_examples=50, deadline=None)
@given(_FLAT)
def test_what_is_written_is_read_back(raw: dict[str, object]) -> None:
    if raw:
        assert read_yaml(drafting.write(raw).encode(), "a").value == raw


_RECORDS = st.lists(
    st.builds(
        Consent,
        patient_id=st.sampled_from("pq"),
        partner=st.just("agb:01000001"),
        purpose=st.sampled_from(["effect", "treatment"]),
        state=st.sampled_from(list(ConsentState)),
        day=st.dates(date(2026, 1, 1), date(2026, 1, 5)),
        evidence=st.just("letter"),
        given_by=st.just("self"),
    ),
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(_RECORDS, st.randoms(use_true_random=False))
def test_consent_does_not_depend_on_the_order_of_recording(records: list[Consent], random: object) -> None:
    asked = {"patient_id": "p", "partner": "agb:01000001", "purpose": "effect", "on": date(2026, 1, 3)}
    mixed = list(records)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert as_of(records, **asked) is as_of(mixed, **asked)  # type: ignore[arg-type]
