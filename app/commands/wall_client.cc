#include "app/commands/wall_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>

namespace fusiongateway {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = net::ip::tcp;

constexpr std::chrono::seconds kTimeout{30};
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} << 20;

struct Address {
  std::string host;  // as the Host header has it: an IPv6 address in brackets
  std::string port = "80";
  std::string name;  // as the resolver takes it
};

Result<Address> ParseBase(std::string base) {
  constexpr std::string_view kScheme = "http://";
  while (base.ends_with('/')) base.pop_back();
  if (!base.starts_with(kScheme) || base.size() == kScheme.size()) {
    return InvalidArgument("\"" + base + "\" is no address of a wall; write http://127.0.0.1:8080");
  }
  Address address;
  address.host = base.substr(kScheme.size());
  const std::size_t colon = address.host.rfind(':');
  if (colon != std::string::npos && !address.host.ends_with(']')) {
    address.port = address.host.substr(colon + 1);
    address.host.resize(colon);
  }
  address.name = address.host;
  if (address.name.starts_with('[') && address.name.ends_with(']')) {
    address.name = address.name.substr(1, address.name.size() - 2);
  }
  return address;
}

// Starts one operation and runs until it has ended, by itself or by the stream's own time-out.
template <typename Start>
beast::error_code Await(net::io_context& io, Start start) {
  beast::error_code result = net::error::would_block;
  start([&result](beast::error_code error, auto&&...) { result = error; });
  io.restart();
  io.run();
  return result;
}

}  // namespace

Result<WallAnswer> AskWall(const std::string& base, const std::string& method,
                           const std::string& target, const std::string& body) {
  const auto address = ParseBase(base);
  if (!address.ok()) return address.status();
  const auto failed = [&](const beast::error_code& error) {
    return Unavailable(base + ": " + error.message() + "; is the gateway running there?");
  };
  net::io_context io;
  beast::error_code error;
  const auto places = Tcp::resolver(io).resolve(address->name, address->port, error);
  if (error) return failed(error);
  beast::tcp_stream stream(io);
  stream.expires_after(kTimeout);
  error = Await(io, [&](auto done) { stream.async_connect(places, done); });
  if (error) return failed(error);

  http::request<http::string_body> request{http::string_to_verb(method), target, 11};
  request.set(http::field::host, address->host + ":" + address->port);
  request.set(http::field::connection, "close");
  if (method == "POST") {
    request.set(http::field::content_type, "application/json");
    request.body() = body;
  }
  request.prepare_payload();
  error = Await(io, [&](auto done) { http::async_write(stream, request, done); });
  if (error) return failed(error);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyBytesMax);
  error = Await(io, [&](auto done) { http::async_read(stream, buffer, parser, done); });
  if (error) return failed(error);
  return WallAnswer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

std::string PathSegment(const std::string& text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string segment;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      segment += c;
    } else {
      segment += '%';
      segment += kHex[byte >> 4];
      segment += kHex[byte & 15];
    }
  }
  return segment;
}

}  // namespace fusiongateway
