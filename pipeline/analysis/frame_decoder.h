// The decoding itself. Runs in the worker process only: a test holds that no library of the gateway
// links it.
#pragma once

#include "fusion/base/status.h"
#include "pipeline/analysis/coded_video.h"
#include "pipeline/analysis/decode_worker.h"

namespace fusiongateway {

// Once, before the first DecodeLast: starts GStreamer and loads the decoders.
Status PrepareDecoders();

// The last frame of `sequence` (and no other one) as a JPEG. kDataLoss: it does not come out of the
// decoder, with the reason.
Result<DecodedPicture> DecodeLast(const CodedSequence& sequence);

}  // namespace fusiongateway
