"""The tables. A versioned row carries the load that made it and the load that superseded it; nothing is overwritten.

A row is current when `load_to` is null, and was current as of load L when `load_from <= L` and `load_to` is null
or `load_to > L`. Derived rows (episode, session of claims) are a function of the source rows, so that every order
of loading gives the same current rows.
"""

from __future__ import annotations

import sqlalchemy as sa

from exchange.records import codes
from exchange.store.columns import Code, Day, Flag, Instant
from exchange.store.ledger_tables import audit, journal, release_cell, stream
from exchange.store.schema import Id, metadata, versioned
from exchange.store.source_tables import claim_line, claim_settled, episode_source, patient_source, session_source

__all__ = [
    "Id",
    "audit",
    "claim_line",
    "claim_settled",
    "episode_source",
    "journal",
    "metadata",
    "patient_source",
    "release_cell",
    "session_source",
    "stream",
]

setting = sa.Table(
    "setting", metadata, sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

load = sa.Table(
    "load",
    metadata,
    sa.Column("load_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Index(None, "digest"),
)

# The practice's own data --------------------------------------------------------------------------------------

patient = versioned(
    "patient",
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("bsn_index", sa.String(64)),  # HMAC(K_store, BSN), to match files
    sa.Column("bsn_sealed", sa.LargeBinary),  # AEAD, key from the keystore
    sa.Column("epd_sealed", sa.LargeBinary),  # the same, the EPD's patient number
    sa.Column("epd_index", sa.String(64)),  # HMAC(K_store, EPD number)
    sa.Column("name_index", sa.String(64)),
    sa.Column("name_sealed", sa.LargeBinary),
    sa.Column("birth_date", Day),
    sa.Column("sex", Code(codes.Sex), nullable=False),
    sa.Index(None, "patient_id"),
    sa.Index(None, "bsn_index"),
    sa.Index(None, "epd_index"),
)

episode = versioned(
    "episode",
    sa.Column("episode_id", Id, nullable=False),
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("source", Code(codes.SourceKind), nullable=False),
    sa.Column("start_date", Day, nullable=False),
    sa.Column("end_date", Day),
    sa.Column("diagnosis", sa.String(4), nullable=False),
    sa.Column("location", sa.String(2), nullable=False),
    sa.Column("access", Code(codes.Access), nullable=False),
    sa.Column("end_reason", Code(codes.EndReason), nullable=False),
    sa.Column("onward_advice", Code(codes.Answered), nullable=False),
    sa.Column("chronic", Flag),
    sa.Column("instrument", sa.String(32), nullable=False),
    sa.Column("declarant", sa.String(8), nullable=False),
    sa.Column("therapist", sa.String(8), nullable=False),
    sa.Column("rebuilt", Flag, nullable=False),
    sa.Column("foreign", Flag, nullable=False),  # another AGB or discipline: shown, left out of the index
    sa.Index(None, "episode_id"),
    sa.Index(None, "patient_id"),
)

# Every id an episode had and lost, or has from a second source, leads to the one it has now, so that evaluations and
# answers keep their parent and nothing stays behind when it is destroyed. A claim line says itself where it belongs.
episode_alias = versioned(
    "episode_alias",
    sa.Column("alias_id", Id, nullable=False),
    sa.Column("episode_id", Id, nullable=False),
    sa.Index(None, "alias_id"),
    sa.Index(None, "episode_id"),
)

session = versioned(
    "session",
    sa.Column("session_id", Id, nullable=False),  # its first claim's, or HMAC(K_store, patient, day, therapist, type)
    sa.Column("episode_id", Id, nullable=False),
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("type", Code(codes.SessionType), nullable=False),
    sa.Column("therapist", sa.String(8), nullable=False),
    sa.Column("source", Code(codes.SourceKind), nullable=False),
    sa.Column("self_paid", Flag, nullable=False),
    sa.Index(None, "episode_id"),
    # Of a patient by way of their episodes: an index more costs as much as the rows.
)

measurement = versioned(
    "measurement",
    sa.Column("measurement_id", Id, nullable=False),
    sa.Column("source_id", Id, nullable=False, default=""),  # of the episode its file names, or empty
    sa.Column("episode_id", Id, nullable=False),  # worked out; empty while no episode is known
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("instrument", sa.String(32), nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("score", sa.Integer, nullable=False),  # in units of 10**-decimals
    sa.Column("from_items", Flag, nullable=False, default=False, server_default="0"),  # worked out from the answers
    sa.Index(None, "measurement_id"),
    sa.Index(None, "episode_id"),
    sa.Index(None, "source_id"),
    sa.Index(None, "patient_id"),
)

referral = versioned(
    "referral",
    sa.Column("referral_id", Id, nullable=False),
    sa.Column("source_id", Id, nullable=False, default=""),  # of the episode its file names, or empty
    sa.Column("episode_id", Id, nullable=False),  # worked out; empty while no episode is known
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("referrer", sa.String(32), nullable=False),
    sa.Column("day", Day),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("counterfactual", Code(codes.Counterfactual), nullable=False),
    sa.Column("answered_by", sa.Text, nullable=False),
    sa.Column("recorded_on", Day),
    sa.Index(None, "referral_id"),
    sa.Index(None, "episode_id"),
    sa.Index(None, "source_id"),
    sa.Index(None, "patient_id"),
)

evaluation = versioned(
    "evaluation",
    sa.Column("evaluation_id", Id, nullable=False),
    sa.Column("source_id", Id, nullable=False, default=""),  # of the episode its file names, or empty
    sa.Column("episode_id", Id, nullable=False),  # worked out; empty while no episode is known
    sa.Column("named_as", Id, nullable=False, default=""),  # the patient_source it names its patient by
    sa.Column("patient_id", Id, nullable=False, default=""),
    sa.Column("session_number", sa.Integer, nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("instrument", sa.String(32), nullable=False),
    sa.Column("effect", Code(codes.Effect), nullable=False),
    sa.Column("advice_taken_up", Code(codes.Answered), nullable=False),
    sa.Column("relatives_involved", Code(codes.Answered), nullable=False),
    sa.Column("partner_involved", sa.String(32), nullable=False),
    sa.Column("decision", Code(codes.NextStep), nullable=False),
    sa.Column("told_referrer_on", Day),
    sa.Index(None, "evaluation_id"),
    sa.Index(None, "episode_id"),
    sa.Index(None, "source_id"),
    sa.Index(None, "patient_id"),
)

index_figure = versioned(
    "index_figure",
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("version", sa.String(16), nullable=False),
    sa.Column("insurer", sa.String(64), nullable=False),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("lower", sa.Double),
    sa.Column("upper", sa.Double),
    sa.Column("period_start", Day, nullable=False),
    sa.Column("period_end", Day, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("patients", sa.Integer),
)

prem = versioned(
    "prem",
    sa.Column("prem_id", Id, nullable=False, default=""),  # of bureau and period
    sa.Column("bureau", sa.Text, nullable=False),
    sa.Column("period_start", Day, nullable=False),
    sa.Column("period_end", Day, nullable=False),
    sa.Column("respondents", sa.Integer, nullable=False),
    sa.Column("mean", sa.Double),
    sa.Column("nps", sa.Double),
    sa.Column("source", sa.Text, nullable=False),
)

prem_comment = versioned(
    "prem_comment",
    sa.Column("comment_id", Id, nullable=False),
    sa.Column("prem_id", Id, nullable=False, default=""),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, nullable=False),
)

improvement = versioned(
    "improvement",
    sa.Column("point_id", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("indicator", sa.String(64), nullable=False),
    sa.Column("baseline", sa.Text, nullable=False),
    sa.Column("goal", sa.Text, nullable=False),
    sa.Column("actions", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("check_on", sa.Text, nullable=False),  # ISO dates, space between
    sa.Column("realised", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
)

# Partners, agreements, cases, answers ---------------------------------------------------------------------------

partner = versioned(
    "partner",
    sa.Column("party", sa.String(32), nullable=False),  # scheme:value, such as agb:01000001
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", Code(codes.PartnerKind), nullable=False),
    sa.Column("label", sa.String(64), nullable=False),  # a HAGRO or a region
    sa.Column("card", sa.LargeBinary),  # the signed card, its bytes; null for a paper-signed party
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("serial", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # unverified, verified, revoked, paper
    sa.Column("verified_by", sa.Text, nullable=False),
    sa.Column("verified_on", Day),
    sa.Column("verified_how", sa.Text, nullable=False),
    sa.Index(None, "party"),
)

agreement = versioned(
    "agreement",
    sa.Column("agreement_id", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the payload bytes
    sa.Column("payload", sa.LargeBinary, nullable=False),  # canonical JSON, as signed
    sa.Column("signatures", sa.Text, nullable=False),  # JSON list: party, JWS or paper record
    sa.Column("state", sa.String(24), nullable=False),  # draft, proposed, signed-by-one, active, ended, ...
    sa.Column("ended_on", Day),
    sa.Column("superseded_on", Day),  # by the next version
    sa.Index(None, "agreement_id"),
)

# A review at an agreed moment: what was calculated for it, and what came of it once it was held.
agreement_review = versioned(
    "agreement_review",
    sa.Column("agreement_id", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("moment", Day, nullable=False),
    sa.Column("opened_on", Day, nullable=False),
    sa.Column("cut_off", Day, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),  # JSON: value, counts and verdict per indicator, whole agreement
    sa.Column("held_on", Day),
    sa.Column("outcome", sa.String(16), nullable=False),  # empty until held
    sa.Column("decided", sa.Text, nullable=False),
    sa.Column("present", sa.Text, nullable=False),
    sa.Column("points", sa.Text, nullable=False),  # ids of improvement points, space between
    sa.Column("next_version", sa.Integer),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Index(None, "agreement_id"),
)

consent = versioned(
    "consent",
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("partner", sa.String(32), nullable=False),
    sa.Column("purpose", sa.String(64), nullable=False),
    sa.Column("state", Code(codes.ConsentState), nullable=False),
    sa.Column("day", Day, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("given_by", sa.String(32), nullable=False),
    sa.Index(None, "patient_id"),
)

case_opened = versioned(
    "case_opened",
    sa.Column("case_id", Id, nullable=False),
    sa.Column("code", sa.String(16), nullable=False),  # koppelcode
    sa.Column("agreement_id", sa.String(64), nullable=False),
    sa.Column("partner", sa.String(32), nullable=False),  # the other party, whichever side we are
    sa.Column("episode_id", Id, nullable=False),  # empty on the partner's side
    sa.Column("patient_id", Id, nullable=False),
    sa.Column("opened_on", Day, nullable=False),
    sa.Column("received", Flag, nullable=False),  # true on the partner's side
    sa.Index(None, "case_id"),
    sa.Index(None, "episode_id"),
    sa.Index(None, "agreement_id"),
)

answer = versioned(
    "answer",
    sa.Column("answer_id", Id, nullable=False),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("episode_id", Id, nullable=False),
    sa.Column("element", sa.String(64), nullable=False),
    sa.Column("start_date", Day, nullable=False),
    sa.Column("end_date", Day, nullable=False),
    sa.Column("status", Code(codes.Answered), nullable=False),
    sa.Column("evidence", Code(codes.Evidence), nullable=False),
    sa.Column("partner", sa.String(32), nullable=False),
    sa.Column("count", sa.Integer),
    sa.Column("first_day", Day),
    sa.Column("received_on", Day),  # the day on which an answer to this question first came in; null for our own
    sa.Column("message_id", sa.String(64), nullable=False),
    # With `sequence`: the highest wins, not the last to arrive.
    sa.Column("epoch_order", sa.Integer, nullable=False, default=0),
    sa.Column("sequence", sa.Integer, nullable=False, default=0),
    sa.Index(None, "answer_id"),
    sa.Index(None, "episode_id"),
    sa.Index(None, "case_id"),
)

aggregate = versioned(
    "aggregate",
    sa.Column("aggregate_id", Id, nullable=False, default=""),
    sa.Column("partner", sa.String(32), nullable=False),
    sa.Column("element", sa.String(64), nullable=False),
    sa.Column("start_date", Day, nullable=False),
    sa.Column("end_date", Day, nullable=False),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("population", sa.Integer, nullable=False),
    sa.Column("evidence", Code(codes.Evidence), nullable=False),
    sa.Column("message_id", sa.String(64), nullable=False),
    sa.Column("epoch_order", sa.Integer, nullable=False, default=0),
    sa.Column("sequence", sa.Integer, nullable=False, default=0),
    sa.Index(None, "aggregate_id"),
)

# What was last told of a case in one kind of message: a digest of it, so that the same is not sent again.
sent_message = versioned(
    "sent_message",
    sa.Column("case_id", sa.String(64), nullable=False),  # or a partner, for totals without patients
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("message_id", sa.String(64), nullable=False),
    sa.Index(None, "case_id"),
)

# What a partner's outcome report said, on the partner's side: the original bytes and the elements read from them.
received_message = versioned(
    "received_message",
    sa.Column("message_id", sa.String(64), nullable=False),
    sa.Column("case_id", Id, nullable=False),
    sa.Column("party", sa.String(32), nullable=False, default=""),
    sa.Column("event", sa.String(32), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Index(None, "case_id"),
    sa.Index(None, "message_id"),
)
