#include "app/commands/unknown_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "app/nearest_name.h"

namespace fusiongateway {
namespace {

using Words = std::span<const std::string>;

std::string Complaint(const CLI::App& app, const char* zh, const char* en, const std::string& word,
                      const std::vector<std::string>& names) {
  std::string commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands += (commands.empty() ? "" : ", ") + command->get_name();
  }
  return std::string(zh) + " \"" + word + "\" · " + en + " \"" + word + "\"" +
         DidYouMean(word, names) + "\n命令 commands: " + commands + "; --help 说明 explains them";
}

std::string UnknownOption(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  if (std::find(names.begin(), names.end(), word) != names.end()) return "";
  return Complaint(app, "没有选项", "no option", word, names);
}

std::string Check(const CLI::App& app, Words words) {
  if (words.empty() || app.get_require_subcommand_min() == 0) return "";
  const std::string& word = words.front();
  if (word.starts_with("-")) return UnknownOption(app, word);
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return Check(*command, words.subspan(1));
    names.push_back(command->get_name());
  }
  return Complaint(app, "没有命令", "no command", word, names);
}

}  // namespace

std::string UnknownCommand(const CLI::App& app, const std::vector<std::string>& arguments) {
  return Check(app, arguments);
}

}  // namespace fusiongateway
