// The chosen incident: what it is and what can be done, its time line, its pictures.

import { ACTION_WORDS, type Action, type Actions } from "./actions";
import { h, refill, type Child } from "./dom";
import { isClosed, severityOf, titleParts, type Incident } from "./model";
import { Pictures } from "./pictures";
import type { Store } from "./store";
import { className, code, districtName, t } from "./text";
import { calendarDay, clockTime, parseInstant, parseSpan, plusMinus } from "./time";
import { Timeline } from "./timeline";

const KEYS: Record<Action, string> = { accept: "A", false_alarm: "F", close: "C" };

export class IncidentView {
  readonly element = h("main", { class: "incident", tabindex: -1 });
  readonly timeline: Timeline;
  readonly pictures: Pictures;
  private readonly header = h("header", { class: "incident-head panel" });
  private readonly empty = h("div", { class: "empty" });

  constructor(
    private readonly store: Store,
    private readonly actions: Actions,
  ) {
    this.timeline = new Timeline(store);
    this.pictures = new Pictures(store);
    this.element.append(this.empty, this.header, this.timeline.element, this.pictures.element);
    store.onChange((change) => {
      if (change === "incident") this.draw();
    });
  }

  draw() {
    const incident = this.store.chosen();
    this.element.classList.toggle("nothing", !incident);
    if (!incident) {
      const text = this.store.ready ? t(this.store.incidents.size ? "chooseIncident" : "noIncidents") : t("waiting");
      refill(this.empty, h("strong", {}, text));
      return;
    }
    this.drawHeader(incident);
    this.timeline.draw();
    this.pictures.draw();
  }

  private drawHeader(incident: Incident) {
    const { text, device } = titleParts(incident);
    this.header.dataset["severity"] = String(severityOf(incident.severity));
    refill(
      this.header,
      h(
        "div",
        { class: "title-line" },
        h("h1", {}, text),
        incident.drill && h("span", { class: "drill" }, `${t("drill")} ${incident.drillId ?? ""}`),
        h("span", { class: "state", "data-state": incident.state }, code(incident.state)),
        h("div", { class: "buttons" }, ...this.buttons(incident)),
      ),
      h("p", { class: "identity muted num" },
        h("span", { title: t("incidentId") }, incident.incidentId),
        ` · ${t("revision")} ${incident.revision ?? 0}`,
        device && " · ", device && h("span", { title: t("deviceId") }, device)),
      h("dl", { class: "facts" }, ...this.facts(incident)),
    );
  }

  private buttons(incident: Incident): Child[] {
    const offered: Action[] = isClosed(incident)
      ? []
      : incident.state === "UNVERIFIED"
        ? ["accept", "false_alarm", "close"]
        : ["false_alarm", "close"];
    return offered.map((action) => {
      const button = h(
        "button",
        {
          class: action === "accept" ? "primary" : "", "data-action": action,
          "data-focus": `action-${action}`, "aria-keyshortcuts": KEYS[action],
        },
        t(ACTION_WORDS[action]), h("kbd", { "aria-hidden": "true" }, KEYS[action]),
      );
      button.addEventListener("click", () => this.actions.start(action));
      return button;
    });
  }

  private facts(incident: Incident): Child[] {
    const fact = (name: string, ...value: Child[]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, ...value));
    // One of the two scales that look alike: it says what it measures.
    const scale = (name: string, hint: string, ...value: Child[]) =>
      h("div", { class: "scale", title: `${name}：${hint}` },
        h("dt", {}, name, h("span", { class: "unseen" }, `（${hint}）`)), h("dd", {}, ...value));
    return [
      scale(t("severity"), t("severityHint"),
        h("span", { class: "severity" }, code(incident.severity, code("SEVERITY_UNSPECIFIED")))),
      scale(t("grade"), t("gradeHint"), ...this.grade(incident)),
      fact(t("classCode"), className(incident.classCode) || t("classUnknown"), " ",
        h("span", { class: "class-code muted num" }, incident.classCode)),
      fact(t("confidence"), ...this.confidence(incident)),
      fact(t("started"), ...this.instant(incident.started)),
      fact(t("updated"), ...this.instant(incident.updated)),
      fact(t("position"), ...this.position(incident)),
    ];
  }

  private grade(incident: Incident): Child[] {
    if (incident.confirmedGrade) {
      return [code(incident.confirmedGrade), " ", h("span", { class: "muted" }, t("confirmed"))];
    }
    if (!incident.suggestedGrade) return [h("span", { class: "muted" }, t("none"))];
    return [code(incident.suggestedGrade), " ", h("span", { class: "muted" }, t("suggested"))];
  }

  private confidence(incident: Incident): Child[] {
    const percent = Math.round((incident.confidence ?? 0) * 100);
    const meter = h("meter", { min: 0, max: 100, value: percent, "aria-label": t("confidence") });
    return [h("span", { class: "num" }, `${percent} %`), " ", meter];
  }

  private instant(stamp: Incident["started"]): Child[] {
    const at = parseInstant(stamp?.utc);
    return [
      h("span", { class: "num", title: calendarDay(at) }, clockTime(at)), " ",
      h("span", { class: "muted num" }, plusMinus(parseSpan(stamp?.uncertainty))),
    ];
  }

  private position(incident: Incident): Child[] {
    const district = districtName(incident.districtCode);
    const position = incident.position;
    if (!position) return [district, " ", h("span", { class: "muted" }, t("noPosition"))];
    const metres = Math.ceil(position.uncertaintyM ?? 0);
    return [
      district ? `${district} ` : "",
      h("span", { class: "num" }, `${(position.latitude ?? 0).toFixed(5)}, ${(position.longitude ?? 0).toFixed(5)}`),
      h("span", { class: "muted num" }, ` ± ${metres} m`),
    ];
  }
}
