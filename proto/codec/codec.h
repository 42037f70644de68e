// The only crossing between the domain's types (fusion/model) and the wire's (fusiongateway.v1).
//
// ToWire never fails. FromWire trusts the gateway's own bytes (journal, stream); what a peer sends
// is checked by the normaliser afterwards. Functions are pure and may be called from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fusion/base/status.h"
#include "fusion/model/stream_record.h"
#include "fusiongateway/v1/journal.pb.h"
#include "fusiongateway/v1/stream.pb.h"

namespace fusiongateway {

// The wire carries the first 16 and the latest 48 evidences; the rest is paged over HTTP.
inline constexpr std::size_t kWireEvidenceFirst = 16;
inline constexpr std::size_t kWireEvidenceMax = 64;

void ToWire(UtcTime from, google::protobuf::Timestamp* to);
void ToWire(Duration from, google::protobuf::Duration* to);
void ToWire(const Stamp& from, v1::Stamp* to);
void ToWire(const Position& from, v1::Position* to);
void ToWire(const Report& from, v1::Report* to);
void ToWire(const Evidence& from, v1::Evidence* to);
void ToWire(const Incident& from, v1::Incident* to);
// The same but for its evidence, and the evidence that the wire carries, in order.
void ToWireWithoutEvidence(const Incident& from, v1::Incident* to);
std::vector<const Evidence*> EvidenceOnWire(const Incident& from);
void ToWire(const CameraStatus& from, v1::CameraStatus* to);
void ToWire(const FeedStatus& from, v1::FeedStatus* to);
void ToWire(const OperatorAction& from, v1::OperatorAction* to);
void ToWire(const StreamRecord& from, v1::StreamRecord* to);
void ToWire(const EngineConfig& from, v1::EngineConfig* to);
void ToWire(const LogEntry& from, v1::LogEntry* to);

// Out-of-range instants are held at the ends of UtcTime's range.
UtcTime FromWire(const google::protobuf::Timestamp& from);
Duration FromWire(const google::protobuf::Duration& from);
Stamp FromWire(const v1::Stamp& from);
Position FromWire(const v1::Position& from);
Report FromWire(const v1::Report& from);
Incident FromWire(const v1::Incident& from);
CameraStatus FromWire(const v1::CameraStatus& from);
FeedStatus FromWire(const v1::FeedStatus& from);
OperatorAction FromWire(const v1::OperatorAction& from);
EngineConfig FromWire(const v1::EngineConfig& from);
// The entry's position is not on the wire; it follows from the segment.
Result<LogEntry> FromWire(const v1::LogEntry& from, std::uint64_t position);

// The name of the body's field on the wire: "report", "incident", …; "" for none.
std::string_view BodyName(const v1::StreamRecord& record);

}  // namespace fusiongateway
