"""Records that somebody else puts on a topic of the service, with a canary in each."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from tests.safeguards.canary_identities import Identity
from tests.safeguards.canary_platform import Town

TOPIC = "nationals-return-cases"
TYPE = "nationals.ReturnCaseOpened.v1"
PLANTED = 3


async def plant(town: Town, people: list[Identity]) -> None:
    """Takes `PLANTED` people: an unknown field of a good event, a body that is no JSON, a field of the wrong form."""
    unknown_field, no_json, wrong_form = people
    good = {"county": "rey", "voluntary_until": datetime.now(UTC).isoformat()}
    bodies: list[bytes] = []
    ids = [str(uuid4()) for _ in people]
    bodies.append(
        json.dumps({**good, "case_id": ids[0], "remark": f"{unknown_field.name_latin} {unknown_field.phone}"}).encode()
    )
    bodies.append(f'{{"case_id": {no_json.national_id} {no_json.name_persian}'.encode())
    bodies.append(
        json.dumps({**good, "case_id": ids[2], "county": f"{wrong_form.name_latin} {wrong_form.foreign_id}"}).encode()
    )
    producer = AIOKafkaProducer(bootstrap_servers=town.platform.bootstrap_servers)
    await producer.start()
    try:
        for case_id, body in zip(ids, bodies, strict=True):
            headers = {
                "ce_specversion": "1.0",
                "ce_type": TYPE,
                "ce_source": "/elsewhere",
                "ce_id": str(uuid4()),
                "ce_time": datetime.now(UTC).isoformat(),
                "ce_subject": case_id,
                "ce_sequence": "1",
                "ce_correlationid": str(uuid4()),
                "content-type": "application/json",
            }
            encoded = [(name, value.encode()) for name, value in headers.items()]
            await producer.send_and_wait(TOPIC, body, key=case_id.encode(), headers=encoded)
    finally:
        await producer.stop()
    query = "SELECT count(*) = 2 FROM parked_event WHERE reason = 'unreadable'"
    await town.until(lambda: town.superuser.fetchval(query), "the two unreadable records were parked")
