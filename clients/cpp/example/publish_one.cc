// publish-one ENDPOINT FEED OUTBOX PAYLOAD: brings one payload to a gateway and waits until it is
// on its disk. 0: it is. 1: it was rejected, or the gateway did not answer. 2: bad usage.
#include <atomic>
#include <chrono>
#include <iostream>

#include "clients/cpp/publisher.h"

namespace client = fusiongateway::client;

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: publish-one ENDPOINT FEED OUTBOX PAYLOAD\n";
    return 2;
  }
  client::PublisherOptions options;
  options.endpoint = argv[1];
  options.feed_id = argv[2];
  options.outbox_path = argv[3];
  options.client = "publish-one/1";

  std::atomic<bool> rejected{false};
  client::PublisherEvents events;
  events.on_rejection = [&](const client::RejectedPayload& payload) {
    rejected = true;
    std::cerr << "rejected: " << payload.code << " " << payload.message << "\n";
  };
  events.on_notice = [](const client::PublisherNotice& notice) {
    std::cerr << notice.code << " " << notice.message << "\n";
  };

  auto publisher = client::Publisher::Open(options, events);
  if (!publisher.ok()) {
    std::cerr << publisher.status().message() << "\n";
    return 1;
  }
  const auto seq = (*publisher)->Publish(argv[4]);
  if (!seq.ok()) {
    std::cerr << seq.status().message() << "\n";
    return 1;
  }
  const fusiongateway::Status acked = (*publisher)->Flush(std::chrono::seconds(20));
  (*publisher)->Close();
  if (!acked.ok()) std::cerr << acked.message() << "\n";
  if (!acked.ok() || rejected) return 1;
  std::cout << "on disk: seq " << *seq << "\n";
  return 0;
}
