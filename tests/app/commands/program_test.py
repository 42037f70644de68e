"""fusion-gateway at a command line: what it says to somebody who mistypes, and how it ends."""

import contextlib
import http.server
import os
import socket
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
GATEWAY = os.path.join(os.environ.get("FG_BIN_DIR", os.path.join(ROOT, "build", "bin")), "fusion-gateway")

SITE = """\
gateway_id: a
sites:
  - {site_id: s, medium: clorine, radius_m: 250}
feeds:
  - {feed_id: tanks, plugin: hazmat, default_district: "999999"}
  - {feed_id: grid, plugin: gird}
"""


@contextlib.contextmanager
def answering(status, body):
    """The address of an HTTP service that gives everybody this answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fg-program-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def ran(self, *arguments):
        return subprocess.run([GATEWAY, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL, cwd=self.folder)

    def site(self, text):
        path = os.path.join(self.folder, "site.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_mistyped_word_is_named_and_is_bad_usage(self):
        for arguments, said in ((("wach",), 'no command "wach"; did you mean "watch"?'), (("bogus",), 'no command "bogus"'),
                                (("--bogus",), 'no option "--bogus"'), (("watch", "--bogus"), "--bogus"), ((), "--help")):
            ran = self.ran(*arguments)
            self.assertEqual((ran.returncode, ran.stdout), (2, ""))
            self.assertIn(said, ran.stderr)
        self.assertEqual(self.ran("--version").returncode, 0)

    def test_check_config_tells_all_that_its_plugins_and_tables_do_not_know(self):
        ran = self.ran("check-config", self.site(SITE))
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        for said in ('site.yaml:5: feed "tanks": tables/districts.json has no district "999999"',
                     'site.yaml:6: feed "grid": there is no plugin "gird"', 'did you mean "grid"?',
                     'medium "clorine"'):
            self.assertIn(said, ran.stderr)
        self.assertEqual(self.ran("run", self.site(SITE)).returncode, 2)

    def test_check_config_names_the_feed_of_a_plugin_that_does_not_load_once(self):
        with open(os.path.join(self.folder, "mine.so"), "w", encoding="utf-8") as file:
            file.write("no module")
        ran = self.ran("check-config", self.site(
            "gateway_id: a\nfeeds:\n  - {feed_id: grid, plugin: grid}\n"
            f"  - {{feed_id: odd, plugin: mine, plugin_path: {self.folder}/mine.so}}\n"))
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        self.assertIn('site.yaml:4: feed "odd": ', ran.stderr)
        self.assertEqual(ran.stderr.count('feed "'), 1, ran.stderr)

    def test_doctor_names_the_plugins_that_there_are(self):
        ran = self.ran("doctor", "--plugin", "gird", "-")
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        for said in ('there is no plugin "gird"', "grid, hazmat, ", 'did you mean "grid"?', "--config CONFIG"):
            self.assertIn(said, ran.stderr)

    def test_dead_letters_refuses_the_answers_of_another_service(self):
        for status, body in ((200, "[]"), (200, "{}"), (200, '{"deadLetters": 1}'), (200, '{"deadLetters": [1]}'),
                             (200, '{"deadLetters": [{"feedId": "f"}]}'), (404, '{"detail": 5}'), (404, "[]"),
                             (200, '{"deadLetters": [{"id": "2"}, {"id": "2"}]}')):
            with answering(status, body) as wall:
                ran = self.ran("dead-letters", "list", wall, "--feed", "f")
                self.assertEqual((ran.returncode, ran.stdout), (1, ""), body)
                self.assertIn("HTTP 404" if status == 404 else "no gateway's answer", ran.stderr)
        # The next page is the same again: it does not go round for ever.
        with answering(200, '{"deadLetters": [{"id": "2", "restricted": "yes"}]}') as wall:
            self.assertEqual(self.ran("dead-letters", "list", wall, "--feed", "f").returncode, 1)

    def test_a_warning_alone_does_not_refuse_a_configuration(self):
        ran = self.ran("check-config", self.site(SITE.split("feeds:")[0]))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("site.yaml:3: 提醒 warning", ran.stderr)
        self.assertIn("OK", ran.stdout)

    def test_watch_says_that_it_waits_and_for_what(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with subprocess.Popen([GATEWAY, "watch", "--endpoint", endpoint], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as watch:
            self.assertIn(f"waiting for the gateway at {endpoint}; is it running", watch.stderr.readline())
            watch.kill()

    def test_keygens_advice_holds_wherever_its_output_goes(self):
        ran = self.ran("keygen", "--out", "gateway.key")
        self.assertEqual((ran.returncode, len(ran.stdout.strip())), (0, 40))
        self.assertIn("standard output has the public key", ran.stderr)


if __name__ == "__main__":
    unittest.main()
