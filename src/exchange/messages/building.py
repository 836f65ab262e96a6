"""Build a message: project to what is allowed, make the resources, walk the result, type-check it, keep the bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from exchange.errors import MessageError
from exchange.messages import resources
from exchange.messages.checking import require
from exchange.messages.codes import EVENTS, PARTY_SCHEMES, SYSTEMS
from exchange.messages.drafting import Draft, Resource
from exchange.messages.facts import CaseFacts, Message, Told
from exchange.messages.projecting import project
from exchange.messages.results import reports, results
from exchange.messages.summary import narrative
from exchange.messages.walking import walk

_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def build(
    event: str,
    facts: CaseFacts,
    allowed: frozenset[str],
    *,
    message_id: str,
    sent_at: datetime,
    fhir_id: Callable[[], str],
) -> bytes:
    """Return the message as the bytes that are sent and kept.

    `allowed` holds element ids of elements.json, or `id:generalisation` for a coarser form. `fhir_id` gives a fresh
    random UUID for each resource. The same arguments give the same bytes. Raises MessageError.
    """
    told = project(event, facts, allowed)
    message = _message(event, facts, told, message_id, sent_at)
    tree = _compose(message, Draft(fhir_id))
    walk(tree, allowed)
    _type_check(tree)
    data = json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    # What we ask of others we ask of ourselves: a message that our own check would refuse is never sent.
    require(data)
    return data


def _message(event: str, facts: CaseFacts, told: Told, message_id: str, sent_at: datetime) -> Message:
    if sent_at.tzinfo is None:
        raise MessageError("messages.no-time-zone")
    if not _FHIR_ID.fullmatch(message_id):
        raise MessageError("messages.message-id")
    for party in (facts.sender, facts.receiver):
        if party.party.partition(":")[0] not in PARTY_SCHEMES:
            raise MessageError("messages.party", party=party.party)
    return Message(
        message_id=message_id,
        event=event,
        sent_at=sent_at.astimezone(UTC).replace(microsecond=0),
        agreement=facts.agreement,
        sender=facts.sender,
        receiver=facts.receiver,
        told=told,
    )


def _compose(message: Message, draft: Draft) -> Resource:
    told, event = message.told, EVENTS[message.event]
    sender = resources.organization(draft, message.sender)
    links = resources.Links(sender, resources.organization(draft, message.receiver))
    if told.case_id:
        subject = resources.patient(draft, told.patient)
        links = replace(links, patient=subject, request=resources.service_request(draft, told, subject))
        output = results(draft, message, links)
        if told.consent is not None:
            resources.consent(draft, told.consent, subject, message.agreement)
    else:
        output = reports(draft, told, links)
    focus = resources.task(draft, message, links, output)
    resources.header(draft, message, links, focus)
    if event.code != "acknowledgement":
        resources.provenance(draft, message, sender, [focus, *(reference for _, reference in output)])
        resources.composition(draft, message, links, narrative(message))
    return {
        "resourceType": "Bundle",
        "identifier": {"system": SYSTEMS["message"], "value": message.message_id},
        "type": "message",
        "timestamp": resources.instant(message),
        "entry": draft.entries(),
    }


def _type_check(tree: dict[str, Any]) -> None:
    """Let fhir.resources have its say; its sentence may quote a value, so only the place is kept."""
    from fhir.resources.R4B.bundle import Bundle
    from pydantic import ValidationError

    try:
        Bundle.model_validate(tree)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise MessageError("messages.not-fhir", path=place) from None
