// fusion-gateway doctor --feed ID [--config CONFIG] [--plugin NAME] [--at TIME] [--json] FILE|-
//
// Says what a gateway would make of sample payloads, field by field, through the very decoder that
// the gateway uses (MakeDecoders); no gateway need run, nothing is sent or kept. What is shown is
// masked.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace fusiongateway {

struct DoctorOptions {
  std::string feed_id;
  // Empty: a feed with every default, without sites.
  std::string config;
  // Without a configuration: the plugin; empty = of the feed's own name.
  std::string plugin;
  // When the samples arrived, RFC 3339; empty = now.
  std::string at;
  bool json = false;
  // One payload a line, one JSON document, or an array of payloads; "-" is standard input.
  std::string input = "-";
};

void BindDoctor(CLI::App* command, DoctorOptions* options);

// 0: all would be taken. 1: some would be refused. 2: bad usage, configuration or input.
int RunDoctor(const DoctorOptions& options);

}  // namespace fusiongateway
