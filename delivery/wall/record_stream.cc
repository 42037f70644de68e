// One WebSocket that follows a stream. The client's place is a seq, not a queue: the next batch is
// read only when the last one is written, so a slow client costs one batch. See wall_server.h.
#include <spdlog/spdlog.h>

#include <boost/beast/websocket.hpp>

#include "delivery/wall/server_core.h"
#include "fusiongateway/v1/consumer.pb.h"
#include "proto/codec/json_form.h"

namespace fusiongateway {
namespace {

namespace websocket = beast::websocket;

constexpr std::size_t kMessageFromClientMax = 4096;

struct Place {
  StreamId stream = StreamId::kLive;
  std::optional<std::uint64_t> after;  // none: begin with a snapshot
  std::string journal_id;              // what `after` belongs to; empty = not said
};

std::string ErrorText(std::string code, std::string message) {
  v1::StreamMessage out;
  out.mutable_error()->set_code(std::move(code));
  out.mutable_error()->set_message(std::move(message));
  return ToJson(out);
}

// The messages due to a client at `place`, which moves on. Reads the journal: runs on the workers.
struct Batch {
  std::vector<std::string> messages;
  std::uint64_t records = 0;
  bool more = false;    // there may be another batch at once
  bool failed = false;  // the journal could not be read
};

void BeginAtSnapshot(const WallBackend& backend, Place* place, Batch* batch) {
  v1::StreamMessage out;
  *out.mutable_snapshot() = VisibleSnapshot(backend, place->stream, true);
  place->after = out.snapshot().through_seq();
  batch->messages.push_back(ToJson(out));
}

// Whether `after` of the journal the client knew means the same here.
bool PlaceIsKnown(const Journal& journal, const Place& place) {
  if (*place.after > journal.range(place.stream).newest) return false;
  if (place.journal_id.empty() || place.journal_id == journal.journal_id()) return true;
  for (const EarlierIdentity& earlier : journal.earlier_identities()) {
    if (earlier.journal_id != place.journal_id) continue;
    return *place.after <=
           (place.stream == StreamId::kLive ? earlier.live_through : earlier.settled_through);
  }
  return false;
}

// Records after `place`, as many as a batch may hold; `place` moves on to the last.
void AddRecords(ServerCore& core, const std::vector<WireRecordPtr>& records, Place* place,
                Batch* batch) {
  const std::uint64_t from_seq = *place->after + 1;
  std::string list;
  for (const WireRecordPtr& record : records) {
    if (list.size() >= core.options.stream_batch_bytes_max) break;
    place->after = record->seq();
    if (!IsVisible(core.backend, *record)) continue;
    if (!list.empty()) list += ',';
    list += *core.record_texts.Of(place->stream, *record);
    ++batch->records;
  }
  v1::StreamMessage range;
  range.mutable_records()->set_journal_id(core.backend.journal().journal_id());
  range.mutable_records()->set_from_seq(from_seq);
  range.mutable_records()->set_through_seq(*place->after);
  std::string text = ToJson(range);
  // The list goes where the message of the range ends: {"records":{...}}
  if (!list.empty()) text.insert(text.size() - 2, ",\"records\":[" + list + "]");
  batch->messages.push_back(std::move(text));
}

Batch NextBatch(ServerCore& core, Place* place) {
  Batch batch;
  const WallBackend& backend = core.backend;
  const Journal& journal = backend.journal();
  if (place->after && !PlaceIsKnown(journal, *place)) {
    batch.messages.push_back(ErrorText(
        "JOURNAL_CHANGED",
        "日志已更换，从当前状态重新开始 / another journal; beginning again from a snapshot"));
    place->after.reset();
  }
  place->journal_id.clear();  // checked once
  if (!place->after) BeginAtSnapshot(backend, place, &batch);
  auto records =
      journal.ReadRecords(place->stream, *place->after, core.options.stream_batch_records_max);
  if (!records.ok() && records.status().code() == StatusCode::kOutOfRange) {
    v1::StreamMessage out;
    out.mutable_out_of_range()->set_oldest_seq(journal.range(place->stream).oldest);
    out.mutable_out_of_range()->set_journal_id(journal.journal_id());
    batch.messages.push_back(ToJson(out));
    BeginAtSnapshot(backend, place, &batch);
    return batch;
  }
  if (!records.ok()) {
    spdlog::error("wall stream: reading {} after {} failed: {}", ToString(place->stream),
                  *place->after, records.status().message());
    batch.messages.push_back(ErrorText("UNAVAILABLE", "记录暂时无法读取 / records cannot be read"));
    batch.failed = true;
    return batch;
  }
  if (records->empty()) return batch;
  AddRecords(core, *records, place, &batch);
  batch.more = *place->after < journal.range(place->stream).newest;
  return batch;
}

std::string Heartbeat(const WallBackend& backend, std::uint64_t after) {
  v1::StreamMessage out;
  out.mutable_records()->set_journal_id(backend.journal().journal_id());
  out.mutable_records()->set_from_seq(after + 1);
  out.mutable_records()->set_through_seq(after);
  return ToJson(out);
}

// In its coroutines only named objects are passed on: see http_connection.cc.
class RecordStream : public Closable, public std::enable_shared_from_this<RecordStream> {
 public:
  RecordStream(CorePtr core, beast::tcp_stream connection, Place place)
      : core_(std::move(core)),
        socket_(std::move(connection)),
        place_(std::move(place)),
        wake_(core_->io),
        write_deadline_(core_->io) {
    ErrorCode ignored;
    beast::get_lowest_layer(socket_).socket().set_option(
        net::socket_base::send_buffer_size(
            static_cast<int>(core_->options.stream_send_buffer_bytes)),
        ignored);
    core_->open.insert(this);
    ++core_->counters.streams_open;
    ++core_->counters.connections_open;
  }
  ~RecordStream() override {
    core_->open.erase(this);
    --core_->counters.streams_open;
    --core_->counters.connections_open;
  }

  void Close() override {
    closed_ = true;
    beast::get_lowest_layer(socket_).close();
    wake_.cancel();
  }
  void Wake() override {
    notified_ = true;
    wake_.cancel();
  }

  net::awaitable<void> Run(HttpRequest request);

 private:
  net::awaitable<void> ReadUntilClosed();
  net::awaitable<void> Follow();
  net::awaitable<bool> Read(std::shared_ptr<Batch> batch);
  net::awaitable<bool> WaitForMore();
  net::awaitable<bool> Send(std::string text);

  CorePtr core_;
  websocket::stream<beast::tcp_stream> socket_;
  Place place_;
  net::steady_timer wake_;
  net::steady_timer write_deadline_;
  bool notified_ = false;
  bool closed_ = false;
};

net::awaitable<void> RecordStream::Run(HttpRequest request) {
  beast::get_lowest_layer(socket_).expires_never();  // the WebSocket layer has its own
  auto timeouts = websocket::stream_base::timeout::suggested(beast::role_type::server);
  timeouts.handshake_timeout = core_->options.read_timeout;
  timeouts.idle_timeout = core_->options.idle_timeout;
  timeouts.keep_alive_pings = true;
  socket_.set_option(timeouts);
  socket_.set_option(websocket::stream_base::decorator(
      [](websocket::response_type& response) { SetSecurityHeaders(&response); }));
  socket_.read_message_max(kMessageFromClientMax);
  socket_.text(true);
  auto [error] = co_await socket_.async_accept(request, kTuple);
  if (error) co_return;
  net::co_spawn(
      core_->io, [self = shared_from_this()] { return self->ReadUntilClosed(); }, net::detached);
  co_await Follow();
  Close();
}

// Clients have nothing to say yet; reading is what answers pings and notices that they left.
net::awaitable<void> RecordStream::ReadUntilClosed() {
  const auto self = shared_from_this();
  beast::flat_buffer buffer(kMessageFromClientMax);
  while (!closed_) {
    auto [error, bytes] = co_await socket_.async_read(buffer, kTuple);
    if (error) break;
    buffer.clear();
  }
  Close();
}

net::awaitable<void> RecordStream::Follow() {
  while (!closed_) {
    notified_ = false;
    auto batch = std::make_shared<Batch>();
    const bool done = co_await Read(batch);
    for (std::string& message : batch->messages) {
      const bool sent = co_await Send(std::move(message));
      if (!sent) co_return;
    }
    core_->counters.records_sent += batch->records;
    if (batch->failed || !done) notified_ = false;  // not at once again
    if (batch->more) continue;
    const bool goes_on = co_await WaitForMore();
    if (!goes_on) co_return;
  }
}

// The next batch, when it is this stream's turn. False when the workers did not read it.
net::awaitable<bool> RecordStream::Read(std::shared_ptr<Batch> batch) {
  ServerCore& core = *core_;
  if (core.stream_reads.taken < core.stream_reads.max) {
    ++core.stream_reads.taken;
  } else {
    net::steady_timer turn(core.io, net::steady_timer::time_point::max());
    core.stream_reads.waiting.push_back(&turn);
    co_await turn.async_wait(kTuple);  // until the one before hands its turn on, or Stop
    if (core.stopping) co_return false;
  }
  bool done = false;
  if (!closed_) {
    const auto self = shared_from_this();
    std::function<void()> job = [self, batch] { *batch = NextBatch(*self->core_, &self->place_); };
    done = co_await OnWorkers(core_, std::move(job));
  }
  core.stream_reads.Release();
  co_return done;
}

// Until records were committed, or for one heartbeat: a batch that could not be read is tried again
// at that pace. False when the client is gone.
net::awaitable<bool> RecordStream::WaitForMore() {
  if (notified_) co_return !closed_;
  wake_.expires_after(std::chrono::nanoseconds(core_->options.heartbeat));
  auto [cancelled] = co_await wake_.async_wait(kTuple);
  if (closed_) co_return false;
  if (cancelled) co_return true;
  std::string heartbeat = Heartbeat(core_->backend, place_.after.value_or(0));
  co_return co_await Send(std::move(heartbeat));
}

net::awaitable<bool> RecordStream::Send(std::string text) {
  write_deadline_.expires_after(std::chrono::nanoseconds(core_->options.write_timeout));
  write_deadline_.async_wait([weak = weak_from_this()](ErrorCode error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    ++self->core_->counters.streams_dropped_slow;
    self->Close();
  });
  auto [error, bytes] = co_await socket_.async_write(net::buffer(text), kTuple);
  write_deadline_.cancel();
  co_return !error && !closed_;
}

}  // namespace

net::awaitable<void> ServeStream(CorePtr core, beast::tcp_stream connection, HttpRequest request,
                                 RequestTarget target, StreamId stream) {
  Place place;
  place.stream = stream;
  if (const auto after = target.Query("after")) place.after = ParseNumber(*after);
  place.journal_id = target.Query("journal_id").value_or("");
  auto session = std::make_shared<RecordStream>(core, std::move(connection), std::move(place));
  co_await session->Run(std::move(request));
}

}  // namespace fusiongateway
