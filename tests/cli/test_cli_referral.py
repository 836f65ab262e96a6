"""exchange referral: the alternative counts only when it was recorded within seven days of the first session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


def first_days(treated: Any) -> dict[str, Any]:
    """Return the first session's day of each client's current treatment, by EPD number."""
    from exchange.operations.gathering import Courses
    from exchange.operations.referring import current_episode

    with treated.open("praktijk") as workspace:
        found = {}
        for course in Courses(workspace.store.dataset()).by_episode.values():
            number = workspace.store.patient_identity(course.episode.patient_id).epd_number
            if number and course.first_day and current_episode(workspace, number) == course.episode:
                found[number] = course.first_day.day
        return found


@pytest.mark.parametrize(("days", "counts"), [(7, True), (8, False)])
def test_seven_days_after_the_first_session_still_counts(run: Any, treated: Any, days: int, counts: bool) -> None:
    epd, first = max(first_days(treated).items(), key=lambda one: one[1])
    at = datetime(first.year, first.month, first.day, 12, tzinfo=UTC) + timedelta(days=days)
    ran = run(
        "referral", "record", "--epd", epd, "--referrer", "agb:01999991", "--on", first, "--otherwise", "hospital",
        "--question", "Graag beoordelen", "--answered-by", "huisarts", "--language", "nl",
        workspace=treated["praktijk"], at=at,
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    listed = run("referral", "list", "--json", workspace=treated["praktijk"], at=at).json["referrals"]
    (mine,) = [one for one in listed if one["epd_number"] == epd]
    assert mine["counts"] is counts
    assert mine["recorded_on"] == at.date().isoformat()


def test_the_list_is_in_words(run: Any, treated: Any) -> None:
    dutch = run("referral", "list", "--language", "nl", workspace=treated["praktijk"])
    assert dutch.code == 0
    assert "verwijzer" in dutch.out
    english_words = ("hospital", "medication", "nothing", "imaging", "unknown")
    assert not any(word in dutch.out for word in english_words)
    english = run("referral", "list", "--language", "en", workspace=treated["praktijk"])
    assert any(word in english.out for word in english_words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--epd", "nobody", "--referrer", "agb:01999991", "--otherwise", "gp"), 14),
        (("--epd", "P00001", "--referrer", "dokter", "--otherwise", "gp"), 1),
        (("--epd", "P00001", "--referrer", "agb:01999991", "--otherwise", "magic"), 2),
    ],
)
def test_what_cannot_be_is_refused(run: Any, treated: Any, words: tuple[str, ...], code: int) -> None:
    ran = run("referral", "record", *words, "--on", "2026-10-01", "--json", workspace=treated["praktijk"])
    assert ran.code == code, ran.out
    assert ran.json["exit"] == code
