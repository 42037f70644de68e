// A plain HTTP and WebSocket client for the wall's tests: blocking, with a time-out on everything.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fusiongateway/v1/consumer.pb.h"

namespace fusiongateway::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Reply {
  unsigned status = 0;                         // 0: no answer, the connection ended
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One connection. Host is the server's own unless `headers` names one.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);
  ~HttpClient();

  Reply Get(const std::string& target, const Headers& headers = {});
  Reply Send(const std::string& method, const std::string& target, const std::string& body,
             const Headers& headers = {});
  // The two halves of Get: asks, waits until the answer begins to come, reads it.
  void Ask(const std::string& target);
  bool AnswerBegins();
  Reply ReadReply();
  // Bytes as they are, and what came back.
  Reply SendRaw(const std::string& bytes);
  // Waits until the server ends the connection; false if it does not within the time-out.
  bool EndsByItself();

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
  std::uint16_t port_;
};

// Follows /ws/stream.
class StreamClient {
 public:
  StreamClient(std::uint16_t port, const std::string& query, const Headers& headers = {});
  ~StreamClient();

  bool connected() const;
  // The next message that is no heartbeat; none when the connection ended or none came in time.
  std::optional<v1::StreamMessage> Next();
  // The next message of any kind.
  std::optional<v1::StreamMessage> NextOfAnyKind();

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace fusiongateway::test
