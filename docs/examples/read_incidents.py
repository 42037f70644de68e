"""Prints incidents of the live stream as they come; Ctrl-C, or the end of the pipe it writes to, ends it."""

import signal
import sys

import zmq

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ended by | head without a traceback
signal.signal(signal.SIGINT, signal.SIG_DFL)
endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5702"
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(endpoint)
# To resume after a disconnect, add the journalId and the last throughSeq you dealt with (afterSeq).
socket.send_json({"subscribe": {"stream": "live", "filter": {"bodies": ["incident"]}}})
while True:
    message = socket.recv_json()
    if "records" not in message:
        sys.exit(f"refused: {message}")
    batch = message["records"]
    for record in batch.get("records", []):
        incident = record["incident"]
        print(record["seq"], incident["incidentId"], "revision", incident["revision"],
              incident["state"], incident.get("classCode", "?"), incident.get("title", ""),
              f"{len(incident.get('evidence', []))} evidence", flush=True)
    if batch.get("throughSeq"):
        socket.send_json({"consumed": {"throughSeq": batch["throughSeq"]}})
