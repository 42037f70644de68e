"""What leaves the gateway: its state, log, metrics, API, streams and dead letters, searched for personal data and for secret calls."""

import contextlib
import hashlib
import json
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "clients", "python"))
import gateway as kit  # noqa: E402
from gateway import PROGRAM, Gateway, alarm, report, wait_until  # noqa: E402
from fusiongateway import Consumer, Publisher  # noqa: E402

logging.getLogger("fusiongateway").setLevel(logging.CRITICAL)

TOKEN = "a-token-of-the-privacy-test"
FEED = "  - {{feed_id: {0}, plugin: {1}, default_crs: WGS84, lateness_max: 1s, idle_after: 1s{2}}}\n"
FEEDS = "".join(FEED.format(*feed) for feed in (
    ("calls", "police110", ""), ("gbk", "police110", ", encoding: GB18030"), ("towers", "sky_guard", ""),
    ("alarms", "hazmat", ""), ("grid", "grid", ""), ("reports", "report", ""),
    ("web", "police110", f', http_tokens_sha256: ["{hashlib.sha256(TOKEN.encode()).hexdigest()}"]')))
NUMERALS = str.maketrans("0123456789", "〇一二三四五六七八九")
SPOKEN = str.maketrans("0123456789", "零幺二三四五六七八九")
ARABIC = str.maketrans("0123456789", "".join(chr(0x660 + i) for i in range(10)))
BOLD = str.maketrans("0123456789", "".join(chr(0x1D7CE + i) for i in range(10)))
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
# Any of these to ASCII: the search is by digits, too.
FOLDED = {ord(c): str(i) for table in (NUMERALS, SPOKEN, ARABIC, BOLD, CIRCLED, WIDE)
          for i, c in enumerate("0123456789".translate(table))}
CONTROL = "对照值留着"  # may be kept, so every search must find it
CONTROL_ID = "41020099887766554433"


class Corpus:
    """Personal values, each given out once, so that what is found names the payload it came in."""

    def __init__(self):
        self.values, self._count = [], 0

    def _keep(self, value):
        self.values.append(value)
        return value

    def phone(self):
        self._count += 1
        return self._keep(f"13{self._count % 10}{70310000 + 7919 * self._count:08}")

    def person_id(self):
        self._count += 1
        return self._keep(f"4102021979{1 + self._count % 12:02}{1 + self._count % 28:02}{self._count:04}")

    def name(self):
        self._count += 1
        return self._keep("欧阳" + chr(0x6000 + 7 * self._count) + chr(0x7000 + 11 * self._count))

    def mail(self):
        self._count += 1
        return self._keep(f"wang.fang{self._count}@mail.example.com")

    def account(self):
        self._count += 1
        return self._keep(f"operator{self._count}:pass-word-{self._count}")

    def sentences(self):
        """Free texts, one for each way of writing."""
        written = [lambda p: p, lambda p: "+86" + p, lambda p: f"+86 {p[:3]} {p[3:7]} {p[7:]}"]
        written += [lambda p, s=s: s.join((p[:3], p[3:7], p[7:]))
                    for s in (" ", "-", ".", "\n", "\r\n", "/", "_", "·", "，", "    ", "&nbsp;", "　", "\u200b", " - ", "<br>")]
        written += [lambda p, t=t: p.translate(t) for t in (NUMERALS, SPOKEN, ARABIC, BOLD, CIRCLED, WIDE)]
        written += [lambda p: " ".join(p), lambda p: f"{p[0]} {p[1:3]} {p[3:7]} {p[7:]}", lambda p: p + p, lambda p: p + "12",
                    lambda p: p + self.person_id(), lambda p: self.person_id() + "，" + p, lambda p: "微信wx" + p]
        texts = [f"请回电{write(self.phone())}谢谢" for write in written]
        texts += [f"证件{self.person_id()}。", f"{self.person_id().translate(WIDE)}号", f"写信到{self.mail()}。",
                  f"看rtsp://{self.account()}@10.0.0.8:554/1"]
        return texts


def beijing():
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600))


def call(call_id, **fields):
    return {"type": "call", "JJDBH": call_id, "BJSJ": beijing(), "JQLBDM": "800200", "XZQHDM": "410202", **fields}


def text(payload):
    return json.dumps(payload, ensure_ascii=False)


def calls_of(corpus, prefix):
    """Every way of writing, in declared fields, free text, unknown fields and fields of codes."""
    payloads = []
    for i, sentence in enumerate(corpus.sentences()):
        name, phone, person_id = corpus.name(), corpus.phone(), corpus.person_id()
        place = corpus.name()
        payloads.append(call(f"{prefix}{i}", BJRMC=name, BJDH=phone, LXDH=corpus.phone(), BJRZJHM=person_id, BJDZ=f"{name}家 {sentence}",
                             JQDZ=f"{sentence} {place}家", contactName=place, BJNR=f"{sentence} 报警人{name}，{phone}，{person_id}"))
    for key in ("JQLBDM", "JQDJDM", "JJLX", "GLZJJDBH", "JQLYFS", "XZQHDM"):
        name = corpus.name()
        payloads.append(call(f"{prefix}{key}", BJRMC=name, **{key: f"{corpus.phone()} {name}"}))
    for key in ("JQLBDM", "JQDJDM"):
        payloads.append(call(f"{prefix}code{key}", **{key: corpus.phone()}))
    payloads.append(call(f"{prefix}odd", deep={"phone": corpus.phone(), "list": [int(corpus.phone()), {"姓名": corpus.name()}]},
                         **{corpus.phone(): 1}))
    return payloads


def rejected_of(corpus):
    """Dead letters: broken JSON, XML, other encodings, wrong types, a field twice."""
    broken = []
    for sentence in corpus.sentences():
        broken.append(text(call("d", BJNR=sentence)).replace("}", ""))
    for sentence in corpus.sentences():
        broken.append(json.dumps(call("d", BJRMC=corpus.name(), BJNR=sentence)).replace("}", ""))
    name, phone = corpus.name(), corpus.phone()
    broken += [f"<call><BJRMC>{name}</BJRMC><BJDH>{phone}</BJDH><BJNR>{name} {phone}</BJNR></call>",
               f"{{'BJRMC':'{corpus.name()}','BJDH':'{corpus.phone()}'}}", f"BJRMC={corpus.name()}&BJDH={corpus.phone()}",
               text({"BJRMC": corpus.name(), "BJDH": corpus.phone(), "BJRZJHM": corpus.person_id(), "type": corpus.phone()}),
               text(call("d", BJNR=7, BJRMC=corpus.name())), text(call(corpus.phone() + " " + "x" * 200)),
               '{"BJDH":"%s","BJDH":"%s"}' % (corpus.phone(), corpus.phone()),
               text(call("d", SWRS=corpus.phone())), text([call("d1"), corpus.phone()])]
    encoded = [payload.encode() for payload in broken]
    encoded += [text({"BJRMC": corpus.name(), "BJDH": corpus.phone()}).encode(code) for code in ("gb18030", "utf-16")]
    encoded.append(text({"control": CONTROL}).encode())
    return encoded


def others_of(corpus):
    """By feed: the other plugins' texts."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    feeds = {"towers": [], "alarms": [], "grid": [], "reports": []}
    for i, sentence in enumerate(corpus.sentences()):
        url = f"http://{corpus.account()}@nvr/{i}.jpg"
        feeds["towers"].append({"alarmId": f"t{i}", "cameraId": "41020000001310000001", "cameraName": sentence, "alarmType": "smoke",
                                "action": "start", "occurTime": now, "village": sentence, "snapshotUrl": url, "clipUrl": url,
                                "handleState": sentence, "feedback": sentence, "camLon": 114.3, "camLat": 34.8, "x": sentence})
        feeds["alarms"].append(dict(alarm(f"h{i}"), unit=corpus.phone() if i % 2 else sentence, remark=sentence))
        feeds["alarms"].append({"dataType": "warning", "enterpriseId": "410200007", "warningId": f"w{i}", "colour": "red",
                                "time": beijing(), "reason": sentence})
        handler = corpus.name()
        feeds["grid"].append({"eventId": f"g{i}", "reportTime": beijing(), "gridCode": "410202003004", "adCode": "410202", "category": sentence,
                              "description": f"{sentence} {handler}", "photos": [url], "state": "reported", "handler": handler})
        feeds["reports"].append(report(f"r{i}", kind="GRID_REPORT", summary=f"5.5{sentence}", attachments=[{"url": url}],
                                       cameraIds=[sentence], grid={"description": sentence, "handler": corpus.name()}))
    return feeds


SECRET = "机密丁卯"
SECRET_ID = "SECRET77"


def secret_calls():
    """Taken and rejected, and the mark in every form; each bears SECRET and SECRET_ID."""
    def secret(i, mark, **more):
        body = text(call(f"{SECRET_ID}-{i}", BJNR=f"{SECRET}泄漏", JQDZ=SECRET, YWWXWZ="1", FXDWJD=114.3, FXDWWD=34.8, **more))
        return body[:-1] + "," + mark + "}"
    marks = ['"SFBM":"1"', '"SFBM":1', '"sfbm":"1"', '"SF\\u0042M":"1"', '"SFBM":"1","SFBM":"0"', '"SFBM":true', '"restricted":true',
             "'SFBM':1", '"SFBM":"是"']
    payloads = [secret(i, mark) for i, mark in enumerate(marks)]
    return payloads + ["[" + secret("a", '"sfbm":"1"') + "," + secret("b", '"x":0') + "]", f"<call><SFBM>1</SFBM><BJNR>{SECRET}</BJNR>",
                       secret("c", '"SFBM":"1"', SWRS=SECRET)]


class Broadcast(threading.Thread):
    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.heard, self.stopped = [], threading.Event()
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.subscribe(b"")
        self._socket.connect(endpoint)

    def run(self):
        while not self.stopped.is_set():
            if self._socket.poll(100):
                self.heard += self._socket.recv_multipart()
        self._socket.close(0)


def digits_of(content):
    return "".join(c for c in content.translate(FOLDED) if c in "0123456789")


class Privacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kit.CONFIG = kit.CONFIG.split("feeds:\n")[0] + "feeds:\n{extra_yaml}"
        cls.gateway = Gateway("", FEEDS)
        cls.addClassCleanup(cls.gateway.remove)
        folder = tempfile.TemporaryDirectory(prefix="fg-privacy-")
        cls.addClassCleanup(folder.cleanup)
        with open(cls.gateway._config, encoding="utf-8") as file:
            endpoint = next(line.split('"')[1] for line in file if "broadcast_endpoint" in line)
        broadcast = Broadcast(endpoint)
        broadcast.start()
        cls.corpus = Corpus()
        feeds = others_of(cls.corpus)
        feeds["calls"] = (calls_of(cls.corpus, "c") + [call(CONTROL_ID, BJNR=CONTROL)] + secret_calls() + rejected_of(cls.corpus))
        feeds["gbk"] = [text(payload).encode("gb18030") for payload in calls_of(cls.corpus, "g")]
        for feed, payloads in feeds.items():
            with Publisher(feed, os.path.join(folder.name, feed), endpoint=cls.gateway.publishers) as publisher:
                publisher.publish_batch(payloads)
                publisher.flush(kit.PATIENCE)
        web = calls_of(cls.corpus, "w") + [{"BJDH": cls.corpus.phone()}]
        body = b"".join(text(payload).encode() + b"\n" for payload in web)
        answer = urllib.request.Request(cls.gateway._wall + "/api/v1/feeds/web/reports?outbox_id=box&first_seq=1", body,
                                        {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/x-ndjson"})
        with urllib.request.urlopen(answer, timeout=kit.PATIENCE) as told:
            json.load(told)
        cls.ordinary = cls._ordinary_readers()
        broadcast.stopped.set()
        broadcast.join()
        cls.ordinary["broadcast"] = b"\n".join(broadcast.heard)
        cls.everything = cls._everything()

    @classmethod
    def _ordinary_readers(cls):
        """What anybody may ask for, by its name."""
        gateway = cls.gateway
        found = {}
        for stream in ("live", "settled"):
            with Consumer(endpoint=gateway.consumers, stream=stream) as consumer:
                read = []

                def has_control(read=read, consumer=consumer):
                    event = consumer.next(0.5)
                    read.extend(getattr(event, "records", []))
                    return event is None and any(CONTROL in text(record) for record in read)
                wait_until(has_control)
            found[f"consumer {stream}"] = text(read).encode()
            pages, after = [], 0
            while True:
                page = gateway.get(f"/api/v1/records?stream={stream}&after={after}&max=500")
                pages.append(page)
                through = int(json.loads(page).get("throughSeq", 0))
                if through <= after:
                    break
                after = through
            found[f"records {stream}"] = "".join(pages).encode()
        snapshot = gateway.get("/api/v1/incidents?closed=1")
        pages = [snapshot]
        for incident in json.loads(snapshot).get("incidents", []):
            pages += [gateway.get(f"/api/v1/incidents/{incident['incidentId']}{more}") for more in ("", "/evidence")]
        found["incidents"] = "".join(pages).encode()
        letters = []
        for feed in ("calls", "gbk", "web", "towers", "alarms", "grid", "reports"):
            listed = gateway.get(f"/api/v1/feeds/{feed}/dead-letters?max=1000&all=1")
            letters.append(listed)
            letters += [gateway.get(f"/api/v1/feeds/{feed}/dead-letters/{letter['id']}")
                        for letter in json.loads(listed)["deadLetters"]]
        found["dead letters"] = "".join(letters).encode()
        for path in ("/metrics", "/api/v1/feeds", "/api/v1/cameras", "/healthz", "/readyz"):
            found[path] = gateway.get(path).encode()
        return found

    @classmethod
    def _everything(cls):
        found = dict(cls.ordinary)
        state = cls.gateway.path("state")
        for folder, _, names in os.walk(state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found["state/" + name] = name.encode() + b"\n" + file.read()
        with open(cls.gateway.path("log"), "rb") as file:
            found["log"] = file.read()
        journal = os.path.join(state, "journal.db")
        listed = subprocess.run([PROGRAM, "dead-letters", "list", journal], check=True, capture_output=True).stdout
        found["dead-letters list"] = listed
        letters = json.loads(cls.gateway.get("/api/v1/feeds/calls/dead-letters?max=1000"))["deadLetters"]
        # A program each: every tenth, and one with the control value.
        shown = {item["id"] for item in letters[::10]}
        with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
            control = db.execute("SELECT id FROM dead_letter WHERE instr(masked_payload, ?)", (CONTROL,)).fetchone()
        found["dead-letters show"] = b"".join(
            subprocess.run([PROGRAM, "dead-letters", "show", journal, str(item)], check=True, capture_output=True).stdout
            for item in shown | {control[0]})
        return found

    def test_no_personal_value_is_found_anywhere(self):
        everything = self.everything
        self.assertGreater(len(self.corpus.values), 800)
        leaks = []
        for place, content in everything.items():
            readable = content.decode("utf-8", "ignore")
            digits = digits_of(readable)
            for value in self.corpus.values:
                written = [value.encode(form) for form in ("utf-8", "gb18030", "utf-16-le")] + [json.dumps(value)[1:-1].encode()]
                raw = any(form in content for form in written)
                if raw or (value.isdigit() and value in digits):
                    at = readable.find(value)
                    leaks.append(f"{value} stands in {place}: …{readable[max(0, at - 80):at + 40] if at >= 0 else '(by digits)'}…")
        self.assertFalse(leaks, f"{len(leaks)} leaks:\n" + "\n".join(leaks[:40]))
        for place in ("consumer live", "consumer settled", "records live", "incidents", "dead letters", "dead-letters show"):
            self.assertIn(CONTROL, everything[place].decode("utf-8", "ignore"), "the search finds what is there")
        self.assertTrue(any(CONTROL.encode() in content for place, content in everything.items() if place.startswith("state/")))
        self.assertIn(CONTROL_ID, digits_of(everything["consumer live"].decode()))

    def test_an_ordinary_reader_learns_nothing_of_a_secret_call(self):
        for place, content in self.ordinary.items():
            readable = content.decode("utf-8", "ignore")
            for mark in (SECRET, SECRET_ID):
                at = readable.find(mark)
                self.assertEqual(at, -1, f"{mark} stands in {place}: …{readable[max(0, at - 200):at + 80]}…")
        kept = b"".join(content for place, content in self.everything.items() if place.startswith("state/"))
        self.assertIn(SECRET_ID.encode(), kept, "they were taken")
        self.assertIn(SECRET.encode(), kept)


if __name__ == "__main__":
    unittest.main()
