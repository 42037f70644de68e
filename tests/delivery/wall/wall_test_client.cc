#include "tests/delivery/wall/wall_test_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cctype>

#include "proto/codec/json_form.h"

namespace fusiongateway::test {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = net::ip::tcp;
using ErrorCode = boost::system::error_code;

void ConnectTo(Tcp::socket& socket, std::uint16_t port) {
  socket.connect({net::ip::make_address("127.0.0.1"), port});
  const timeval timeout{10, 0};
  setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

struct HttpClient::Connection {
  net::io_context io;
  Tcp::socket socket{io};
  beast::flat_buffer buffer;

  Reply ReadReply(bool head) {
    http::response_parser<http::string_body> parser;
    parser.skip(head);
    parser.body_limit(64u << 20);
    ErrorCode error;
    http::read(socket, buffer, parser, error);
    if (error) return {};
    Reply reply;
    reply.status = parser.get().result_int();
    reply.body = parser.get().body();
    for (const auto& field : parser.get()) {
      reply.headers[LowerCase(std::string(field.name_string()))] = std::string(field.value());
    }
    return reply;
  }
};

HttpClient::HttpClient(std::uint16_t port)
    : connection_(std::make_unique<Connection>()), port_(port) {
  ConnectTo(connection_->socket, port);
}
HttpClient::~HttpClient() = default;

Reply HttpClient::Get(const std::string& target, const Headers& headers) {
  return Send("GET", target, "", headers);
}

Reply HttpClient::Send(const std::string& method, const std::string& target,
                       const std::string& body, const Headers& headers) {
  std::string request = method + " " + target + " HTTP/1.1\r\n";
  bool has_host = false;
  for (const auto& [name, value] : headers) {
    has_host = has_host || name == "Host";
    if (name != "Host" || !value.empty()) request += name + ": " + value + "\r\n";
  }
  if (!has_host) request += "Host: 127.0.0.1:" + std::to_string(port_) + "\r\n";
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  ErrorCode error;
  net::write(connection_->socket, net::buffer(request + "\r\n" + body), error);
  return connection_->ReadReply(method == "HEAD");
}

void HttpClient::Ask(const std::string& target) {
  ErrorCode error;
  net::write(connection_->socket,
             net::buffer("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                         "\r\n\r\n"),
             error);
}

bool HttpClient::AnswerBegins() {
  char byte = 0;
  ErrorCode error;
  connection_->socket.receive(net::buffer(&byte, 1), net::socket_base::message_peek, error);
  return !error;
}

Reply HttpClient::ReadReply() { return connection_->ReadReply(false); }

Reply HttpClient::SendRaw(const std::string& bytes) {
  ErrorCode error;
  net::write(connection_->socket, net::buffer(bytes), error);
  return connection_->ReadReply(false);
}

bool HttpClient::EndsByItself() {
  char byte = 0;
  ErrorCode error;
  while (!error) connection_->socket.read_some(net::buffer(&byte, 1), error);
  return error != net::error::would_block && error != net::error::try_again;
}

struct StreamClient::Connection {
  net::io_context io;
  beast::websocket::stream<Tcp::socket> socket{io};
  bool connected = false;
};

StreamClient::StreamClient(std::uint16_t port, const std::string& query, const Headers& headers)
    : connection_(std::make_unique<Connection>()) {
  ConnectTo(connection_->socket.next_layer(), port);
  connection_->socket.set_option(
      beast::websocket::stream_base::decorator([headers](beast::websocket::request_type& request) {
        for (const auto& [name, value] : headers) request.set(name, value);
      }));
  ErrorCode error;
  connection_->socket.handshake("127.0.0.1:" + std::to_string(port), "/ws/stream" + query, error);
  connection_->connected = !error;
}
StreamClient::~StreamClient() = default;

bool StreamClient::connected() const { return connection_->connected; }

std::optional<v1::StreamMessage> StreamClient::NextOfAnyKind() {
  beast::flat_buffer buffer;
  ErrorCode error;
  connection_->socket.read(buffer, error);
  v1::StreamMessage message;
  if (error) return std::nullopt;
  const std::string text = beast::buffers_to_string(buffer.data());
  if (!ParseWire(text, WireForm::kJson, &message).ok()) return std::nullopt;
  return message;
}

std::optional<v1::StreamMessage> StreamClient::Next() {
  while (true) {
    auto message = NextOfAnyKind();
    const bool heartbeat = message && message->has_records() &&
                           message->records().through_seq() < message->records().from_seq();
    if (!heartbeat) return message;
  }
}

}  // namespace fusiongateway::test
