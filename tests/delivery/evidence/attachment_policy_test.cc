#include "delivery/evidence/attachment_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace fusiongateway {
namespace {

AttachmentPolicy Policy() {
  auto policy = AttachmentPolicy::Make(
      {"nvr-1.example", "10.20.3.4:8081", "[fd00::7]", "127.0.0.1:9000", "Tower.Example:8443"});
  EXPECT_TRUE(policy.ok()) << policy.status().message();
  return *policy;
}

std::string Failure(const std::string& url) {
  const auto target = Policy().Check(url);
  return target.ok() ? "" : target.status().message();
}

TEST(AttachmentPolicyTest, WhatTheListNamesMayBeAsked) {
  for (const char* url :
       {"http://nvr-1.example/a.jpg", "https://nvr-1.example/a.jpg",
        "HTTP://NVR-1.EXAMPLE:80/a?t=1", "http://10.20.3.4:8081/snap/1", "http://[fd00::7]/a.jpg",
        "https://tower.example:8443/x", "http://127.0.0.1:9000/a"}) {
    EXPECT_EQ(Failure(url), "") << url;
  }
}

TEST(AttachmentPolicyTest, NothingElseMayBeAsked) {
  for (const char* url : {"",
                          "nvr-1.example/a.jpg",
                          "//nvr-1.example/a.jpg",
                          "ftp://nvr-1.example/a.jpg",
                          "file:///etc/passwd",
                          "file://nvr-1.example/etc/passwd",
                          "gopher://nvr-1.example/1",
                          "javascript:alert(1)",
                          "http://nvr-1.example:8080/a.jpg",
                          "https://nvr-1.example:80/a.jpg",
                          "http://10.20.3.4/a.jpg",
                          "http://tower.example/a.jpg",
                          "http://other.example/a.jpg",
                          "http://nvr-1.example.other.example/a.jpg",
                          "http://anvr-1.example/a.jpg",
                          "http://nvr-1.example./a.jpg",
                          "http://nvr-1.example@other.example/a.jpg",
                          "http://user:word@nvr-1.example/a.jpg",
                          "http://user@nvr-1.example/a.jpg",
                          "http://other.example#@nvr-1.example/a.jpg",
                          "http://other.example\\@nvr-1.example/a.jpg",
                          "http://nvr-1.example/a.jpg#part",
                          "http://nvr-1.example/a\n.jpg",
                          "http://nvr-1\t.example/a.jpg",
                          "http://nvr-1.example /a.jpg",
                          " http://nvr-1.example/a.jpg",
                          "http://nvr-1%2eexample.other/a.jpg",
                          "http://nvr‑1.example/a.jpg",
                          "http://[fe80::1%25eth0]/a.jpg",
                          "http://localhost/a.jpg",
                          "http://127.0.0.1/a.jpg",
                          "http://[::ffff:127.0.0.1]/a.jpg",
                          "http://169.254.169.254/latest/meta-data"}) {
    EXPECT_EQ(Failure(url), "NOT_ALLOWED") << url;
  }
  EXPECT_EQ(Failure("http://nvr-1.example/" + std::string(3000, 'a')), "NOT_ALLOWED");
}

// curl writes every form of an IPv4 address in dots; whatever it is written as, it is the same
// host.
TEST(AttachmentPolicyTest, OtherFormsOfAnAddressAreTheAddressTheyMean) {
  for (const char* host : {"0x7f.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.1"}) {
    const auto listed = Policy().Check("http://" + std::string(host) + ":9000/a");
    ASSERT_TRUE(listed.ok()) << host;
    EXPECT_EQ(listed->host, "127.0.0.1") << host;
    EXPECT_TRUE(listed->is_address) << host;
    EXPECT_EQ(Failure("http://" + std::string(host) + "/a"), "NOT_ALLOWED") << host;
  }
}

TEST(AttachmentPolicyTest, AUrlThatLostANumberToTheMaskingIsNotAsked) {
  EXPECT_EQ(Failure("http://nvr-1.example/138****5678.jpg"), "MASKED_URL");
  EXPECT_EQ(Failure("http://nvr-1.example/[证件号].jpg"), "MASKED_URL");
}

TEST(AttachmentPolicyTest, AHostThatIsNoneIsRefusedByName) {
  for (const char* entry : {"", "http://nvr", "nvr/path", "*.example", "10.0.0.0/8", "u@nvr",
                            "nvr:99999", "nvr.", "nvr 1", "nvr:abc"}) {
    const auto policy = AttachmentPolicy::Make({"nvr-1.example", entry});
    ASSERT_FALSE(policy.ok()) << entry;
    EXPECT_NE(policy.status().message().find('"' + std::string(entry) + '"'), std::string::npos);
  }
}

TEST(AttachmentPolicyTest, OnlyTheOriginIsWrittenDown) {
  const auto target = Policy().Check("https://nvr-1.example/a.jpg?token=secret");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->origin(), "https://nvr-1.example:443");
}

bool MayConnect(const std::string& address) {
  sockaddr_storage storage{};
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &in->sin_addr) == 1) {
    storage.ss_family = AF_INET;
  } else if (inet_pton(AF_INET6, address.c_str(), &in6->sin6_addr) == 1) {
    storage.ss_family = AF_INET6;
  } else {
    ADD_FAILURE() << address;
  }
  return MayConnectTo(reinterpret_cast<const sockaddr&>(storage));
}

TEST(AttachmentPolicyTest, ANameLeadsToNoAddressOfThisMachineOrItsLink) {
  for (const char* address : {"127.0.0.1",
                              "127.255.255.254",
                              "0.0.0.0",
                              "0.1.2.3",
                              "169.254.169.254",
                              "100.100.100.200",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "febf::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "::127.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "fd00:ec2::254"}) {
    EXPECT_FALSE(MayConnect(address)) << address;
  }
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  EXPECT_FALSE(MayConnectTo(reinterpret_cast<const sockaddr&>(local)));
}

TEST(AttachmentPolicyTest, ANameMayLeadToWhereRecordersStand) {
  for (const char* address : {"10.20.3.4", "172.16.0.1", "192.168.1.64", "100.64.0.1", "8.8.8.8",
                              "126.255.255.255", "128.0.0.1", "169.253.0.1", "223.255.255.255",
                              "fd00::7", "fec0::1", "2001:db8::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(MayConnect(address)) << address;
  }
}

TEST(AttachmentPolicyTest, TheFirstBytesSayWhatItIs) {
  using namespace std::string_literals;
  EXPECT_EQ(MediaTypeOf("\xFF\xD8\xFF\xE0 rest"), "image/jpeg");
  EXPECT_EQ(MediaTypeOf("\x89PNG\r\n\x1A\n rest"), "image/png");
  EXPECT_EQ(MediaTypeOf("RIFF\1\2\3\4WEBPVP8 "), "image/webp");
  EXPECT_EQ(MediaTypeOf("\0\0\0\x20"s + "ftypisom"), "video/mp4");
  EXPECT_EQ(MediaTypeOf("\0\0\0\x20"s + "ftypheic"), "image/heic");
  EXPECT_EQ(MediaTypeOf("\0\0\0\x20"s + "ftypavif"), "image/avif");
  std::string stream(3 * 188, '\0');
  stream[0] = stream[188] = stream[376] = 'G';
  EXPECT_EQ(MediaTypeOf(stream), "video/mp2t");

  for (const std::string& other :
       {""s, "\xFF\xD8"s, "RIFF\1\2\3\4WAVE"s, "GIF89a"s, "<html><script>"s, "<svg/>"s, "%PDF-1.7"s,
        "#!/bin/sh"s, "Goodbye"s, "{\"error\":404}"s}) {
    EXPECT_EQ(MediaTypeOf(other), "") << other;
  }
}

}  // namespace
}  // namespace fusiongateway
