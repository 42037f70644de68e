#include "tests/e2e/faults/stream_reader.h"

#include <gtest/gtest.h>

#include <utility>

#include "fusiongateway/v1/consumer.pb.h"

namespace fusiongateway::testing {
namespace {

using client::StreamEvent;

client::ConsumerOptions At(const std::string& endpoint) {
  client::ConsumerOptions options;
  options.endpoint = endpoint;
  return options;
}

}  // namespace

StreamReader::StreamReader(client::ConsumerOptions options) : last_seq_(options.after_seq) {
  options.retry_max = std::chrono::seconds{1};
  auto consumer = client::StreamConsumer::Open(std::move(options));
  EXPECT_TRUE(consumer.ok()) << consumer.status().message();
  consumer_ = std::move(*consumer);
}

StreamReader::StreamReader(const std::string& endpoint) : StreamReader(At(endpoint)) {}

bool StreamReader::ReadUntil(const std::function<bool()>& done, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    Take(consumer_->Next(std::chrono::milliseconds{50}));
  }
  return true;
}

bool StreamReader::ReadUntilReport(const std::string& report_id,
                                   std::chrono::milliseconds timeout) {
  return ReadUntil([&] { return FindReport(report_id) != nullptr; }, timeout);
}

bool StreamReader::ReadUntilEvent(StreamEvent::Kind kind, std::chrono::milliseconds timeout) {
  return ReadUntil([&] { return FindEvent(kind) != nullptr; }, timeout);
}

void StreamReader::Restart() {
  records_.clear();
  events_.clear();
  last_seq_ = 0;
  consumer_->Restart(0);
}

void StreamReader::Take(const StreamEvent& event) {
  if (event.kind == StreamEvent::Kind::kTimeout) return;
  if (event.kind != StreamEvent::Kind::kRecords) {
    events_.push_back(event);
    return;
  }
  for (const v1::StreamRecord& record : event.records->records()) {
    if (record.seq() != last_seq_ + 1) {
      broken_ +=
          "seq " + std::to_string(record.seq()) + " after " + std::to_string(last_seq_) + "; ";
    }
    last_seq_ = record.seq();
    records_.push_back(record);
  }
}

int StreamReader::CountReports(const std::string& report_id) const {
  int count = 0;
  for (const auto& record : records_) count += record.report().report_id() == report_id ? 1 : 0;
  return count;
}

const v1::Report* StreamReader::FindReport(const std::string& report_id) const {
  for (const auto& record : records_) {
    if (record.has_report() && record.report().report_id() == report_id) return &record.report();
  }
  return nullptr;
}

const StreamEvent* StreamReader::FindEvent(StreamEvent::Kind kind) const {
  for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
    if (event->kind == kind) return &*event;
  }
  return nullptr;
}

}  // namespace fusiongateway::testing
