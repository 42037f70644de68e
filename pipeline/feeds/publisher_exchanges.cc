#include "pipeline/feeds/publisher_exchanges.h"

#include <algorithm>
#include <utility>

#include "pipeline/feeds/utf8.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

v1::PublisherMessage Message(v1::Hello hello) {
  v1::PublisherMessage message;
  *message.mutable_hello() = std::move(hello);
  return message;
}

// The protocol's variant of two as one of ours.
template <typename Told>
PublisherAnswer ToAnswer(std::variant<v1::Error, Told>&& from) {
  return std::visit([](auto&& told) { return PublisherAnswer(std::move(told)); }, std::move(from));
}

}  // namespace

ExchangeCounters PublisherExchanges::counters() const {
  ExchangeCounters counters = counters_;
  counters.waiting = WaitingCount();
  return counters;
}

std::size_t PublisherExchanges::WaitingCount() const {
  std::size_t count = polls_.size();
  for (const auto& [name, peer] : peers_) count += peer.waiting.size();
  return count;
}

void PublisherExchanges::Begin(PublisherRequest request, PublisherAnswered answered,
                               const Moment& at) {
  ++counters_.begun;
  if (WaitingCount() >= limits_.exchanges_max) {
    ++counters_.refused;
    return answered(PublisherError("UNAVAILABLE", "too many publishers wait; ask again soon"));
  }
  // Of a header, in which any bytes may stand; a hello holds text.
  request.client = ValidUtf8(request.client);
  if (auto* publish = std::get_if<PublishAsk>(&request.asks)) {
    PublishAsk asks = std::move(*publish);
    return BeginPublish(std::move(request), std::move(asks), std::move(answered), at);
  }
  if (const auto* probe = std::get_if<v1::Probe>(&request.asks)) {
    return BeginProbe(request, *probe, answered, at);
  }
  if (const auto* poll = std::get_if<PollAsk>(&request.asks)) {
    return BeginPoll(request, *poll, std::move(answered), at);
  }
  answered(ToAnswer(protocol_->LookUp(request.feed_id, request.outbox_id,
                                      std::get<LookUpAsk>(request.asks).acked_through, at.now,
                                      request.allowed_feed)));
}

PublisherExchanges::Peers::iterator PublisherExchanges::PeerOf(const PublisherRequest& request,
                                                               bool takeover) {
  // No two alike: the length says where the feed's id ends.
  const std::string own = std::string(kExchangePeer) + std::to_string(request.feed_id.size()) +
                          ":" + request.feed_id + ":" + request.outbox_id;
  const auto renamed = renamed_.find(own);
  std::string name = renamed == renamed_.end() ? own : renamed->second;
  if (takeover && !protocol_->HasSession(name)) {
    name = std::string(kExchangePeer) + "#" + std::to_string(++names_made_) + ":" +
           own.substr(kExchangePeer.size());
    renamed_[own] = name;
  }
  const auto [peer, made] = peers_.try_emplace(name);
  peer->second.allowed_feed = request.allowed_feed;
  return peer;
}

std::vector<v1::GatewayMessage> PublisherExchanges::Say(Peers::iterator peer,
                                                        const v1::PublisherMessage& message,
                                                        const Moment& at) {
  std::vector<OutgoingMessage> told;
  protocol_->Handle(peer->first, message.SerializeAsString(), at.now, at.steady_now,
                    peer->second.allowed_feed, &told);
  peer->second.spoke = at.steady_now;
  std::vector<v1::GatewayMessage> own;
  for (OutgoingMessage& to : told) {
    if (to.peer != peer->first) {
      at.out->push_back(std::move(to));
    } else {
      (void)ParseWire(to.bytes, WireForm::kProtobuf, &own.emplace_back());
    }
  }
  return own;
}

std::optional<v1::Error> PublisherExchanges::SayHello(Peers::iterator peer, v1::Hello hello,
                                                      const Moment& at) {
  if (protocol_->HasSession(peer->first)) return std::nullopt;
  hello.set_protocol(1);
  for (const v1::GatewayMessage& reply : Say(peer, Message(std::move(hello)), at)) {
    if (reply.has_error()) return reply.error();
    if (reply.has_welcome()) {
      peer->second.session = reply.welcome().session();
      peer->second.journal_id = reply.welcome().journal_id();
    }
  }
  // What is on disk already is acked, with its rejections, when the payloads themselves are said.
  return std::nullopt;
}

void PublisherExchanges::BeginPublish(PublisherRequest&& request, PublishAsk&& asks,
                                      PublisherAnswered answered, const Moment& at) {
  v1::Publish& publish = asks.publish;
  Exchange exchange;
  exchange.first_seq = publish.first_seq();
  exchange.last_seq = publish.first_seq() + static_cast<std::uint64_t>(publish.payloads_size()) - 1;
  exchange.due = at.steady_now + limits_.publish_wait_max;
  const auto peer =
      asks.test
          ? peers_.try_emplace(std::string(kExchangePeer) + "test#" + std::to_string(++names_made_))
                .first
          : PeerOf(request, asks.takeover);
  peer->second.allowed_feed = request.allowed_feed;
  peer->second.test = asks.test;

  v1::Hello hello;
  hello.set_feed_id(request.feed_id);
  hello.set_client(request.client);
  hello.set_outbox_id(request.outbox_id);
  // Whoever sends from here on has dealt with what was before.
  hello.set_acked_through(publish.first_seq() > 0 ? publish.first_seq() - 1 : 0);
  if (asks.test) hello.set_mode("test");
  hello.set_if_free(!asks.takeover);
  if (auto refused = SayHello(peer, std::move(hello), at)) {
    Settle(peer, at);
    return answered(*std::move(refused));
  }
  exchange.answered = std::move(answered);

  v1::PublisherMessage message;
  *message.mutable_publish() = std::move(publish);
  message.mutable_publish()->set_session(peer->second.session);
  exchange.answer.set_journal_id(peer->second.journal_id);
  const auto own = peer->second.waiting.insert(peer->second.waiting.end(), std::move(exchange));
  for (const v1::GatewayMessage& reply : Say(peer, message, at)) {
    if (!Hear(reply, &*own)) continue;
    peer->second.waiting.erase(own);
    break;
  }
  Settle(peer, at);
}

bool PublisherExchanges::Hear(const v1::GatewayMessage& message, Exchange* exchange) {
  if (message.has_error()) {
    exchange->answered(message.error());
    return true;
  }
  if (message.has_busy()) {
    exchange->answered(message.busy());
    return true;
  }
  if (message.has_test_result()) AddResult(message.test_result(), exchange);
  if (!message.has_ack()) return false;
  const v1::Ack& ack = message.ack();
  for (const v1::Rejection& rejection : ack.rejections()) {
    if (rejection.seq() < exchange->first_seq || rejection.seq() > exchange->last_seq) continue;
    *exchange->answer.add_rejections() = rejection;
  }
  if (ack.through_seq() < exchange->last_seq) return false;
  exchange->answer.set_through_seq(ack.through_seq());
  *exchange->answer.mutable_window() = ack.window();
  exchange->answered(std::move(exchange->answer));
  return true;
}

void PublisherExchanges::AddResult(const v1::TestResult& result, Exchange* exchange) const {
  v1::TestResult* told = exchange->answer.add_results();
  exchange->result_bytes += result.ByteSizeLong();
  if (exchange->result_bytes <= limits_.test_result_bytes_max) {
    *told = result;
    return;
  }
  told->set_seq(result.seq());
  told->mutable_rejection()->set_seq(result.seq());
  told->mutable_rejection()->set_code("RESULT_TOO_LARGE");
  told->mutable_rejection()->set_message(
      "read, but too much to show in one answer; test fewer payloads at once");
}

void PublisherExchanges::HearAll(Peers::iterator peer, const v1::GatewayMessage& message) {
  std::erase_if(peer->second.waiting, [&](Exchange& exchange) { return Hear(message, &exchange); });
}

void PublisherExchanges::Deliver(const OutgoingMessage& message, const Moment& at) {
  const auto peer = peers_.find(message.peer);
  v1::GatewayMessage told;
  if (peer == peers_.end() || !ParseWire(message.bytes, WireForm::kProtobuf, &told).ok()) return;
  HearAll(peer, told);
  Settle(peer, at);
}

void PublisherExchanges::BeginProbe(const PublisherRequest& request, const v1::Probe& probe,
                                    const PublisherAnswered& answered, const Moment& at) {
  const auto peer = PeerOf(request, false);
  v1::Hello hello;
  hello.set_feed_id(request.feed_id);
  hello.set_client(request.client);
  hello.set_outbox_id(request.outbox_id);
  hello.set_if_free(true);
  if (auto refused = SayHello(peer, std::move(hello), at)) {
    Settle(peer, at);
    return answered(*std::move(refused));
  }
  v1::PublisherMessage message;
  *message.mutable_probe() = probe;
  for (const v1::GatewayMessage& reply : Say(peer, message, at)) {
    if (reply.has_probe_reply()) return answered(reply.probe_reply());
  }
  answered(PublisherError("UNAVAILABLE", "the probe was not answered; send the next one"));
}

void PublisherExchanges::BeginPoll(const PublisherRequest& request, const PollAsk& poll,
                                   PublisherAnswered answered, const Moment& at) {
  auto told = protocol_->PollDispositions(request.feed_id, poll.after_seq, request.allowed_feed);
  const auto* found = std::get_if<v1::DispositionsAnswer>(&told);
  if (found == nullptr || found->dispositions_size() > 0 || poll.wait_max <= Duration{}) {
    return answered(ToAnswer(std::move(told)));
  }
  Poll& waiting = polls_[request.feed_id];
  // Not with nothing: two that poll would ask again at once, and end each other without a pause.
  if (waiting.answered) {
    waiting.answered(PublisherError(
        "FEED_IN_USE", "a newer poll of feed \"" + request.feed_id +
                           "\" is told its dispositions: one poll a feed, by one program"));
  }
  waiting = {std::move(answered), found->through_seq(), request.allowed_feed,
             at.steady_now + std::min(poll.wait_max, limits_.poll_wait_max)};
}

void PublisherExchanges::DispositionsMade(const std::string& feed_id) {
  const auto poll = polls_.find(feed_id);
  if (poll == polls_.end()) return;
  auto told =
      protocol_->PollDispositions(feed_id, poll->second.after_seq, poll->second.allowed_feed);
  const auto* found = std::get_if<v1::DispositionsAnswer>(&told);
  if (found != nullptr && found->dispositions_size() == 0) return;
  const PublisherAnswered answered = std::move(poll->second.answered);
  polls_.erase(poll);
  answered(ToAnswer(std::move(told)));
}

void PublisherExchanges::Tick(const Moment& at) {
  std::erase_if(polls_, [&](auto& entry) {
    if (at.steady_now < entry.second.due) return false;
    v1::DispositionsAnswer nothing;
    nothing.set_through_seq(entry.second.after_seq);
    entry.second.answered(std::move(nothing));
    return true;
  });
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    const auto next = std::next(peer);
    std::erase_if(peer->second.waiting, [&](Exchange& exchange) {
      if (at.steady_now < exchange.due) return false;
      ++counters_.timed_out;
      exchange.answered(PublisherError(
          "NOT_YET",
          "not on disk yet: the gateway is behind, or this feed is beyond its quota. "
          "Send the same again; what comes twice counts once"));
      return true;
    });
    const bool long_silent = at.steady_now - peer->second.spoke > protocol_->session_timeout() / 3;
    if (!peer->second.waiting.empty() && long_silent) {
      v1::PublisherMessage message;
      message.mutable_heartbeat()->set_session(peer->second.session);
      for (const v1::GatewayMessage& reply : Say(peer, message, at)) HearAll(peer, reply);
    }
    Settle(peer, at);
    peer = next;
  }
}

void PublisherExchanges::Settle(Peers::iterator peer, const Moment& at) {
  if (!peer->second.waiting.empty()) return;
  if (peer->second.test && protocol_->HasSession(peer->first)) {
    v1::PublisherMessage message;
    message.mutable_bye();
    (void)Say(peer, message, at);
  }
  if (protocol_->HasSession(peer->first)) return;
  std::erase_if(renamed_, [&](const auto& entry) { return entry.second == peer->first; });
  peers_.erase(peer);
}

void PublisherExchanges::EndAll() {
  const auto stopping = [] {
    return PublisherError("UNAVAILABLE", "the gateway is stopping; ask again when it is back");
  };
  for (auto& [feed_id, poll] : polls_) poll.answered(stopping());
  polls_.clear();
  for (auto& [name, peer] : peers_) {
    for (Exchange& exchange : peer.waiting) exchange.answered(stopping());
  }
  peers_.clear();
  renamed_.clear();
}

}  // namespace fusiongateway
