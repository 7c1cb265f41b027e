"""What a run really did: how often each rule was put to the test, and whether anything held that must never hold."""

from tests.safeguards.world import RuleBroken, World

EXERCISED = """
    SELECT rule, what, times FROM (VALUES
        (1, 'bookings, admissions and departures that needed a screening of everybody',
            (SELECT count(*) FROM proof.booking_change WHERE to_state IN ('held', 'admitted', 'departed'))),
        (2, 'consents in force', (SELECT count(*) FROM proof.state_change WHERE to_state = 'consented')),
        (2, 'signs of pressure', (SELECT count(*) FROM casework.consent WHERE sign_of_pressure)),
        (2, 'reconfirmations', (SELECT count(*) FROM casework.reconfirmation)),
        (3, 'withdrawals', (SELECT count(*) FROM proof.state_change WHERE to_state = 'withdrawn')),
        (4, 'lapses into legal review', (SELECT count(*) FROM proof.state_change
            WHERE to_state = 'awaiting_legal_review' AND from_state <> 'appealed')),
        (4, 'decisions served and understood', (SELECT count(*) FROM casework.legal_decision WHERE served_at IS NOT NULL)),
        (5, 'appeals', (SELECT count(*) FROM proof.state_change WHERE to_state = 'appealed')),
        (5, 'appeals upheld or annulled', (SELECT count(*) FROM casework.appeal WHERE outcome IN ('upheld', 'annulled'))),
        (5, 'protection claims', (SELECT count(*) FROM casework.screening WHERE outcome = 'protection_need')),
        (6, 'decisions confirmed by a second person',
            (SELECT count(*) FROM casework.legal_decision WHERE confirmed_by IS NOT NULL)),
        (7, 'private hearings', (SELECT count(*) FROM casework.private_hearing)),
        (7, 'households split', (SELECT count(*) FROM proof.state_change WHERE to_state = 'split')),
        (7, 'departures of whole households', (SELECT count(*) FROM proof.state_change WHERE to_state = 'departed')),
        (8, 'steps of unaccompanied children whose procedure was approved', (SELECT count(*) FROM proof.state_change
            JOIN casework.return_case USING (case_id) WHERE unaccompanied_child AND to_state IN ('consented', 'booked'))),
        (9, 'flags', (SELECT count(*) FROM casework.screening WHERE outcome LIKE '%flag')),
        (9, 'clearances by two people', (SELECT count(*) FROM casework.pause_clearance WHERE decision = 'confirmed')),
        (10, 'referrals on a legal basis made by the test',
            (SELECT count(*) FROM proof.state_change WHERE to_state = 'referred')),
        (10, 'closures with an outcome that is no measure', (SELECT count(*) FROM proof.state_change WHERE to_state = 'closed')),
        (11, 'bookings taken', (SELECT count(*) FROM proof.booking_change WHERE from_state IS NULL)),
        (11, 'bookings given back', (SELECT count(*) FROM proof.booking_change WHERE to_state IN ('released', 'expired'))),
        (13, 'pauses', (SELECT count(*) FROM casework.case_pause)),
        (13, 'pauses ended', (SELECT count(*) FROM casework.case_pause WHERE ended_at IS NOT NULL)),
        (14, 'complaints', (SELECT count(*) FROM complaints.complaint))
    ) AS exercised (rule, what, times) ORDER BY rule
"""
EVERYTHING = """
    SELECT f.rule, f.said, c.case_id FROM casework.return_case AS c, proof.look_at_case(c.case_id) AS f
    UNION ALL SELECT f.rule, f.said, NULL FROM casework.centre_place AS p, proof.look_at_places(p) AS f
    UNION ALL SELECT 12, 'a case ended and went on', case_id FROM proof.state_change WHERE proof.ended(from_state)
    UNION ALL SELECT rule, said, case_id FROM proof.violation LIMIT 20
"""
NOISE = ("timer stale", "timer unknown", "timer repeated", "event", "killed")


async def look_at_everything(world: World) -> None:
    """Raises RuleBroken for anything in the whole database that no rule allows."""
    rows = await world.superuser.fetch(EVERYTHING)
    if rows:
        raise RuleBroken("; ".join(f"rule {row['rule']}: {row['said']} (case {row['case_id']})" for row in rows))


async def exercised(world: World) -> list[tuple[int, str, int]]:
    """(rule, what, how often), rule 12 from the steps that must change nothing."""
    rows = [(row["rule"], row["what"], row["times"]) for row in await world.superuser.fetch(EXERCISED)]
    noise = sum(count for kind, count in world.taken.items() if kind.startswith(NOISE))
    return sorted([*rows, (12, "unknown, late and repeated timers and events, and killed sessions", noise)])


async def report(world: World, elapsed_s: float) -> str:
    """The table of a run. Raises RuleBroken if a kind of step or a rule was never put to the test: then it proves nothing."""
    await look_at_everything(world)
    rows = await exercised(world)
    kinds = {kind.split(" ")[0] for kind in world.taken}
    calls = sum(count for kind, count in world.taken.items() if kind.startswith("call"))
    sql = sum(count for kind, count in world.taken.items() if " sql " in kind)
    lines = [
        f"{world.steps} steps in {elapsed_s:.1f} s ({world.steps / elapsed_s:.0f} a second): "
        f"{calls} requests, {sql} raw SQL, {world.steps - calls - sql} others; {sum(world.accepted.values())} accepted",
        *(f"rule {rule:2}  {times:7}  {what}" for rule, what, times in rows),
    ]
    never = [what for _, what, times in rows if not times]
    never += [kind for kind in kinds if not any(name.split(" ")[0] == kind for name in world.accepted)]
    if never:
        raise RuleBroken(
            "never put to the test, so this run proves nothing: " + ", ".join(never) + "\n" + "\n".join(lines)
        )
    return "\n".join(lines)
