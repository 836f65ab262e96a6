"""exchange agreement review: figures at the agreed moment, minutes, what came of it, and the next version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

PRACTICE, GP_A, GP_B = "agb:07999990", "agb:01999991", "agb:01999992"
LATEST, NEXT = "2026-07-01", "2027-01-01"  # of the town's moments, as of 3 November 2026


@pytest.fixture
def review(run, mailed):
    """Return how to review the agreement with the GPs; minutes go to a file that is read back."""
    page = mailed["praktijk"].parent / "verslag.md"

    def called(*words, name="praktijk", agreement="huisartsen"):
        said = run("agreement", "review", agreement, *words, workspace=mailed[name])
        return said, page.read_text(encoding="utf-8") if page.exists() else ""

    called.page = page
    return called


def refused(review, *words, rule, **more):
    said, _ = review(*words, "--json", **more)
    assert (said.code, said.json["error"]["rule"]) == (11, rule)
    assert said.json["error"]["hints"]
    dutch, _ = review(*words, "--language", "nl", **more)
    assert (dutch.code, dutch.out) == (11, "")
    return said.json["error"]["text"]


def minutes(review, *words, language="nl"):
    said, text = review("--to", review.page, "--language", language, *words)
    assert said.code in {0, 3}, said.err
    return said, text


# Calculate, at which moment ----------------------------------------------------------------------------------------


def test_it_says_which_agreed_moment_it_is_and_up_to_when_it_counted(review):
    said, text = minutes(review)
    assert f"afgesproken op {LATEST}, gerekend met gegevens tot {LATEST}" in said.out
    assert "Afgesproken moment: **1 juli 2026**" in text
    assert "exchange agreement review huisartsen --held" in said.out


def test_a_moment_that_is_to_come_is_counted_up_to_today_and_said_to_be_early(review):
    said, _ = review("--moment", NEXT, "--to", review.page, "--json")
    assert (said.code, said.json["moment"], said.json["cut_off"]) == (3, NEXT, "2026-11-03")
    assert "reviewing.early" in {one["rule"] for one in said.json["findings"]}


def test_earlier_moments_without_a_review_are_named(review):
    said, _ = review("--to", review.page, "--json")
    (skipped,) = (one for one in said.json["findings"] if one["rule"] == "reviewing.skipped")
    assert "2024-07-01" in skipped["params"]["moments"]


def test_a_day_that_was_not_agreed_is_refused_with_the_ones_that_were(review):
    assert LATEST in refused(review, "--moment", "2026-08-01", rule="reviewing.no-moment")


def test_before_anything_can_be_known_it_is_refused_with_the_first_day(run, town):
    signs = [each for party in (PRACTICE, GP_A) for each in ("--signs", party, "eigenaar", "eigenaar", "p@x.invalid")]
    made = run(
        "agreement", "new", "gp", "--partner", GP_A, "--id", "vroeg", "--indicator", "substitution-net", "--target",
        "substitution-net=0.8", "--from", "2026-11-01", "--covers-from", "2026-11-01", *signs, "--json",
        workspace=town["praktijk"],
    )  # fmt: skip
    posted = run("agreement", "sign", made.json["file"], "--json", workspace=town["praktijk"]).json["files"]
    run("import", posted[0]["file"], workspace=town["huisarts-a"])
    back = run("agreement", "accept", "vroeg", "--json", workspace=town["huisarts-a"]).json["files"]
    assert run("import", back[0]["file"], workspace=town["praktijk"]).code == 0
    early = run("agreement", "review", "vroeg", "--json", workspace=town["praktijk"])
    assert early.json["error"]["rule"] == "reviewing.too-early"
    none = run("agreement", "review", "vroeg", "--moment", "2027-05-01", "--json", workspace=town["praktijk"])
    assert (none.code, none.json["error"]["rule"]) == (11, "reviewing.nothing-knowable")
    assert "2027-11-01" in none.json["error"]["text"]


def test_only_the_practice_reviews(review):
    refused(review, name="huisarts-a", rule="reviewing.practice-only")


def test_an_agreement_that_nobody_signed_is_not_reviewed(run, town):
    signs = ("--signs", PRACTICE, "eigenaar", "eigenaar", "p@x.invalid", "--signs", GP_A, "arts", "lid", "p@x.invalid")
    words = ("new", "gp", "--partner", GP_A, "--id", "los", "--target", "substitution-net=0.8")
    made = run("agreement", *words, *signs, "--json", workspace=town["praktijk"])
    run("agreement", "sign", made.json["file"], workspace=town["praktijk"])
    said = run("agreement", "review", "los", "--json", workspace=town["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (11, "reviewing.not-in-force")


# The minutes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("hoofdindicator", "Aanwezig", "Wij herzien de afspraak", "Controlesom", "95%-interval")),
        ("en", ("primary indicator", "Present", "We revise the agreement", "Digest", "95% interval")),
    ],
)
def test_the_minutes_leave_to_people_what_people_decide(review, language, words):
    _, text = minutes(review, language=language)
    for word in words:
        assert word in text
    assert text.count("☐") >= 7  # three at the table, four outcomes, none of them ticked
    assert "☑" not in text
    assert r"\_\_\_" in text


def test_what_the_clause_says_of_a_missed_target_and_of_silence_stands_in_it(review, mailed):
    _, text = minutes(review)
    with mailed.open("praktijk") as practice:
        from exchange.operations.gathering import terms_of

        agreement = terms_of(practice, "huisartsen").frozen.agreement
    for said in (agreement.missed["nl"], agreement.unanswered["nl"]):
        assert said in text


@pytest.mark.parametrize("suffix", [".docx", ".html", ".pdf"])
def test_they_are_written_as_people_use_them(review, suffix):
    page = review.page.with_suffix(suffix)
    said, _ = review("--to", page, "--language", "nl")
    assert said.code in {0, 3}
    assert page.stat().st_size > 5000


def test_without_a_file_they_stand_among_the_reports(review, mailed):
    review()
    assert (mailed["praktijk"] / "reports" / "verslag-huisartsen-2026-07-01.docx").is_file()


def test_a_party_sees_its_own_cases_and_of_the_others_nothing_about_a_few(review):
    _, inside = minutes(review)
    assert "Alleen Huisartsenpraktijk A (verzonnen)" in inside
    assert "Alleen Huisartsenpraktijk B (verzonnen)" in inside
    _, own = minutes(review, "--for", GP_A)
    assert "Alleen Huisartsenpraktijk A (verzonnen)" in own
    assert "Alleen Huisartsenpraktijk B (verzonnen)" not in own
    answers = own.partition("## 4.")[2].partition("## 5.")[0]
    assert "| Huisartsenpraktijk A (verzonnen) |" in answers
    assert "| Huisartsenpraktijk B (verzonnen) |" not in answers
    _, everyone = minutes(review, "--for", "all")
    assert "Alleen Huisartsenpraktijk" not in everyone
    # a town of this size has few of anything: nothing about all of them together may stand there in numbers
    table = everyone.partition("## 3.")[2].partition("## 4.")[0]
    assert "Netto substitutie" in table
    assert " van 1 " not in table
    assert "<10" in table or "afgeschermd" in table


def test_a_reader_that_is_no_party_is_refused(review):
    refused(review, "--for", "agb:01000001", rule="reviewing.no-reader")


# Under review, and held --------------------------------------------------------------------------------------------


def state(run, mailed):
    listed = run("agreement", "list", "--json", workspace=mailed["praktijk"]).json["agreements"]
    return next(one["state"] for one in listed if one["agreement_id"] == "huisartsen" and one["version"] == 1)


def test_it_is_under_review_until_it_was_held(run, review, mailed):
    assert state(run, mailed) == "active"
    minutes(review)
    assert state(run, mailed) == "under-review"
    said, _ = review("--held", "2026-11-03", "--outcome", "continue", "--decided", "Zo verder.", "--json")
    assert (said.code, said.json["outcome"], said.json["moment"]) == (0, "continue", LATEST)
    assert state(run, mailed) == "active"
    assert LATEST in refused(review, "--moment", LATEST, rule="reviewing.held-already")
    with mailed.open("praktijk") as practice:
        (kept,) = practice.store.reviews.of("huisartsen")
        assert (kept.decided, kept.recorded_by, kept.held_on.isoformat()) == ("Zo verder.", practice.user, "2026-11-03")
        assert kept.figures["onward-advice"]["denominator"] > 0


def test_the_review_after_it_shows_what_was_decided(review):
    minutes(review, "--moment", "2026-01-01")
    review("--held", "2026-11-03", "--outcome", "improve", "--decided", "Sneller navragen.")
    _, text = minutes(review)
    assert "Evaluatie van 1 januari 2026" in text
    assert "Sneller navragen." in text


def test_what_was_not_calculated_first_is_not_recorded_as_held(review):
    refused(review, "--held", "2026-11-03", "--outcome", "continue", rule="reviewing.not-open")


@pytest.mark.parametrize("day", ["2026-11-02", "2026-11-04"])
def test_it_was_held_after_it_was_calculated_and_not_tomorrow(review, day):
    minutes(review)
    refused(review, "--held", day, "--outcome", "continue", rule="reviewing.held-day")


def test_held_and_outcome_go_together(review):
    said, _ = review("--held", "2026-11-03", "--json")
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")


def test_an_improvement_point_is_opened_from_it_and_filled_with_what_was_measured(run, review, mailed):
    minutes(review)
    review("--held", "2026-11-03", "--outcome", "improve", "--point", "navragen", "--language", "nl")
    points = run("improve", "list", "--json", workspace=mailed["praktijk"]).json["points"]
    (point,) = (one for one in points if one["point_id"] == "navragen")
    assert point["indicator"] == "substitution-net"
    assert "afspraak huisartsen" in point["baseline"]
    assert point["check_on"] == [NEXT]
    with mailed.open("praktijk") as practice:
        assert practice.store.reviews.of("huisartsen")[0].points == ("navragen",)


def test_it_stands_in_the_trail(run, review, mailed):
    minutes(review)
    review("--held", "2026-11-03", "--outcome", "continue")
    events = [one["event"] for one in run("log", "show", "--json", workspace=mailed["praktijk"]).json["entries"]]
    assert events[-2:] == ["agreement-review-opened", "agreement-review-held"]


# The next version --------------------------------------------------------------------------------------------------


@pytest.fixture
def drafted(review, mailed):
    """Return the draft that a review opened."""
    minutes(review)
    said, _ = review("--held", "2026-11-03", "--outcome", "revise", "--json")
    file = mailed["praktijk"] / "agreements" / "huisartsen-2.yaml"
    assert said.json["draft"] == str(file)
    return file


def test_a_revision_opens_the_next_version_with_its_baseline(run, drafted, mailed):
    from exchange.operations import drafting

    agreement = drafting.read(drafted)
    assert (agreement.version, agreement.raw["revises"], agreement.term.start.isoformat()) == (2, 1, "2027-01-01")
    measured = {one.id: one for one in agreement.indicators}["onward-advice"]
    assert 0 <= measured.baseline <= 1
    assert measured.baseline_until.isoformat() == LATEST
    checked = run("agreement", "check", drafted, "--json")
    assert [one for one in checked.json["findings"] if one["severity"] == "error"] == []
    assert drafted.read_text(encoding="utf-8").splitlines()[1:3] == ['format: "agreement/1"', 'id: "huisartsen"']
    assert state(run, mailed) == "active"


def test_what_changed_is_told_and_that_it_needs_signatures(run, drafted, mailed):
    said = run("agreement", "diff", "huisartsen@1", drafted, "--language", "nl", workspace=mailed["praktijk"])
    assert said.code == 0
    assert "Looptijd (from): 2024-01-01 → 2027-01-01 [vraagt nieuwe handtekeningen]" in said.out
    assert "de partijen moeten opnieuw tekenen" in said.out
    other = run("agreement", "diff", "welzijn", drafted, "--json", workspace=mailed["praktijk"])
    assert (other.code, other.json["error"]["rule"]) == (11, "differing.other")


def test_the_next_version_takes_over_on_its_first_day_once_both_signed(run, drafted, mailed):
    posted = run("agreement", "sign", drafted, "--json", workspace=mailed["praktijk"]).json["files"]
    for name, party in (("huisarts-a", GP_A), ("huisarts-b", GP_B)):
        mine = next(one["file"] for one in posted if one["party"] == party)
        assert run("import", mine, workspace=mailed[name]).code in {0, 3}
        back = run("agreement", "accept", "huisartsen", "--json", workspace=mailed[name]).json["files"]
        assert run("import", back[0]["file"], workspace=mailed["praktijk"]).code in {0, 3}  # earlier mail is awaited
    for day, first, second in ((3, "active", "signed"), (None, "revised", "active")):
        now = datetime(2026, 11, day, 9, tzinfo=UTC) if day else datetime(2027, 1, 2, 9, tzinfo=UTC)
        with mailed.open("praktijk", now=now) as practice:
            from exchange.operations import agreeing

            states = [agreeing.state(practice, one) for one in practice.store.agreements.versions("huisartsen")]
            assert states == [first, second]


def test_a_draft_that_lies_there_is_not_overwritten(review, drafted):
    minutes(review, "--moment", NEXT)
    refused(review, "--held", "2026-11-03", "--outcome", "revise", rule="agreeing.draft-exists")


def test_a_version_that_begins_before_the_meeting_is_refused(review):
    minutes(review)
    refused(
        review, "--held", "2026-11-03", "--outcome", "revise", "--begins", "2026-11-03", rule="reviewing.begins-early"
    )
