// Small conforming gateways for the client library's tests: the publishers' and the consumers'
// ROUTER of publisher.proto and consumer.proto over real sockets, with their stores in memory and
// knobs for what a real gateway does only on bad days. One thread serves; the public fields are
// guarded by mutex() once it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "fusiongateway/v1/consumer.pb.h"
#include "fusiongateway/v1/publisher.pb.h"
#include "proto/codec/json_form.h"

namespace fusiongateway::client {

class PeerRouter {
 public:
  // `server_secret`, if any, makes it a CURVE server.
  explicit PeerRouter(std::string server_secret) : server_secret_(std::move(server_secret)) {}
  virtual ~PeerRouter() = default;

  std::string endpoint() const { return endpoint_; }
  // Serves on a port of its own; again after Stop: on the same port, with connections forgotten and
  // the store kept.
  void Start();
  void Stop();

  std::mutex& mutex() { return mutex_; }
  // Waits until `condition` (called under mutex) holds; false after `timeout`.
  bool WaitFor(const std::function<bool()>& condition,
               std::chrono::milliseconds timeout = std::chrono::seconds(10));

 protected:
  virtual void OnFrame(const std::string& identity, const std::string& bytes) = 0;
  virtual void OnTick() {}
  virtual void OnStart() = 0;
  void Reply(const std::string& identity, const google::protobuf::Message& m, WireForm form);

 private:
  void Serve();

  zmq::context_t context_{1};
  std::unique_ptr<zmq::socket_t> router_;
  std::string endpoint_ = "tcp://127.0.0.1:*";
  const std::string server_secret_;
  std::thread thread_;
  std::mutex mutex_;
  bool stop_ = false;
};

class PublisherPeer final : public PeerRouter {
 public:
  explicit PublisherPeer(std::string server_secret = "") : PeerRouter(std::move(server_secret)) {
    Start();
  }
  ~PublisherPeer() override { Stop(); }

  std::string journal_id = "journal-1";
  // Payloads taken, by outbox_id; element 0 has seq 1.
  std::map<std::string, std::vector<std::string>> taken;
  std::uint64_t window_payloads = 1000;
  std::uint64_t window_bytes = 1 << 20;
  std::uint32_t max_batch = 100;
  std::uint64_t max_message_bytes = 1 << 20;
  // Answers a hello with this error; empty = welcomes.
  std::string refuse_hello;
  // Payloads that hold this text are rejected.
  std::string reject_text = "bad";
  // Answers so many Publish messages with Busy first.
  int busy_count = 0;
  // Takes payloads but does not ack them.
  bool mute_acks = false;
  // Says nothing at all.
  bool mute = false;
  std::uint64_t dispositions_acked = 0;
  std::vector<v1::Hello> hellos;
  std::vector<v1::Probe> probes;
  std::uint64_t largest_batch = 0;
  std::uint64_t largest_message = 0;
  int byes = 0;
  bool last_form_was_json = false;
  // To the publisher of the newest session.
  void SendToPublisher(const v1::GatewayMessage& message);
  // As a restart of the gateway between two messages of one connection looks to the publisher.
  void ForgetSession();

 private:
  void OnFrame(const std::string& identity, const std::string& bytes) override;
  void OnStart() override { sessions_.clear(); }
  void SendError(const std::string& identity, WireForm form, const std::string& code);
  void OnHello(const std::string& identity, const v1::Hello& hello, WireForm form);
  void OnPublish(const std::string& identity, const v1::Publish& publish, WireForm form);
  void SendAck(const std::string& identity, WireForm form, std::uint64_t after_seq);

  struct Session {
    std::string id;
    std::string feed_id;
    std::string outbox_id;
    WireForm form{};
  };
  // By the peer's identity; one a feed.
  std::map<std::string, Session> sessions_;
  std::string newest_identity_;
  int session_count_ = 0;
  std::map<std::string, std::map<std::uint64_t, v1::Rejection>> rejections_;
};

class ConsumerPeer final : public PeerRouter {
 public:
  explicit ConsumerPeer() : PeerRouter("") { Start(); }
  ~ConsumerPeer() override { Stop(); }

  std::string journal_id = "journal-1";
  std::vector<v1::StreamRecord> live;
  std::vector<v1::Subscribe> subscribes;
  std::uint64_t consumed_through = 0;
  std::uint64_t oldest_seq = 1;
  // Leaves this record out, once.
  std::uint64_t skip_once = 0;
  std::uint64_t most_unconsumed = 0;
  // Adds records with the next seqs.
  void Append(int count);

 private:
  struct Subscription {
    v1::Subscribe request;
    std::uint64_t sent_through = 0;
    std::uint64_t consumed = 0;
    WireForm form{};
  };

  void OnFrame(const std::string& identity, const std::string& bytes) override;
  void OnTick() override;
  void OnStart() override { subscriptions_.clear(); }
  void SendError(const std::string& identity, WireForm form, const std::string& code);
  void SendRange(const std::string& identity, Subscription& subscription);

  std::map<std::string, Subscription> subscriptions_;
};

}  // namespace fusiongateway::client
