"""The map of service codes is data that a practice can edit, and says so when it can't be read."""

from __future__ import annotations

import pytest

from exchange.episodes.services import read_services, shipped_services
from exchange.errors import SourceError
from exchange.records.codes import EndReason, Payer, SessionType


def test_the_shipped_map_knows_the_individual_session_in_both_formats() -> None:
    assert shipped_services().type_of("012", "002000") is SessionType.SESSION
    assert shipped_services().type_of("74", "2000") is SessionType.SESSION
    assert shipped_services().type_of("012", "1") is None


def test_an_end_code_without_a_meaning_is_unknown() -> None:
    services = read_services('{"lists": {}, "end_reasons": {"01": {"reason": "goals-reached"}}}')
    assert services.end_reason("1") is EndReason.GOALS_REACHED
    assert services.end_reason("02") is EndReason.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"lists": []}',
        '{"lists": {"012": {"1": {"type": "nap"}}}}',
        '{"lists": {}, "entitlements": {"9": "x"}}',
    ],
)
def test_another_shape_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SourceError) as refused:
        read_services(text)
    assert refused.value.hints == ("hint.services-shape",)


def test_the_shipped_map_knows_which_insurance_an_entitlement_is_of() -> None:
    assert shipped_services().payer("009") is shipped_services().payer("9") is Payer.SUPPLEMENTARY
    assert shipped_services().payer("001") is Payer.ZVW
    assert shipped_services().payer("") is shipped_services().payer("999") is Payer.UNKNOWN
