"""Number masking: two parties call each other through a number of yours and see only that number.

BINDINGS names a JSON file: [{"number": "95013", "a": "13800000001", "b": "13900000002", "expires": "2027-01-01T00:00:00Z"}]
BILLS names a file; one line of JSON is appended for each call.
"""

import json, math, os
from datetime import datetime, timezone
from pathlib import Path

from dialhook import serve

BINDINGS = Path(os.environ.get("BINDINGS", "bindings.json"))
BILLS = Path(os.environ.get("BILLS", "bills.jsonl"))
GATEWAY = os.environ.get("GATEWAY", "gw")


def other_party(call: dict) -> str | None:
    """Returns the other party of the caller's binding. Reads the file for each call; in production: a table."""
    number, caller = call["destination_number"], call["caller_id_number"]
    for one in json.loads(BINDINGS.read_text()):
        expires = datetime.fromisoformat(one["expires"].replace("Z", "+00:00"))
        if one["number"] == number and expires > datetime.now(timezone.utc):
            if caller == one["a"]:
                return one["b"]
            if caller == one["b"]:
                return one["a"]
    return None


def decide(call: dict) -> dict:
    other = other_party(call)
    if other is None:
        return {"dial": {"type": "hangup", "cause": "UNALLOCATED_NUMBER"}}
    shown = call["destination_number"]
    return {
        "caller_id": {"number": shown},
        "callee_id": {"number": shown},
        "dial": {"type": "gateway", "gateway": GATEWAY, "number": other},
    }


# The ids in the file are those already billed, also after a restart.
lines = BILLS.read_text().splitlines() if BILLS.exists() else []
billed = {json.loads(line)["id"] for line in lines}


def bill(call: dict, webhook_id: str) -> None:
    if webhook_id in billed:
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


serve(decide, hangup=bill)
