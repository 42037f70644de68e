"""./check installs only what is missing, builds the preset asked for, and ends with ctest's verdict."""

import unittest

from made_up_project import MadeUpProject

# As dpkg-query would answer for a machine that has two packages.
DPKG = 'printf "ii git\\nii libzmq3-dev:amd64\\nrc removed\\n"'


class Check(unittest.TestCase):
    def setUp(self):
        self.project = MadeUpProject()
        self.addCleanup(self.project.remove)
        self.project.stand_in("ctest", 'echo "100% tests passed, 0 tests failed out of 3"')
        self.project.stand_in("dpkg-query", DPKG)
        self.project.stand_in("apt-get", "exit 0")
        self.project.stand_in("sudo", '[[ $1 == -n ]] && shift; exec "$@"')
        self.project.write("scripts/packages.txt", "git run - a\nlibzmq3-dev run - a\n")

    def check(self, *arguments):
        process = self.project.start("check", *arguments)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def called(self, command):
        return [call for call in self.project.calls() if call.startswith(command + " ")]

    def test_it_ends_with_what_ctest_says_and_its_status(self):
        returned, said = self.check()
        self.assertEqual(returned, 0)
        self.assertTrue(said.endswith("100% tests passed, 0 tests failed out of 3\n"), said)
        self.project.stand_in("ctest", "exit 8")
        self.assertEqual(self.check()[0], 8)

    def test_nothing_is_installed_when_nothing_is_missing(self):
        self.check()
        self.assertEqual(self.called("apt-get"), [])

    def test_what_is_missing_is_installed_after_one_update(self):
        self.project.write("scripts/packages.txt", "git run - a\nremoved run - b\nfresh check - c\n")
        _, said = self.check()
        update, install = self.called("apt-get")
        self.assertIn(" update", update)
        self.assertTrue(install.endswith("--no-install-recommends removed fresh"), install)
        self.assertIn("removed fresh", said)

    def test_a_command_that_is_there_stands_in_for_its_package(self):
        self.project.write("scripts/packages.txt", "some-shell check bash b\nother check no-such-command c\n")
        self.check()
        self.assertTrue(self.called("apt-get")[1].endswith("--no-install-recommends other"))

    def test_a_failed_installation_or_build_fails_it_before_any_test(self):
        self.project.stand_in("cmake", "exit 1")
        returned, said = self.check()
        self.assertEqual(returned, 1)
        self.assertIn("build failed", said)
        self.project.write("scripts/packages.txt", "fresh run - c\n")
        self.project.stand_in("apt-get", "exit 100")
        returned, said = self.check()
        self.assertEqual(returned, 1)
        self.assertIn("apt-get update failed", said)
        self.assertEqual(self.called("ctest"), [])

    def test_a_preset_builds_and_tests_in_its_own_folder(self):
        self.check("--preset", "asan", "--only", "Time")
        self.assertIn("cmake --preset asan", self.project.calls())
        ctest = self.called("ctest")[0]
        self.assertIn(f"--test-dir {self.project.root}/build/asan", ctest)
        self.assertIn("-R Time", ctest)

    def test_bad_usage_is_told_apart_from_failure(self):
        for arguments in (("--preset", "fast"), ("--preset",), ("--sometimes",)):
            returned, said = self.check(*arguments)
            self.assertEqual(returned, 2, said)


if __name__ == "__main__":
    unittest.main()
