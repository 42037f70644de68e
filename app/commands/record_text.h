// One stream record as text for people: Chinese first, English beside it, times in Beijing time
// with their bound. Pure.
#pragma once

#include <string>

namespace fusiongateway::v1 {
class StreamRecord;
}

namespace fusiongateway {

// One line or several, each ended. `colour`: with ANSI colours by severity.
std::string RecordText(const v1::StreamRecord& record, bool colour);

}  // namespace fusiongateway
