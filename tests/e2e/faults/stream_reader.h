// StreamReader: a consumer of one stream that keeps all it was given and notes what must not be:
// a gap or a repeat.
//
// Used by one thread. Reconnects by itself, as the client library does.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/stream_consumer.h"
#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway::testing {

class StreamReader {
 public:
  // `options.endpoint` must be set.
  explicit StreamReader(client::ConsumerOptions options);
  explicit StreamReader(const std::string& endpoint);

  // Reads until `done` holds; false after `timeout`.
  bool ReadUntil(const std::function<bool()>& done,
                 std::chrono::milliseconds timeout = std::chrono::seconds{10});
  // Reads until a report with this id is there.
  bool ReadUntilReport(const std::string& report_id,
                       std::chrono::milliseconds timeout = std::chrono::seconds{10});
  // Reads until an event of this kind came (since the last call of Restart).
  bool ReadUntilEvent(client::StreamEvent::Kind kind,
                      std::chrono::milliseconds timeout = std::chrono::seconds{10});
  // From the start of whatever journal there is now; forgets what was read.
  void Restart();

  int CountReports(const std::string& report_id) const;
  // Null if it is not there.
  const v1::Report* FindReport(const std::string& report_id) const;
  const std::vector<v1::StreamRecord>& records() const { return records_; }
  // The newest event of this kind; null if there was none.
  const client::StreamEvent* FindEvent(client::StreamEvent::Kind kind) const;
  // Empty, or what broke "every record once, in order".
  const std::string& broken() const { return broken_; }
  std::uint64_t through_seq() const { return consumer_->through_seq(); }
  std::string journal_id() const { return consumer_->journal_id(); }

 private:
  void Take(const client::StreamEvent& event);

  std::unique_ptr<client::StreamConsumer> consumer_;
  std::vector<v1::StreamRecord> records_;
  std::vector<client::StreamEvent> events_;  // all but time-outs and records
  std::uint64_t last_seq_ = 0;
  std::string broken_;
};

}  // namespace fusiongateway::testing
