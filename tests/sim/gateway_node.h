// The gateway between its publishers' socket and its disk: the real protocol, decoders, fusion loop
// and journal (a file), in turns of the simulated world instead of on threads. It can be killed
// between any two turns, wherever one part calls another, and while it recovers; what it had told
// itself or others and not committed is gone.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/fusion_loop.h"
#include "delivery/journal/journal.h"
#include "fusion/model/engine_config.h"
#include "pipeline/feeds/ingress_sink.h"
#include "pipeline/feeds/publisher_protocol.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace fusiongateway::sim {

struct GatewayNodeOptions {
  std::string store;   // the journal's file
  std::string backup;  // where a backup goes
  std::vector<std::string> feeds;
  // The longest from one commit to the next.
  Duration commit_interval_max{};
};

class GatewayNode final : public IngressSink, public Network::Server {
 public:
  GatewayNode(World* world, Network* network, Ledger* ledger, GatewayNodeOptions options);
  ~GatewayNode() override;

  void Start();
  void Kill();
  bool running() const { return journal_ != nullptr; }
  const Journal& journal() const { return *journal_; }

  // Once, while it runs.
  void Backup();
  bool has_backup() const { return has_backup_; }
  // Kills it and puts the backup in the journal's place.
  void RestoreBackup();
  // An operator accepts or closes some incident.
  void Act();

 private:
  // Network::Server
  void Receive(const std::string& peer, const std::string& bytes) override;
  // IngressSink
  bool Reserve(std::size_t payloads) override { return loop_->Reserve(payloads); }
  void Take(IngressBatch&& batch) override;
  void FeedChanged(const FeedStatus& status) override { loop_->Post(status); }
  void DispositionsAcked(const std::string& feed_id, std::uint64_t through_seq) override;
  std::string journal_id() const override { return journal_->journal_id(); }
  Result<OutboxState> LookUpOutbox(const std::string& feed_id, const std::string& outbox_id,
                                   std::uint64_t acked_through,
                                   std::size_t rejections_max) override;
  Result<std::vector<v1::Disposition>> Dispositions(const std::string& feed_id,
                                                    std::uint64_t after_seq,
                                                    std::size_t max) override;
  Result<std::uint64_t> DispositionsAckedThrough(const std::string& feed_id) override;

  bool Open();
  FusionLoopCallbacks Callbacks();
  void Run(const std::function<void()>& part);
  void IngressSoon();
  void IngressNowAndThen();
  void IngressTurn();
  void FusionSoon();
  void Send(std::vector<OutgoingMessage>* messages);
  void CheckDisposition(const std::string& bytes);
  void Note(const std::string& text) { world_->Note("gateway: " + text); }

  World* const world_;
  Network* const network_;
  Ledger* const ledger_;
  const GatewayNodeOptions options_;
  EngineConfig config_;
  bool has_backup_ = false;
  int lives_ = 0;

  // The process.
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<FusionLoop> loop_;
  std::unique_ptr<PublisherProtocol> protocol_;
  std::deque<std::pair<std::string, std::string>> arrived_;  // peer, bytes
  std::vector<CommittedThrough> committed_;
  std::vector<std::string> dispositions_of_;
  std::vector<std::string> incidents_;
  std::map<std::string, std::uint64_t> dispositions_acked_;  // by feed, at its last hello
  bool ingress_due_ = false;
};

}  // namespace fusiongateway::sim
