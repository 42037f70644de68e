// fusion-gateway publish --feed ID [--endpoint E] [--key FILE] [--outbox FILE] FILE|-
//
// Publishes a file's lines, one payload a line, and ends when each is on the gateway's disk or
// rejected. A run that was interrupted, or repeated on a file that has grown, goes on after the
// last line taken: nothing is sent twice. A refusal that waiting does not mend ends it and says
// what to do; an outbox that was made for such a run is removed again.
#pragma once

#include <string>

#include "fusion/base/time.h"

namespace CLI {
class App;
}

namespace fusiongateway {

struct PublishOptions {
  std::string feed_id;
  std::string endpoint = "tcp://127.0.0.1:5701";
  // A file made by keygen; the gateway's public key stands in it as `server_key: …`, or in
  // server_key.
  std::string key_file;
  std::string server_key;
  // Empty: one for this feed and endpoint in the user's state folder.
  std::string outbox_file;
  // Speak JSON instead of protobuf.
  bool json = false;
  // Send the file from its first line, whatever an earlier run has sent.
  bool again = false;
  // "-" is standard input.
  std::string input = "-";
  // Without any ack for so long the command gives up; what was not acked stays in the outbox.
  Duration patience = std::chrono::seconds(30);
};

void BindPublish(CLI::App* command, PublishOptions* options);

// 0: all taken. 1: some were rejected, or the gateway did not take them in time. 2: bad usage.
// Rejections go to standard error as FILE:LINE: CODE message (field).
int RunPublish(const PublishOptions& options);

}  // namespace fusiongateway
