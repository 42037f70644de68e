"""python3 -m fusiongateway, and the examples of clients/python/README.md run as they are written."""

import json
import os
import re
import signal
import subprocess
import unittest

from gateway import PACKAGE, PATIENCE, GatewayTest, python, report

PUBLISH = ("-m", "fusiongateway", "publish")


class Commands(GatewayTest):
    def ran(self, *arguments, given=None):
        with python(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={"XDG_STATE_HOME": self.gateway.path("home")}) as process:
            out, err = process.communicate(given, timeout=PATIENCE)
        return process.returncode, out, err

    def publish(self, *arguments, given=None):
        return self.ran(*PUBLISH, "--feed", "reports", "--endpoint", self.gateway.publishers, *arguments, given=given)

    def lines(self, name, *reports):
        path = self.gateway.path(name)
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in reports)
        return path

    def test_a_file_is_published_and_a_repeated_run_sends_only_what_is_new(self):
        path = self.lines("grows", report("c-1"), report("c-2"))
        status, _, told = self.publish(path)
        self.assertEqual((status, "2 sent, 0 rejected" in told), (0, True), told)
        self.lines("grows", report("c-3"))
        status, _, told = self.publish(path)
        self.assertEqual((status, "the first 2 lines were sent" in told, "1 sent" in told), (0, True, True), told)
        self.assertEqual([i for i in self.gateway.report_ids("reports") if i.startswith("c-")], ["c-1", "c-2", "c-3"])
        os.unlink(path)
        status, _, told = self.publish(self.lines("grows", report("c-4")))
        self.assertEqual((status, "1 sent" in told), (0, True), told)

    def test_standard_input_and_a_rejection_with_its_line(self):
        status, _, told = self.publish("-", given=json.dumps(report("s-1")) + "\n\n{}\n")
        self.assertEqual(status, 1)
        self.assertRegex(told, r"standard input:3: MISSING_FIELD .* \(reportId\)")
        self.assertIn("s-1", self.gateway.report_ids("reports"))

    def test_test_mode_prints_what_would_be_made_and_keeps_nothing(self):
        status, out, _ = self.publish("--test", "-", given=json.dumps(report("t-1")) + "\nsmoke\n")
        self.assertEqual(status, 1)
        taken, refused = map(json.loads, out.splitlines())
        self.assertEqual((taken["reports"][0]["reportId"], refused["seq"]), ("t-1", 2))
        self.assertNotIn("t-1", self.gateway.report_ids("reports"))

    def test_what_needs_a_person_ends_the_run(self):
        status, _, told = self.ran(*PUBLISH, "--feed", "nobody", "--endpoint", self.gateway.publishers, "-", given="{}\n")
        self.assertEqual((status, "UNKNOWN_FEED" in told, "correct --feed" in told), (1, True, True), told)
        self.assertEqual(self.publish("/no/such/file")[0], 1)
        self.assertEqual(self.ran(*PUBLISH)[0], 2)
        self.assertEqual(self.publish("--server-key", "x" * 40, "-", given="")[0], 2)

    def test_watch_prints_records_and_goes_on_at_its_place(self):
        self.publish("-", given="".join(json.dumps(report(f"v-{i}")) + "\n" for i in range(3)))
        watch = ("-m", "fusiongateway", "watch", "--endpoint", self.gateway.consumers, "--bodies", "report")
        status, out, _ = self.ran(*watch, "--count", "2")
        self.assertEqual((status, len(out.splitlines())), (0, 2))
        place = self.gateway.path("watch.place")
        self.assertEqual(self.watched(*watch, "--place", place, until="v-2")[-1], "v-2")
        self.publish("-", given=json.dumps(report("v-3")))
        self.assertEqual(self.watched(*watch, "--place", place, until="v-3"), ["v-3"])
        self.assertEqual(self.ran(*watch, "--place", place, "--idle", "0.2")[:2], (0, ""))

    def watched(self, *arguments, until):
        """Ids of the reports that are printed up to this one; then it is told to end."""
        ids = []
        with python(*arguments, stdout=subprocess.PIPE) as process:
            while until not in ids:
                ids.append(json.loads(process.stdout.readline())["report"]["reportId"])
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        return ids

    def test_watch_ends_with_its_reader_and_with_a_signal(self):
        watch = ("-m", "fusiongateway", "watch", "--endpoint", self.gateway.consumers)
        self.publish("-", given=json.dumps(report("e-1")))
        for number, status in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
            with python(*watch, stdout=subprocess.PIPE) as process:
                process.stdout.readline()
                process.send_signal(number)
                self.assertEqual(process.wait(PATIENCE), status)

    def test_the_readmes_programs_run_as_written(self):
        with open(os.path.join(PACKAGE, "README.md"), encoding="utf-8") as file:
            publish, read = re.findall(r"^```python\n(# .*?\.py\n.*?)^```", file.read(), re.M | re.S)
        for program, wanted in ((publish, "on the gateway's disk"), (read, "UNVERIFIED")):
            program = (program.replace("tcp://127.0.0.1:5701", self.gateway.publishers)
                       .replace("tcp://127.0.0.1:5702", self.gateway.consumers).replace("try-it", "alarms")
                       .replace("/var/lib/myapp", self.gateway.path("myapp")))
            with python("-c", program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
                told = ""
                while wanted not in told and (line := process.stdout.readline()):
                    told += line
                process.terminate()
            self.assertIn(wanted, told)


if __name__ == "__main__":
    unittest.main()
