"""What a property test lets happen in the field: forms in the order of the truth, and every way in which they may arrive.

A story is one site's: the forms that its inspectors fill, each truer than the one before, and what people do in between.
Its serial schedule tells everything once and in order; `noise` adds what must change nothing, `disorder` permits anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hypothesis import strategies as st

from shared.contracts.counties import County
from shared.contracts.warehouse import Severity, Verdict

SITES_MAX = 2
EDITS_MAX = 3
SITE_PHOTO = "site.jpg"
ITEMS = ("structure", "fire_safety", "hygiene_and_biological_hazard")


class Finding(StrEnum):
    """What a form finds of a site that is registered as active with 1,000 tonnes."""

    SOUND = "sound"
    SMALLER = "smaller"
    CLOSED = "closed"


CAPACITY_TONNES = {Finding.SOUND: 1000, Finding.SMALLER: 700, Finding.CLOSED: 1000}
VERDICTS = {Finding.SOUND: Verdict.CONFIRMED, Finding.SMALLER: Verdict.DIFFERS, Finding.CLOSED: Verdict.CLOSED}


class Channel(StrEnum):
    """How a form is sent; `KEYED` is plain JSON with an Idempotency-Key."""

    JSON = "json"
    KEYED = "keyed"
    OPENROSA = "openrosa"
    KOBO = "kobo"


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """A filled form. Of two forms of a site the one of higher `rank` is the truer; `is_faulty`: a reviewer returns it.

    `instance` and `deprecated` are labels, made unique by each run.
    """

    site: int
    rank: int
    inspector: int
    instance: str
    deprecated: str | None
    finding: Finding
    failed: tuple[tuple[str, Severity], ...]
    suspicion: str | None
    has_site_photo: bool
    is_faulty: bool = False

    def __repr__(self) -> str:
        says = [self.finding, *(f"{item}={severity}" for item, severity in self.failed), self.suspicion or ""]
        says += ["site photo"] * self.has_site_photo + ["faulty"] * self.is_faulty
        edits = f" edits {self.deprecated}" if self.deprecated else ""
        return f"<{self.mark} by {self.inspector}: {self.instance}{edits}: {' '.join(filter(None, says))}>"

    @property
    def mark(self) -> int:
        """The capacity in use that it tells, in tonnes: by that it is recognised wherever it went."""
        return self.site * 100 + self.rank + 1

    @property
    def photos(self) -> tuple[str, ...]:
        return (*(f"{item}.jpg" for item, _ in self.failed), *((SITE_PHOTO,) if self.has_site_photo else ()))


@dataclass(frozen=True, slots=True)
class Send:
    """A phone sends a form; through OpenRosa with these photos."""

    form: Form
    channel: Channel = Channel.JSON
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendPhoto:
    """A phone sends one photo of a form."""

    form: Form
    name: str


@dataclass(frozen=True, slots=True)
class Look:
    """A reviewer looks at the site's inspections and decides about what is there to review."""

    site: int
    reviewer: int = 1


@dataclass(frozen=True, slots=True)
class Decide:
    """A person decides the site's open conflicts for the truer form."""

    site: int
    reviewer: int = 1


@dataclass(frozen=True, slots=True)
class Reassign:
    """The inspection goes to the second inspector."""

    site: int


Step = Send | SendPhoto | Look | Decide | Reassign
Schedule = tuple[tuple[Step, ...], ...]
"""Batches one after another; the steps of a batch run at once."""


@dataclass(frozen=True, slots=True)
class Story:
    """One site; `beats` are its steps in the serial order."""

    site: int
    county: County
    forms: tuple[Form, ...]
    beats: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The stories of some sites, and one schedule of all their steps."""

    stories: tuple[Story, ...]
    schedule: Schedule

    @property
    def serial(self) -> "Scenario":
        """The same told once, in order, one after another, by plain JSON."""
        return replace(self, schedule=tuple((step,) for story in self.stories for step in _told_once(story)))


def _told_once(story: Story) -> list[Step]:
    steps: list[Step] = []
    for beat in story.beats:
        steps.append(beat)
        if isinstance(beat, Send):
            steps += [SendPhoto(beat.form, name) for name in beat.form.photos]
    return steps


@st.composite
def _forms(draw: st.DrawFn, site: int, inspector: int, instance: str, deprecated: str | None) -> Form:
    failed = draw(
        st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(Severity)), max_size=2, unique_by=lambda one: one[0])
    )
    return Form(
        site=site,
        rank=0,
        inspector=inspector,
        instance=instance,
        deprecated=deprecated,
        finding=draw(st.sampled_from(Finding)),
        failed=tuple(sorted(failed, key=lambda one: ITEMS.index(one[0]))),
        suspicion=draw(st.sampled_from([None, "biological_hazard", "smuggling_suspicion"])),
        has_site_photo=draw(st.booleans()),
    )


@st.composite
def _chains(draw: st.DrawFn, site: int, inspector: int, edits_max: int) -> list[Form]:
    """A form and edits of it, each of the one before."""
    names = [f"{site}-{inspector}-{number}" for number in range(draw(st.integers(1, edits_max)))]
    return [draw(_forms(site, inspector, name, earlier)) for earlier, name in zip([None, *names], names, strict=False)]


@st.composite
def _with_rival(draw: st.DrawFn, chain: list[Form], *, of_others: bool) -> list[Form]:
    """Perhaps one form more of the same inspector, that contradicts: other content under the same instance id, a second
    phone, another site's instance id, or an edit of what was sent for another site."""
    kinds = [*(["edit_of_other", "instance_of_other"] if of_others else []), "none", "other_content", "second_phone"]
    kind, site = draw(st.sampled_from(kinds)), chain[0].site
    if kind == "none":
        return chain
    at = draw(st.integers(0, len(chain)))
    instance, deprecated = f"{site}-rival", None
    if kind == "other_content":
        rivalled = chain[min(at, len(chain) - 1)]
        instance, deprecated = rivalled.instance, rivalled.deprecated
    elif kind == "instance_of_other":
        instance = "0-1-0"
    elif kind == "edit_of_other":
        deprecated = "0-1-0"
    rival = draw(_forms(site, chain[0].inspector, instance, deprecated))
    return [*chain[:at], rival, *chain[at:]]


@st.composite
def _stories(draw: st.DrawFn, site: int, *, of_others: bool) -> Story:
    first = draw(_with_rival(draw(_chains(site, 1, EDITS_MAX)), of_others=of_others))
    second = draw(st.one_of(st.just([]), _chains(site, 2, 2)))
    handed_over = draw(st.integers(0, len(first)))
    forms = [
        replace(form, rank=rank, is_faulty=(form.inspector == 1 or not handed_over) and draw(st.booleans()))
        for rank, form in enumerate([*first, *second])
    ]
    forms[-1] = replace(forms[-1], is_faulty=False)
    if second and handed_over:
        # Only work that was returned is given to another in the serial order.
        forms[handed_over - 1] = replace(forms[handed_over - 1], is_faulty=True)
    beats: list[Step] = []
    for form in forms:
        if second and form.rank == handed_over:
            beats.append(Reassign(site))
        beats.append(Send(form))
        if form.is_faulty:
            beats.append(Look(site))
    return Story(site, draw(st.sampled_from([County.REY, County.REY, County.QODS])), tuple(forms), tuple(beats))


@st.composite
def _sends(draw: st.DrawFn, form: Form) -> Send:
    channel = draw(st.sampled_from(Channel))
    if channel is not Channel.OPENROSA or not form.photos:
        return Send(form, channel)
    return Send(form, channel, tuple(draw(st.lists(st.sampled_from(form.photos), unique=True))))


@st.composite
def noise(draw: st.DrawFn) -> Scenario:
    """First deliveries and what people do in the serial order; around them, at once with them, everything that must change
    nothing: repeats by any channel, photos before and after their form, what happens at other sites."""
    stories = tuple(draw(_stories(site, of_others=False)) for site in range(draw(st.integers(1, SITES_MAX))))
    beats = [draw(_noisy(story)) for story in stories]
    length = max(map(len, beats))
    padded = [[*one, *[()] * (length - len(one))] for one in beats]
    return Scenario(stories, tuple(tuple(step for one in batch for step in one) for batch in zip(*padded, strict=True)))


@st.composite
def _noisy(draw: st.DrawFn, story: Story) -> list[tuple[Step, ...]]:
    """The beats of a story, each with what comes at the same time. A phone's photos come as soon as it is assigned."""
    batches: list[tuple[Step, ...]] = []
    sent: list[Form] = []
    inspectors = {1}
    for beat in story.beats:
        batch: list[Step] = [beat]
        if isinstance(beat, Send):
            sent.append(beat.form)
            batch = [draw(_sends(beat.form))]
        if sent:
            batch += draw(st.lists(st.sampled_from(sent).flatmap(_sends), max_size=1))
        pending = [
            SendPhoto(form, name) for form in story.forms if form.inspector in inspectors for name in form.photos
        ]
        if pending:
            batch += draw(st.lists(st.sampled_from(pending), max_size=2))
        if isinstance(beat, Reassign):
            inspectors.add(2)
        batches.append(tuple(draw(st.permutations(batch))))
    return batches


@st.composite
def disorder(draw: st.DrawFn, sites_max: int = SITES_MAX) -> Scenario:
    """Every step in any order and any company, once or more: phones that were away, answers that were lost, several
    reviewers at once, people who decide early."""
    count = draw(st.integers(1, sites_max))
    stories = tuple(draw(_stories(site, of_others=site > 0)) for site in range(count))
    steps: list[Step] = []
    for story in stories:
        steps += [beat for beat in story.beats if not isinstance(beat, Send)]
        for form in story.forms:
            steps += draw(st.lists(_sends(form), min_size=1, max_size=2))
            steps += [SendPhoto(form, name) for name in form.photos if draw(st.booleans())]
        for kind in (Look, Decide):
            steps += [kind(story.site, reviewer) for reviewer in draw(st.lists(st.sampled_from([1, 2]), max_size=2))]
    ordered: Sequence[Step] = draw(st.permutations(steps))
    cuts = draw(st.lists(st.booleans(), min_size=len(ordered), max_size=len(ordered)))
    batches: list[list[Step]] = []
    for step, joins in zip(ordered, cuts, strict=True):
        if joins and batches:
            batches[-1].append(step)
        else:
            batches.append([step])
    return Scenario(stories, tuple(map(tuple, batches)))
