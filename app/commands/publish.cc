#include "app/commands/publish.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "app/commands/key_file.h"
#include "app/commands/source_lines.h"
#include "app/commands/waiting_notice.h"
#include "clients/cpp/publisher.h"

namespace fusiongateway {
namespace {

using client::Bookmark;
using client::OutboxPayload;
using client::Publisher;
using client::PublisherNotice;
using client::RejectedPayload;

constexpr int kTaken = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr std::size_t kBatchLines = 256;
constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr Duration kProgressInterval = std::chrono::seconds(1);

// One outbox for each feed and endpoint, so that a repeated run finds its own again.
std::string DefaultOutbox(const PublishOptions& options) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state && *state) {
    folder = state;
  } else if (home && *home) {
    folder = std::filesystem::path(home) / ".local" / "state";
  } else {
    return "";
  }
  std::string name;
  for (const char c : options.feed_id + "@" + options.endpoint) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
    if (plain) {
      name += c;
    } else {
      // Spelt out, so that two names never become one.
      char code[8];
      std::snprintf(code, sizeof code, "_%02x", static_cast<unsigned char>(c));
      name += code;
    }
  }
  return folder / "fusion-gateway" / "outbox" / (name + ".db");
}

// What a person has to do about a refusal that waiting does not mend; nullptr for others.
const char* AdviceFor(const std::string& code) {
  constexpr std::pair<std::string_view, const char*> kAdvice[] = {
      {"UNKNOWN_FEED",
       "网关没有这个数据源：改正 --feed，或在网关配置的 feeds 中加上它 · "
       "the gateway has no such feed: correct --feed, or add it to feeds in its configuration"},
      {"FORBIDDEN",
       "此密钥不属于这个数据源：由网关管理员在 publishers.curve.keys 中登记 · "
       "this key is not bound to the feed: have it bound in the gateway's publishers.curve.keys"},
      {"FENCED",
       "另一个发布端正在发布这个数据源：停掉其中一个，或改用自己的数据源 · "
       "another publisher speaks for this feed: stop one of the two, or use a feed of your own"},
      {"PROTOCOL_UNSUPPORTED",
       "协议版本不符：更新本程序或网关 · "
       "the versions do not fit: update this program or the gateway"},
      {"KEY_REFUSED",
       "密钥不符：检查 --key 与 --server-key · "
       "the keys do not fit: check --key and --server-key"},
      {"BAD_ENDPOINT", "端点写错：改正 --endpoint · correct --endpoint"}};
  for (const auto& [name, advice] : kAdvice) {
    if (name == code) return advice;
  }
  return nullptr;
}

// A line that can only be a part of a JSON document: its brackets do not close, or it ends with a
// comma.
bool IsPartOfJson(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  if (last == std::string_view::npos) return false;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= last; ++i) {
    const char c = line[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    }
  }
  return depth != 0 || line[last] == ',';
}

void RemoveOutbox(const std::string& path) {
  std::error_code ignored;
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path + ending, ignored);
}

class PublishCommand {
 public:
  PublishCommand(const PublishOptions& options, SourceLines source)
      : options_(options),
        source_(std::move(source)),
        name_(options.input == "-" ? "standard input" : options.input),
        waiting_(options.endpoint, "发布端", "publishers'", PublishOptions{}.endpoint) {}

  int Run(client::PublisherOptions publisher_options);

 private:
  client::PublisherEvents Events();
  void OnRejection(const RejectedPayload& rejected);
  void OnNotice(const PublisherNotice& notice);
  void SkipWhatWasTaken();
  bool SendAll();
  std::vector<OutboxPayload> NextBatch();
  bool Append(const std::vector<OutboxPayload>& batch);
  bool FlushAll();
  bool WaitForAcks();
  int Finish(bool all_acked);
  void SayUnfinished(const client::PublisherStats& stats);

  const PublishOptions& options_;
  SourceLines source_;
  const std::string name_;
  std::unique_ptr<Publisher> publisher_;
  std::string outbox_path_;
  // No earlier run has anything in it.
  bool outbox_is_new_ = false;
  WaitingNotice waiting_;
  std::uint64_t sent_ = 0;
  std::uint64_t local_rejections_ = 0;
  std::uint64_t last_acked_ = 0;
  Duration without_ack_{};
  std::atomic<bool> hopeless_{false};
  // Written by the publisher's thread, read after it has ended.
  std::string refused_with_;
  // By either thread, only ever set.
  std::atomic<bool> cut_json_{false};
  std::atomic<bool> connected_{false};
};

int PublishCommand::Run(client::PublisherOptions publisher_options) {
  std::error_code ignored;
  outbox_path_ = publisher_options.outbox_path;
  outbox_is_new_ = !std::filesystem::exists(outbox_path_, ignored);
  auto publisher = Publisher::Open(std::move(publisher_options), Events());
  if (!publisher.ok()) {
    fmt::print(stderr, "{}\n", publisher.status().message());
    return kFailed;
  }
  publisher_ = std::move(*publisher);
  last_acked_ = publisher_->stats().acked_through;
  if (const std::uint64_t waiting = publisher_->stats().waiting; waiting > 0) {
    fmt::print(stderr, "上次未完成 {} 条,继续发送 · {} from an earlier run are still to be sent\n",
               waiting, waiting);
  }
  SkipWhatWasTaken();
  const bool all_acked = SendAll() && FlushAll();
  publisher_->Close();
  return Finish(all_acked);
}

client::PublisherEvents PublishCommand::Events() {
  return {.on_rejection = [this](const RejectedPayload& r) { OnRejection(r); },
          .on_notice = [this](const PublisherNotice& n) { OnNotice(n); }};
}

void PublishCommand::OnRejection(const RejectedPayload& rejected) {
  if (rejected.code == "MALFORMED" && IsPartOfJson(rejected.payload)) cut_json_ = true;
  fmt::print(stderr, "{}: {} {}{}\n", rejected.label, rejected.code, rejected.message,
             rejected.field.empty() ? "" : " (" + rejected.field + ")");
}

void PublishCommand::OnNotice(const PublisherNotice& notice) {
  using Kind = PublisherNotice::Kind;
  connected_ =
      notice.kind == Kind::kConnected || (connected_ && notice.kind != Kind::kDisconnected);
  if (notice.kind == Kind::kConnected) return;
  fmt::print(stderr, "{}{}{}\n", notice.code, notice.code.empty() ? "" : ": ", notice.message);
  if ((notice.kind == Kind::kFenced || notice.kind == Kind::kRefused) && AdviceFor(notice.code)) {
    refused_with_ = notice.code;
    hopeless_ = true;
  }
}

void PublishCommand::SkipWhatWasTaken() {
  if (options_.again || options_.input == "-") return;
  std::error_code ignored;
  auto place = publisher_->ReadBookmark(std::filesystem::absolute(options_.input, ignored));
  if (!place.ok() || !source_.MoveTo(*place)) return;
  fmt::print(stderr,
             "{}: 前 {} 行已由之前的运行发送(--again 重新发送) · the first {} lines were sent "
             "by an earlier run (--again sends them anew)\n",
             name_, source_.line_count(), source_.line_count());
}

bool PublishCommand::SendAll() {
  for (;;) {
    const std::vector<OutboxPayload> batch = NextBatch();
    if (batch.empty()) return true;
    if (!Append(batch)) return false;
    sent_ += batch.size();
  }
}

std::vector<OutboxPayload> PublishCommand::NextBatch() {
  const std::uint64_t largest = client::PublisherOptions{}.payload_bytes_max;
  std::vector<OutboxPayload> batch;
  std::size_t bytes = 0;
  while (batch.size() < kBatchLines && bytes < kBatchBytes) {
    auto line = source_.Next();
    if (!line) break;
    std::string label = name_ + ":" + std::to_string(line->number);
    if (line->text.size() > largest) {
      OnRejection({.label = label,
                   .code = "TOO_LARGE",
                   .message = "the line has " + std::to_string(line->text.size()) +
                              " bytes, at most " + std::to_string(largest) + " are taken"});
      ++local_rejections_;
      continue;
    }
    bytes += line->text.size();
    batch.push_back({std::move(line->text), std::move(label)});
  }
  return batch;
}

// Waits for room in the outbox, with patience.
bool PublishCommand::Append(const std::vector<OutboxPayload>& batch) {
  std::error_code ignored;
  const Bookmark place{std::filesystem::absolute(options_.input, ignored), source_.Place()};
  for (;;) {
    auto seq = publisher_->PublishBatch(batch, options_.input == "-" ? nullptr : &place);
    if (seq.ok()) return !hopeless_;
    if (seq.status().code() != StatusCode::kResourceExhausted) {
      fmt::print(stderr, "{}\n", seq.status().message());
      return false;
    }
    if (!WaitForAcks()) return false;
  }
}

bool PublishCommand::FlushAll() {
  while (publisher_->stats().waiting > 0) {
    if (!WaitForAcks()) return false;
  }
  return true;
}

// One interval of waiting. False when there is no more hope.
bool PublishCommand::WaitForAcks() {
  if (publisher_->Flush(kProgressInterval).ok()) return true;
  if (hopeless_) return false;
  const client::PublisherStats stats = publisher_->stats();
  without_ack_ = stats.acked_through == last_acked_ ? without_ack_ + kProgressInterval : Duration{};
  last_acked_ = stats.acked_through;
  if (connected_) {
    waiting_.Answered();
    fmt::print(stderr, "已确认 {},待确认 {} · acked {}, waiting {}\n", stats.acked_through,
               stats.waiting, stats.acked_through, stats.waiting);
  } else if (const std::string said = waiting_.Waited(kProgressInterval); !said.empty()) {
    fmt::print(stderr, "{}\n", said);
  }
  return without_ack_ < options_.patience;
}

int PublishCommand::Finish(bool all_acked) {
  const client::PublisherStats stats = publisher_->stats();
  const std::uint64_t rejected = stats.rejected + local_rejections_;
  if (cut_json_) {
    fmt::print(
        stderr,
        "每行一条载荷（NDJSON）：跨多行的 JSON 请先合成一行，例如 jq -c . FILE · one payload a "
        "line (NDJSON): put a JSON document that takes several lines on one, such as with "
        "jq -c . FILE\n");
  }
  if (!all_acked) {
    SayUnfinished(stats);
    return kFailed;
  }
  fmt::print(stderr, "已发送 {} 条,拒绝 {} 条 · {} sent, {} rejected\n", sent_, rejected, sent_,
             rejected);
  return rejected == 0 ? kTaken : kFailed;
}

void PublishCommand::SayUnfinished(const client::PublisherStats& stats) {
  if (refused_with_.empty()) {
    fmt::print(stderr,
               "未完成:{} 条留在发件箱,再次运行即可继续 · not finished: {} stay in the outbox, "
               "run the same command again to go on\n",
               stats.waiting, stats.waiting);
    return;
  }
  fmt::print(stderr, "{}\n", AdviceFor(refused_with_));
  // What may have reached the gateway must keep its outbox, or it would be sent a second time.
  if (outbox_is_new_ && stats.sent == 0 && stats.acked_through == 0) {
    publisher_.reset();
    RemoveOutbox(outbox_path_);
    fmt::print(stderr, "什么也没有发送，也没有留下 · nothing was sent, and nothing is kept\n");
    return;
  }
  fmt::print(
      stderr,
      "在此之前再次运行没有用：{} 条留在发件箱 {} · until then it is no use to run it again: {} "
      "stay in the outbox {}\n",
      stats.waiting, outbox_path_, stats.waiting, outbox_path_);
}

}  // namespace

void BindPublish(CLI::App* command, PublishOptions* options) {
  command->add_option("--feed", options->feed_id, "The feed, as in the gateway's configuration")
      ->required();
  command->add_option("--endpoint", options->endpoint, "The gateway's publishers' socket")
      ->capture_default_str();
  command->add_option("--key", options->key_file, "CURVE key file, made by keygen");
  command->add_option("--server-key", options->server_key, "The gateway's CURVE public key");
  command->add_option("--outbox", options->outbox_file,
                      "Outbox file; default: one for this feed and endpoint in your state folder");
  command->add_flag("--json", options->json, "Speak JSON to the gateway instead of protobuf");
  command->add_flag("--again", options->again,
                    "Send the file from its first line, whatever an earlier run has sent");
  command->add_option("file", options->input, "One payload a line (NDJSON); - is standard input")
      ->required();
}

int RunPublish(const PublishOptions& options) {
  client::PublisherOptions publisher;
  publisher.endpoint = options.endpoint;
  publisher.feed_id = options.feed_id;
  publisher.outbox_path =
      options.outbox_file.empty() ? DefaultOutbox(options) : options.outbox_file;
  publisher.client = "fusion-gateway publish";
  publisher.form = options.json ? client::MessageForm::kJson : client::MessageForm::kProtobuf;
  if (publisher.outbox_path.empty()) {
    fmt::print(stderr, "no HOME to keep the outbox in; say where with --outbox FILE\n");
    return kUsage;
  }
  auto keys = LoadClientKeys(options.key_file, options.server_key);
  if (!keys.ok()) {
    fmt::print(stderr, "{}\n", keys.status().message());
    return kUsage;
  }
  publisher.curve = *keys;
  auto source = SourceLines::Open(options.input);
  if (!source.ok()) {
    fmt::print(stderr, "{}\n", source.status().message());
    return kFailed;
  }
  return PublishCommand(options, std::move(*source)).Run(std::move(publisher));
}

}  // namespace fusiongateway
