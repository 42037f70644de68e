// The incident list: most urgent first, kept in place row by row so that nothing flickers.

import { h, refill } from "./dom";
import { isClosed, severityOf, sourceCount, type Incident } from "./model";
import type { Store } from "./store";
import { age, className, code, districtName, t } from "./text";
import { parseInstant } from "./time";

interface Row {
  element: HTMLElement;
  age: HTMLElement;
  drawn: string;
  updated: number;
}

export class IncidentList {
  readonly element = h("section", { class: "list", "aria-labelledby": "list-title" });
  private readonly head = h("header", { class: "list-head" });
  private readonly rows = h("div", { class: "rows", role: "listbox", tabindex: 0, id: "incident-list" });
  private readonly byId = new Map<string, Row>();

  constructor(
    private readonly store: Store,
    private readonly onOpen: () => void,
  ) {
    this.element.append(this.head, this.rows);
    this.rows.addEventListener("keydown", (event) => this.onKey(event));
    store.onChange((change) => {
      if (change === "incidents" || change === "choice") this.draw();
    });
    setInterval(() => this.tick(), 1000);
  }

  // Everything again, in another language say.
  redraw() {
    for (const row of this.byId.values()) row.drawn = "";
    this.draw();
    this.tick();
  }

  move(step: number) {
    const incidents = this.store.listed();
    const at = incidents.findIndex((incident) => incident.incidentId === this.store.chosenId);
    const next = incidents[Math.min(incidents.length - 1, Math.max(0, at + step))];
    if (next) this.store.choose(next.incidentId);
  }

  private onKey(event: KeyboardEvent) {
    const steps: Record<string, number> = {
      ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5, Home: -1e6, End: 1e6,
    };
    const step = steps[event.key];
    if (step !== undefined) this.move(step);
    else if (event.key === "Enter") this.onOpen();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private draw() {
    const incidents = this.store.listed();
    this.drawHead();
    const wanted = new Set(incidents.map((incident) => incident.incidentId));
    for (const [id, row] of this.byId) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.byId.delete(id);
    }
    this.rows.querySelector(".empty")?.remove();
    incidents.forEach((incident, index) => {
      const row = this.rowOf(incident);
      if (this.rows.children[index] !== row.element) {
        this.rows.insertBefore(row.element, this.rows.children[index] ?? null);
      }
    });
    if (incidents.length === 0) this.rows.append(this.empty());
    this.rows.setAttribute("aria-label", t("incidents"));
    const chosen = this.store.chosenId ? this.byId.get(this.store.chosenId) : undefined;
    if (chosen) {
      this.rows.setAttribute("aria-activedescendant", chosen.element.id);
      chosen.element.scrollIntoView({ block: "nearest" });
    } else {
      this.rows.removeAttribute("aria-activedescendant");
    }
  }

  private empty() {
    return h(
      "div",
      { class: "empty" },
      h("strong", {}, this.store.ready ? t("noIncidents") : t("waiting")),
      this.store.ready && h("p", {}, t("noIncidentsHint")),
    );
  }

  private drawHead() {
    const open = [...this.store.incidents.values()].filter((incident) => !isClosed(incident)).length;
    const box = h("input", { type: "checkbox", "data-focus": "show-closed" });
    box.checked = this.store.showClosed;
    box.addEventListener("change", () => this.store.setShowClosed(box.checked));
    refill(
      this.head,
      h("h2", { id: "list-title" }, t("incidents"), h("span", { class: "count" }, open)),
      h("label", { class: "check" }, box, t("showClosed")),
    );
  }

  private rowOf(incident: Incident): Row {
    const known = this.byId.get(incident.incidentId);
    const row = known ?? {
      element: h("div", { class: "row", role: "option", id: `row-${incident.incidentId}` }),
      age: h("span", { class: "age" }),
      drawn: "",
      updated: 0,
    };
    if (!known) {
      row.element.addEventListener("click", () => this.store.choose(incident.incidentId));
      this.byId.set(incident.incidentId, row);
    }
    const drawn = `${incident.revision}`;
    if (row.drawn !== drawn) {
      this.fillRow(row, incident);
      row.drawn = drawn;
    }
    row.element.setAttribute("aria-selected", String(incident.incidentId === this.store.chosenId));
    return row;
  }

  private fillRow(row: Row, incident: Incident) {
    const sources = sourceCount(incident);
    const count = incident.evidenceCount ?? incident.evidence?.length ?? 0;
    row.updated = parseInstant(incident.updated?.utc);
    row.age.textContent = age(Date.now() - row.updated);
    row.element.dataset["severity"] = String(severityOf(incident.severity));
    row.element.classList.toggle("closed", isClosed(incident));
    refill(
      row.element,
      h(
        "div",
        { class: "row-top" },
        h("span", { class: "severity", title: t("severity") }, code(incident.severity, code("SEVERITY_UNSPECIFIED"))),
        h("span", { class: "class" }, className(incident.classCode) || t("classUnknown")),
        incident.drill && h("span", { class: "drill" }, t("drill")),
        h("span", { class: "state", "data-state": incident.state }, code(incident.state)),
      ),
      h("div", { class: "row-title", title: incident.title }, incident.title || incident.incidentId),
      h(
        "div",
        { class: "row-foot" },
        h("span", {}, districtName(incident.districtCode)),
        h("span", {}, `${sources} ${t(sources === 1 ? "source" : "sources")}`),
        h("span", {}, `${count} ${t("evidence")}`),
        row.age,
      ),
    );
  }

  private tick() {
    for (const row of this.byId.values()) {
      const text = age(Date.now() - row.updated);
      if (row.age.textContent !== text) row.age.textContent = text;
    }
  }
}
