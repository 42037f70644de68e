#include "app/commands/unknown_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace fusiongateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class UnknownCommandTest : public testing::Test {
 protected:
  UnknownCommandTest() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "1");
    app_.add_subcommand("watch")->add_flag("--json");
    app_.add_subcommand("run")->add_option("config");
    CLI::App* letters = app_.add_subcommand("dead-letters");
    letters->require_subcommand(1);
    letters->add_subcommand("list");
  }

  CLI::App app_;
};

TEST_F(UnknownCommandTest, TheWrongWordIsNamedWithTheNearestAndAllCommands) {
  const std::string said = UnknownCommand(app_, {"wach", "--json"});
  EXPECT_THAT(said, HasSubstr("no command \"wach\"; did you mean \"watch\"?"));
  EXPECT_THAT(said, HasSubstr("watch, run, dead-letters"));
  EXPECT_THAT(UnknownCommand(app_, {"bogus"}), HasSubstr("no command \"bogus\"\n"));
}

TEST_F(UnknownCommandTest, AnOptionThatTheProgramDoesNotHaveIsNamed) {
  EXPECT_THAT(UnknownCommand(app_, {"--bogus"}), HasSubstr("no option \"--bogus\""));
  EXPECT_THAT(UnknownCommand(app_, {"--verion"}), HasSubstr("did you mean \"--version\"?"));
  EXPECT_EQ(UnknownCommand(app_, {"--version"}), "");
  EXPECT_EQ(UnknownCommand(app_, {"-h"}), "");
}

TEST_F(UnknownCommandTest, ACommandsOwnCommandsAreLookedAtToo) {
  const std::string said = UnknownCommand(app_, {"dead-letters", "lst"});
  EXPECT_THAT(said, HasSubstr("did you mean \"list\"?"));
  EXPECT_THAT(said, Not(HasSubstr("watch")));
  EXPECT_EQ(UnknownCommand(app_, {"dead-letters", "list"}), "");
}

TEST_F(UnknownCommandTest, WhatACommandIsGivenIsItsOwnBusiness) {
  EXPECT_EQ(UnknownCommand(app_, {"run", "wach"}), "");
  EXPECT_EQ(UnknownCommand(app_, {}), "");
}

}  // namespace
}  // namespace fusiongateway
