#include "tests/support/http_site.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace fusiongateway {

bool HttpSite::Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void HttpSite::Peer::Ok(std::string_view body, std::string_view headers) {
  Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
       std::string(headers) + "Connection: close\r\n\r\n" + std::string(body));
}

void HttpSite::Peer::WaitForEnd() {
  char byte = 0;
  while (::recv(socket_, &byte, 1, 0) > 0) {
  }
}

HttpSite::HttpSite(Answer answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
  ::listen(listener_, 64);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

HttpSite::~HttpSite() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string HttpSite::host() const { return "127.0.0.1:" + std::to_string(port_); }

void HttpSite::Accept() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { Serve(socket); });
  }
}

void HttpSite::Serve(int socket) {
  std::string request;
  char byte = 0;
  while (request.find("\r\n\r\n") == request.npos && ::recv(socket, &byte, 1, 0) == 1) {
    request += byte;
  }
  const std::size_t begin = request.find(' ');
  const std::size_t end = request.find(' ', begin + 1);
  if (end != request.npos) {
    Peer peer(socket);
    answer_(request.substr(begin + 1, end - begin - 1), peer);
  }
  std::lock_guard lock(mutex_);
  sockets_.remove(socket);
  ::close(socket);
}

}  // namespace fusiongateway
