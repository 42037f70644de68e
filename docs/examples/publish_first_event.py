"""Publishes one gas alarm to the feed try-it of a running ./run and waits until it is on disk."""

import sys
import time
import uuid

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5701"
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(endpoint)


def ask(message, answer):
    """Sends one message and returns the first answer of this kind."""
    socket.send_json(message)
    while socket.poll(5000):
        reply = socket.recv_json()
        if "error" in reply:
            sys.exit(f"{reply['error']['code']}: {reply['error']['message']}")
        if answer in reply:
            return reply[answer]
    sys.exit(f"no answer within 5 s; does a gateway listen on {endpoint}?")


# A real publisher keeps its outbox_id, and each payload until it is acked, on disk.
welcome = ask({"hello": {"feedId": "try-it", "client": "first event", "protocol": 1,
                         "outboxId": uuid.uuid4().hex}}, "welcome")
beijing = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))
alarm = {"dataType": "alarm", "enterpriseId": "410200007", "alarmId": uuid.uuid4().hex[:8],
         "quotaId": "410200007002G0001QT001", "level": "H", "value": 1.2, "threshold": 1.0,
         "unit": "ppm", "startTime": beijing, "state": "active"}
ack = ask({"publish": {"session": welcome["session"], "firstSeq": 1, "payloads": [alarm]}}, "ack")
print("rejected:" if ack.get("rejections") else "on disk:", ack)
# Without it the gateway would wait and then tell that this publisher is silent.
socket.send_json({"bye": {}})
socket.close(linger=1000)
