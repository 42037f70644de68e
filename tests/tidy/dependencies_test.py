"""Includes point down only: app → delivery → pipeline → plugins, proto → fusion (docs/architecture.md).

Inside fusion/ too: base → model → clock → sequence → correlate → incident → respond → engine, each on those before it.
clients/ may be used by app/ and stands on proto/ and fusion/'s types. tests/ may include anything.
"""

import re
import unittest

from source_tree import CPP, MadeUpTree, RuleTest, project_tree, without_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# What each layer's files may include of the project, by path; the longest prefix decides.
MAY_INCLUDE = {
    "fusion/": ("fusion/",),
    "proto/": ("proto/", "fusiongateway/v1/", "fusion/"),
    "plugins/": ("plugins/", "proto/", "fusiongateway/v1/", "fusion/"),
    "plugins/abi/": ("plugins/abi/",),
    "clients/": ("clients/", "proto/", "fusiongateway/v1/", "fusion/"),
    "pipeline/": ("pipeline/", "plugins/abi/", "proto/", "fusiongateway/v1/", "fusion/"),
    "delivery/": ("delivery/", "pipeline/", "plugins/abi/", "proto/", "fusiongateway/v1/", "fusion/"),
    "app/": ("app/", "delivery/", "pipeline/", "plugins/abi/", "clients/", "proto/",
             "fusiongateway/v1/", "fusion/"),
}
LAYERS = ("fusion/", "proto/", "plugins/", "clients/", "pipeline/", "delivery/", "app/", "tests/",
          "fusiongateway/v1/")

# fusion/ is pure: the standard library, and GeographicLib where it measures the earth.
STANDARD = set("""
algorithm any array bit bitset cassert cctype cerrno charconv chrono cinttypes climits cmath compare
concepts condition_variable cstddef cstdint cstdio cstdlib cstring deque exception filesystem
forward_list functional initializer_list iomanip ios iosfwd istream iterator limits list map memory
mutex new numbers numeric optional ostream queue ranges ratio set span sstream stack stdexcept
string string_view system_error tuple type_traits typeindex typeinfo unordered_map unordered_set
utility variant vector version
""".split())
# Threads, files, environment and randomness are not pure; base/'s queue and watch serve the layers above.
NOT_PURE = {"condition_variable", "filesystem", "mutex"}
BASE_MAY = {"fusion/base/bounded_queue.h": {"condition_variable", "mutex"},
            "fusion/base/thread_watch.h": {"mutex"}}

# Inside fusion/, lowest first; what stands beside the folders (the engine) is on top.
FUSION_ORDER = ("base", "model", "clock", "sequence", "correlate", "incident", "respond", "")


def layer_of(path):
    """The longest rule that covers a path, or None."""
    covering = [prefix for prefix in MAY_INCLUDE if path.startswith(prefix)]
    return max(covering, key=len) if covering else None


def check(tree):
    findings = []
    for path in tree.paths(*CPP):
        layer = layer_of(path)
        if layer is None:
            continue
        folder = path.rsplit("/", 1)[0] + "/"
        for quote, included in INCLUDE.findall(without_comments(tree.text(path))):
            findings += check_include(path, folder, layer, quote, included)
    return findings


def check_include(path, folder, layer, quote, included):
    if layer == "fusion/" and included.startswith("fusion/"):
        return check_order_in_fusion(path, included)
    if included.startswith(LAYERS):
        # A feed plugin or a program's part may always include its own folder.
        if included.startswith(MAY_INCLUDE[layer]) or included.startswith(folder):
            return []
        return [f"{path}: includes {included}; {layer} may include only {', '.join(MAY_INCLUDE[layer])}"]
    if quote == '"':
        return [f"{path}: includes \"{included}\"; name it from the project's root, or in <> if it is a library's"]
    if layer == "fusion/":
        return check_pure(path, included)
    return []


def check_order_in_fusion(path, included):
    folders = [name.split("/")[1] if name.count("/") > 1 else "" for name in (path, included)]
    for name, folder in zip((path, included), folders):
        if folder not in FUSION_ORDER:
            return [f"{path}: fusion/{folder}/ ({name}) has no place in the order of fusion/: give it one in this test"]
    if FUSION_ORDER.index(folders[1]) <= FUSION_ORDER.index(folders[0]):
        return []
    return [f"{path}: includes {included}, which stands above it; "
            f"inside fusion/ the order is {' → '.join(FUSION_ORDER[:-1])} → engine"]


def check_pure(path, included):
    if included.startswith("GeographicLib/"):
        return []
    if included not in STANDARD:
        return [f"{path}: includes <{included}>; fusion/ takes only the standard library and GeographicLib"]
    if included in NOT_PURE - BASE_MAY.get(path, set()):
        return [f"{path}: includes <{included}>; fusion/ is a pure function of the log"]
    return []


class TheTree(RuleTest):
    def test_includes_point_down_only(self):
        self.assert_clean(check(project_tree()))


class TheRule(RuleTest):
    def found(self, path, text):
        return check(MadeUpTree({path: text}))

    def test_an_include_that_points_up_is_found(self):
        self.assert_found(self.found("fusion/a.h", '#include "proto/codec/codec.h"\n'), "fusion/a.h")
        self.assert_found(self.found("proto/codec/a.h", '#include "plugins/abi/feed_plugin.h"\n'), "plugins/abi")
        self.assert_found(self.found("pipeline/feeds/a.cc", '#include "delivery/journal/journal.h"\n'), "journal.h")
        self.assert_found(self.found("delivery/wall/a.cc", '#include "app/gateway.h"\n'), "app/gateway.h")
        self.assert_found(self.found("clients/cpp/a.cc", '#include "pipeline/feeds/ingress.h"\n'), "ingress.h")
        self.assert_found(self.found("app/a.cc", '#include "tests/support/simulated_clock.h"\n'), "tests/support")

    def test_a_feed_decoder_is_reached_only_through_the_abi(self):
        for path in ("pipeline/feeds/a.cc", "app/a.cc", "delivery/wall/a.cc"):
            self.assert_found(self.found(path, '#include "plugins/hazmat/hazmat.h"\n'), "plugins/hazmat")
            self.assert_clean(self.found(path, '#include "plugins/abi/feed_plugin.h"\n'))

    def test_generated_messages_do_not_enter_fusion(self):
        self.assert_found(self.found("fusion/a.cc", "#include <fusiongateway/v1/report.pb.h>\n"), "report.pb.h")

    def test_a_library_or_impure_header_in_fusion_is_found(self):
        for header in ("spdlog/spdlog.h", "thread", "random", "mutex", "unistd.h", "fstream"):
            self.assert_found(self.found("fusion/a.cc", f"#include <{header}>\n"), header)
        self.assert_clean(self.found("fusion/a.cc", "#include <GeographicLib/Geodesic.hpp>\n#include <vector>\n"))

    def test_an_include_inside_fusion_that_points_up_is_found(self):
        self.assert_found(self.found("fusion/sequence/a.h", '#include "fusion/engine.h"\n'), "fusion/engine.h")
        self.assert_found(self.found("fusion/incident/a.h", '#include "fusion/respond/b.h"\n'), "respond")
        self.assert_found(self.found("fusion/model/a.h", '#include "fusion/correlate/b.h"\n'), "correlate")
        self.assert_found(self.found("fusion/other/a.h", '#include "fusion/base/time.h"\n'), "no place")
        self.assert_clean(self.found("fusion/engine.cc", '#include "fusion/respond/b.h"\n#include "fusion/engine.h"\n'))
        self.assert_clean(self.found("fusion/incident/a.cc", '#include "fusion/incident/a.h"\n#include "fusion/base/time.h"\n'))

    def test_an_include_not_rooted_at_the_project_is_found(self):
        self.assert_found(self.found("app/a.cc", '#include "../fusion/engine.h"\n'), "root")

    def test_comments_are_not_includes_and_tests_are_free(self):
        self.assert_clean(self.found("fusion/a.h", '// #include "app/gateway.h"\n'))
        self.assert_clean(self.found("tests/app/a_test.cc", '#include "plugins/hazmat/hazmat.h"\n'))


if __name__ == "__main__":
    unittest.main()
