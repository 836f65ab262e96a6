"""The library offers what the program does: the same operations as methods of a workspace."""

from __future__ import annotations

import pytest

from exchange.errors import AgreementError


def test_a_round_trip_needs_nothing_but_workspaces(mailed):
    with mailed.open("praktijk") as practice:
        (taken,) = practice.take_in(mailed["post"] / "from-a.age")
        assert (taken.state, taken.answers) == ("done", 18)
        (known,) = practice.load(mailed["bestanden"] / "trajecten.csv")
        assert known.already
        # Nothing new to tell but that the answers came in.
        (receipt,) = practice.export("huisartsen").files
        assert (receipt.messages, receipt.cases, receipt.acknowledged) == (0, 0, 1)
        found = {one.indicator for one in practice.figures("onward-advice", audience="internal")}
        assert found == {"onward-advice"}
    with mailed.open("huisarts-b") as gp:
        (taken,) = gp.take_in(mailed["post"] / "to-b.age")
        assert taken.cases == 4


def test_pages_are_written_where_it_is_asked(town, tmp_path):
    with town.open("praktijk") as practice:
        written = practice.summary(tmp_path / "overzicht.json")
        assert written.files == (tmp_path / "overzicht.json",)
        written = practice.plan(tmp_path / "plan.md")
        assert (tmp_path / "plan.md").is_file()
        assert written.missing  # nobody answered the questions yet


def test_a_proposal_whose_clauses_are_not_what_it_says_is_not_accepted(town, monkeypatch):
    """A practice signs a list of elements that its indicators do not need: the partner's own check sees it."""
    from exchange.agreements import signing
    from exchange.operations import agreeing, importing

    frozen = signing.freeze

    def longer(*given, **named):
        payload = frozen(*given, **named)
        changed = payload.replace(b'"elements":["case.id"', b'"elements":["referral.counterfactual","case.id"', 1)
        assert changed != payload
        return changed

    with town.open("praktijk") as practice:
        draft = town.draft(practice, "gp", "vals", "agb:01999991")
        monkeypatch.setattr(signing, "freeze", longer)
        (posted,) = agreeing.sign(practice, draft).files
        monkeypatch.undo()
    with town.open("huisarts-a") as gp:
        importing.take_in(gp, [posted.file])
        with pytest.raises(AgreementError) as caught:
            agreeing.accept(gp, "vals")
        assert caught.value.rule == "agreeing.proposal-wrong"
        assert caught.value.hints
