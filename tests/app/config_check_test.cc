#include "app/config_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/clients/temp_folder.h"

namespace fusiongateway {
namespace {

using client::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigCheckTest : public testing::Test {
 protected:
  ConfigCheckTest() {
    for (const char* name : {"grid.so", "hazmat.so"}) std::ofstream(folder_.Path(name)) << "";
    files_.plugin_dir = folder_.Path("");
    files_.tables_dir = FG_SOURCE_DIR "/config/tables";
  }

  ConfigFindings Check(const std::string& text) {
    const auto loaded = ParseConfig("gateway_id: a\n" + text, "site.yaml");
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    return loaded.ok() ? CheckAgainstProgram(*loaded, "site.yaml", files_) : ConfigFindings{};
  }

  TempFolder folder_;
  ProgramFiles files_;
};

TEST_F(ConfigCheckTest, AMistypedPluginIsNamedWithItsLineAndThoseThereAre) {
  const auto found = Check("feeds:\n  - feed_id: tanks\n    plugin: hazmta\n");
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_THAT(found.errors[0], HasSubstr("site.yaml:4: feed \"tanks\": there is no plugin"));
  EXPECT_THAT(found.errors[0], HasSubstr("(there are: grid, hazmat); did you mean \"hazmat\"?"));
}

TEST_F(ConfigCheckTest, AModuleOfOnesOwnThatIsNotThereIsNamed) {
  EXPECT_THAT(Check("feeds: [{feed_id: x, plugin: mine, plugin_path: /nowhere/mine.so}]\n").errors,
              ElementsAre(HasSubstr("site.yaml:2: feed \"x\": there is no file /nowhere/mine.so")));
  EXPECT_THAT(
      Check("feeds: [{feed_id: x, plugin: mine, plugin_path: '" + folder_.Path("grid.so") + "'}]\n")
          .errors,
      IsEmpty());
}

TEST_F(ConfigCheckTest, ADefaultDistrictThatNoTableListsIsRefused) {
  EXPECT_THAT(Check("feeds: [{feed_id: x, plugin: grid, default_district: '999999'}]\n").errors,
              ElementsAre(HasSubstr("has no district \"999999\"")));
  EXPECT_THAT(Check("feeds: [{feed_id: x, plugin: grid, default_district: '410202'}]\n").errors,
              IsEmpty());
}

TEST_F(ConfigCheckTest, WordsThatMayBeASitesOwnAreWarnings) {
  const auto found = Check(
      "sites:\n"
      "  - site_id: s\n"
      "    medium: clorine\n"
      "    district_code: '110101'\n"
      "    points: [{device_id: q, medium: phosgene}]\n"
      "cameras:\n"
      "  - {camera_id: c, url: 'rtsp://h/c', role: gatte}\n"
      "  - {camera_id: d, url: 'rtsp://h/d', role: tower}\n");
  EXPECT_THAT(found.errors, IsEmpty());
  EXPECT_THAT(found.warnings,
              ElementsAre(HasSubstr("site.yaml:4: 提醒 warning: tables/hazmat.json has no medium "
                                    "\"clorine\""),
                          HasSubstr("site.yaml:5:"), HasSubstr("site.yaml:6:"),
                          HasSubstr("site.yaml:8: 提醒 warning: role \"gatte\"")));
  EXPECT_THAT(found.warnings[0], HasSubstr("did you mean \"chlorine\"?"));
  EXPECT_THAT(found.warnings[3], HasSubstr("did you mean \"gate\"?"));
}

TEST_F(ConfigCheckTest, TheProjectsOwnConfigurationsHaveNothingToWarnOf) {
  files_.plugin_dir = FG_FEED_PLUGIN_DIR;
  for (const char* path :
       {FG_SOURCE_DIR "/config/demo.yaml", FG_SOURCE_DIR "/config/example.yaml"}) {
    const auto loaded = LoadConfig(path);
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    const auto found = CheckAgainstProgram(*loaded, path, files_);
    EXPECT_THAT(found.errors, IsEmpty());
    EXPECT_THAT(found.warnings, IsEmpty());
  }
}

}  // namespace
}  // namespace fusiongateway
