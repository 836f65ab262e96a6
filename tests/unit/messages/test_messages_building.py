"""What a built message says, and what it never says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.errors import MessageError
from exchange.messages.allowing import Allowed
from exchange.messages.building import build
from exchange.messages.codes import EVENTS, SYSTEMS
from exchange.messages.facts import AgreementReference, CaseFacts, Organisation, Reply
from exchange.messages.projecting import project
from exchange.messages.reading import read
from exchange.messages.slicing import leaves
from exchange.messages.walking import walk
from exchange.records.codes import ConsentState, Sex
from exchange.records.elements import elements

# A text that shows an element in a message of the invented case; elements told by a code that others share are
# shown by their path alone.
CANARIES = {
    "case.code": ("KANA-RIE7",),
    "patient.bsn": ("999990019",),
    "patient.name": ("Verzonnen Persoon",),
    "patient.birth-date": ("1960-04-03", "03-04-1960"),
    "patient.sex": ("female", "vrouw"),
    "episode.diagnosis": ("2126",),
    "episode.therapist": ("88000001",),
    "episode.instrument": ("6mwt", "64098-7"),
    "episode.end-reason": ("goals-reached", "doelen bereikt"),
    "referral.referrer": ("01999999",),
    "referral.question": ("Verzonnen vraagstelling",),
    "referral.counterfactual": ("hospital", "ziekenhuis"),
    "measurement.instrument": ("nprs", "72514-3", "NPRS"),
    "measurement.score": ("7.5", "7,5"),
    "evaluation.decision": ("adjust", "aanpassen"),
    "answer.imaging": ("answer.imaging", "2025-03-01", "01-03-2025"),
    "aggregate.eligible-patients": ("431",),
    "indicator.figure": ("durable-discharge-12",),
}


@pytest.mark.parametrize("event", EVENTS)
def test_reading_gives_back_exactly_what_was_told(event, facts, built, everything):
    message = read(built(event))

    assert message.told == project(event, facts, everything)
    assert message.event == event
    assert message.message_id == "verzonnen-bericht-1"
    assert message.sent_at == datetime(2026, 1, 9, 12, 30, tzinfo=UTC)
    assert message.agreement == facts.agreement
    assert (message.sender, message.receiver) == (facts.sender, facts.receiver)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("element", elements())
def test_an_element_that_is_not_allowed_never_appears(event, element, built, everything):
    data = built(event, everything - {element})

    gone = set(elements()[element].fhir) - {path for each in everything - {element} for path in elements()[each].fhir}
    paths = {path for path, _ in leaves(json.loads(data))}
    if element != "case.id":  # the link between two parties' records belongs to the envelope
        assert not gone & paths
    assert not [canary for canary in CANARIES.get(element, ()) if canary in data.decode()]


FORMS = [f"{each.id}:{form}" for each in elements().values() for form in each.generalisations]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("form", [*elements(), *FORMS])
def test_an_element_may_be_the_only_one_that_is_allowed(event, form, facts, built):
    """What holds it, and what that refers to, has to be allowed with it; an agreement may ask for one thing only."""
    alone = frozenset({form})

    assert read(built(event, alone)).told == project(event, facts, alone)


@pytest.mark.parametrize("event", EVENTS)
def test_every_canary_is_told_when_its_element_is_allowed(event, built):
    everywhere = "".join(built(each).decode() for each in EVENTS)

    assert not [text for texts in CANARIES.values() for text in texts if text not in everywhere]


@pytest.mark.parametrize("event", EVENTS)
def test_no_surrogate_id_of_the_store_leaves(event, built):
    assert b"store-" not in built(event)


def test_nothing_but_the_envelope_is_told_when_nothing_is_allowed(built):
    told = read(built("outcome-report", ())).told

    assert told.sessions == told.measurements == told.evaluations == ()
    assert told.session_count is None
    assert b"Encounter" not in built("outcome-report", ())


def test_after_the_opening_no_identity_is_told(built):
    for event in set(EVENTS) - {"case-opening"}:
        assert read(built(event)).told.patient == project("acknowledgement", _acknowledged(), frozenset()).patient


def _acknowledged() -> CaseFacts:
    party = Organisation("agb:07000001", "Verzonnen praktijk")
    return CaseFacts(AgreementReference("a", 1, "b" * 64), party, party, reply=Reply("m", accepted=False))


def test_coarser_forms_are_told_instead_of_the_whole(built):
    coarse = {
        "patient.birth-date:year",
        "episode.start:week",
        "episode.end:weeks-since-start",
        "episode.diagnosis:location",
        "session.day:weeks-since-start",
        "measurement.day:weeks-since-start",
    }
    opening, report = read(built("case-opening", coarse)).told, read(built("outcome-report", coarse)).told

    assert opening.patient.born == "1960"
    assert opening.episode.start == date(2025, 1, 6)
    assert (opening.episode.location, opening.episode.diagnosis) == ("21", None)
    assert (report.episode.end, report.episode.end_weeks) == (None, 12)
    assert [each.weeks for each in report.sessions] == [0, 1, 2]
    assert [each.weeks for each in report.measurements] == [0, 12]
    assert b"2025-01-08" not in built("outcome-report", coarse)


def test_whole_wins_where_both_forms_are_allowed(built):
    told = read(built("case-opening", {"patient.birth-date", "patient.birth-date:year"})).told

    assert told.patient.born == "1960-04-03"


@pytest.mark.parametrize("event", EVENTS)
def test_the_same_facts_give_the_same_bytes(event, built):
    assert built(event) == built(event)


def test_the_order_of_the_facts_does_not_show(facts, built):
    turned = replace(facts, sessions=facts.sessions[::-1], measurements=facts.measurements[::-1])

    assert built("outcome-report", facts=turned) == built("outcome-report")


def test_a_score_survives_in_the_instruments_own_scale(built):
    measurements = read(built("outcome-report")).told.measurements

    assert [str(each.value) for each in measurements] == ["7.5", "2"]
    assert [each.score for each in measurements] == [75, 20]


def test_a_score_without_its_instrument_has_no_scale(built):
    assert read(built("outcome-report", {"measurement.score"})).told.measurements[0].score is None


def test_every_reference_resolves_in_the_bundle(built):
    for event in EVENTS:
        tree = json.loads(built(event))
        urls = {entry["fullUrl"] for entry in tree["entry"]}
        pointed = {value for path, value in leaves(tree) if path.endswith(".reference")}
        assert pointed <= urls


def test_the_kind_of_report_shows_in_the_task(facts, built):
    for phase, status in (("start", "in-progress"), ("interim-4", "in-progress"), ("end", "completed")):
        data = built("outcome-report", facts=replace(facts, phase=phase))
        task = next(e["resource"] for e in json.loads(data)["entry"] if e["resource"]["resourceType"] == "Task")
        assert task["status"] == status
        assert read(data).phase == phase


@pytest.mark.parametrize(("session", "phase"), [(4, "interim-4"), (8, "interim-8"), (12, "interim-12"), (5, "interim")])
def test_an_interim_report_says_after_which_moment_it_is(session, phase, facts, built):
    first = facts.evaluations[0]
    later = replace(first, session_number=session, day=first.day + timedelta(days=30))
    data = built("outcome-report", facts=replace(facts, phase="interim", evaluations=(later, first)))

    assert read(data).phase == phase


def test_after_which_session_a_report_is_stays_untold_where_session_numbers_may_not_be_told(facts, built, everything):
    less = everything - {"evaluation.session-number"}
    data = built("outcome-report", less, replace(facts, phase="interim"))

    assert read(data).phase == "interim"
    with pytest.raises(MessageError):
        walk(json.loads(data.replace(b'"code":"interim"', b'"code":"interim-4"')), less)


def test_a_refusal_is_told_as_one_with_the_rules_that_were_broken(facts, built):
    reply = Reply("bericht-1", accepted=False, rules=("messages.bdl-7", "messages.apart", "messages.apart"))
    told = read(built("acknowledgement", facts=replace(facts, reply=reply))).told

    assert told.reply == Reply("bericht-1", accepted=False, rules=("messages.apart", "messages.bdl-7"))
    assert told.business_status == "refused"


def test_a_return_names_the_opening_that_it_answers(facts, built):
    answered = read(built("partner-return", facts=replace(facts, reply=Reply("opening-1", accepted=True)))).told

    assert answered.reply == Reply("opening-1", accepted=True)
    assert read(built("partner-return", facts=replace(facts, reply=None))).told.reply is None


def test_every_message_of_a_case_carries_the_case_as_the_tasks_identifier(facts, built):
    for event in sorted(name for name, kind in EVENTS.items() if kind.about_patient):
        tree = json.loads(built(event))
        task = next(e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == "Task")
        assert task["identifier"][0] == {"system": SYSTEMS["case-id"], "value": facts.case_id}


def test_the_figure_of_one_patient_is_told_of_that_patient_alone(facts, built, everything, one_patients_figure):
    both = replace(facts, indicators=(one_patients_figure, *facts.indicators))
    data = built("indicator-report", facts=both)
    tree = json.loads(data)
    (report,) = (e["resource"] for e in tree["entry"] if e["resource"]["resourceType"] == "MeasureReport")
    (patient,) = (e for e in tree["entry"] if e["resource"]["resourceType"] == "Patient")

    assert report["type"] == "individual"
    assert report["subject"] == {"reference": patient["fullUrl"]}
    assert read(data).told == project("indicator-report", both, everything)
    assert read(data).case_id == facts.case_id
    with pytest.raises(MessageError):
        built("indicator-report", facts=replace(both, case_id=""))


def test_a_figure_over_all_patients_names_none(built):
    kinds = {e["resource"]["resourceType"] for e in json.loads(built("indicator-report"))["entry"]}

    assert "MeasureReport" in kinds
    assert not kinds & {"Patient", "ServiceRequest", "Consent", "EpisodeOfCare"}


def test_a_masked_figure_stays_masked(facts, built, masked_figure):
    (report,) = read(built("indicator-report", facts=replace(facts, indicators=(masked_figure,)))).told.indicators

    assert all("count" not in each for each in report["group"][0]["population"] if each["id"] == "numerator")
    assert "value" not in report["group"][0]["measureScore"]


def test_a_prom_is_a_response_and_the_score_that_is_derived_from_it(facts, built):
    tree = json.loads(built("outcome-report"))
    by_url = {entry["fullUrl"]: entry["resource"] for entry in tree["entry"]}
    scores = [each for each in by_url.values() if "pain" in str(each.get("meta")) or "/score" in str(each.get("meta"))]

    assert len(scores) == len(facts.measurements)
    for score in scores:
        response = by_url[score["derivedFrom"][0]["reference"]]
        total = response["item"][0]["answer"][0]["valueDecimal"]
        assert response["questionnaire"].endswith("/Questionnaire/nprs")
        assert total == score.get("valueInteger", score.get("valueQuantity", {}).get("value"))


def test_what_a_therapist_measures_is_no_questionnaire(facts, built):
    walked = replace(facts.measurements[0], instrument="6mwt", score=420)

    assert b"QuestionnaireResponse" not in built("outcome-report", facts=replace(facts, measurements=(walked,)))


def test_pain_in_whole_numbers_is_told_as_nl_core_has_it(built):
    scores = {
        each["meta"]["profile"][0].rpartition("/")[2]: each
        for entry in json.loads(built("outcome-report"))["entry"]
        if (each := entry["resource"])["resourceType"] == "Observation" and "derivedFrom" in each
    }

    assert scores["pain-score"]["valueInteger"] == 2
    assert scores["pain-score"]["method"]["coding"][0]["code"] == "NRS"
    assert scores["score"]["valueQuantity"]["value"] == 7.5
    assert "225908003" not in json.dumps(scores["score"])


@pytest.mark.parametrize("state", ConsentState)
def test_each_state_of_consent_survives(state, facts, built):
    given = replace(facts.consent, state=state)

    assert read(built("case-opening", facts=replace(facts, consent=given))).told.consent.state is state


def test_what_is_not_known_is_left_out(facts, built, everything):
    bare = CaseFacts(facts.agreement, facts.sender, facts.receiver, case_id=facts.case_id, phase="start")

    for event in ("case-opening", "outcome-report", "partner-return", "partner-aggregates"):
        assert read(built(event, facts=bare)).told == project(event, bare, everything)


def test_a_patient_of_whom_little_is_known_is_told_so(facts, built):
    unknown = replace(facts.patient, birth_date=None, sex=Sex.UNKNOWN, bsn=None, name="  ")
    told = read(built("case-opening", facts=replace(facts, patient=unknown))).told.patient

    assert (told.born, told.bsn, told.name, told.sex) == (None, None, None, Sex.UNKNOWN)


def test_a_week_can_not_be_told_without_an_episode(facts, built):
    lost = replace(facts, episode=None)

    assert read(built("outcome-report", {"session.day:weeks-since-start"}, lost)).told.sessions == ()


@pytest.mark.parametrize(
    ("rule", "event", "change"),
    [
        ("messages.unknown-event", "no-such-event", {}),
        ("messages.no-case", "outcome-report", {"case_id": ""}),
        ("messages.no-phase", "outcome-report", {"phase": ""}),
        ("messages.no-reply", "acknowledgement", {"reply": None}),
        ("messages.party", "outcome-report", {"sender": Organisation("tel:1", "x")}),
        ("messages.leaf-not-allowed", "outcome-report", {"case_id": "999990019"}),
        ("messages.leaf-not-allowed", "outcome-report", {"sender": Organisation("agb:07000001", "<b>")}),
    ],
)
def test_facts_that_make_no_message_are_refused(rule, event, change, facts, built):
    with pytest.raises(MessageError) as refused:
        built(event, facts=replace(facts, **change))

    assert refused.value.rule == rule


@pytest.mark.parametrize("group", ["answers", "aggregates"])
def test_an_empty_window_is_refused(group, facts, built):
    first = getattr(facts, group)[0]
    event = "partner-return" if group == "answers" else "partner-aggregates"

    with pytest.raises(MessageError) as refused:
        built(event, facts=replace(facts, **{group: (replace(first, end=first.start),)}))

    assert refused.value.rule == "messages.empty-window"


def test_a_treatment_that_ends_before_it_starts_is_refused(facts, built):
    impossible = replace(facts.episode, end=facts.episode.start.replace(year=2024))

    with pytest.raises(MessageError) as refused:
        built("outcome-report", facts=replace(facts, episode=impossible))

    assert refused.value.rule == "messages.end-before-start"


def test_what_our_own_check_refuses_is_not_sent(facts, built):
    """A number that FHIR's integer can't hold passes the walk and is stopped by the check."""
    with pytest.raises(MessageError) as refused:
        built("outcome-report", facts=replace(facts, session_count=2**40))

    assert refused.value.rule in {"messages.refused", "messages.not-fhir"}


def test_an_instrument_that_is_not_listed_is_refused(facts, built):
    foreign = replace(facts.measurements[0], instrument="no-such-instrument")

    with pytest.raises(MessageError) as refused:
        built("outcome-report", facts=replace(facts, measurements=(foreign,)))

    assert refused.value.rule == "messages.unknown-instrument"


def test_a_misspelt_element_is_refused_and_not_taken_for_nothing():
    for name in ("patient.naam", "patient.sex:year"):
        with pytest.raises(MessageError):
            Allowed.of({name})


def test_the_moment_and_the_id_of_a_message_are_demanded(facts):
    for sent_at, message_id, rule in (
        (datetime(2026, 1, 1), "m", "messages.no-time-zone"),  # noqa: DTZ001 - the missing zone is the point
        (datetime(2026, 1, 1, tzinfo=UTC), "no spaces", "messages.message-id"),
    ):
        with pytest.raises(MessageError) as refused:
            build("acknowledgement", facts, frozenset(), message_id=message_id, sent_at=sent_at, fhir_id=str)
        assert refused.value.rule == rule


def test_what_fhir_resources_refuses_is_named_by_its_place_alone(facts, built):
    from exchange.messages.building import _type_check

    tree = json.loads(built("case-opening"))
    tree["entry"][1]["resource"]["status"] = ["geheim"]
    with pytest.raises(MessageError) as refused:
        _type_check(tree)

    assert refused.value.rule == "messages.not-fhir"
    assert "geheim" not in str(refused.value)


def test_importing_the_room_imports_no_fhir_library():
    code = (
        "import sys, exchange.messages.building, exchange.messages.checking;"
        "sys.exit(any(name.partition('.')[0] in {'fhir', 'pydantic', 'jsonschema_rs'} for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
