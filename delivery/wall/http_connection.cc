// One HTTP connection: read a request, check who asks, answer, again. See wall_server.h.
#include <spdlog/spdlog.h>

#include <boost/beast/websocket/rfc6455.hpp>

#include "delivery/wall/publisher_api.h"
#include "delivery/wall/server_core.h"

namespace fusiongateway {
namespace {

using Tcp = net::ip::tcp;

// What is read and thrown away of a body that was refused, so that the refusal is not lost with the
// connection.
constexpr std::size_t kDrainedBytesMax = 2u << 20;
constexpr Duration kDrainedFor = std::chrono::seconds{2};

std::chrono::nanoseconds Span(Duration duration) { return duration; }

ApiResponse Busy(std::string zh, std::string en) {
  ApiResponse response = ToResponse({503, "busy", std::move(zh), std::move(en), {}});
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

bool IsPlain(std::string_view content_encoding) {
  return content_encoding.empty() || beast::iequals(content_encoding, "identity");
}

// What to tell a peer whose bytes were not a request this server takes; none if nothing helps.
std::optional<ApiResponse> Complaint(const ErrorCode& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return ToResponse(
        {431, "header-too-large", "请求头过大", "the request's header is too large", {}});
  }
  if (error == http::error::body_limit) {
    return ToResponse(
        {413, "body-too-large", "请求内容过大", "the request's body is too large", {}});
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return ToResponse({400, "not-http", "不是合法的 HTTP 请求", "not valid HTTP", {}});
  }
  return std::nullopt;
}

// A place among the connections that wait for a request, for as long as this lives or until Leave.
class WaitingPlace {
 public:
  WaitingPlace(std::list<Closable*>* waiting, Closable* connection)
      : waiting_(waiting), at_(waiting->insert(waiting->end(), connection)) {}
  ~WaitingPlace() { Leave(); }
  WaitingPlace(const WaitingPlace&) = delete;
  WaitingPlace& operator=(const WaitingPlace&) = delete;
  void Leave() {
    if (waiting_ != nullptr) waiting_->erase(at_);
    waiting_ = nullptr;
  }

 private:
  std::list<Closable*>* waiting_;
  std::list<Closable*>::iterator at_;
};

// GCC 12 destroys some temporaries of a co_await expression twice: what is passed to a coroutine
// here is always a named object.
class Connection : public Closable {
 public:
  Connection(CorePtr core, Tcp::socket socket)
      : core_(std::move(core)), stream_(std::move(socket)) {
    core_->open.insert(this);
    ++core_->counters.connections_open;
  }
  ~Connection() override {
    LeavePublishers();
    core_->open.erase(this);
    --core_->counters.connections_open;
  }

  void Close() override { stream_.close(); }

  net::awaitable<void> Run(bool refuse);

 private:
  using Parser = http::request_parser<http::string_body>;

  net::awaitable<bool> ReadRequest(bool first, std::optional<HttpRequest>* request);
  // Sets what may be read of the body; otherwise why none of it is.
  std::optional<ApiResponse> AdmitBody(Parser* parser);
  std::optional<ApiResponse> AdmitPublisher(const HttpRequest& request,
                                            const RequestTarget& target);
  void LeavePublishers();
  net::awaitable<bool> SayContinue(const HttpRequest& request);
  net::awaitable<void> Drain();
  net::awaitable<bool> Answer(HttpRequest request);
  // `held`: the place that the answer keeps until it is written, if any.
  net::awaitable<void> AnswerApi(std::shared_ptr<const ApiRequest> request, ApiResponse* response,
                                 Places** held);
  net::awaitable<void> AnswerPublisher(std::shared_ptr<const ApiRequest> request,
                                       ApiResponse* response);
  net::awaitable<bool> TakePlace(Places* places);
  ApiResponse AnswerPage(const HttpRequest& request, const RequestTarget& target);
  // The request may not be answered at all: Host, Origin, target.
  std::optional<ApiResponse> Refusal(const HttpRequest& request, Result<RequestTarget>* target);
  std::optional<ApiResponse> StreamRefusal(const RequestTarget& target);
  net::awaitable<bool> Write(ApiResponse response, unsigned version, bool keep_alive, bool head);
  net::awaitable<bool> Refuse(ApiResponse response);

  CorePtr core_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{64 * 1024};
  // The feed of the publisher on this connection, whose place it holds; empty = none yet. A
  // publisher's request gets no further than its header without it.
  std::string publisher_of_;
};

net::awaitable<void> Connection::Run(bool refuse) {
  for (bool first = true; !core_->stopping; first = false) {
    std::optional<HttpRequest> request;
    const bool read = co_await ReadRequest(first, &request);
    if (!read) break;
    if (refuse) {
      ApiResponse full = Busy("连接数已满，请稍后再试", "too many connections, try again soon");
      co_await Refuse(std::move(full));
      break;
    }
    ++core_->counters.requests;
    const bool goes_on = co_await Answer(std::move(*request));
    if (!goes_on) break;
  }
  ErrorCode ignored;
  stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
}

// False when the connection is over; what can still be said has been said.
net::awaitable<bool> Connection::ReadRequest(bool first, std::optional<HttpRequest>* request) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(core_->options.header_bytes_max));
  // Until the header says whose it is.
  parser.body_limit(boost::none);
  stream_.expires_after(Span(first ? core_->options.read_timeout : core_->options.idle_timeout));
  WaitingPlace place(first ? &core_->never_asked : &core_->asked_before, this);
  auto [header_error, header_bytes] =
      co_await http::async_read_header(stream_, buffer_, parser, kTuple);
  place.Leave();
  ErrorCode error = header_error;
  if (!error) {
    std::optional<ApiResponse> refusal = AdmitBody(&parser);
    if (refusal) {
      co_await Refuse(std::move(*refusal));
      if (!parser.is_done()) co_await Drain();
      co_return false;
    }
    const bool continued = co_await SayContinue(parser.get());
    if (!continued) co_return false;
    auto [body_error, body_bytes] = co_await http::async_read(stream_, buffer_, parser, kTuple);
    error = body_error;
  }
  if (!error) {
    *request = parser.release();
    co_return true;
  }
  if (error == http::error::end_of_stream || error == net::error::operation_aborted) {
    co_return false;
  }
  if (error == beast::error::timeout) {
    // tcp_stream has closed the socket: nothing can be said. An idle keep-alive is no refusal.
    if (first || parser.got_some()) ++core_->counters.requests_refused;
    co_return false;
  }
  std::optional<ApiResponse> complaint = Complaint(error);
  if (complaint) {
    co_await Refuse(std::move(*complaint));
    co_await Drain();
  }
  co_return false;
}

std::optional<ApiResponse> Connection::AdmitBody(Parser* parser) {
  const WallOptions& options = core_->options;
  const auto target = ParseTarget(parser->get().target());
  const bool publishes = target.ok() && IsPublisherPath(*target);
  if (!IsPlain(parser->get()[http::field::content_encoding])) {
    return ToResponse({415,
                       "wrong-content-encoding",
                       "不接受压缩的内容",
                       "the body must not be compressed: send it without Content-Encoding",
                       {}});
  }
  if (publishes) {
    if (auto refusal = AdmitPublisher(parser->get(), *target)) return refusal;
  }
  const std::size_t body_max =
      publishes ? options.publisher_body_bytes_max : options.body_bytes_max;
  stream_.expires_after(Span(publishes ? options.publisher_body_timeout : options.read_timeout));
  // A length that was told is not looked at again once the header is read.
  if (parser->content_length().value_or(0) > body_max) {
    return Complaint(http::error::body_limit);
  }
  parser->body_limit(body_max);
  return std::nullopt;
}

std::optional<ApiResponse> Connection::AdmitPublisher(const HttpRequest& request,
                                                      const RequestTarget& target) {
  ServerCore& core = *core_;
  const std::string_view authorization = request[http::field::authorization];
  const auto feed = core.backend.FeedOfToken(BearerToken(authorization));
  if (!feed) {
    ++core.counters.publisher_tokens_refused;
    return TokenRequired();
  }
  if (*feed != PublishersFeed(target)) {
    ++core.counters.publisher_tokens_refused;
    return TokenOfAnotherFeed();
  }
  if (publisher_of_ == *feed) return std::nullopt;
  LeavePublishers();
  std::size_t& of_feed = core.publisher_connections_of_feed[*feed];
  if (of_feed >= core.options.publisher_connections_of_feed_max ||
      core.counters.publisher_connections >= core.options.publisher_connections_max) {
    ++core.counters.publisher_connections_refused;
    return Busy("发布方连接数已满，请稍后再试",
                "too many publishers' connections; use one and keep it open");
  }
  ++of_feed;
  ++core.counters.publisher_connections;
  publisher_of_ = *feed;
  return std::nullopt;
}

void Connection::LeavePublishers() {
  if (publisher_of_.empty()) return;
  --core_->publisher_connections_of_feed[publisher_of_];
  --core_->counters.publisher_connections;
  publisher_of_.clear();
}

// Clients with a large body wait for this before they send it.
net::awaitable<bool> Connection::SayContinue(const HttpRequest& request) {
  if (!beast::iequals(request[http::field::expect], "100-continue")) co_return true;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  const net::const_buffer bytes = net::buffer(kContinue);
  auto [error, written] = co_await net::async_write(stream_, bytes, kTuple);
  co_return !error;
}

net::awaitable<void> Connection::Drain() {
  ErrorCode ignored;
  stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  stream_.expires_after(Span(kDrainedFor));
  std::string bytes(16 * 1024, '\0');
  for (std::size_t drained = 0; drained < kDrainedBytesMax;) {
    const net::mutable_buffer buffer = net::buffer(bytes);
    auto [error, read] = co_await stream_.async_read_some(buffer, kTuple);
    if (error) co_return;
    drained += read;
  }
}

// Answers with an error and ends the connection: its bytes can no longer be trusted to line up.
net::awaitable<bool> Connection::Refuse(ApiResponse response) {
  if (response.status != 503) ++core_->counters.requests_refused;
  co_await Write(std::move(response), 11, false, false);
  co_return false;
}

std::optional<ApiResponse> Connection::Refusal(const HttpRequest& request,
                                               Result<RequestTarget>* target) {
  if (request.count(http::field::host) != 1 ||
      !core_->guard->HostAllowed(request[http::field::host])) {
    return ToResponse({421,
                       "wrong-host",
                       "此服务不以该主机名应答",
                       "this server does not answer to that Host; name it in the configuration",
                       {}});
  }
  const bool changes = request.method() != http::verb::get && request.method() != http::verb::head;
  const bool upgrades = beast::websocket::is_upgrade(request);
  if ((changes || upgrades) && !core_->guard->OriginAllowed(request[http::field::origin])) {
    return ToResponse({403,
                       "wrong-origin",
                       "拒绝来自其他网站的请求",
                       "requests from another site's page are refused",
                       {}});
  }
  *target = ParseTarget(request.target());
  if (!target->ok()) {
    return ToResponse({400, "bad-target", "请求地址有误", target->status().message(), {}});
  }
  return std::nullopt;
}

// True when the connection goes on.
net::awaitable<bool> Connection::Answer(HttpRequest request) {
  const unsigned version = request.version();
  const bool head = request.method() == http::verb::head;
  const bool keep_alive = request.keep_alive();
  Result<RequestTarget> target = Internal("not parsed");
  if (auto refusal = Refusal(request, &target)) {
    ++core_->counters.requests_refused;
    co_return co_await Write(std::move(*refusal), version, keep_alive, head);
  }
  if (target->Path() == "/ws/stream" && beast::websocket::is_upgrade(request)) {
    if (auto refusal = StreamRefusal(*target)) {
      co_return co_await Write(std::move(*refusal), version, keep_alive, head);
    }
    const StreamId stream = *ParseStreamName(target->Query("stream").value_or("live"));
    net::co_spawn(
        core_->io,
        ServeStream(core_, std::move(stream_), std::move(request), std::move(*target), stream),
        net::detached);
    co_return false;
  }
  ApiResponse response;
  Places* held = nullptr;
  if (WallApi::Owns(*target)) {
    auto api = std::make_shared<const ApiRequest>(
        ApiRequest{std::string(request.method_string()), std::move(*target),
                   std::string(request[http::field::content_type]), std::move(request.body()),
                   std::string(request[http::field::user_agent])});
    if (IsPublisherPath(api->target)) {
      co_await AnswerPublisher(std::move(api), &response);
    } else {
      co_await AnswerApi(std::move(api), &response, &held);
    }
  } else {
    response = AnswerPage(request, *target);
  }
  if (response.status >= 500) ++core_->counters.requests_failed;
  const bool goes_on = co_await Write(std::move(response), version, keep_alive, head);
  if (held != nullptr) held->Release();
  co_return goes_on;
}

std::optional<ApiResponse> Connection::StreamRefusal(const RequestTarget& target) {
  if (core_->counters.streams_open >= core_->options.streams_max) {
    return Busy("数据流连接数已满", "too many streams are open");
  }
  const auto after = target.Query("after");
  if (!ParseStreamName(target.Query("stream").value_or("live")) ||
      (after && !ParseNumber(*after))) {
    return ToResponse({400,
                       "bad-parameter",
                       "stream 或 after 有误",
                       "stream must be live or settled, after a whole number",
                       {}});
  }
  return std::nullopt;
}

ApiResponse Connection::AnswerPage(const HttpRequest& request, const RequestTarget& target) {
  const WebAsset* asset = core_->assets.Find(target.Path());
  if (asset == nullptr) {
    return ToResponse({404, "no-such-path", "没有这个地址", "there is nothing at this path", {}});
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return WrongMethod("GET, HEAD");
  }
  ApiResponse response{200, asset->content_type, {}, {{"ETag", asset->etag}}};
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request[http::field::if_none_match] == asset->etag) {
    response.status = 304;
  } else {
    response.body = asset->bytes;
  }
  return response;
}

net::awaitable<void> Connection::AnswerApi(std::shared_ptr<const ApiRequest> request,
                                           ApiResponse* response, Places** held) {
  const bool snapshot = WallApi::IsSnapshot(request->target);
  const bool attachment = WallApi::IsAttachment(request->target);
  Places* const places = snapshot ? &core_->snapshots : attachment ? &core_->attachments : nullptr;
  if (places != nullptr) {
    const bool taken = co_await TakePlace(places);
    if (!taken) {
      ++places->refused;
      *response = snapshot
                      ? Busy("画面解码繁忙，请稍后再试", "too many pictures are being decoded")
                      : Busy("附件读取繁忙，请稍后再试", "too many attachments are being read");
      co_return;
    }
  }
  auto answer = std::make_shared<ApiResponse>();
  std::function<void()> job = [core = core_, answer, request] {
    *answer = core->api.Answer(*request);
  };
  const bool done = co_await OnWorkers(core_, std::move(job));
  if (snapshot) places->Release();
  if (attachment) *held = places;
  *response = done ? std::move(*answer) : Busy("网关繁忙，请稍后再试", "the gateway is busy");
}

net::awaitable<void> Connection::AnswerPublisher(std::shared_ptr<const ApiRequest> request,
                                                 ApiResponse* response) {
  auto read = std::make_shared<std::variant<ApiResponse, PublisherRequest>>();
  std::function<void()> job = [read, request, feed = publisher_of_] {
    *read = ReadPublisherRequest(*request, feed);
  };
  const bool done = co_await OnWorkers(core_, std::move(job));
  *response = Busy("网关繁忙，请稍后再试", "the gateway is busy");
  if (!done) co_return;
  if (auto* refused = std::get_if<ApiResponse>(read.get())) {
    ++core_->counters.publisher_requests_refused;
    *response = std::move(*refused);
    co_return;
  }
  auto asked = std::make_shared<PublisherRequest>(std::move(std::get<PublisherRequest>(*read)));
  PublisherAnswer answer;
  const bool answered = co_await OnPublishers(core_, std::move(asked), &answer);
  if (!answered) co_return;
  const auto* told = std::get_if<v1::PublishAnswer>(&answer);
  if (told == nullptr || told->results_size() == 0) {
    *response = ToResponse(answer);
    co_return;
  }
  // What test mode shows may be a megabyte.
  auto shown = std::make_shared<ApiResponse>();
  std::function<void()> write = [shown, results = std::move(answer)] {
    *shown = ToResponse(results);
  };
  const bool written = co_await OnWorkers(core_, std::move(write));
  if (written) *response = std::move(*shown);
}

net::awaitable<bool> Connection::TakePlace(Places* places) {
  if (places->taken < places->max) {
    ++places->taken;
    co_return true;
  }
  if (places->waiting.size() >= core_->options.queued_max) co_return false;
  net::steady_timer turn(core_->io);
  turn.expires_after(Span(core_->options.snapshot_timeout));
  places->waiting.push_back(&turn);
  auto [error] = co_await turn.async_wait(kTuple);
  if (core_->stopping) co_return false;
  // Called: the place was handed over, and the timer taken off the line, by Release.
  if (error) co_return true;
  const bool still_waiting = std::erase(places->waiting, &turn) > 0;
  co_return !still_waiting;
}

net::awaitable<bool> Connection::Write(ApiResponse answer, unsigned version, bool keep_alive,
                                       bool head) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), version};
  SetSecurityHeaders(&response);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  const std::size_t length = answer.body.size();
  if (!head) response.body() = std::move(answer.body);
  if (answer.status == 304) {
    response.erase(http::field::content_type);
  } else {
    response.content_length(length);
  }
  http::response_serializer<http::string_body> serializer(response);
  stream_.expires_after(Span(core_->options.write_timeout));
  if (head) {
    auto [error, bytes] = co_await http::async_write_header(stream_, serializer, kTuple);
    co_return !error && keep_alive;
  }
  auto [error, bytes] = co_await http::async_write(stream_, serializer, kTuple);
  co_return !error && keep_alive;
}

}  // namespace

net::awaitable<void> ServeConnection(CorePtr core, Tcp::socket socket, bool refuse) {
  Connection connection(std::move(core), std::move(socket));
  co_await connection.Run(refuse);
}

}  // namespace fusiongateway
