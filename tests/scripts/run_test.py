"""./run starts what it should, says where it is, and leaves no process behind, however it ends."""

import os
import signal
import socket
import unittest

from made_up_project import MadeUpProject, alive, wait_for


class Run(unittest.TestCase):
    def project(self, behaviour=""):
        project = MadeUpProject(behaviour)
        self.addCleanup(project.remove)
        return project

    def started(self, project, *arguments, **environment):
        """./run, ready; everything it printed until then."""
        process = project.start("run", *arguments, **environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        said = ""
        while "Ctrl-C stops everything" not in said:
            line = process.stdout.readline()
            self.assertTrue(line, f"./run ended before it was ready:\n{said}")
            said += line
        return process, said

    def ended(self, project, process):
        """Its status and the rest of what it said, once it has ended; nothing of it may be left."""
        said, _ = process.communicate(timeout=60)
        for pid in project.pids():
            wait_for(lambda pid=pid: not alive(pid), f"process {pid} to be gone", 5)
        return process.returncode, said

    def city(self, project):
        for pid in project.pids():
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"demo-city" in file.read():
                    return pid
        self.fail("no demo-city runs")

    def test_it_says_where_the_wall_and_the_stream_are_once_they_are_ready(self):
        project = self.project()
        process, said = self.started(project)
        publishers, stream, _, wall, rtsp = project.ports
        self.assertIn(f"http://127.0.0.1:{wall}", said)
        self.assertIn(f"watch --json --endpoint tcp://127.0.0.1:{stream}", said)
        process.send_signal(signal.SIGTERM)
        self.ended(project, process)
        with open(os.path.join(project.root, "build/run/demo-city.log"), encoding="utf-8") as log:
            told = log.read()
        self.assertIn(f"--gateway tcp://127.0.0.1:{publishers} --rtsp-port {rtsp}", told)
        self.assertIn(f"--state {project.root}/build/run/outboxes", told,
                      "what the city had not got through is kept for the next ./run")

    def test_every_way_of_being_stopped_stops_everything(self):
        for sent, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(signal=sent):
                project = self.project()
                process, _ = self.started(project)
                wait_for(lambda project=project: len(project.pids()) == 3, "all to have started", 20)
                process.send_signal(sent)
                returned, said = self.ended(project, process)
                self.assertEqual(returned, status)
                self.assertIn("stopped", said)

    def test_killed_outright_it_takes_its_programs_with_it(self):
        project = self.project()
        process, _ = self.started(project)
        process.kill()
        self.ended(project, process)

    def test_a_program_that_does_not_stop_is_killed_with_its_worker(self):
        project = self.project("stubborn")
        process, _ = self.started(project, FG_STOP_SECONDS="1")
        process.send_signal(signal.SIGTERM)
        _, said = self.ended(project, process)
        self.assertIn("fusion-gateway did not stop within 1 s", said)

    def test_if_the_gateway_dies_it_says_why_and_stops_the_city(self):
        project = self.project("dies")
        process = project.start("run")
        returned, said = self.ended(project, process)
        self.assertEqual(returned, 1)
        self.assertIn("the disk is full", said)
        self.assertIn("fusion-gateway ended with status 3", said)

    def test_if_the_city_dies_later_it_stops_the_gateway(self):
        project = self.project()
        process, _ = self.started(project)
        wait_for(lambda: len(project.pids()) == 3, "all to have started", 20)
        os.kill(self.city(project), signal.SIGKILL)
        returned, said = self.ended(project, process)
        self.assertEqual(returned, 1)
        self.assertIn("demo-city ended with status 137", said)

    def test_a_taken_port_is_named_before_anything_starts(self):
        project = self.project()
        with socket.create_server(("127.0.0.1", project.ports[1])):
            process = project.start("run")
            returned, said = self.ended(project, process)
        self.assertEqual(returned, 1)
        self.assertIn(f"127.0.0.1:{project.ports[1]}", said)
        self.assertEqual(project.pids(), [])

    def test_a_real_site_runs_without_the_city(self):
        project = self.project()
        site = project.write("site.yaml", "gateway_id: y\n")
        process, _ = self.started(project, site)
        wait_for(lambda: len(project.pids()) == 2, "the gateway and its worker to have started", 20)
        process.send_signal(signal.SIGTERM)
        self.ended(project, process)
        self.assertFalse(os.path.exists(os.path.join(project.root, "build/run/demo-city.log")))

    def test_a_wrong_config_is_refused_with_the_gateways_words(self):
        project = self.project()
        site = project.write("site.yaml", "broken\n")
        returned, said = self.ended(project, project.start("run", site))
        self.assertNotEqual(returned, 0)
        self.assertIn("site.yaml:3: unknown key", said)

    def test_fresh_removes_what_the_demos_last_run_left(self):
        project = self.project()
        left = project.write("build/run/state/journal.db", "old")
        process, said = self.started(project)
        self.assertIn("./run --fresh begins anew", said)
        process.send_signal(signal.SIGTERM)
        self.ended(project, process)
        self.assertTrue(os.path.exists(left))
        process, _ = self.started(project, "--fresh")
        process.send_signal(signal.SIGTERM)
        self.ended(project, process)
        self.assertFalse(os.path.exists(left))

    def test_fresh_removes_nothing_of_a_run_that_still_goes_or_of_a_real_site(self):
        project = self.project()
        left = project.write("build/run/state/journal.db", "old")
        with socket.create_server(("127.0.0.1", project.ports[1])):
            self.assertEqual(self.ended(project, project.start("run", "--fresh"))[0], 1)
        site = project.write("site.yaml", "gateway_id: y\n")
        self.assertEqual(self.ended(project, project.start("run", "--fresh", site))[0], 2)
        self.assertTrue(os.path.exists(left))

    def test_a_config_that_is_not_there_and_an_unknown_option_are_bad_usage(self):
        project = self.project()
        for argument in ("/nowhere.yaml", "--sometimes"):
            returned, said = self.ended(project, project.start("run", argument))
            self.assertEqual(returned, 2)
            self.assertIn(argument, said)


if __name__ == "__main__":
    unittest.main()
