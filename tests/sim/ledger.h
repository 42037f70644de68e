// What every publisher was promised: each payload from its way into an outbox to its ack, and what
// the publishers were told. Judges a run when it has come to rest, by what the gateway's journal
// then holds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/publisher.h"
#include "delivery/journal/journal.h"

namespace fusiongateway::sim {

class Ledger {
 public:
  struct Payload {
    std::string publisher;
    std::uint64_t number = 0;  // of the publisher, from 1
    bool refusable = false;    // its plugin refuses it
    bool acked = false;        // gone from the outbox
    bool wiped = false;        // gone with the outbox, unacked
    bool renounced = false;    // told lost, or nobody is left to be told
    int renewals = 0;          // how often it was given to another outbox id
    int rejections = 0;        // how often its publisher was told
  };

  // `fail` is told what must not be.
  explicit Ledger(std::function<void(const std::string&)> fail) : fail_(std::move(fail)) {}

  // Of a publisher's name, or of one of its reports.
  static std::string FeedOf(const std::string& name) { return name.substr(0, name.find('/')); }

  // The next payload of a publisher: what is published, and its label.
  std::size_t Make(const std::string& publisher);
  std::string Bytes(std::size_t index) const;
  Payload& payload(std::size_t index) { return payloads_[index]; }

  void Given(const std::string& outbox_id, std::uint64_t seq, std::size_t index);
  void OutboxWiped(const std::string& outbox_id);
  void Rejected(const client::RejectedPayload& rejected);
  void TakenAsLost(const std::string& outbox_id, std::uint64_t from, std::uint64_t through);
  void DispositionHeard(const std::string& feed_id, const std::string& journal_id,
                        std::uint64_t seq);
  // From now on the journal is an older one; what it lacks is told, not kept.
  void Restored(const Journal& journal);

  bool restored() const { return restored_; }
  std::size_t payload_count() const { return payloads_.size(); }
  // Judges what is on disk of the payloads.
  void Judge(const Journal& journal, const std::set<std::string>& feeds);
  // Judges whether all dispositions were told and acked.
  void JudgeDispositions(const Journal& journal, const std::set<std::string>& feeds);

 private:
  struct Found {
    std::vector<std::uint64_t> positions;  // in the log
    int live = 0;
    int settled = 0;
  };
  void Renounce(const std::string& outbox_id);
  std::map<std::string, Found> ReadJournal(const Journal& journal);
  void ReadStream(const Journal& journal, StreamId stream, std::map<std::string, Found>* found);
  void JudgePayload(const Payload& payload, const Found& found);
  void JudgeOrder(const std::map<std::string, Found>& found);
  void JudgeRejections(const Journal& journal, const std::set<std::string>& feeds);
  static std::string ReportId(const Payload& payload);

  const std::function<void(const std::string&)> fail_;
  bool restored_ = false;
  std::vector<Payload> payloads_;
  std::map<std::string, std::uint64_t> made_;  // by publisher
  // outbox id -> seq -> payload
  std::map<std::string, std::map<std::uint64_t, std::size_t>> given_;
  std::set<std::string> outboxes_wiped_;
  // By outbox id: what the restored backup held of it.
  std::map<std::string, std::uint64_t> restored_through_;
  // feed and journal id -> seqs
  std::map<std::pair<std::string, std::string>, std::set<std::uint64_t>> dispositions_;
};

}  // namespace fusiongateway::sim
