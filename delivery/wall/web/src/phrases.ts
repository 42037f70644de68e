// The engine's sentences in English. Why an evidence joined and why a camera was chosen are written down
// in Chinese, in the records themselves; the English wall puts them into English, part by part.

import { currentLanguage } from "./text";

// # stands for a number, * for a name. tests/tidy/wall_words_test.py holds this complete.
const PHRASES: readonly (readonly [zh: string, en: string])[] = [
  ["首个报告", "first report"],
  ["相距 # 米", "# m apart"],
  ["方位 #° 指向现场", "bearing #° points at it"],
  ["同一塔同一方位", "same tower, same bearing"],
  ["同一区县，位置不详", "same district, place not known"],
  ["同一警情", "same call"],
  ["同一测点 *", "same measuring point *"],
  ["同一企业 *", "same site *"],
  ["同时", "at the same time"],
  ["晚 # 秒", "# s later"],
  ["早 # 秒", "# s earlier"],
  ["晚 # 分钟", "# min later"],
  ["早 # 分钟", "# min earlier"],
  ["报警来源", "raised the alarm"],
  ["视野覆盖", "within its view"],
  ["储罐", "tank"],
  ["大门", "gate"],
  ["铁塔", "tower"],
  ["道路", "street"],
  ["摄像机", "camera"],
  ["# 米", "# m"],
];

const RULES = PHRASES.map(([zh, en]) => ({
  zh: new RegExp(`^${zh.replace("#", "(-?\\d+)").replace("*", "(.+)")}$`),
  en: en.replace(/[#*]/, "$1"),
}));

function inEnglish(part: string): string {
  const rule = RULES.find(({ zh }) => zh.test(part));
  return rule ? part.replace(rule.zh, rule.en) : part;
}

// A reason in the language of the page; a part that is not in the table is shown as it came.
export function reasonOf(why: string | undefined): string {
  if (!why || currentLanguage() === "zh") return why ?? "";
  return why.split(" · ").map(inEnglish).join(" · ");
}
