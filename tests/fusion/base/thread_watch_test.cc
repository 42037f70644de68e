#include "fusion/base/thread_watch.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace fusiongateway {
namespace {

TEST(ThreadWatch, ABodyThatWasToldToEndIsNoFailure) {
  ThreadWatch watch;
  EXPECT_TRUE(watch.status().ok());
  EXPECT_TRUE(watch.Run([] { return Status(); }).ok());
  EXPECT_TRUE(watch.status().ok());
}

TEST(ThreadWatch, AnErrorAndAnExceptionAreWhyItEnded) {
  ThreadWatch failed;
  EXPECT_FALSE(failed.Run([] { return Unavailable("no socket"); }).ok());
  EXPECT_EQ(failed.status().message(), "no socket");
  ThreadWatch thrown;
  EXPECT_FALSE(thrown.Run([]() -> Status { throw std::runtime_error("out of luck"); }).ok());
  EXPECT_EQ(thrown.status().message(), "out of luck");
}

TEST(ThreadWatch, TheFirstReasonStays) {
  ThreadWatch watch;
  EXPECT_FALSE(watch.Run([] { return Internal("first"); }).ok());
  EXPECT_FALSE(watch.Run([] { return Status(); }).ok());
  EXPECT_EQ(watch.status().message(), "first");
}

}  // namespace
}  // namespace fusiongateway
