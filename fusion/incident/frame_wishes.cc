#include "fusion/incident/frame_wishes.h"

namespace fusiongateway {

bool FrameWishes::Add(const FrameWanted& wish) {
  if (pending_.size() >= kWishesMax) {
    ++refused_count_;
    return false;
  }
  pending_.insert_or_assign(Key{wish.incident_id, wish.camera_id, wish.feed_id, wish.report_id},
                            wish);
  return true;
}

bool FrameWishes::Answer(const FrameFound& found) {
  return pending_.erase(Key{found.incident_id, found.camera_id, found.feed_id, found.report_id}) >
         0;
}

void FrameWishes::Forget(const std::string& incident_id) {
  auto wish = pending_.lower_bound(Key{incident_id, "", "", ""});
  while (wish != pending_.end() && std::get<0>(wish->first) == incident_id) {
    wish = pending_.erase(wish);
  }
}

std::vector<FrameWanted> FrameWishes::Pending() const {
  std::vector<FrameWanted> wishes;
  wishes.reserve(pending_.size());
  for (const auto& [key, wish] : pending_) wishes.push_back(wish);
  return wishes;
}

}  // namespace fusiongateway
