"""What can be wrong with a document of routing rules, in both languages, and where. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Place = tuple[str | int, ...]
"""Keys and 0-based indices from the document's root to what is wrong."""


FAULTS_MAX: Final = 1_000


class FaultType(NamedTuple):
    """`en` and `fa` take ``{name}`` placeholders."""

    en: str
    fa: str


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One fault at `line` (1-based) of the document."""

    line: int
    place: str
    text_en: str
    text_fa: str


class RulesError(Exception):
    """The document cannot be used; `faults` has every one, and the message lists them with their lines."""

    def __init__(self, source: str, faults: Sequence[RuleFault]) -> None:
        super().__init__("\n".join(f"{source}:{fault.line}: {fault.place}: {fault.text_en}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class Faults:
    """Gathers the faults of a document, so that one answer shows them all; beyond the first thousand no more are kept."""

    found: list[tuple[Place, str, str]] = field(default_factory=list[tuple[Place, str, str]])

    def add(self, place: Place, fault: FaultType, **values: object) -> None:
        if len(self.found) < FAULTS_MAX:
            self.found.append((place, fault.en.format(**values), fault.fa.format(**values)))


SHAPE: Final = FaultType("{message}", "شکل این بخش درست نیست: {message_fa}")
NOT_YAML: Final = FaultType("not YAML: {message}", "متن YAML نیست: {message}")
TOO_LONG: Final = FaultType("longer than {limit} characters", "بلندتر از {limit} نویسه است")
TOO_DEEP: Final = FaultType("nested deeper than {limit} levels", "بیش از {limit} سطح تودرتو است")
TOO_MANY: Final = FaultType("more than {limit} values", "بیش از {limit} مقدار است")
ALIAS: Final = FaultType("an alias (*{name}): write it out", "ارجاع *{name} پذیرفته نیست؛ کامل بنویسید")
TAG: Final = FaultType(
    "a tag ({name}): write the value without it", "برچسب {name} پذیرفته نیست؛ مقدار را بی آن بنویسید"
)
KEY_REPEATED: Final = FaultType("the key {name!r} stands twice", "کلید {name!r} دو بار آمده است")

ID_REPEATED: Final = FaultType("a second rule has the id {name!r}", "شناسهٔ {name!r} در قاعده‌ای دیگر هم آمده است")
POLICY_MISSING: Final = FaultType("there is no policy {name!r}", "سیاستی به نام {name!r} نیست")
EVENT_UNKNOWN: Final = FaultType("there is no event type {name!r}", "رویدادی از نوع {name!r} نیست")
NO_COUNTY: Final = FaultType(
    "{name} has no county, so nobody would be told", "رویداد {name} شهرستان ندارد و به کسی خبر داده نمی‌شود"
)
FIELD_UNKNOWN: Final = FaultType("{event} has no field {name!r}", "رویداد {event} فیلد {name!r} ندارد")
NEVER_TRUE: Final = FaultType("never true: {message}", "هرگز درست نیست: {message_fa}")
NO_VALUES: Final = FaultType("never true: no value is given", "هرگز درست نیست: مقداری نیامده است")
NOTHING_LEFT: Final = FaultType(
    "matches nothing: what `unless` leaves out is all there is of {name!r}",
    "با هیچ رویدادی جور نمی‌شود: unless همهٔ مقدارهای {name!r} را کنار می‌گذارد",
)
COUNTIES_EMPTY: Final = FaultType(
    "matches nothing: leave it out for all counties", "با هیچ شهرستانی جور نمی‌شود؛ برای همهٔ شهرستان‌ها آن را ننویسید"
)
COUNTIES_EXCLUDED: Final = FaultType(
    "matches nothing: the conditions leave none of its counties",
    "با هیچ رویدادی جور نمی‌شود: شرط‌ها هیچ‌یک از شهرستان‌های آن را نمی‌گذارند",
)
SUBJECT_DIFFERS: Final = FaultType(
    "finds no alert: the rule's subject has {expected} fields, this one {found}",
    "هیچ هشداری را نمی‌یابد: موضوع قاعده {expected} فیلد دارد و این {found}",
)
OTHER_OWNER: Final = FaultType(
    "{name} has another owner than the rule's event: records of two offices are not joined",
    "صاحب رویداد {name} جز صاحب رویداد قاعده است؛ سوابق دو بخش به هم پیوند نمی‌خورد",
)
ALERT_ABOUT_ALERT: Final = FaultType(
    "only {allowed} may raise an alert about an alert", "تنها {allowed} می‌تواند دربارهٔ یک هشدار، هشدار بدهد"
)
OWN_ALERTS: Final = FaultType(
    "would raise alerts about its own alerts: {circle}; leave kinds out by alert_kind",
    "دربارهٔ هشدارهای خود هشدار می‌دهد: {circle}؛ با alert_kind کنار بگذارید",
)
CRITICAL_GROUPED: Final = FaultType("a critical alert is never grouped", "هشدار بحرانی گروه‌بندی نمی‌شود")
DIGEST_NOT_INFO: Final = FaultType(
    "only an alert of severity info waits for the digest", "تنها هشدار با شدت info در خلاصه می‌آید"
)
DIGEST_OF_NOBODY: Final = FaultType(
    "only {allowed} have digests, so nobody would be told",
    "تنها این‌ها خلاصه دارند: {allowed}؛ به کسی خبر داده نمی‌شود",
)
DIGEST_GROUPED: Final = FaultType("told in the digest, so there is nothing to group", "در خلاصه می‌آید و گروهی ندارد")

SOURCE_UNKNOWN: Final = FaultType("no rule raises the kind {name!r}", "هیچ قاعده‌ای هشدار نوع {name!r} نمی‌دهد")
SOURCE_UNRESOLVED: Final = FaultType(
    "no event resolves alerts of the rule {rule!r}, so what they hold back would never be told",
    "هیچ رویدادی هشدارهای قاعدهٔ {rule!r} را برطرف نمی‌کند و آنچه نگه می‌دارند هرگز گفته نمی‌شود",
)
NO_TARGETS: Final = FaultType(
    "holds nothing back: name targets or severities", "چیزی را نگه نمی‌دارد: targets یا severities را بنویسید"
)
TARGETS_NOTHING: Final = FaultType(
    "holds nothing back: no rule's alerts are so", "چیزی را نگه نمی‌دارد: هیچ قاعده‌ای چنین هشداری نمی‌دهد"
)
CRITICAL_HELD: Final = FaultType("a critical alert is never held back", "هشدار بحرانی نگه داشته نمی‌شود")
EQUAL_NOT_SHOWN: Final = FaultType(
    "the rule {rule!r} does not show {name!r}, so nothing can be equal",
    "قاعدهٔ {rule!r} فیلد {name!r} را نشان نمی‌دهد و برابری معنا ندارد",
)
INHIBITION_CIRCLE: Final = FaultType("holds back in a circle: {circle}", "نگه‌داشتن در یک دور: {circle}")
HELD_OTHER_OWNER: Final = FaultType(
    "the rule {rule!r} is about records of another owner: they are not joined",
    "قاعدهٔ {rule!r} دربارهٔ سوابق بخشی دیگر است؛ به هم پیوند نمی‌خورد",
)

NOT_FOR_RULES: Final = FaultType(
    "{name} raises no alert: it asks nothing of anybody", "رویداد {name} هشدار نمی‌دهد؛ کاری از کسی نمی‌خواهد"
)
AUDIENCE_CLOSED: Final = FaultType(
    "{name} is told only to {allowed}", "رویداد {name} تنها به این‌ها گفته می‌شود: {allowed}"
)
FIELD_CLOSED: Final = FaultType(
    "of {event} a rule may not use {name!r}", "قاعده نمی‌تواند {name!r} از رویداد {event} را به کار ببرد"
)
CONDITION_CLOSED: Final = FaultType(
    "no condition on {name!r}: every case and complaint is told alike",
    "شرطی بر {name!r} پذیرفته نیست؛ همهٔ پرونده‌ها و شکایت‌ها یکسان گفته می‌شوند",
)
RESOLVER_CLOSED: Final = FaultType("{name} does not answer {event}", "رویداد {name} پاسخ {event} نیست")
RESTRICTED_ALONE: Final = FaultType(
    "what is about a case or a complaint is told at once and by itself",
    "آنچه دربارهٔ یک پرونده یا شکایت است بی‌درنگ و جداگانه گفته می‌شود",
)
PROMISE_UNKEPT: Final = FaultType(
    "{name} must be told in every county, whatever its values: no rule does",
    "رویداد {name} باید در همهٔ شهرستان‌ها و با هر مقداری گفته شود؛ هیچ قاعده‌ای چنین نمی‌کند",
)
INBOX_ALONE: Final = FaultType(
    "{event} must reach somebody who does not look: steps.{step} of the policy {policy!r} tells in the inbox alone",
    "رویداد {event} باید به کسی هم برسد که صندوق را نمی‌بیند؛ steps.{step} سیاست {policy!r} تنها در صندوق خبر می‌دهد",
)
LETTER_MISSING: Final = FaultType("there is no letter for the kind {name!r}", "برای نوع {name!r} متنی نیست")
LETTER_NEEDS: Final = FaultType(
    "the letter of {kind!r} needs {name!r}: show it", "متن {kind!r} به {name!r} نیاز دارد؛ آن را در show بیاورید"
)
