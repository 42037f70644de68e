// Nothing but loopback listens without credentials, and a key opens its own feed alone.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <mutex>

#include "clients/cpp/publisher.h"
#include "tests/e2e/faults/payloads.h"
#include "tests/e2e/faults/stream_reader.h"
#include "tests/support/gateway_process.h"

namespace fusiongateway::testing {
namespace {

using client::PublisherNotice;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fg-access-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Makes a key pair in `file`; its public half.
std::string MakeKey(const std::string& file) {
  const auto made = RunProgram({"keygen", "--out", file});
  EXPECT_EQ(made.exit_status, 0) << made.output;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("public_key: ")) return line.substr(12);
  }
  ADD_FAILURE() << file << " holds no public key";
  return "";
}

std::string SecretKey(const std::string& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("secret_key: ")) return line.substr(12);
  }
  return "";
}

// ---- What the program refuses to run

struct Listener {
  std::string name;
  std::string yaml;  // %PORT% is a free port
  std::string named;
};

void PrintTo(const Listener& listener, std::ostream* out) { *out << listener.name; }

class BeyondLoopback : public ::testing::TestWithParam<Listener> {
 protected:
  // Exit status and output of `command` on a configuration with these lines.
  ProgramResult Run(const std::string& command, std::string yaml) {
    for (std::size_t at; (at = yaml.find("%PORT%")) != std::string::npos;) {
      yaml.replace(at, 6, std::to_string(FreePort()));
    }
    std::ofstream(folder_.File("gateway.yaml")) << "gateway_id: e2e\nstate_dir: state\n" << yaml;
    return RunProgram({command, folder_.File("gateway.yaml")}, std::chrono::seconds{10});
  }

  TempFolder folder_;
};

TEST(CoreDumps, AreForbiddenUnlessAskedFor) {
  auto gateway = GatewayProcess::Start({});
  ASSERT_TRUE(gateway.ok()) << gateway.status().message();
  const auto core_max = [](pid_t pid) {
    rlimit core{1, 1};
    prlimit(pid, RLIMIT_CORE, nullptr, &core);
    return core.rlim_cur;
  };
  EXPECT_EQ(core_max((*gateway)->pid()), rlim_t{0});
  (*gateway)->Kill();

  const TempFolder folder;
  ProgramProcess asked({"run", (*gateway)->config_path(), "--core-dumps"}, folder.File("out"));
  ASSERT_TRUE(Eventually([&] { return asked.Output().find("is running") != std::string::npos; }))
      << asked.Output();
  EXPECT_EQ(core_max(asked.pid()), core_max(getpid()));
}

TEST_P(BeyondLoopback, IsRefusedWithoutCredentialsBeforeAnythingIsMade) {
  const ProgramResult run = Run("run", GetParam().yaml);
  EXPECT_EQ(run.exit_status, 2) << run.output;
  EXPECT_THAT(run.output, AllOf(HasSubstr(GetParam().named), HasSubstr("gateway.yaml")));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("state")));
  EXPECT_EQ(Run("check-config", GetParam().yaml).exit_status, 2);
}

TEST_F(BeyondLoopback, IsTakenWithAKeyAndLoopbackWithoutOne) {
  MakeKey(folder_.File("gateway.key"));
  const std::string feed = "feeds:\n  - {feed_id: hazmat, plugin: hazmat}\n";
  const std::string with_key =
      "publishers:\n  endpoint: tcp://0.0.0.0:%PORT%\n  curve:\n    secret_key_file: gateway.key\n"
      "    keys: {\"" +
      MakeKey(folder_.File("publisher.key")) + "\": hazmat}\n";
  const ProgramResult taken = Run("check-config", feed + with_key);
  EXPECT_EQ(taken.exit_status, 0) << taken.output;
  EXPECT_EQ(Run("check-config", feed).exit_status, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Listeners, BeyondLoopback,
    ::testing::Values(
        Listener{"publishers", "publishers:\n  endpoint: tcp://0.0.0.0:%PORT%\n",
                 "publishers.endpoint"},
        Listener{"wildcard", "publishers:\n  endpoint: tcp://*:%PORT%\n", "publishers.endpoint"},
        Listener{"consumers", "consumers:\n  endpoint: tcp://0.0.0.0:%PORT%\n",
                 "consumers.endpoint"},
        Listener{"broadcast", "consumers:\n  broadcast_endpoint: tcp://*:%PORT%\n",
                 "consumers.broadcast_endpoint"},
        Listener{"wall", "wall:\n  address: 0.0.0.0\n  port: %PORT%\n", "wall.address"}),
    [](const auto& instance) { return instance.param.name; });

// ---- CURVE

class Curve : public ::testing::Test {
 protected:
  void SetUp() override {
    server_key_ = MakeKey(keys_.File("gateway.key"));
    const std::string hazmat = MakeKey(keys_.File("hazmat.key"));
    const std::string grid = MakeKey(keys_.File("grid.key"));
    MakeKey(keys_.File("stranger.key"));
    GatewayOptions options;
    options.feeds += "  - {feed_id: grid, plugin: grid}\n";
    options.publishers_yaml = "  curve:\n    secret_key_file: " + keys_.File("gateway.key") +
                              "\n    keys: {\"" + hazmat + "\": hazmat, \"" + grid + "\": grid}\n";
    auto started = GatewayProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status().message();
    gateway_ = std::move(*started);
  }

  // A publisher for feed hazmat with this key file.
  std::unique_ptr<client::Publisher> Open(const std::string& key_name) {
    const std::string file = keys_.File(key_name + ".key");
    client::PublisherOptions options;
    options.endpoint = gateway_->endpoints().publishers;
    options.feed_id = "hazmat";
    options.outbox_path = keys_.File(key_name + ".outbox");
    std::ifstream in(file);
    std::string public_key;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("public_key: ")) public_key = line.substr(12);
    }
    options.curve = {server_key_, public_key, SecretKey(file)};
    options.retry_max = std::chrono::milliseconds{500};
    client::PublisherEvents events;
    events.on_notice = [this](const PublisherNotice& notice) {
      if (notice.kind != PublisherNotice::Kind::kRefused) return;
      std::lock_guard lock(mutex_);
      refused_code_ = notice.code;
    };
    auto publisher = client::Publisher::Open(options, events);
    EXPECT_TRUE(publisher.ok()) << publisher.status().message();
    return std::move(*publisher);
  }

  std::string RefusedCode() {
    std::lock_guard lock(mutex_);
    return refused_code_;
  }

  TempFolder keys_;
  std::string server_key_;
  std::unique_ptr<GatewayProcess> gateway_;
  std::mutex mutex_;
  std::string refused_code_;
};

TEST_F(Curve, TheKeyBoundToAFeedPublishesForIt) {
  std::ofstream(keys_.File("alarms.ndjson")) << Alarm("with-key") << "\n";
  const ProgramResult published =
      RunProgram({"publish", "--feed", "hazmat", "--endpoint", gateway_->endpoints().publishers,
                  "--key", keys_.File("hazmat.key"), "--server-key", server_key_, "--outbox",
                  keys_.File("cli.outbox"), keys_.File("alarms.ndjson")});
  EXPECT_EQ(published.exit_status, 0) << published.output;
  StreamReader reader(gateway_->endpoints().consumers);
  EXPECT_TRUE(reader.ReadUntilReport("with-key"));
  EXPECT_EQ(gateway_->Metric("publisher_unknown_keys_total"), 0);
  for (const char* key : {"gateway.key", "hazmat.key"}) {
    EXPECT_THAT(gateway_->Output(), Not(HasSubstr(SecretKey(keys_.File(key)))));
  }
}

TEST_F(Curve, AnUnknownKeyIsRefusedAndCounted) {
  auto publisher = Open("stranger");
  ASSERT_TRUE(publisher->Publish(Alarm("strange")).ok());
  EXPECT_TRUE(Eventually([&] { return gateway_->Metric("publisher_unknown_keys_total") >= 1; }));
  EXPECT_TRUE(Eventually([&] { return !RefusedCode().empty(); })) << "the publisher is not told";
  EXPECT_EQ(publisher->stats().sessions, 0u);
  EXPECT_EQ(gateway_->Metric("publisher_messages_total"), 0);
  publisher->Close();
  auto known = Open("hazmat");
  ASSERT_TRUE(known->Publish(Alarm("known")).ok());
  EXPECT_TRUE(known->Flush(std::chrono::seconds{10}).ok()) << "others are not affected";
}

TEST_F(Curve, APeerWithoutAnyKeyIsNeverHeard) {
  client::PublisherOptions options;
  options.endpoint = gateway_->endpoints().publishers;
  options.feed_id = "hazmat";
  options.outbox_path = keys_.File("plain.outbox");
  auto publisher = client::Publisher::Open(options, {});
  ASSERT_TRUE(publisher.ok());
  ASSERT_TRUE((*publisher)->Publish(Alarm("plain")).ok());
  EXPECT_FALSE((*publisher)->Flush(std::chrono::seconds{2}).ok());
  EXPECT_EQ(gateway_->Metric("publisher_messages_total"), 0);
}

TEST_F(Curve, AKeyBoundToAnotherFeedIsForbidden) {
  auto publisher = Open("grid");
  ASSERT_TRUE(publisher->Publish(Alarm("wrong-feed")).ok());
  EXPECT_TRUE(Eventually([&] { return RefusedCode() == "FORBIDDEN"; })) << RefusedCode();
  EXPECT_GE(gateway_->Metric("publisher_forbidden_total"), 1);
  EXPECT_EQ(gateway_->Metric("publisher_sessions_total"), 0);
  EXPECT_EQ(publisher->stats().acked_through, 0u);
}

}  // namespace
}  // namespace fusiongateway::testing
