"""Rule 4: start-up refuses a subscriber that could lose or loop on messages."""

from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.kit.consumer import BatchConsumer
from shared.kit.routing import Reaction
from shared.kit.subscription import MiswiredSubscriberError, Subscription, check_wiring
from tests.support.spine import counted_on, note_seen

RIGHT: dict[str, Any] = {
    "batch": True,
    "group_id": "group",
    "auto_offset_reset": "earliest",
    "ack_policy": AckPolicy.MANUAL,
}


def broker_with(**options: Any) -> KafkaBroker:
    broker = KafkaBroker("127.0.0.1:1")
    broker.subscriber("test-wiring", **options)
    return broker


def test_the_right_wiring_is_accepted() -> None:
    check_wiring(broker_with(**RIGHT))


def test_our_own_subscription_is_wired_right() -> None:
    event_type = counted_on("test-wiring")
    pool: Any = None
    consumer = BatchConsumer(pool, [Reaction((event_type,), note_seen)], "test")
    check_wiring(Subscription(consumer, bootstrap_servers="127.0.0.1:1", group="group", instance="1").broker)


@pytest.mark.filterwarnings("ignore:AckPolicy.REJECT_ON_ERROR")
@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"batch": False}, "batch=True"),
        ({"ack_policy": None}, "MANUAL"),
        ({"ack_policy": AckPolicy.ACK_FIRST}, "MANUAL"),
        ({"ack_policy": AckPolicy.ACK}, "MANUAL"),
        ({"ack_policy": AckPolicy.REJECT_ON_ERROR}, "MANUAL"),
        ({"ack_policy": AckPolicy.NACK_ON_ERROR}, "MANUAL"),
        ({"auto_offset_reset": None}, "earliest"),
        ({"auto_offset_reset": "latest"}, "earliest"),
        ({"group_id": None}, "group_id"),
    ],
)
def test_a_wrong_wiring_is_refused_with_advice(change: dict[str, Any], advice: str) -> None:
    options = {name: value for name, value in (RIGHT | change).items() if value is not None}
    with pytest.raises(MiswiredSubscriberError, match=advice):
        check_wiring(broker_with(**options))
