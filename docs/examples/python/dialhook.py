"""Shared code of the examples: verifies signatures, drops duplicates, calls one function for each action."""

import base64, hashlib, hmac, json, os, sys, threading, time, traceback
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 1024 * 1024
MAX_IDS = 100_000


def verify(secrets: list[str], headers, body: bytes) -> str:
    """Returns the webhook-id of a message that Dialhook has signed; raises ValueError otherwise."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        raise ValueError("webhook-timestamp is missing or too far from now")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    expected = ["v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(a.encode(), b.encode()) for a in expected for b in given):
        raise ValueError("no signature matches")
    return webhook_id


def serve(request, **handlers) -> None:
    """Listens on PORT. `request(call)` returns a decision or None; a handler such as `hangup(notification, webhook_id)` is
    called once for each notification of that action. Only one function runs at a time."""
    secrets = os.environ["WEBHOOK_SECRETS"].split()
    lock = threading.Lock()
    seen: OrderedDict[str, None] = OrderedDict()  # In production: a table with a unique constraint.

    def take(message: dict, webhook_id: str):
        with lock:
            if message["action"] == "request":
                decision = request(message)
                return (404, None) if decision is None else (200, decision)
            if webhook_id not in seen:
                handlers.get(message["action"], lambda *_: None)(message, webhook_id)
                seen[webhook_id] = None
                if len(seen) > MAX_IDS:
                    seen.popitem(last=False)
            return 204, None

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            length = int(self.headers.get("content-length", 0))
            if length > MAX_BODY:
                self.close_connection = True
                return self.answer(413)
            body = self.rfile.read(length)
            try:
                webhook_id = verify(secrets, self.headers, body)
            except ValueError:
                return self.answer(401)
            try:
                self.answer(*take(json.loads(body), webhook_id))
            except Exception:
                traceback.print_exc(file=sys.stderr)
                self.answer(500)

        def answer(self, status: int, decision=None):
            body = b"" if decision is None else json.dumps(decision).encode()
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("", int(os.environ["PORT"])), Endpoint).serve_forever()
