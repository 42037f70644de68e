#include "fusion/engine.h"

namespace fusiongateway {

struct Engine::State {};

}  // namespace fusiongateway
