// Every word the page says, in Chinese and English, and the names behind codes.

export type Language = "zh" | "en";
type Pair = readonly [zh: string, en: string];

const WORDS = {
  brand: ["融合网关", "Fusion Gateway"],
  wall: ["事件墙", "Incident wall"],
  incidents: ["事件", "Incidents"],
  showClosed: ["显示已结束", "Show closed"],
  noIncidents: ["当前没有事件", "No incidents"],
  noIncidentsHint: ["各来源照常接入，新事件会立即出现在这里。", "Sources are being watched; a new incident appears here at once."],
  chooseIncident: ["从左侧选择一个事件", "Choose an incident on the left"],
  waiting: ["正在读取当前状态…", "Reading the current state…"],
  sources: ["个来源", "sources"],
  source: ["个来源", "source"],
  evidence: ["条证据", "evidence"],
  drill: ["演练", "DRILL"],
  live: ["实时", "Live"],
  connecting: ["连接中", "Connecting"],
  disconnected: ["已断开", "Disconnected"],
  since: ["自", "since"],
  disconnectedHint: ["所示内容截至断开时刻；正在自动重连，恢复后从断点继续。", "What is shown ends there. Reconnecting by itself; it will go on where it stopped."],
  settledThrough: ["已定稿至", "Settled to"],
  waitsFor: ["等待", "waiting for"],
  beijingTime: ["北京时间", "Beijing time"],
  switchLanguage: ["English", "中文"],
  switchLanguageHint: ["Switch to English", "切换到中文"],
  theme: ["深色 / 浅色", "Dark / light"],
  help: ["键盘操作", "Keyboard"],
  closeDialog: ["关闭", "Close"],
  classCode: ["类别", "Class"],
  classUnknown: ["类别未定", "Class not known"],
  severity: ["报警级别", "Alarm severity"],
  severityHint: ["各来源所报级别中最高的一级", "How grave its sources say it is: the gravest of its evidence"],
  grade: ["事件等级", "Incident grade"],
  gradeHint: [
    "特别重大 I 至一般 IV：按分级标准衡量整个事件，与报警级别是两回事。网关只作建议，由人确认",
    "I (gravest) to IV: the whole incident by the official standard, a scale of its own beside the alarm severity. The gateway suggests it, a person confirms it",
  ],
  suggested: ["建议", "suggested"],
  confirmed: ["已确认", "confirmed"],
  none: ["未定", "none yet"],
  confidence: ["置信度", "Confidence"],
  position: ["位置", "Position"],
  noPosition: ["无定位", "not located"],
  started: ["开始", "Started"],
  updated: ["最近证据", "Last evidence"],
  site: ["场所", "Site"],
  revision: ["版本", "revision"],
  incidentId: ["事件编号", "Incident number"],
  deviceId: ["测点编号", "Number of the measuring point"],
  accept: ["受理", "Accept"],
  falseAlarm: ["误报", "False alarm"],
  close: ["关闭", "Close"],
  timeline: ["证据时间线", "Evidence time line"],
  timelineHint: ["←/→ 逐条查看，回车选定：所有摄像机显示该时刻", "←/→ step, Enter chooses: every camera shows that moment"],
  shownOf: ["显示 {0} / {1} 条", "{0} of {1} shown"],
  joinReason: ["并入原因", "Joined by"],
  alignedTime: ["时刻", "Time"],
  report: ["报告", "Report"],
  repeats: ["来源重复 {0} 次", "told {0} times"],
  linkedPicture: ["报警附图", "Picture of the alarm"],
  linkedClip: ["报警录像", "Clip of the alarm"],
  notFetched: ["未取得", "not fetched"],
  follow: ["跟随最新", "Follow latest"],
  following: ["跟随最新证据", "Following the latest evidence"],
  pictures: ["该时刻的画面", "Pictures at that moment"],
  noCameras: ["此事件没有可见的摄像机", "No camera sees this incident"],
  offset: ["与报告相差", "from the report"],
  offsetShort: ["偏移", "offset"],
  fetching: ["取图中…", "Fetching picture…"],
  noPicture: ["无画面", "No picture"],
  notHeld: ["该时刻的画面不在保存范围内", "That moment is no longer, or not yet, held"],
  held: ["现存", "held"],
  cameraDown: ["摄像机未连接", "Camera not connected"],
  nothingHeld: ["尚未收到此摄像机的画面", "Nothing received from this camera yet"],
  decodeBusy: ["解码繁忙，正在重试", "Decoder busy, trying again"],
  gatewayAway: ["网关不可达，恢复后自动取图", "The gateway cannot be reached; fetched when it is back"],
  clockFrom: ["时钟", "clock"],
  feeds: ["来源", "Feeds"],
  cameras: ["摄像机", "Cameras"],
  accepted: ["已收", "taken"],
  rejected: ["拒收", "refused"],
  neverConnected: ["尚未接入", "Not connected yet"],
  notBack: ["重启后尚未接入", "Not back since the restart"],
  signedOff: ["已离线（正常结束）", "Signed off"],
  noRequest: ["暂无请求", "No request lately"],
  lost: ["已断线", "Lost"],
  reason: ["原因", "Reason"],
  reasonHint: ["可补充说明", "Add a note if needed"],
  reasonNeeded: ["请选择或填写原因", "Choose or write a reason"],
  confirm: ["确认", "Confirm"],
  cancel: ["取消", "Cancel"],
  actionDone: ["已执行：{0}", "Done: {0}"],
  actionFailed: ["未执行：{0}", "Not done: {0}"],
  newIncident: ["新事件：{0}", "New incident: {0}"],
  changedIncident: ["{0}：{1}", "{0}: {1}"],
  clockUnsynchronised: ["主机时钟未同步", "Host clock not synchronised"],
  keyList: ["上一个 / 下一个事件", "Previous / next incident"],
  keyOpen: ["打开事件，进入时间线", "Open the incident, go to its time line"],
  keyEvidence: ["上一条 / 下一条证据", "Previous / next evidence"],
  keyFollow: ["跟随最新证据", "Follow the latest evidence"],
  keyCamera: ["放大第 n 台摄像机", "Enlarge the n-th camera"],
  keyActions: ["受理 / 误报 / 关闭", "Accept / false alarm / close"],
  keyLanguage: ["中文 / English", "中文 / English"],
  keyTheme: ["深色 / 浅色", "Dark / light"],
  keyHelp: ["本说明", "This help"],
  ago: ["{0}前", "{0} ago"],
  secondsShort: ["{0} 秒", "{0} s"],
  minutesShort: ["{0} 分", "{0} min"],
  hoursShort: ["{0} 小时", "{0} h"],
  daysShort: ["{0} 天", "{0} d"],
} satisfies Record<string, Pair>;

export type Word = keyof typeof WORDS;

const CODES: Record<string, Pair> = {
  UNVERIFIED: ["待核实", "Unverified"],
  ACCEPTED: ["已接报", "Accepted"],
  ASSESSING: ["研判", "Assessing"],
  RESPONDING: ["响应中", "Responding"],
  HANDLING: ["处置中", "Handling"],
  FOLLOWING_UP: ["续报", "Following up"],
  FINAL_REPORT: ["终报", "Final report"],
  ARCHIVED: ["归档", "Archived"],
  FALSE_ALARM: ["误报", "False alarm"],
  MERGED: ["已合并", "Merged"],
  TRANSFERRED: ["已转办", "Transferred"],
  EXPIRED: ["超时结束", "Expired"],
  CLOSED: ["已关闭", "Closed"],
  SEVERITY_UNSPECIFIED: ["未定", "Unrated"],
  INFO: ["提示", "Info"],
  MINOR: ["轻微", "Minor"],
  MODERATE: ["中等", "Moderate"],
  SEVERE: ["严重", "Severe"],
  EXTREME: ["特别严重", "Extreme"],
  GRADE_I: ["特别重大 I", "Grade I"],
  GRADE_II: ["重大 II", "Grade II"],
  GRADE_III: ["较大 III", "Grade III"],
  GRADE_IV: ["一般 IV", "Grade IV"],
  POLICE_CALL: ["报警电话", "Police call"],
  SKY_GUARD_ALARM: ["铁塔告警", "Tower alarm"],
  SENSOR_READING: ["监测值", "Sensor reading"],
  SENSOR_ALARM: ["传感器报警", "Sensor alarm"],
  RISK_WARNING: ["风险预警", "Risk warning"],
  GRID_REPORT: ["网格上报", "Grid report"],
  CAMERA_FINDING: ["视频发现", "Camera finding"],
  DATA_LOST: ["数据中断", "Data lost"],
  SENDER_REPORT: ["发送端报告", "Sender report"],
  HEADER_EXTENSION: ["报头扩展", "Header extension"],
  ARRIVAL: ["到达时间", "Arrival"],
  PROBED: ["探测校正", "Probed"],
  DECLARED: ["声明误差", "Declared"],
  UNSYNCHRONISED: ["未同步", "Unsynchronised"],
  CLOCK_SOURCE_UNSPECIFIED: ["未知", "unknown"],
  CONNECTED: ["正常", "Connected"],
  DISCONNECTED: ["未连接", "Disconnected"],
  IDLE: ["静默", "Silent"],
  CONNECTING: ["连接中", "Connecting"],
  STREAMING: ["正常", "Streaming"],
  STALLED: ["画面停滞", "Stalled"],
  DOWN: ["断开", "Down"],
  STATE_UNSPECIFIED: ["未知", "Unknown"],
};

export const REASONS: Record<"false_alarm" | "close", readonly Pair[]> = {
  false_alarm: [
    ["扬尘", "Dust"],
    ["水汽或云雾", "Steam or mist"],
    ["设备误动", "Instrument fault"],
    ["已电话核实无异常", "Verified by call: nothing there"],
  ],
  close: [
    ["现场处置完毕", "Handled on site"],
    ["已移交主管部门", "Handed over"],
    ["来源已解除", "Cleared by its source"],
  ],
};

interface Names {
  classes?: Record<string, Pair>;
  districts?: Record<string, Pair>;
  feeds?: Record<string, Pair>;
  roles?: Record<string, Pair>;
}

let language: Language = "zh";
let names: Names = {};

const pick = (pair: Pair) => pair[language === "zh" ? 0 : 1];

export const currentLanguage = () => language;

export function setLanguage(to: Language) {
  language = to;
  document.documentElement.lang = to === "zh" ? "zh-CN" : "en";
}

export async function loadNames() {
  const response = await fetch("/names.json");
  if (response.ok) names = (await response.json()) as Names;
}

export function t(word: Word, ...values: (string | number)[]): string {
  return pick(WORDS[word]).replace(/\{(\d)\}/g, (_, index) => String(values[Number(index)] ?? ""));
}

// An enum's name; what is not in the table is shown as it came.
export const code = (name: string | undefined, fallback = ""): string => {
  const pair = CODES[name ?? ""];
  return pair ? pick(pair) : name || fallback;
};

// What the gateway says to people is "中文 / English"; the page shows its half.
export function half(said: string | undefined): string {
  const [zh = "", ...en] = (said ?? "").split(" / ");
  return language === "zh" || en.length === 0 ? zh : en.join(" / ");
}

const named = (table: Record<string, Pair> | undefined, key: string | undefined) => {
  const pair = key ? table?.[key] : undefined;
  return pair ? pick(pair) : undefined;
};

export const className = (key: string | undefined) => named(names.classes, key) ?? key ?? "";
export const districtName = (key: string | undefined) =>
  !key || key === "000000" ? "" : (named(names.districts, key) ?? key);
export const feedName = (key: string | undefined) => named(names.feeds, key) ?? key ?? "";
export const roleName = (key: string | undefined) => named(names.roles, key) ?? key ?? "";
export const reasonText = pick;

// "3 min ago".
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const text =
    seconds < 90
      ? t("secondsShort", seconds)
      : seconds < 5400
        ? t("minutesShort", Math.round(seconds / 60))
        : seconds < 129600
          ? t("hoursShort", Math.round(seconds / 3600))
          : t("daysShort", Math.round(seconds / 86400));
  return t("ago", text);
}
