"""Number masking (AXB): two parties call each other through a number of yours and see only that number.

BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z",
"max_seconds": 600}]. The caller hears the sound `last-minute` of SOUNDS a minute before the end of `max_seconds`.
With `"record": true` the call is recorded (RECORDINGS of the agents), and both hear the sound `recorded`.
BILLS and RECORDED name files; one line of JSON is appended for each call, and for each recording.
"""

import json, math, os
from datetime import datetime, timezone
from pathlib import Path

from dialhook import serve

BINDINGS = Path(os.environ.get("BINDINGS", "bindings.json"))
BILLS = Path(os.environ.get("BILLS", "bills.jsonl"))
RECORDED = Path(os.environ.get("RECORDED", "recordings.jsonl"))
GATEWAY = os.environ.get("GATEWAY", "gw")


def binding_of(call: dict) -> dict | None:
    """Returns the caller's binding. Reads the file for each call; in production: a table."""
    number, caller = call["destination_number"], call["caller_id_number"]
    for one in json.loads(BINDINGS.read_text()):
        expires = datetime.fromisoformat(one["expires"].replace("Z", "+00:00"))
        if one["number"] == number and caller in (one["a"], one["b"]) and expires > datetime.now(timezone.utc):
            return one
    return None


def limit_of(binding: dict) -> dict:
    limit = binding.get("max_seconds")
    if limit is None:
        return {}
    return {"max_duration": limit} | ({"warn": {"before": 60, "play": "last-minute"}} if limit > 60 else {})


def recording_of(binding: dict) -> dict:
    if not binding.get("record"):
        return {}
    return {"record": {"announce": "recorded"}, "notify": ["recording", "hangup"]}


def decide(call: dict) -> dict:
    binding = binding_of(call)
    if binding is None:
        return {"dial": {"type": "hangup", "cause": "UNALLOCATED_NUMBER"}}
    shown = call["destination_number"]
    other = binding["b"] if call["caller_id_number"] == binding["a"] else binding["a"]
    return {
        "caller_id": {"number": shown},
        "callee_id": {"number": shown},
        "dial": {"type": "gateway", "gateway": GATEWAY, "number": other},
    } | limit_of(binding) | recording_of(binding)


# The ids in the file are those already billed, also after a restart.
lines = BILLS.read_text().splitlines() if BILLS.exists() else []
billed = {json.loads(line)["id"] for line in lines}


def bill(call: dict, webhook_id: str) -> None:
    # `dialhook check --notify` sends the notifications of a call that never existed.
    if call.get("node") == "dialhook-check" or webhook_id in billed:
        return
    # The billable time of a synthesized hangup is not known: null, to be settled by hand.
    seconds = None if call.get("recovered") else math.ceil(call["billable_ms"] / 1000)
    line = {
        "id": webhook_id,
        "uuid": call["uuid"],
        "caller": call["caller_id_number"],
        "number": call["destination_number"],
        "seconds": seconds,
    }
    with BILLS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    billed.add(webhook_id)


def note(call: dict, webhook_id: str) -> None:
    """The file is complete now, on the host of FreeSWITCH: fetch it from there."""
    line = {"id": webhook_id} | {name: call[name] for name in ("uuid", "name", "complete")}
    with RECORDED.open("a") as file:
        file.write(json.dumps(line) + "\n")


serve(decide, recording=note, hangup=bill)
