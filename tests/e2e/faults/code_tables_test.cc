// Code tables are read again with SIGHUP, all or none, while the feeds go on.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/raw_publisher.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUnknown[] = "UNKNOWN_CODE:category";

class CodeTablesReload : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "fg-tables-XXXXXX").string();
    tables_ = mkdtemp(pattern.data());
    std::filesystem::copy(FG_TABLES_DIR, tables_);
    GatewayOptions options;
    options.feeds = "  - {feed_id: grid, plugin: grid, default_crs: WGS84}\n";
    options.extra_yaml = "tables_dir: " + tables_.string() + "\n";
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
    publisher_ = std::make_unique<RawPublisher>(gateway_->endpoints().publishers, "grid", "box");
    ASSERT_FALSE(publisher_->Hello().session().empty());
    reader_ = std::make_unique<StreamReader>(gateway_->endpoints().consumers);
  }
  void TearDown() override { std::filesystem::remove_all(tables_); }

  void WriteGridTable(const std::string& json) {
    std::ofstream(tables_ / "grid.json", std::ios::trunc) << json;
  }

  // What the gateway makes of an event of this category now.
  v1::Report Publish(const std::string& category) {
    const std::string id = "E" + std::to_string(++seq_);
    publisher_->Publish(seq_, {R"({"eventId":")" + id + R"(","category":")" + category + "\"}"});
    if (!reader_->ReadUntilReport(id)) return {};
    return *reader_->FindReport(id);
  }

  std::filesystem::path tables_;
  std::unique_ptr<GatewayProcess> gateway_;
  std::unique_ptr<RawPublisher> publisher_;
  std::unique_ptr<StreamReader> reader_;
  std::uint64_t seq_ = 0;
};

TEST_F(CodeTablesReload, ABrokenTableIsRefusedWithItsLineAndTheOldOnesStay) {
  EXPECT_THAT(Publish("UFO").flags(), Contains(kUnknown));
  WriteGridTable("{\n\"labels\": {\n");
  gateway_->Hangup();
  ASSERT_TRUE(Eventually([&] { return gateway_->Metric("tables_refused_total") == 1; }));
  EXPECT_THAT(gateway_->Output(), HasSubstr("grid.json:3"));
  const v1::Report fire = Publish("火灾");
  EXPECT_EQ(fire.class_code(), "12G00") << "by the tables that were there before";
  EXPECT_THAT(fire.flags(), Not(Contains(kUnknown)));

  WriteGridTable(R"({"labels":{"category":{"UFO":"飞碟"}}})");
  gateway_->Hangup();
  ASSERT_TRUE(Eventually([&] { return gateway_->Metric("tables_reloaded_total") == 1; }));
  EXPECT_THAT(Publish("UFO").flags(), Not(Contains(kUnknown)));
  EXPECT_THAT(Publish("火灾").flags(), Contains(kUnknown));
  EXPECT_EQ(gateway_->Metric("publisher_unknown_codes_total"), 2);
}

}  // namespace
}  // namespace fusiongateway::testing
