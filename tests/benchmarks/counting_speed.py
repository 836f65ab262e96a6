"""Time every shipped definition on an invented practice in SQLite; arguments: sessions, and runs per definition."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from exchange.counting import counting
from exchange.indicators.reading import shipped_definitions
from exchange.indicators.reference import ReferenceTable
from exchange.records.instruments import instruments
from exchange.store import tables

REASONS = ["goals-reached"] * 7 + ["stopped-by-client", "maintenance", "unknown"]
TABLE = ReferenceTable("invented", "1", "trajectory", "invented", ("chronic",), (), {("yes",): 18000, ("no",): 8000})


def _practice(sessions: int) -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    """Draw episodes of about nine sessions over four years, with answers, scores and evaluations."""
    chance = random.Random(1)
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in tables.metadata.tables}
    number = 0
    while len(made["session"]) < sessions:
        number += 1
        patient, episode = f"{number * 7 // 10:032x}", f"{number:032x}"
        start = date(2021, 1, 1) + timedelta(chance.randint(0, 1300))
        count = 1 + min(60, int(chance.expovariate(1 / 8.5)))
        end = start + timedelta(7 * count)
        place = str(chance.randint(30, 75))
        both = {"episode_id": episode, "patient_id": patient}
        if number * 7 // 10 != (number - 1) * 7 // 10:
            made["patient"].append(
                {"patient_id": patient, "sex": chance.choice(["male", "female"]), "birth_date": date(1970, 1, 1)}
            )
        made["episode"].append(
            {
                **both, "source": "epd", "start_date": start, "end_date": end, "diagnosis": place + "27",
                "location": place, "access": "referred", "end_reason": chance.choice(REASONS),
                "onward_advice": chance.choice(["no", "no", "yes", "unknown"]), "chronic": chance.random() < 0.1,
                "instrument": "nprs", "declarant": "", "therapist": "", "rebuilt": False, "foreign": False,
            }
        )  # fmt: skip
        made["session"] += [
            {
                **both, "session_id": f"{number:024x}{i:08x}", "day": start + timedelta(7 * i), "type": "session",
                "therapist": "", "source": "epd", "self_paid": False,
            }
            for i in range(count)
        ]  # fmt: skip
        made["measurement"] += [
            {**both, "measurement_id": f"{number:031x}{i}", "instrument": "nprs", "day": day, "score": score}
            for i, (day, score) in enumerate([(start, 70), (end, chance.randrange(0, 80, 10))])
        ]
        made["referral"].append(
            {
                **both, "referral_id": episode, "referrer": "", "day": start, "question": "",
                "counterfactual": chance.choice(["hospital", "gp", "nothing"]), "answered_by": "", "recorded_on": start,
            }
        )  # fmt: skip
        made["case_opened"].append(
            {
                **both, "case_id": episode, "code": "", "agreement_id": "a", "partner": "agb:1", "opened_on": start,
                "received": False,
            }
        )  # fmt: skip
        made["answer"].append(
            {
                "answer_id": episode, "case_id": episode, "episode_id": episode,
                "element": "answer.specialist-referral", "start_date": start, "end_date": end + timedelta(370),
                "status": chance.choice(["no", "no", "yes"]),
                "evidence": "signed", "partner": "agb:1", "message_id": "", "first_day": None, "count": None,
            }
        )  # fmt: skip
        made["evaluation"] += [
            {
                "evaluation_id": f"{number:030x}{i:02}", "episode_id": episode, "session_number": i,
                "day": start + timedelta(7 * i), "instrument": "", "effect": "sufficient", "advice_taken_up": "yes",
                "relatives_involved": "unknown", "partner_involved": "", "decision": "continue",
            }
            for i in (4, 8, 12)
            if i <= count and chance.random() < 0.7
        ]  # fmt: skip
    for name, rows in made.items():
        if rows:
            yield tables.metadata.tables[name], [{**row, "load_from": 1} for row in rows]


def main(sessions: int) -> None:
    """Print the median processor time per definition, and the sum."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, rows in _practice(sessions):
            connection.execute(table.insert(), rows)
    with engine.connect() as connection:
        for split in ((), ("location", "month")):
            took: dict[str, list[float]] = {}
            for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5):
                for name, definition in shipped_definitions().items():
                    begun = time.process_time()
                    counting.cube(
                        connection,
                        definition,
                        start=date(2022, 1, 1),
                        end=date(2025, 1, 1),
                        cut_off=date(2026, 1, 1),
                        group_by=split if definition.count != "aggregates" else (),
                        instruments=instruments(),
                        reference=TABLE,
                    )
                    took.setdefault(name, []).append(time.process_time() - begun)
            medians = {name: sorted(times)[len(times) // 2] for name, times in took.items()}
            sys.stdout.write(f"split by {', '.join(split) or 'nothing'}\n")
            for name, seconds in medians.items():
                sys.stdout.write(f"  {name:28} {seconds:6.3f} s\n")
            sys.stdout.write(f"  {'all':28} {sum(medians.values()):6.3f} s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
