#include "fusion/base/shared_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace fusiongateway {
namespace {

using ::testing::ElementsAre;

SharedList<std::string> Letters() {
  SharedList<std::string> list;
  for (const char* letter : {"a", "b", "c"}) list.push_back(letter);
  return list;
}

TEST(SharedListTest, ACopySharesItsElementsAndKeepsThemWhenTheOriginalChanges) {
  SharedList<std::string> list = Letters();
  const SharedList<std::string> copy = list;
  EXPECT_EQ(&list[1], &copy[1]);
  list.Set(1, "B");
  list.erase(list.begin());
  list.push_back("d");
  EXPECT_THAT(list, ElementsAre("B", "c", "d"));
  EXPECT_THAT(copy, ElementsAre("a", "b", "c"));
  EXPECT_EQ(&list[1], &copy[2]) << "what did not change is still shared";
}

TEST(SharedListTest, ListsAreEqualByTheirValues) {
  SharedList<std::string> list = Letters();
  EXPECT_EQ(list, Letters());
  list.Set(2, "C");
  EXPECT_FALSE(list == Letters());
  list.erase(list.begin() + 2);
  EXPECT_FALSE(list == Letters()) << "a shorter one";
  EXPECT_EQ(SharedList<std::string>{}, SharedList<std::string>{});
}

TEST(SharedListTest, ItsIteratorsAreOfRandomAccess) {
  static_assert(std::random_access_iterator<SharedList<int>::const_iterator>);
  const SharedList<std::string> list = Letters();
  EXPECT_EQ(std::max_element(list.begin(), list.end()) - list.begin(), 2);
  EXPECT_EQ(list.end() - list.begin(), 3);
  EXPECT_EQ(list.begin()[1], "b");
}

}  // namespace
}  // namespace fusiongateway
