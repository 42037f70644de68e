#include "app/commands/watch.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands/key_file.h"
#include "app/commands/record_text.h"
#include "app/commands/waiting_notice.h"
#include "clients/cpp/stream_consumer.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

using client::StreamConsumer;
using client::StreamEvent;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr Duration kTurn = std::chrono::milliseconds(500);

// Refusals that a person has to do something about: waiting does not help.
bool NeedsAPerson(const std::string& code) {
  return code == "FORBIDDEN" || code == "KEY_REFUSED" || code == "MALFORMED" ||
         code == "BAD_FILTER" || code == "UNKNOWN_STREAM" || code == "SEQ_AHEAD";
}

class WatchCommand {
 public:
  explicit WatchCommand(const WatchOptions& options)
      : options_(options),
        colour_(!options.no_colour && isatty(STDOUT_FILENO) == 1),
        waiting_(options.endpoint, "事件流", "stream", WatchOptions{}.endpoint) {}

  int Run(StreamConsumer& consumer);

 private:
  // False: the end, with status_.
  bool Handle(const StreamEvent& event, StreamConsumer& consumer);
  bool Print(const v1::Records& records);
  void WaitedATurn(const StreamConsumer& consumer);

  const WatchOptions& options_;
  const bool colour_;
  WaitingNotice waiting_;
  std::uint64_t printed_ = 0;
  int status_ = kDone;
};

int WatchCommand::Run(StreamConsumer& consumer) {
  while (Handle(consumer.Next(kTurn), consumer)) {
  }
  return status_;
}

bool WatchCommand::Handle(const StreamEvent& event, StreamConsumer& consumer) {
  switch (event.kind) {
    case StreamEvent::Kind::kTimeout:
      WaitedATurn(consumer);
      return true;
    case StreamEvent::Kind::kSnapshot:
      return true;
    case StreamEvent::Kind::kRecords:
      return Print(*event.records);
    case StreamEvent::Kind::kJournalChanged:
      fmt::print(stderr, "日志已更换,从头读取 · {}; reading it from its beginning\n",
                 event.message);
      consumer.Restart(0);
      return true;
    case StreamEvent::Kind::kRefused:
      fmt::print(stderr, "{}: {}\n", event.code, event.message);
      status_ = kFailed;
      return !NeedsAPerson(event.code);
    case StreamEvent::Kind::kOutOfRange:
    case StreamEvent::Kind::kGap:
    case StreamEvent::Kind::kDisconnected:
      fmt::print(stderr, "{}\n", event.message);
      return true;
  }
  return true;
}

void WatchCommand::WaitedATurn(const StreamConsumer& consumer) {
  if (consumer.subscribed()) return waiting_.Answered();
  const std::string said = waiting_.Waited(kTurn);
  if (!said.empty()) fmt::print(stderr, "{}\n", said);
}

bool WatchCommand::Print(const v1::Records& records) {
  status_ = kDone;
  for (const v1::StreamRecord& record : records.records()) {
    const std::string text = options_.json ? ToJson(record) + "\n" : RecordText(record, colour_);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return false;
    if (++printed_ == options_.count) break;
  }
  // A pipe's reader sees a record when it is there, not when a buffer is full.
  if (std::fflush(stdout) != 0) return false;
  return options_.count == 0 || printed_ < options_.count;
}

}  // namespace

void BindWatch(CLI::App* command, WatchOptions* options) {
  command->add_option("--stream", options->stream, "live or settled")->capture_default_str();
  command->add_option("--after", options->after_seq, "Records after this seq; 0 = the oldest held")
      ->capture_default_str();
  command->add_option("--journal", options->journal_id,
                      "The journal that --after belongs to: another one is said");
  command->add_option("--count", options->count, "End after so many records; 0 = never")
      ->capture_default_str();
  command->add_flag("--json", options->json, "One record a line, as protobuf JSON");
  command->add_option("--bodies", options->bodies, "Only these: report,incident,feed,camera …")
      ->delimiter(',');
  command->add_option("--districts", options->district_codes, "Only these district codes")
      ->delimiter(',');
  command->add_option("--endpoint", options->endpoint, "The gateway's consumers' socket")
      ->capture_default_str();
  command->add_option("--key", options->key_file, "CURVE key file, made by keygen");
  command->add_option("--server-key", options->server_key, "The gateway's CURVE public key");
  command->add_flag("--no-colour", options->no_colour, "No colours on a terminal either");
}

int RunWatch(const WatchOptions& options) {
  auto keys = LoadClientKeys(options.key_file, options.server_key);
  if (!keys.ok()) {
    fmt::print(stderr, "{}\n", keys.status().message());
    return kUsage;
  }
  client::ConsumerOptions consumer_options;
  consumer_options.endpoint = options.endpoint;
  consumer_options.stream = options.stream;
  consumer_options.after_seq = options.after_seq;
  consumer_options.journal_id = options.journal_id;
  consumer_options.district_codes = options.district_codes;
  consumer_options.bodies = options.bodies;
  consumer_options.curve = *keys;
  auto consumer = StreamConsumer::Open(std::move(consumer_options));
  if (!consumer.ok()) {
    fmt::print(stderr, "{}\n", consumer.status().message());
    return kUsage;
  }
  return WatchCommand(options).Run(**consumer);
}

}  // namespace fusiongateway
