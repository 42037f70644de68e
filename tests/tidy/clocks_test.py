"""Only the files of clock_allowed.txt read a clock; tests/ may."""

import os
import re
import unittest

from source_tree import CPP, MadeUpTree, RuleTest, matches, project_tree, without_comments

READS_A_CLOCK = re.compile(r"""
    ::now\s*\(                                     # every std::chrono clock, and what is modelled on it
  | \b(?:clock_gettime|gettimeofday|adjtimex|ntp_adjtime|timespec_get|ftime)\s*\(
  | \b(?:std::)?time\s*\(\s*(?:nullptr|NULL|0|&)
  | \bstd::clock\s*\(
  | \bg_get_(?:real_time|monotonic_time|current_time)\s*\(
  | \bg_date_time_new_now\w*\s*\(
  | \bgst_(?:util_get_timestamp|clock_get_time|clock_get_internal_time)\s*\(
  | \bcv::getTickCount\s*\(
  | \b(?:date|datetime|julianday|strftime|unixepoch)\s*\([^)\n]*'now'   # in SQL
  | \bCURRENT_TIME(?:STAMP)?\b
""", re.X)

ALLOW_LIST = "tests/tidy/clock_allowed.txt"


def allowed(tree):
    """(path, reason) of every line of the allow list."""
    lines = [line.split(None, 1) for line in tree.text(ALLOW_LIST).splitlines()]
    return [(line[0], line[1].strip() if len(line) > 1 else "")
            for line in lines if line and not line[0].startswith("#")]


def check(tree):
    allow = dict(allowed(tree))
    findings = [f"{ALLOW_LIST}: {path} has no reason" for path, reason in allow.items() if not reason]
    for path in tree.paths(*CPP):
        if path.startswith("tests/") or path in allow:
            continue
        for line, read in matches(without_comments(tree.text(path)), READS_A_CLOCK):
            findings.append(f"{path}:{line}: reads a clock ({read.strip()}); take a const Clock& or an instant")
    return findings


def stale(tree):
    """Allowed files that are gone, or read no clock any more."""
    present = set(tree.paths(*CPP))
    return [f"{ALLOW_LIST}: {path} reads no clock; take the line out" for path, _ in allowed(tree)
            if path not in present or not READS_A_CLOCK.search(without_comments(tree.text(path)))]


class TheTree(RuleTest):
    def test_only_allowed_files_read_a_clock(self):
        self.assert_clean(check(project_tree()))

    def test_the_allow_list_names_only_files_that_read_one(self):
        self.assert_clean(stale(project_tree()))


class TheRule(RuleTest):
    def found(self, text, path="pipeline/a.cc", allow=""):
        return check(MadeUpTree({path: text, ALLOW_LIST: allow}))

    def test_every_way_to_read_a_clock_is_found(self):
        for read in ("auto t = std::chrono::steady_clock::now();", "using C = std::chrono::system_clock; C::now ();",
                     "clock_gettime(CLOCK_REALTIME, &t);", "gettimeofday(&t, nullptr);", "time(nullptr);",
                     "std::time(NULL);", "g_get_monotonic_time();", "gst_clock_get_time(clock);",
                     "\"INSERT INTO t VALUES(datetime('now'))\"", "\"DEFAULT CURRENT_TIMESTAMP\""):
            self.assert_found(self.found(read), "pipeline/a.cc:1")

    def test_a_comment_a_name_and_the_given_clock_are_not_reads(self):
        for text in ("// steady_clock::now() would break replay", "clock.UtcNow();", "int uptime(int);",
                     "Duration lifetime(nullptr_t);"):
            self.assert_clean(self.found(text))

    def test_an_allowed_file_and_tests_may(self):
        read = "std::chrono::system_clock::now();"
        self.assert_clean(self.found(read, "app/system_clock.cc", "app/system_clock.cc the clock itself"))
        self.assert_clean(self.found(read, "tests/app/a_test.cc"))

    def test_an_allowance_without_reason_or_use_is_found(self):
        self.assert_found(self.found("", "app/a.cc", "app/a.cc"), "no reason")
        tree = MadeUpTree({"app/a.cc": "int a;", ALLOW_LIST: "app/a.cc because\napp/gone.cc because"})
        self.assert_found(stale(tree), "app/a.cc", "app/gone.cc")

    def test_a_digit_separator_does_not_hide_what_follows(self):
        self.assert_found(self.found("int a = 1'000; // x\nint b = X::now();"), "a.cc:2")


if __name__ == "__main__":
    unittest.main()
