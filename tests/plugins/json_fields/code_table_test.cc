#include "plugins/json_fields/code_table.h"

#include <gtest/gtest.h>

namespace fusiongateway::plugin {
namespace {

CodeTable Table(const char* json) {
  auto table = CodeTable::FromJson(nlohmann::json::parse(json));
  EXPECT_TRUE(table.ok()) << table.status().message();
  return table.ok() ? *table : CodeTable();
}

TEST(CodeTable, TheFirstRuleThatFitsGives) {
  const CodeTable table = Table(R"({"rules": [
      {"when": {"kind": ["a"]}, "words": ["leak"], "class": "12D02"},
      {"when": {"kind": ["a", "b"]}, "class": "12D99", "severity": "MINOR"},
      {"when": {"kind": ["*"]}, "severity": "INFO"}]})");
  EXPECT_EQ(table.Classify({{"kind", {"a"}}, {"text", {"a leak"}}}).class_code, "12D02");
  EXPECT_EQ(table.Classify({{"kind", {"a"}}, {"text", {"a leak"}}}).severity, v1::MINOR);
  EXPECT_EQ(table.Classify({{"kind", {"b"}}}).class_code, "12D99");
  EXPECT_EQ(table.Classify({{"kind", {"c"}}}).class_code, "");
  EXPECT_EQ(table.Classify({{"kind", {"c"}}}).severity, v1::INFO);
  EXPECT_EQ(table.Classify({{"kind", {""}}}).severity, v1::SEVERITY_UNSPECIFIED);
}

TEST(CodeTable, WhatHasNoListIsNotUnknown) {
  const CodeTable table = Table(R"({"labels": {"grade": {"01": "worst"}}})");
  EXPECT_TRUE(table.Knows("grade", "01"));
  EXPECT_FALSE(table.Knows("grade", "02"));
  EXPECT_TRUE(table.Knows("grade", ""));
  EXPECT_TRUE(table.Knows("intake", "02"));
}

TEST(CodeTable, ATableOfAnotherFormIsRefusedNamingThePlace) {
  const struct {
    const char* json;
    const char* place;
  } cases[] = {
      {R"([])", "the table"},
      {R"({"labels": 1})", "labels"},
      {R"({"rules": {}})", "rules"},
      {R"({"labels": {"x": 1}})", "labels.x"},
      {R"({"rules": [{"severity": "AWFUL"}]})", "rules[0].severity"},
      {R"({"rules": [{}, {"when": {"kind": "a"}}]})", "rules[1].when"},
      {R"({"rules": [{"clas": "12D02"}]})", "rules[0].clas"},
  };
  for (const auto& c : cases) {
    const auto table = CodeTable::FromJson(nlohmann::json::parse(c.json));
    ASSERT_FALSE(table.ok()) << c.json;
    EXPECT_NE(table.status().message().find(c.place), std::string::npos)
        << table.status().message();
  }
}

}  // namespace
}  // namespace fusiongateway::plugin
