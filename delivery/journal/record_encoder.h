// From records to what is stored of them: reports as positions in the log, incidents as changes
// against their previous revision, settled incidents as the seq of their live record.
//
// The writer's alone; not thread-safe. What Encode learns is staged: Keep after the commit, Drop
// when it failed. Previous revisions are kept within a bound; an incident that fell out is stored
// whole at its next revision.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "delivery/journal/journal.h"
#include "fusiongateway/v1/journal.pb.h"

namespace fusiongateway {

// A chain of deltas is at most this long before a revision is stored whole.
inline constexpr std::uint32_t kDeltaChainMax = 16;

class RecordEncoder {
 public:
  explicit RecordEncoder(std::size_t bases_bytes_max) : bases_bytes_max_(bases_bytes_max) {}

  // `batch` is the batch that `record` is committed with.
  v1::StoredRecord Encode(StreamId stream, const StreamRecord& record, const JournalBatch& batch);
  void Keep();
  void Drop();

 private:
  struct Base {
    std::uint64_t live_seq = 0;  // of the record that carries it
    IncidentPtr incident;
    v1::Incident rest;        // on the wire, without its evidence
    std::uint32_t chain = 0;  // deltas between it and the last whole one
    std::size_t bytes = 0;
  };
  using Bases = std::list<std::pair<std::string, Base>>;

  const Base* FindBase(const std::string& incident_id) const;
  v1::IncidentDelta EncodeIncident(std::uint64_t live_seq, const IncidentPtr& incident);
  void EraseBase(const std::string& incident_id);

  const std::size_t bases_bytes_max_;
  Bases bases_;  // least recently revised first
  std::unordered_map<std::string, Bases::iterator> by_incident_;
  std::size_t bases_bytes_ = 0;
  std::unordered_map<std::string, Base> staged_;
};

// What of a record is stored beside its body, put back. The body is left for the caller.
void DecodeHeader(const v1::StoredRecord& stored, std::uint64_t seq, const Origin& origin,
                  v1::StreamRecord* to);

}  // namespace fusiongateway
