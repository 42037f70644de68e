// A publishing program: the client library's own conversation on its own outbox (a file), over the
// simulated network. It can be killed between any two events and wherever it calls out; its outbox
// stays, unless it is wiped. It may repeat some of what it publishes, late, and send more than
// its credit.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "clients/cpp/outbox.h"
#include "clients/cpp/publisher_conversation.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace fusiongateway::sim {

class PublisherNode final : public Network::Client, public client::PublisherLink {
 public:
  PublisherNode(World* world, Network* network, Ledger* ledger, std::string name,
                std::string feed_id, std::string outbox_path);

  void Start();
  void Kill();
  // Ends in good order.
  void Stop();
  void WipeOutbox();  // while it does not run
  void Publish(std::size_t count);
  // How often it repeats a message that it published; 0 = never.
  void set_repeat_chance(double chance) { repeat_chance_ = chance; }

  // It takes itself for given more credit than it is told.
  void set_greedy(bool greedy) { greedy_ = greedy; }

  const std::string& name() const { return name_; }
  bool running() const { return conversation_ != nullptr; }
  bool fenced() const { return fenced_; }
  std::size_t waiting_count() const { return waiting_.size(); }
  bool has_session() const { return running() && conversation_->stats().connected; }
  bool was_used() const { return used_; }
  // When it last ran.
  Duration last_ran() const { return running() ? world_->now() : last_ran_; }
  // Called when it is fenced.
  void set_on_fenced(std::function<void()> on_fenced) { on_fenced_ = std::move(on_fenced); }
  Duration started() const { return started_; }
  // Its outbox has another id than before since then; none: it has its first.
  std::optional<Duration> renamed() const { return renamed_; }

 private:
  // Network::Client
  void Receive(std::uint64_t connection, const std::string& bytes) override;
  void Lost(std::uint64_t connection) override;
  // PublisherLink
  Status Connect() override;
  Status Send(std::string_view bytes) override;
  void Close(Duration linger) override;

  std::string WithMoreCredit(const std::string& bytes) const;
  client::PublisherEvents Events();
  void OnNotice(const client::PublisherNotice& notice);
  // Runs a part of the program, which may be killed in it; then whatever is due.
  void Run(const std::function<void()>& part);
  void DoWhatIsDue();
  // Follows what the outbox says was acked or renumbered.
  void FollowOutbox();
  void NameOutbox();
  void End();
  void Note(const std::string& text) { world_->Note(name_ + ": " + text); }

  World* const world_;
  Network* const network_;
  Ledger* const ledger_;
  const std::string name_;
  const std::string outbox_path_;
  client::PublisherOptions options_;
  client::PublisherEvents events_;
  std::function<void()> on_fenced_;
  double repeat_chance_ = 0;
  bool greedy_ = false;

  // The process.
  std::unique_ptr<client::Outbox> outbox_;
  std::unique_ptr<client::PublisherConversation> conversation_;
  std::uint64_t connection_ = 0;
  std::uint64_t turn_ = 0;
  bool fenced_ = false;
  bool used_ = false;
  Duration started_{};
  Duration last_ran_{};

  // What its outbox holds, as the ledger knows it. An outbox's id is random, so that the gateway
  // and the ledger are told a name of the run's own for it.
  std::deque<std::size_t> waiting_;
  std::string outbox_id_;
  std::string outbox_name_;
  int outbox_count_ = 0;
  std::optional<Duration> renamed_;
  std::uint64_t acked_through_ = 0;
};

}  // namespace fusiongateway::sim
