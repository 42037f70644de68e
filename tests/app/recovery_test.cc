// Commit, then speak, and recovery: on a real journal, which is altered behind the program's back
// where a test needs it to be.
#include <gmock/gmock.h>

#include <functional>
#include <future>

#include "app/fusion_loop.h"
#include "delivery/journal/segment.h"
#include "delivery/journal/sqlite.h"
#include "fusiongateway/v1/journal.pb.h"
#include "tests/delivery/journal/journal_samples.h"
#include "tests/fusion/support/timeline.h"

namespace fusiongateway {
namespace {

using ::testing::AllOf;
using testing::BeijingTime;
using testing::DemoConfig;
using testing::GasAlarm;
using ::testing::HasSubstr;
using testing::OdourCall;

class RecoveryTest : public ::testing::Test {
 protected:
  // One life of the gateway: recovers, takes the reports, stops. The status is that of recovery.
  Status Live(std::vector<Report> reports, EngineConfig config = DemoConfig()) {
    auto journal = OpenSqliteJournal(path_, SampleOptions());
    if (!journal.ok()) return journal.status();
    std::promise<void> committed;
    published_ = {};
    FusionLoop loop((*journal).get(), &clock_, std::move(config), 16,
                    {[&](CommittedThrough) { committed.set_value(); }, [](std::string) {}, [] {},
                     [](std::vector<FrameWanted>) {},
                     [&](const EngineOutput& output) { testing::Append(&published_, output); },
                     [](Status status) { ADD_FAILURE() << status.message(); }});
    if (Status s = loop.Recover(); !s.ok()) return s;
    if (reports.empty()) return {};
    loop.Start();
    IngressBatch batch{"feed", "outbox", clock_.UtcNow(), {}};
    for (Report& report : reports) {
      batch.items.push_back({++seq_, {std::make_shared<const Report>(std::move(report))}, {}, ""});
    }
    EXPECT_TRUE(loop.Reserve(batch.items.size()));
    loop.Take(std::move(batch));
    committed.get_future().wait();
    loop.Stop();
    return {};
  }

  // Changes the stored records of a stream; their checksums are made to fit.
  void Alter(const std::string& stream, const std::function<void(v1::RecordSegment*)>& change) {
    auto db = sqlite::Connection::Open(path_, sqlite::OpenMode::kReadWrite);
    ASSERT_TRUE(db.ok());
    std::vector<std::pair<std::uint64_t, v1::RecordSegment>> segments;
    auto rows = db->Prepare("SELECT first, segment FROM " + stream, false);
    ASSERT_TRUE(rows.ok());
    for (auto row = rows->Step(); row.ok() && *row; row = rows->Step()) {
      auto& [first, segment] = segments.emplace_back();
      first = rows->Unsigned(0);
      const std::string_view bytes = rows->Bytes(1);
      ASSERT_TRUE(segment.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    }
    for (auto& [first, segment] : segments) {
      change(&segment);
      const std::string bytes = segment.SerializeAsString();
      auto update = db->Prepare(
          "UPDATE " + stream + " SET segment = ?, checksum = ?, count = ? WHERE first = ?", false);
      ASSERT_TRUE(update.ok());
      update->BindBlob(1, bytes);
      update->Bind(2, SegmentChecksum(bytes));
      update->Bind(3, static_cast<std::uint64_t>(segment.records_size()));
      update->Bind(4, first);
      ASSERT_TRUE(update->Run().ok());
    }
  }

  void MakeJournal() {
    ASSERT_TRUE(Live({GasAlarm("alarm-1", "10:00:00", "H", 1.2),
                      OdourCall("call-1", "10:00:20", testing::FromSite(-800, 0))})
                    .ok());
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.File("journal");
  SimulatedClock clock_{BeijingTime("10:00:30")};
  std::uint64_t seq_ = 0;
  EngineOutput published_;
};

TEST_F(RecoveryTest, RecoveryMakesTheRecordsOnDiskAgainAndGoesOn) {
  MakeJournal();
  const EngineOutput before = published_;
  clock_.Advance(std::chrono::minutes{1});
  ASSERT_TRUE(Live({}).ok());
  ASSERT_GT(published_.live.size(), before.live.size()) << "it says that it has started";
  EngineOutput again;
  again.live.assign(published_.live.begin(), published_.live.begin() + std::ssize(before.live));
  again.settled.assign(published_.settled.begin(),
                       published_.settled.begin() + std::ssize(before.settled));
  EngineOutput records;
  records.live = before.live;
  records.settled = before.settled;
  EXPECT_EQ(testing::Dump(again), testing::Dump(records));
  ASSERT_TRUE(Live({GasAlarm("alarm-2", "10:01:00", "HH", 3.4)}).ok());
  EXPECT_TRUE(Live({}).ok());
}

TEST_F(RecoveryTest, AStoredReportRecordThatTheLogDoesNotMakeStopsRecoveryByName) {
  MakeJournal();
  std::uint64_t seq = 0;
  Alter("live", [&](v1::RecordSegment* segment) {
    for (int i = 0; i < segment->records_size() && seq == 0; ++i) {
      if (!segment->records(i).has_report_position()) continue;
      segment->mutable_records(i)->set_at_ns(segment->records(i).at_ns() + 1);
      seq = static_cast<std::uint64_t>(i) + 1;  // the first segment begins at 1 and is long enough
    }
  });
  ASSERT_NE(seq, 0u);
  const Status status = Live({});
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("log position"), HasSubstr("live record"),
                    HasSubstr("restore the last backup")));
}

TEST_F(RecoveryTest, AStoredIncidentThatTheLogDoesNotMakeStopsRecovery) {
  MakeJournal();
  bool altered = false;
  Alter("live", [&](v1::RecordSegment* segment) {
    for (auto& record : *segment->mutable_records()) {
      if (altered || !record.has_incident_delta()) continue;
      record.mutable_incident_delta()->mutable_changed()->set_title("something else");
      altered = true;
    }
  });
  ASSERT_TRUE(altered);
  const Status status = Live({});
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("live record"));
}

TEST_F(RecoveryTest, ASettledIncidentThatPointsElsewhereStopsRecovery) {
  MakeJournal();
  clock_.Advance(std::chrono::minutes{1});
  ASSERT_TRUE(Live({GasAlarm("alarm-2", "10:01:20", "HH", 3.4)}).ok());
  bool altered = false;
  Alter("settled", [&](v1::RecordSegment* segment) {
    for (auto& record : *segment->mutable_records()) {
      if (altered || !record.has_same_as_live_seq()) continue;
      record.set_same_as_live_seq(record.same_as_live_seq() + 1);
      altered = true;
    }
  });
  ASSERT_TRUE(altered);
  const Status status = Live({});
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("log position"), HasSubstr("restore the last backup")));
}

TEST_F(RecoveryTest, RecordsMissingAtTheEndStopRecovery) {
  MakeJournal();
  Alter("live", [](v1::RecordSegment* segment) {
    // The last segment: the one before it holds what was said at the start.
    if (segment->records(0).has_report_position()) segment->mutable_records()->RemoveLast();
  });
  const Status status = Live({});
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("log position"), HasSubstr("not on disk")));
}

TEST_F(RecoveryTest, AnotherConfigurationIsAnEntryOfTheLogAndWhatWasPublishedStays) {
  MakeJournal();
  EngineConfig other = DemoConfig();
  other.sites[0].name = "更名";
  other.windows.distance_m = 10;
  clock_.Advance(std::chrono::minutes{1});
  ASSERT_TRUE(Live({OdourCall("call-2", "10:01:20", testing::FromSite(-800, 0))}, other).ok());
  EXPECT_TRUE(Live({}, other).ok());
  EXPECT_TRUE(Live({}).ok()) << "and back";
}

TEST_F(RecoveryTest, AJournalOfAnotherEngineVersionIsRefusedByName) {
  MakeJournal();
  auto db = sqlite::Connection::Open(path_, sqlite::OpenMode::kReadWrite);
  ASSERT_TRUE(db.ok());
  auto rows = db->Prepare("SELECT segment FROM log WHERE first = 1", false);
  ASSERT_TRUE(rows.ok());
  ASSERT_TRUE(rows->Step().ok());
  v1::LogSegment segment;
  const std::string_view stored = rows->Bytes(0);
  ASSERT_TRUE(segment.ParseFromArray(stored.data(), static_cast<int>(stored.size())));
  rows->Reset();
  ASSERT_TRUE(segment.entries(0).has_journal_opened());
  segment.mutable_entries(0)->mutable_journal_opened()->set_engine_version("0");
  const std::string bytes = segment.SerializeAsString();
  auto update = db->Prepare("UPDATE log SET segment = ?, checksum = ? WHERE first = 1", false);
  ASSERT_TRUE(update.ok());
  update->BindBlob(1, bytes);
  update->Bind(2, SegmentChecksum(bytes));
  ASSERT_TRUE(update->Run().ok());
  const Status status = Live({});
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("engine version 0"));
}

}  // namespace
}  // namespace fusiongateway
