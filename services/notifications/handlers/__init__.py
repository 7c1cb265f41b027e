"""Use cases of the notifications service; the kit reads reactions and folds from here."""

from services.notifications.handlers.acknowledging import (
    AcknowledgeAlert,
    AcknowledgeByLink,
    Acknowledgement,
    CommentOnAlert,
    ReleaseAlert,
    TakeOverAlert,
    acknowledge_alert,
    acknowledge_by_link,
    comment_on_alert,
    lapse_acknowledgement,
    release_alert,
    take_over_alert,
)
from services.notifications.handlers.acting import Acted
from services.notifications.handlers.counters import FOLDED, fold_alert_counters
from services.notifications.handlers.deliveries import bury_delivery
from services.notifications.handlers.escalating import escalate_alert, resume_chain, send_group_letter
from services.notifications.handlers.groups import (
    MemberBody,
    SavedPolicy,
    SetPolicy,
    WorkingGroup,
    set_policy,
    set_working_group,
)
from services.notifications.handlers.raising import apply_rules
from services.notifications.handlers.releasing import release_held_back
from services.notifications.handlers.resolving import ResolveAlert, resolve_alert
from services.notifications.handlers.silences import (
    LiftSilence,
    NewSilence,
    SilenceItem,
    SilenceTimer,
    create_silence,
    end_silence,
    lift_silence,
    preview_silence,
)
from services.notifications.handlers.telling import StepTimer

__all__ = [
    "FOLDED",
    "AcknowledgeAlert",
    "AcknowledgeByLink",
    "Acknowledgement",
    "Acted",
    "CommentOnAlert",
    "LiftSilence",
    "MemberBody",
    "NewSilence",
    "ReleaseAlert",
    "ResolveAlert",
    "SavedPolicy",
    "SetPolicy",
    "SilenceItem",
    "SilenceTimer",
    "StepTimer",
    "TakeOverAlert",
    "WorkingGroup",
    "acknowledge_alert",
    "acknowledge_by_link",
    "apply_rules",
    "bury_delivery",
    "comment_on_alert",
    "create_silence",
    "end_silence",
    "escalate_alert",
    "fold_alert_counters",
    "lapse_acknowledgement",
    "lift_silence",
    "preview_silence",
    "release_alert",
    "release_held_back",
    "resolve_alert",
    "resume_chain",
    "send_group_letter",
    "set_policy",
    "set_working_group",
    "take_over_alert",
]
