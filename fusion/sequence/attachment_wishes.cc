#include "fusion/sequence/attachment_wishes.h"

#include <algorithm>
#include <iterator>

namespace fusiongateway {

void AttachmentWishes::Configure(bool on) {
  on_ = on;
  if (!on) pending_.clear();
}

void AttachmentWishes::TakeReport(const Report& report, UtcTime at, KnownReport* known,
                                  std::vector<AttachmentWanted>* wanted) {
  if (!on_ || report.kind == ReportKind::kSensorReading) return;
  for (const Attachment& attachment : report.attachments) {
    const bool asked =
        std::any_of(known->attachments.begin(), known->attachments.end(),
                    [&](const auto& a) { return a.attachment.url == attachment.url; });
    if (attachment.url.empty() || asked || known->attachments.size() >= kOfReportMax) continue;
    if (pending_.size() >= kWishesMax) {
      ++refused_count_;
      continue;
    }
    known->attachments.push_back({attachment, ""});
    const AttachmentWanted wish{report.feed_id, report.report_id, attachment, report.restricted,
                                at};
    pending_.insert_or_assign(Key{report.feed_id, report.report_id, attachment.url}, wish);
    wanted->push_back(wish);
  }
}

bool AttachmentWishes::Answer(const AttachmentFetched& fetched) {
  return pending_.erase(Key{fetched.feed_id, fetched.report_id, fetched.fetched.attachment.url}) >
         0;
}

std::vector<AttachmentWanted> AttachmentWishes::Pending() const {
  std::vector<AttachmentWanted> wishes;
  wishes.reserve(pending_.size());
  for (const auto& [key, wish] : pending_) wishes.push_back(wish);
  return wishes;
}

std::vector<FetchedAttachment> AnsweredOf(const KnownReport& known) {
  std::vector<FetchedAttachment> answered;
  std::copy_if(known.attachments.begin(), known.attachments.end(), std::back_inserter(answered),
               [](const auto& a) { return a.attachment.digest.has_value() || !a.failure.empty(); });
  return answered;
}

}  // namespace fusiongateway
