// The composition root: makes every part from the configuration, joins them, and takes them apart
// in order. Tests run it in-process.
//
// Create checks and opens what can fail for good (journal, plugins, cameras, keys); Start recovers,
// binds and runs. Stop ends everything and may be called twice. fatal() is set when the gateway
// cannot go on; the program then exits and a restart recovers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "app/config.h"
#include "fusion/base/status.h"
#include "fusion/base/time.h"

namespace fusiongateway {

// Where the program's own files are: plugins, tables, page, worker.
struct ProgramFiles {
  std::string plugin_dir;
  std::string tables_dir;
  std::string web_root;
  std::string worker;
  std::string program;  // fusion-gateway: runs isolated plugins
  // Beside the running program, in a build tree or an installation.
  static ProgramFiles BesideProgram();
};

struct GatewayEndpoints {
  std::string publishers;
  std::string consumers;
  std::string broadcast;
  std::string wall;  // URL
};

// The decoder of every feed: plugins loaded, in their own processes where they are isolated, tables
// read. `clock` outlives them.
Result<PublisherProtocol::Decoders> MakeDecoders(const Config& config, const ProgramFiles& files,
                                                 const Clock& clock);

class Gateway {
 public:
  static Result<std::unique_ptr<Gateway>> Create(Config config, ProgramFiles files,
                                                 const Clock* clock);
  ~Gateway();

  Status Start();
  void Stop();

  GatewayEndpoints endpoints() const;
  // OK while running; the reason once it cannot go on.
  Status fatal() const;
  // Once a second or so, from the program's own loop: host clock.
  void Housekeep();
  // Reads the code tables again. Taken whole or not at all: what is wrong is said and the old ones
  // stay. Returns at once; `done` is called on another thread. While one waits to begin, another
  // adds nothing and is not told. Between Start and Stop.
  void ReloadTables(std::function<void(const Status&)> done);

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusiongateway
