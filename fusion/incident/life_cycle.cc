#include "fusion/incident/life_cycle.h"

#include <array>

namespace fusiongateway {
namespace {

struct Transition {
  std::string_view action;
  IncidentState from;  // kUnspecified = any that is not closed
  IncidentState to;
};

constexpr std::array<Transition, 5> kTransitions = {{
    {"ack", IncidentState::kUnverified, IncidentState::kAccepted},
    {"accept", IncidentState::kUnverified, IncidentState::kAccepted},
    {"verify", IncidentState::kUnverified, IncidentState::kAccepted},
    {"false_alarm", IncidentState::kUnspecified, IncidentState::kFalseAlarm},
    {"close", IncidentState::kUnspecified, IncidentState::kClosed},
}};

Status NotInThisState(const Incident& incident, const std::string& zh, const std::string& en) {
  return FailedPrecondition(
      "事件 " + incident.incident_id + " 当前为“" + std::string(StateLabel(incident.state)) +
      "”，" + zh + " / the incident is " + std::string(ToString(incident.state)) + ": " + en);
}

Status ConfirmGrade(const OperatorAction& action, Incident* incident) {
  if (action.grade == Grade::kUnspecified) {
    return InvalidArgument("定级须给出等级 / action \"grade\" needs a grade: GRADE_I … GRADE_IV");
  }
  incident->confirmed_grade = action.grade;
  incident->change = {"grade", action.action_id, action.actor, action.reason};
  return {};
}

}  // namespace

std::string_view StateLabel(IncidentState state) {
  switch (state) {
    case IncidentState::kUnspecified:
      return "未知";
    case IncidentState::kUnverified:
      return "待核实";
    case IncidentState::kAccepted:
      return "已接报";
    case IncidentState::kAssessing:
      return "研判";
    case IncidentState::kResponding:
      return "响应中";
    case IncidentState::kHandling:
      return "处置中";
    case IncidentState::kFollowingUp:
      return "续报";
    case IncidentState::kFinalReport:
      return "终报";
    case IncidentState::kArchived:
      return "归档";
    case IncidentState::kFalseAlarm:
      return "误报";
    case IncidentState::kMerged:
      return "合并";
    case IncidentState::kTransferred:
      return "转办";
    case IncidentState::kExpired:
      return "超时关闭";
    case IncidentState::kClosed:
      return "已关闭";
  }
  return "未知";
}

Status ApplyAction(const OperatorAction& action, Incident* incident) {
  if (action.expected_revision != 0 && action.expected_revision != incident->revision) {
    return FailedPrecondition("事件已更新，请刷新后重试 / the incident is at revision " +
                              std::to_string(incident->revision) + ", not " +
                              std::to_string(action.expected_revision) + ": reload and try again");
  }
  if (IsClosed(incident->state)) {
    return NotInThisState(*incident, "新的报告会另立事件", "later reports open a new one");
  }
  if (action.action == "grade") return ConfirmGrade(action, incident);
  for (const Transition& transition : kTransitions) {
    if (transition.action != action.action) continue;
    if (transition.from != IncidentState::kUnspecified && transition.from != incident->state) {
      return NotInThisState(
          *incident, "仅“" + std::string(StateLabel(transition.from)) + "”时可执行",
          "action \"" + action.action + "\" needs " + std::string(ToString(transition.from)));
    }
    incident->state = transition.to;
    incident->change = {IsClosed(transition.to) ? "closed" : "state", action.action_id,
                        action.actor, action.reason};
    return {};
  }
  return InvalidArgument("未知操作 / unknown action \"" + action.action +
                         "\": use ack, accept, verify, false_alarm, close or grade");
}

}  // namespace fusiongateway
