"""Use cases of the notifications service; the kit reads reactions and folds from here."""

from services.notifications.handlers.alerts import (
    AcknowledgeAlert,
    AcknowledgeByLink,
    Acknowledgement,
    StepTimer,
    acknowledge_alert,
    acknowledge_by_link,
    apply_rules,
    escalate_alert,
)
from services.notifications.handlers.counters import FOLDED, fold_alert_counters
from services.notifications.handlers.deliveries import bury_delivery
from services.notifications.handlers.groups import (
    MemberBody,
    Office,
    SavedPolicy,
    SetPolicy,
    WorkingGroup,
    set_policy,
    set_working_group,
)

__all__ = [
    "FOLDED",
    "AcknowledgeAlert",
    "AcknowledgeByLink",
    "Acknowledgement",
    "MemberBody",
    "Office",
    "SavedPolicy",
    "SetPolicy",
    "StepTimer",
    "WorkingGroup",
    "acknowledge_alert",
    "acknowledge_by_link",
    "apply_rules",
    "bury_delivery",
    "escalate_alert",
    "fold_alert_counters",
    "set_policy",
    "set_working_group",
]
