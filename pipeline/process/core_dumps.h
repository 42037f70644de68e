// Memory holds camera passwords and what is not yet masked: it must not reach a disk by accident.
#pragma once

namespace fusiongateway {

// From here on a crash of this process leaves no core dump, and other users' processes cannot read
// its memory. Inherited by its children.
void ForbidCoreDumps();

}  // namespace fusiongateway
