"""Extension numbers (AXE): everybody with a parcel label calls one number of yours, types the extension of the label, and
reaches its party. Neither sees the other's number.

EXTENSIONS names a JSON file: [{"number": "95013", "extension": "8001", "party": "13800000001",
"expires": "2027-01-01T00:00:00Z"}]. SOUNDS of the agents has enter-extension, wrong-extension, no-extension and
last-minute. A call lasts at most MAX_SECONDS.
"""

import json, os
from datetime import datetime, timezone
from pathlib import Path

from dialhook import serve

EXTENSIONS = Path(os.environ.get("EXTENSIONS", "extensions.json"))
GATEWAY = os.environ.get("GATEWAY", "gw")
MAX_SECONDS = int(os.environ.get("MAX_SECONDS", "600"))
MAX_TRIES = 3


def extensions_of(number: str) -> dict[str, str]:
    """The party of each extension. Reads the file for each call; in production: a table."""
    now = datetime.now(timezone.utc)
    return {
        one["extension"]: one["party"]
        for one in json.loads(EXTENSIONS.read_text())
        if one["number"] == number and datetime.fromisoformat(one["expires"].replace("Z", "+00:00")) > now
    }


def refuse(play: str) -> dict:
    return {"dial": {"type": "hangup", "cause": "UNALLOCATED_NUMBER", "play": play}}


def connect(call: dict, party: str) -> dict:
    shown = {"number": call["destination_number"]}
    return {
        "caller_id": shown,
        "callee_id": shown,
        "dial": {"type": "gateway", "gateway": GATEWAY, "number": party},
        "max_duration": MAX_SECONDS,
        "warn": {"before": min(60, MAX_SECONDS - 1), "play": "last-minute"},
    }


def decide(call: dict) -> dict | None:
    """The caller gets three tries. `attempt` counts the requests: the first one asks for the digits."""
    known = extensions_of(call["destination_number"])
    if not known:
        return refuse("no-extension")
    longest = max(map(len, known))
    if call["reason"] == "new":
        return {"collect": {"play": "enter-extension", "max": longest}}
    if call["reason"] != "digits":
        return None
    if call["digits"] in known:
        return connect(call, known[call["digits"]])
    if call["attempt"] > MAX_TRIES:
        return refuse("no-extension")
    return {"collect": {"play": "wrong-extension", "max": longest}}


serve(decide)
