// fusion-gateway: the command line. Each command's work is elsewhere; here are its options, its
// help and its exit status: 0 done, 1 failed, 2 bad usage or configuration.

#include <google/protobuf/stubs/logging.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <tuple>

#include "app/commands/backup.h"
#include "app/commands/check_config.h"
#include "app/commands/dead_letters.h"
#include "app/commands/doctor.h"
#include "app/commands/feed.h"
#include "app/commands/keygen.h"
#include "app/commands/publish.h"
#include "app/commands/run.h"
#include "app/commands/unknown_command.h"
#include "app/commands/watch.h"

namespace fusiongateway {
namespace {

constexpr int kUsage = 2;

CLI::App* AddCommand(CLI::App& app, const std::string& name, const std::string& description,
                     const std::string& example) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  return command;
}

int Main(int argc, char** argv) {
  CLI::App app{"Fusion Gateway: real-time video and alarm fusion for an emergency command centre"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "fusion-gateway " FG_VERSION);
  app.footer("Each command explains itself: fusion-gateway COMMAND --help");
  int status = 0;

  RunOptions run;
  CLI::App* run_command = AddCommand(
      app, "run", "Run the gateway until SIGINT or SIGTERM; SIGHUP reads the code tables again",
      "fusion-gateway run config/demo.yaml");
  run_command->add_option("config", run.config, "Configuration file (YAML)")->required();
  run_command->add_flag("--verbose", run.verbose, "Log more");
  run_command->add_flag(
      "--core-dumps", run.core_dumps,
      "Let a crash leave a core dump: it holds camera passwords and payloads not yet "
      "masked");
  run_command->callback([&] { status = RunGateway(run); });

  CheckConfigOptions check;
  CLI::App* check_command =
      AddCommand(app, "check-config", "Check a configuration and say what is wrong and where",
                 "fusion-gateway check-config config/example.yaml");
  check_command->add_option("config", check.config, "Configuration file (YAML)")->required();
  check_command->callback([&] { status = RunCheckConfig(check); });

  WatchOptions watch;
  CLI::App* watch_command = AddCommand(app, "watch", "Follow the incident stream",
                                       "fusion-gateway watch --stream live --count 10 --json");
  BindWatch(watch_command, &watch);
  watch_command->callback([&] { status = RunWatch(watch); });

  PublishOptions publish;
  CLI::App* publish_command =
      AddCommand(app, "publish", "Publish payloads, one a line, until all are on disk",
                 "fusion-gateway publish --feed hazmat alarms.ndjson");
  BindPublish(publish_command, &publish);
  publish_command->callback([&] { status = RunPublish(publish); });

  DoctorOptions doctor;
  CLI::App* doctor_command =
      AddCommand(app, "doctor", "Say what a gateway would make of sample payloads, field by field",
                 "fusion-gateway doctor --config config/demo.yaml --feed try-it samples.ndjson");
  BindDoctor(doctor_command, &doctor);
  doctor_command->callback([&] { status = RunDoctor(doctor); });
  pid_t feed_parent = 0;
  CLI::App* feed_command = AddCommand(
      app, "feed", "Run one isolated plugin; the gateway starts this for feeds with isolated: true",
      "feeds: [{feed_id: hazmat, plugin: hazmat, isolated: true}]   (in the configuration)");
  feed_command->add_option("gateway", feed_parent, "Process id of the gateway that starts it")
      ->required();
  feed_command->callback([&] { status = RunFeed(feed_parent); });

  BackupOptions backup;
  CLI::App* backup_command =
      AddCommand(app, "backup", "Copy a journal while the gateway runs",
                 "fusion-gateway backup state/journal.db backup-2026-11-23.db");
  backup_command->add_option("store", backup.store, "The journal")->required();
  backup_command->add_option("file", backup.file, "The copy; must not exist")->required();
  backup_command->callback([&] { status = RunBackup(backup); });

  RestoreOptions restore;
  CLI::App* restore_command =
      AddCommand(app, "restore", "Make a journal from a backup; it gets a new journal_id",
                 "fusion-gateway restore backup-2026-11-23.db state/journal.db");
  restore_command->add_option("file", restore.file, "The backup")->required();
  restore_command->add_option("store", restore.store, "The journal; must not exist")->required();
  restore_command->callback([&] { status = RunRestore(restore); });

  DeadLettersOptions letters;
  CLI::App* letters_command =
      AddCommand(app, "dead-letters", "Rejected payloads: list, show, submit again, drop",
                 "fusion-gateway dead-letters list state/journal.db");
  letters_command->require_subcommand(1);
  const std::tuple<const char*, DeadLettersVerb, const char*, const char*> kVerbs[] = {
      {"list", DeadLettersVerb::kList, "List them",
       "fusion-gateway dead-letters list http://127.0.0.1:8080 --feed hazmat"},
      {"show", DeadLettersVerb::kShow, "Show some with their masked payloads",
       "fusion-gateway dead-letters show state/journal.db 17"},
      {"resubmit", DeadLettersVerb::kResubmit,
       "Submit some again, masked as they are kept, or one with another payload",
       "fusion-gateway dead-letters resubmit http://127.0.0.1:8080 --feed hazmat --code "
       "UNKNOWN_TYPE"},
      {"drop", DeadLettersVerb::kDrop, "Mark some as not wanted any more",
       "fusion-gateway dead-letters drop http://127.0.0.1:8080 --feed hazmat 17 18"}};
  for (const auto& [name, verb, description, example] : kVerbs) {
    CLI::App* verb_command = letters_command->add_subcommand(name, description);
    verb_command->footer("Example:\n  " + std::string(example));
    BindDeadLetters(verb_command, verb, &letters);
    verb_command->callback([&, verb = verb] { status = RunDeadLetters(verb, letters); });
  }

  KeygenOptions keygen;
  CLI::App* keygen_command = AddCommand(
      app, "keygen",
      "Make a CURVE key pair (one file with the secret, the public printed), or a token for "
      "publishing over HTTP (printed once, with the configuration's line)",
      "fusion-gateway keygen --out gateway.key\n  fusion-gateway keygen --http-token hazmat");
  CLI::Option_group* made = keygen_command->add_option_group("what is made");
  made->add_option("--out", keygen.file, "A key pair; file for the secret key, must not exist");
  made->add_option("--http-token", keygen.http_token_feed,
                   "A token; the feed_id that it is to publish for");
  made->require_option(1);
  keygen_command->callback([&] { status = RunKeygen(keygen); });

  const std::string unknown = UnknownCommand(app, {argv + 1, argv + argc});
  if (!unknown.empty()) {
    std::fprintf(stderr, "fusion-gateway: %s\n", unknown.c_str());
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return status;
}

}  // namespace
}  // namespace fusiongateway

int main(int argc, char** argv) {
  // Protobuf would print a line for every message with bad UTF-8: a hostile peer's way to fill the
  // log. What is wrong with a message is told to its sender and counted.
  google::protobuf::SetLogHandler(nullptr);
  return fusiongateway::Main(argc, argv);
}
