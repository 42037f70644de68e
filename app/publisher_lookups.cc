#include "app/publisher_lookups.h"

#include <algorithm>
#include <utility>

namespace fusiongateway {
namespace {

constexpr std::size_t kDeadLettersPerRead = 1000;

}  // namespace

v1::Rejection ToRejection(const DeadLetter& letter) {
  v1::Rejection rejection;
  rejection.set_seq(letter.seq);
  rejection.set_code(letter.code);
  rejection.set_message(letter.message);
  rejection.set_field(letter.field);
  return rejection;
}

Result<OutboxState> LookUpOutbox(const Journal& journal, const std::string& feed_id,
                                 const std::string& outbox_id, std::uint64_t acked_through,
                                 std::size_t rejections_max) {
  auto through = journal.OutboxThrough(feed_id, outbox_id);
  if (!through.ok()) return through.status();
  OutboxState state{*through, {}};
  std::uint64_t after = acked_through;
  while (state.rejections.size() < rejections_max) {
    const std::size_t page =
        std::min(rejections_max - state.rejections.size(), kDeadLettersPerRead);
    const auto letters = journal.DeadLetters(feed_id, outbox_id, after, page);
    if (!letters.ok()) return letters.status();
    for (const DeadLetter& letter : *letters) state.rejections.push_back(ToRejection(letter));
    if (letters->size() < page) break;
    after = letters->back().seq;
  }
  return state;
}

Result<std::vector<v1::Disposition>> LookUpDispositions(const Journal& journal,
                                                        const std::string& feed_id,
                                                        std::uint64_t after_seq, std::size_t max) {
  const auto made = journal.Dispositions(feed_id, after_seq, max);
  if (!made.ok()) return made.status();
  std::vector<v1::Disposition> dispositions;
  for (const DispositionMade& from : *made) {
    v1::Disposition to;
    to.set_seq(from.seq);
    to.set_report_id(from.report_id);
    to.set_incident_id(from.incident_id);
    to.set_state(static_cast<v1::IncidentState>(from.state));
    to.set_note(from.note);
    dispositions.push_back(std::move(to));
  }
  return dispositions;
}

}  // namespace fusiongateway
