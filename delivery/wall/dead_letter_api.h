// The dead letters of a feed over HTTP: list, show, submit again, drop (docs/http-api.md).
//
// Thread-safe; may wait for a commit. A letter that its own source marked secret is listed without
// its text.
#pragma once

#include "delivery/wall/http_message.h"
#include "delivery/wall/wall_backend.h"

namespace fusiongateway {

// /api/v1/feeds/{feed_id}/dead-letters and what is below.
bool OwnsDeadLetters(const RequestTarget& target);

ApiResponse AnswerDeadLetters(WallBackend& backend, const ApiRequest& request);

// "OPEN", "TAKEN", "DROPPED".
std::string_view ToString(DeadLetter::State state);

// What of a letter is shown beside its reason.
struct LetterView {
  bool payload = false;
  // The text of one that is marked secret, too: for who may read the journal's file anyway.
  bool restricted_text = false;
};
// One JSON object.
std::string ToJson(const DeadLetter& letter, LetterView view);

}  // namespace fusiongateway
