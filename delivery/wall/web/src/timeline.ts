// An incident's evidence on a time line: a lane for each feed, and for each evidence the interval in
// which it truly happened, not a mere point.

import { h, refill, s } from "./dom";
import { attachmentAddress, evidenceKey, inTimeOrder, severityOf, type Evidence, type FetchedAttachment, type Incident } from "./model";
import { reasonOf } from "./phrases";
import type { Store } from "./store";
import { calendarDay, clockTime, parseInstant, parseSpan, plusMinus } from "./time";
import { code, feedName, t } from "./text";

const LABEL_WIDTH = 118;
const RIGHT = 26;
const ROW_HEIGHT = 30;
const LANE_PADDING = 8;
const LOW_SCREEN = 900; // on one, rows and lanes stand closer
const ROW_HEIGHT_LOW = 28;
const LANE_PADDING_LOW = 2;
const ROWS_MAX = 3;
const MARK_SPACE = 23;
const AXIS_HEIGHT = 26;
const TOP = 8;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const TICK_SPACE = 92;

interface Scale {
  from: number;
  to: number;
  x(ms: number): number;
}

function scaleOf(evidence: Evidence[], width: number): Scale {
  let from = Infinity;
  let to = -Infinity;
  for (const { aligned } of evidence) {
    const at = parseInstant(aligned?.utc);
    const half = parseSpan(aligned?.uncertainty) * 1000;
    from = Math.min(from, at - half);
    to = Math.max(to, at + half);
  }
  const margin = Math.max(5000, (to - from) * 0.06);
  from -= margin;
  to += margin;
  const inner = width - LABEL_WIDTH - RIGHT;
  return { from, to, x: (ms) => LABEL_WIDTH + ((ms - from) / (to - from)) * inner };
}

// A feed's part of the drawing. Marks that would cover each other stand in rows.
interface Lane {
  feedId: string;
  top: number;
  padding: number; // above and below together
  rowHeight: number;
  height: number;
  rowOf: Map<string, number>;
}

function lanesOf(all: Evidence[], scale: Scale): Lane[] {
  const isLow = window.innerHeight < LOW_SCREEN;
  const padding = isLow ? LANE_PADDING_LOW : LANE_PADDING;
  const rowHeight = isLow ? ROW_HEIGHT_LOW : ROW_HEIGHT;
  const lanes: Lane[] = [];
  let top = TOP;
  for (const feedId of new Set(all.map((evidence) => evidence.feedId))) {
    const rowOf = new Map<string, number>();
    const ends: number[] = []; // where each row's last mark stands
    for (const evidence of all) {
      if (evidence.feedId !== feedId) continue;
      const x = scale.x(parseInstant(evidence.aligned?.utc));
      const free = ends.findIndex((end) => x - end >= MARK_SPACE);
      const row = free >= 0 ? free : ends.length % ROWS_MAX;
      ends[row] = x;
      rowOf.set(evidenceKey(evidence), row);
    }
    const height = ends.length * rowHeight + padding;
    lanes.push({ feedId, top, padding, rowHeight, height, rowOf });
    top += height;
  }
  return lanes;
}

function ticks(scale: Scale, width: number): number[] {
  const wanted = Math.max(2, (width - LABEL_WIDTH - RIGHT) / TICK_SPACE);
  const span = (scale.to - scale.from) / 1000;
  const step = (STEPS_S.find((seconds) => span / seconds <= wanted) ?? 86400) * 1000;
  const found = [];
  for (let at = Math.ceil(scale.from / step) * step; at <= scale.to; at += step) found.push(at);
  return found;
}

export class Timeline {
  readonly element = h("section", { class: "timeline panel", "aria-labelledby": "timeline-title" });
  private readonly head = h("header", { class: "panel-head" });
  private readonly canvas = h("div", { class: "timeline-canvas" });
  private readonly detail = h("div", { class: "evidence-detail" });
  private width = 0;
  // What the pointer or the focus is on; its details are shown before they are chosen.
  private looked: string | null = null;

  constructor(private readonly store: Store) {
    this.element.append(this.head, h("div", { class: "timeline-body" }, this.canvas, this.detail));
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width === this.width || width < 200) return;
      this.width = width;
      this.draw();
    }).observe(this.canvas);
  }

  focusShown() {
    const mark = this.canvas.querySelector<SVGElement>('.mark[tabindex="0"]');
    mark?.focus();
  }

  // Chooses the evidence `step` places on in time.
  step(step: number) {
    const all = inTimeOrder(this.store.chosen()?.evidence ?? []);
    const shown = this.store.shownEvidence();
    if (!shown) return;
    const at = all.findIndex((evidence) => evidenceKey(evidence) === evidenceKey(shown));
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    if (next) this.store.chooseEvidence(evidenceKey(next));
  }

  draw() {
    const incident = this.store.chosen();
    this.drawHead(incident);
    const all = inTimeOrder(incident?.evidence ?? []);
    if (!incident || all.length === 0 || this.width === 0) {
      this.canvas.replaceChildren();
      this.detail.replaceChildren();
      return;
    }
    refill(this.canvas, this.drawing(all));
    this.drawDetail(all);
  }

  private drawHead(incident: Incident | undefined) {
    const shown = incident?.evidence?.length ?? 0;
    const total = Number(incident?.evidenceCount ?? shown);
    const following = this.store.chosenEvidence === null;
    const follow = h(
      "button",
      { class: "small", "aria-pressed": String(following), "data-focus": "follow" },
      following ? t("following") : t("follow"),
    );
    follow.addEventListener("click", () => this.store.chooseEvidence(null));
    refill(
      this.head,
      h("h3", { id: "timeline-title" }, t("timeline")),
      total > shown && h("span", { class: "hint" }, t("shownOf", shown, total)),
      h("span", { class: "hint grow" }, t("timelineHint")),
      follow,
    );
  }

  private drawing(all: Evidence[]): SVGSVGElement {
    const scale = scaleOf(all, this.width);
    const lanes = lanesOf(all, scale);
    const bottom = lanes.reduce((sum, lane) => sum + lane.height, TOP);
    const svg = s("svg", {
      width: this.width, height: bottom + AXIS_HEIGHT, role: "group", "aria-label": t("timeline"),
    });
    lanes.forEach((lane, index) => svg.append(...this.lane(lane, index)));
    for (const at of ticks(scale, this.width)) {
      const x = Math.round(scale.x(at)) + 0.5;
      svg.append(
        s("line", { class: "tick", x1: x, x2: x, y1: TOP, y2: bottom }),
        s("text", { class: "tick-label", x, y: bottom + 17, "text-anchor": "middle" }, clockTime(at)),
      );
    }
    const shown = this.store.shownEvidence();
    if (shown) {
      const x = scale.x(parseInstant(shown.aligned?.utc));
      svg.append(s("line", { class: "moment", x1: x, x2: x, y1: TOP, y2: bottom + 4 }));
    }
    all.forEach((evidence, index) => {
      const lane = lanes.find(({ feedId }) => feedId === evidence.feedId);
      if (lane) svg.append(this.mark(evidence, index, all.length, lane, scale));
    });
    return svg;
  }

  private lane(lane: Lane, index: number): SVGElement[] {
    return [
      s("rect", {
        class: index % 2 ? "lane odd" : "lane", x: 0, y: lane.top, width: this.width, height: lane.height, rx: 4,
      }),
      s("text", { class: "lane-label", x: 10, y: lane.top + lane.height / 2 + 4.5 }, feedName(lane.feedId)),
    ];
  }

  private mark(evidence: Evidence, index: number, count: number, lane: Lane, scale: Scale) {
    const key = evidenceKey(evidence);
    const at = parseInstant(evidence.aligned?.utc);
    const half = parseSpan(evidence.aligned?.uncertainty) * 1000;
    const x = scale.x(at);
    const left = Math.max(LABEL_WIDTH - 4, scale.x(at - half));
    const right = Math.min(this.width - 2, scale.x(at + half));
    const y = lane.top + lane.padding / 2 + ((lane.rowOf.get(key) ?? 0) + 0.5) * lane.rowHeight;
    const shown = this.store.shownEvidence();
    const isShown = shown !== undefined && evidenceKey(shown) === key;
    const mark = s(
      "g",
      {
        class: "mark", role: "button", tabindex: isShown ? 0 : -1, "data-focus": `mark-${key}`,
        "data-severity": severityOf(evidence.severity), "aria-pressed": String(isShown),
        "aria-label": this.label(evidence, index, count),
      },
      s("rect", { class: "hit", x: x - 13, y: y - 16, width: 26, height: 32 }),
      s("rect", {
        class: "interval", x: Math.min(left, x - 1.5), y: y + 9, width: Math.max(3, right - left), height: 5, rx: 2,
      }),
      s("circle", { class: "dot", cx: x, cy: y - 4, r: 10 }),
      s("text", { class: "number", x, y: y + 0.5, "text-anchor": "middle" }, index + 1),
    );
    const look = (to: string | null) => () => {
      this.looked = to;
      this.drawDetail(inTimeOrder(this.store.chosen()?.evidence ?? []));
    };
    mark.addEventListener("click", () => this.store.chooseEvidence(key));
    mark.addEventListener("mouseenter", look(key));
    mark.addEventListener("mouseleave", look(null));
    mark.addEventListener("focus", look(key));
    mark.addEventListener("blur", look(null));
    mark.addEventListener("keydown", (event) => this.onKey(event, mark, key));
    return mark;
  }

  private label(evidence: Evidence, index: number, count: number): string {
    const aligned = evidence.aligned;
    return [
      `${index + 1}/${count}`, feedName(evidence.feedId), code(evidence.kind),
      clockTime(parseInstant(aligned?.utc), 1), plusMinus(parseSpan(aligned?.uncertainty)),
      evidence.summary ?? "", reasonOf(evidence.why),
    ].join(" · ");
  }

  private onKey(event: KeyboardEvent, mark: SVGElement, key: string) {
    if (event.key === "Enter" || event.key === " ") {
      this.store.chooseEvidence(key);
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const marks = [...this.canvas.querySelectorAll<SVGElement>(".mark")];
      marks[marks.indexOf(mark) + (event.key === "ArrowRight" ? 1 : -1)]?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private drawDetail(all: Evidence[]) {
    const key = this.looked ?? (this.store.shownEvidence() && evidenceKey(this.store.shownEvidence()!));
    const index = all.findIndex((evidence) => evidenceKey(evidence) === key);
    const evidence = all[index];
    if (!evidence) return;
    const at = parseInstant(evidence.aligned?.utc);
    refill(
      this.detail,
      h(
        "div",
        { class: "evidence-head", "data-severity": severityOf(evidence.severity) },
        h("span", { class: "number" }, index + 1),
        h("strong", {}, code(evidence.kind)),
        h("span", { class: "muted" }, feedName(evidence.feedId)),
        h("span", { class: "severity", title: t("severity") }, code(evidence.severity)),
      ),
      h("p", { class: "evidence-summary" }, evidence.summary || evidence.reportId),
      h(
        "dl",
        { class: "facts narrow" },
        h("dt", {}, t("alignedTime")),
        h(
          "dd",
          { class: "num", title: calendarDay(at) },
          clockTime(at, 1), " ", h("span", { class: "muted" },
            `${plusMinus(parseSpan(evidence.aligned?.uncertainty))} · ${code(evidence.aligned?.source)}`),
        ),
        h("dt", {}, t("joinReason")),
        h("dd", { class: "why" }, reasonOf(evidence.why) || "–"),
        h("dt", {}, t("report")),
        h(
          "dd",
          { class: "num muted" },
          evidence.reportId,
          (evidence.repeatCount ?? 1) > 1 && ` · ${t("repeats", evidence.repeatCount ?? 1)}`,
        ),
      ),
      ...(evidence.attachments ?? []).map((fetched) => this.attachment(fetched, evidence)),
    );
  }

  // What the alarm linked, as the gateway kept it; or why it could not.
  private attachment(fetched: FetchedAttachment, evidence: Evidence): HTMLElement {
    const name = t(fetched.attachment?.role === "clip" ? "linkedClip" : "linkedPicture");
    const address = attachmentAddress(fetched);
    if (!address) {
      return h("p", { class: "attachment muted" }, `${name}：${t("notFetched")} `,
        h("span", { class: "num" }, fetched.failure));
    }
    const label = `${name} · ${feedName(evidence.feedId)} · ${evidence.summary || evidence.reportId}`;
    const isPicture = fetched.attachment?.mediaType?.startsWith("image/");
    return h("a", { class: "attachment", href: address, target: "_blank", rel: "noopener" },
      isPicture ? h("img", { src: address, alt: label }) : name);
  }
}
