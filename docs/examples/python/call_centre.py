"""Routes inbound calls to the agents of a queue. The agent that has been free longest is called first.
The next one is called if it is busy or does not answer, and with `next_after_seconds` that long after the one before,
which still rings. With `confirm` an agent accepts a call with the key 1, so that no voicemail does; SOUNDS of the
Dialhook agents has press-1.

CENTRE names a JSON file: {"4001": {"agents": ["1001", "1002"], "ring_seconds": 20, "next_after_seconds": 10,
"confirm": true, "zone": "Asia/Shanghai", "days": ["Mon", "Tue", "Wed", "Thu", "Fri"], "from": "09:00", "to": "18:00"}}
"""

import json, os, time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dialhook import serve

CENTRE = Path(os.environ.get("CENTRE", "centre.json"))
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

# The current call of each agent, and the time its last call ended. In production: shared by all your processes.
calls: dict[str, str] = {}
free_since: dict[str, float] = {}


def is_open(queue: dict) -> bool:
    """Opening hours whose start is after their end span midnight; 24:00 is the end of the day."""
    now = datetime.now(ZoneInfo(queue["zone"]))
    clock, begin, end = now.strftime("%H:%M"), queue["from"], queue["to"]
    in_hours = begin <= clock < end if begin <= end else begin <= clock or clock < end
    return DAYS[now.weekday()] in queue["days"] and in_hours


def decide(call: dict) -> dict | None:
    queue = json.loads(CENTRE.read_text()).get(call["destination_number"])
    if queue is None:
        return None
    if not is_open(queue):
        return {"dial": {"type": "hangup", "sipcode": 480}}
    tried = {leg["number"] for leg in call["tried"]}
    free = [agent for agent in queue["agents"] if agent not in calls and agent not in tried]
    free.sort(key=lambda agent: free_since.get(agent, 0))
    if not free:
        return {"dial": {"type": "hangup", "cause": 17}}
    gap = queue.get("next_after_seconds")
    targets = [{"type": "user", "user": agent, "number": agent, "timeout": queue["ring_seconds"]} for agent in free[:16]]
    if gap is not None:
        targets = [target | {"delay": index * gap} for index, target in enumerate(targets)]
    return {
        "dial": targets,
        "strategy": "sequential" if gap is None else "simultaneous",
        "on_fail": "request",
    } | ({"confirm": {"play": "press-1", "key": "1"}} if queue.get("confirm") else {})


def agents_of(uuid: str) -> list[str]:
    return [agent for agent, call in calls.items() if call == uuid]


def has(notification: dict, _: str) -> None:
    for agent in agents_of(notification["uuid"]):
        del calls[agent]
    calls[notification["called_number"]] = notification["uuid"]


def ended(notification: dict, _: str) -> None:
    for agent in agents_of(notification["uuid"]):
        free_since[agent] = time.time()
        del calls[agent]


serve(decide, ring=has, answer=has, hangup=ended)
