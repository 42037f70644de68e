// What stands where a command should and is none.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fusiongateway {

// Names the wrong word, the command or option that is nearest to it, and the commands there are.
// Empty when `arguments` begin with a command of `app`, and of that command if it has any, or when
// nothing is given. `arguments` are without the program's name. Pure.
std::string UnknownCommand(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace fusiongateway
