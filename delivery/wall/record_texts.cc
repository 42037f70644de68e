#include "delivery/wall/record_texts.h"

#include "proto/codec/json_form.h"

namespace fusiongateway {

std::shared_ptr<const std::string> RecordTexts::Of(StreamId stream,
                                                   const v1::StreamRecord& record) {
  const Key key{stream, record.seq()};
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = texts_.find(key); known != texts_.end()) return known->second;
  }
  auto text = std::make_shared<const std::string>(ToJson(record));
  const std::lock_guard lock(mutex_);
  const auto [at, first] = texts_.try_emplace(key, text);
  if (!first) return at->second;
  oldest_first_.push_back(key);
  bytes_ += text->size();
  while (bytes_ > bytes_max_) {
    const auto oldest = texts_.find(oldest_first_.front());
    oldest_first_.pop_front();
    bytes_ -= oldest->second->size();
    texts_.erase(oldest);
  }
  return text;
}

}  // namespace fusiongateway
