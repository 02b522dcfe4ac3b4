"""The batch API: several requests in one, as clients send them whose query is too long for a request line."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from email.message import Message

import msgspec

from connectors.loopback import Answer
from connectors.servicenow.simulator.faults import JSON, problem

PATH = "/api/now/v1/batch"


class _Header(msgspec.Struct):
    name: str
    value: str


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    method: str
    url: str
    headers: list[_Header] = []
    body: str = ""


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    batch_request_id: str | int
    rest_requests: list[_Request]


def serve(body: bytes, ask: Callable[[str, str], Answer], headers: Message[str, str]) -> Answer:
    """Answer every request of a batch, ``ask`` being given method and target; the log-in is that of the batch."""
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return problem(400, "Invalid batch", None)
    if headers.get_content_type() != "application/json":
        return problem(415, "Unsupported media type", None)
    serviced = [_serviced(request, ask(request.method, request.url)) for request in batch.rest_requests]
    document = {
        "batch_request_id": str(batch.batch_request_id),
        "serviced_requests": serviced,
        "unserviced_requests": [],
    }
    return Answer(200, {"Content-Type": JSON}, msgspec.json.encode(document))


def _serviced(request: _Request, answer: Answer) -> dict[str, object]:
    return {
        "id": request.id,
        "status_code": answer.status,
        "headers": [{"name": name, "value": value} for name, value in answer.headers.items()],
        "body": b64encode(answer.body).decode(),
    }
