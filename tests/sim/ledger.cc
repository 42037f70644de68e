#include "tests/sim/ledger.h"

#include <algorithm>

#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway::sim {
namespace {

// Every so manieth payload is refused by its plugin.
constexpr std::uint64_t kRefusedEvery = 7;
constexpr std::size_t kRecordsPerRead = 1000;
constexpr std::size_t kDeadLettersMax = 100'000;

}  // namespace

std::string Ledger::ReportId(const Payload& payload) {
  return payload.publisher + "-" + std::to_string(payload.number);
}

std::size_t Ledger::Make(const std::string& publisher) {
  Payload payload;
  payload.publisher = publisher;
  payload.number = ++made_[publisher];
  payload.refusable = payload.number % kRefusedEvery == 0;
  payloads_.push_back(std::move(payload));
  return payloads_.size() - 1;
}

std::string Ledger::Bytes(std::size_t index) const {
  const Payload& payload = payloads_[index];
  if (payload.refusable) return R"({"eventId":7})";
  // Few tell of something that opens an incident; some of those meet at one place.
  const bool smells = payload.number % 4 == 1;
  const double lat = 31 + static_cast<double>(payload.number / 12 % 40) * 0.1;
  return R"({"eventId":")" + ReportId(payload) +
         R"(","reportTime":"20261123100000","occurTime":"20261123100000","category":")" +
         (smells ? R"(气味","description":"刺鼻")" : R"(环境","description":"巡查")") +
         R"(,"lon":114.3,"lat":)" + std::to_string(lat) + R"(,"crs":"WGS84","state":"reported"})";
}

void Ledger::Given(const std::string& outbox_id, std::uint64_t seq, std::size_t index) {
  given_[outbox_id][seq] = index;
}

void Ledger::OutboxWiped(const std::string& outbox_id) {
  outboxes_wiped_.insert(outbox_id);
  Renounce(outbox_id);
}

void Ledger::Renounce(const std::string& outbox_id) {
  const auto after = restored_through_.find(outbox_id);
  if (after == restored_through_.end()) return;
  for (const auto& [seq, index] : given_[outbox_id]) {
    if (seq > after->second) payloads_[index].renounced = true;
  }
}

void Ledger::Rejected(const client::RejectedPayload& rejected) {
  if (rejected.label.empty()) {
    return fail_("a rejection of seq " + std::to_string(rejected.seq) +
                 ", which the outbox does not hold: " + rejected.code);
  }
  Payload& payload = payloads_[std::stoull(rejected.label)];
  ++payload.rejections;
  if (!payload.refusable) {
    fail_(ReportId(payload) + " was rejected: " + rejected.code + " " + rejected.message);
  }
}

void Ledger::TakenAsLost(const std::string& outbox_id, std::uint64_t from, std::uint64_t through) {
  if (!restored_) {
    fail_("seq " + std::to_string(from) + " to " + std::to_string(through) +
          " are told lost, and no backup was restored");
  }
  for (std::uint64_t seq = from; seq <= through; ++seq) {
    payloads_[given_[outbox_id].at(seq)].renounced = true;
  }
}

void Ledger::DispositionHeard(const std::string& feed_id, const std::string& journal_id,
                              std::uint64_t seq) {
  dispositions_[{feed_id, journal_id}].insert(seq);
}

// Of an outbox that is no more, or goes before its publisher hears of it, nobody can be told.
void Ledger::Restored(const Journal& journal) {
  restored_ = true;
  for (const auto& [outbox_id, seqs] : given_) {
    const std::string& publisher = payloads_[seqs.begin()->second].publisher;
    const auto through = journal.OutboxThrough(FeedOf(publisher), outbox_id);
    if (!through.ok()) return fail_("restored journal: " + through.status().message());
    restored_through_[outbox_id] = *through;
    if (outboxes_wiped_.contains(outbox_id)) Renounce(outbox_id);
  }
}

void Ledger::Judge(const Journal& journal, const std::set<std::string>& feeds) {
  const auto found = ReadJournal(journal);
  for (const Payload& payload : payloads_) {
    if (payload.refusable) continue;
    const auto own = found.find(ReportId(payload));
    JudgePayload(payload, own == found.end() ? Found{} : own->second);
  }
  JudgeOrder(found);
  JudgeRejections(journal, feeds);
}

std::map<std::string, Ledger::Found> Ledger::ReadJournal(const Journal& journal) {
  std::map<std::string, Found> found;
  const Status read = journal.ReadLog(1, [&](const LogEntry& entry) {
    if (const auto* report = std::get_if<ReportPtr>(&entry.body)) {
      found[(*report)->report_id].positions.push_back(entry.position);
    }
    return true;
  });
  if (!read.ok()) fail_("the log: " + read.message());
  ReadStream(journal, StreamId::kLive, &found);
  ReadStream(journal, StreamId::kSettled, &found);
  return found;
}

void Ledger::ReadStream(const Journal& journal, StreamId stream,
                        std::map<std::string, Found>* found) {
  std::uint64_t last = 0;
  for (;;) {
    const auto records = journal.ReadRecords(stream, last, kRecordsPerRead);
    if (!records.ok()) return fail_("a stream: " + records.status().message());
    if (records->empty()) break;
    for (const auto& record : *records) {
      if (record->seq() != ++last) return fail_("a stream has a gap or a repeat");
      if (!record->has_report()) continue;
      Found& own = (*found)[record->report().report_id()];
      ++(stream == StreamId::kLive ? own.live : own.settled);
    }
  }
  if (last != journal.range(stream).newest) fail_("a stream ends before its newest record");
}

void Ledger::JudgePayload(const Payload& payload, const Found& found) {
  const std::string what = ReportId(payload) + " is " + std::to_string(found.live) +
                           " times on the live stream, " + std::to_string(found.settled) +
                           " times on the settled one and " +
                           std::to_string(found.positions.size()) + " times in the log" +
                           (payload.acked ? ", and was acked" : "");
  const bool needed = payload.acked && !payload.renounced;
  if (needed && found.live == 0) fail_("lost: " + what);
  if (found.live > 1 || found.settled > 1) fail_("doubled: " + what);
  if (found.live != found.settled) fail_("not settled: " + what);
  // Under a new outbox id the gateway cannot know it by its seq, only by its report id.
  if (static_cast<int>(found.positions.size()) > 1 + payload.renewals) {
    fail_("taken again: " + what);
  }
  if (!payload.acked && !payload.wiped) fail_("stuck: " + what);
}

void Ledger::JudgeOrder(const std::map<std::string, Found>& found) {
  std::map<std::string, std::uint64_t> last;  // position, by publisher
  for (const Payload& payload : payloads_) {
    const auto own = found.find(ReportId(payload));
    if (own == found.end()) continue;
    const std::uint64_t position = own->second.positions.front();
    if (position < last[payload.publisher]) {
      fail_("out of order: " + ReportId(payload));
    }
    last[payload.publisher] = position;
  }
}

void Ledger::JudgeRejections(const Journal& journal, const std::set<std::string>& feeds) {
  for (const Payload& payload : payloads_) {
    if (payload.refusable && payload.acked && !payload.renounced && payload.rejections == 0) {
      fail_(ReportId(payload) + " was rejected and its publisher never told");
    }
  }
  for (const auto& [outbox_id, seqs] : given_) {
    for (const std::string& feed_id : feeds) {
      const auto letters = journal.DeadLetters(feed_id, outbox_id, 0, kDeadLettersMax);
      if (!letters.ok()) return fail_("dead letters: " + letters.status().message());
      for (const DeadLetter& letter : *letters) {
        const auto payload = seqs.find(letter.seq);
        if (payload == seqs.end() || !payloads_[payload->second].refusable) {
          fail_("a dead letter of " + feed_id + " that nobody should have rejected, seq " +
                std::to_string(letter.seq));
        }
      }
    }
  }
}

// With a backup restored, what was heard before counts for another journal.
void Ledger::JudgeDispositions(const Journal& journal, const std::set<std::string>& feeds) {
  for (const std::string& feed_id : feeds) {
    const auto made = journal.Dispositions(feed_id, 0, kDeadLettersMax);
    const auto acked = journal.DispositionsAckedThrough(feed_id);
    if (!made.ok() || !acked.ok()) return fail_("dispositions cannot be read");
    for (std::size_t i = 0; i < made->size(); ++i) {
      const std::uint64_t seq = (*made)[i].seq;
      if (seq != i + 1) fail_("dispositions of " + feed_id + " have a gap");
      if (restored_ || dispositions_[{feed_id, journal.journal_id()}].contains(seq)) continue;
      fail_("disposition " + std::to_string(seq) + " of " + feed_id + " was never told");
    }
    if (*acked != made->size()) fail_("dispositions of " + feed_id + " are left unacked");
  }
}

}  // namespace fusiongateway::sim
