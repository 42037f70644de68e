#include "app/commands/feed.h"

#include <sys/stat.h>

#include <cstdio>

#include "pipeline/feeds/plugin_process.h"

namespace fusiongateway {

int RunFeed(pid_t gateway) {
  struct stat end {};
  if (fstat(ChildProcess::kChildFd, &end) != 0 || !S_ISSOCK(end.st_mode)) {
    std::fprintf(stderr,
                 "feed: the gateway starts this by itself; set isolated: true for the feed in its "
                 "configuration\n");
    return 2;
  }
  return ServePlugin(gateway);
}

}  // namespace fusiongateway
