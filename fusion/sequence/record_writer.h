// The one place that numbers what the engine puts out: records of both streams and dispositions,
// from 1 and gapless, going on over a journal that was opened again. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fusion/model/engine_output.h"

namespace fusiongateway {

class RecordWriter {
 public:
  // Records from here on originate from this journal.
  void OpenJournal(std::string gateway_id, std::string journal_id);
  // Everything until the next call goes to `out`, made at `at`.
  void Begin(EngineOutput* out, UtcTime at);

  // `record` comes with everything but seq, origin and at. Returns its seq.
  std::uint64_t Live(StreamRecord record);
  std::uint64_t Settled(StreamRecord record);
  void Disposition(const std::string& feed_id, const std::string& report_id,
                   const Incident& incident, const std::string& note);
  EngineOutput& out() { return *out_; }

  UtcTime at() const { return at_; }
  const std::string& gateway_id() const { return gateway_id_; }
  std::uint64_t last_seq(StreamId stream) const {
    return stream == StreamId::kLive ? live_seq_ : settled_seq_;
  }

 private:
  void Complete(StreamRecord* record, std::uint64_t seq) const;

  std::string gateway_id_;
  std::string journal_id_;
  EngineOutput* out_ = nullptr;
  UtcTime at_{};
  std::uint64_t live_seq_ = 0;
  std::uint64_t settled_seq_ = 0;
  std::map<std::string, std::uint64_t> disposition_seqs_;  // by feed
};

}  // namespace fusiongateway
