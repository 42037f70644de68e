// A real HTTP server on loopback that answers as a test wants it to, also as no server should:
// what an answer writes goes on the wire as it is. One thread a connection; one request each.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace fusiongateway {

class HttpSite {
 public:
  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    // False when the other side has gone.
    bool Send(std::string_view bytes);
    void Ok(std::string_view body, std::string_view headers = "");
    // Until the other side, or the site, ends the connection.
    void WaitForEnd();

   private:
    int socket_;
  };
  // Called with the request's target ("/a.jpg?x"), on the connection's thread.
  using Answer = std::function<void(const std::string& target, Peer& peer)>;

  explicit HttpSite(Answer answer);
  ~HttpSite();

  std::uint16_t port() const { return port_; }
  // "127.0.0.1:<port>"
  std::string host() const;
  std::string Url(const std::string& target) const { return "http://" + host() + target; }
  int connections() const { return connections_; }

 private:
  void Accept();
  void Serve(int socket);

  const Answer answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::list<int> sockets_;  // of connections that are served
  std::list<std::thread> threads_;
  bool stopping_ = false;
  std::thread accepting_;
};

}  // namespace fusiongateway
