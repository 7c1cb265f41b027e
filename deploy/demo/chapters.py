"""Parts of the day that tell one thing each, in a county of their own and on sites that nobody else visits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.demo import compliance, corrections, essential_goods, follow_ups, offline_phone, photo_trouble
from deploy.demo.client import DemoClient
from deploy.demo.fieldwork import Site
from shared.contracts.counties import County


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is played on `sites_needed` sites of one county; `play` tells in a sentence what happened."""

    county: County
    sites_needed: int
    play: Callable[[DemoClient, list[Site]], Awaitable[str]]


CHAPTERS = tuple(
    Chapter(module.COUNTY, module.SITES_NEEDED, module.play)
    for module in (offline_phone, photo_trouble, corrections, follow_ups, essential_goods, compliance)
)
SITES_NEEDED_MAX = max(chapter.sites_needed for chapter in CHAPTERS)
