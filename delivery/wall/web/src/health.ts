// Feeds and cameras at a glance: what is well says so quietly, what is not says why.

import { h, refill } from "./dom";
import type { Store } from "./store";
import { code, feedName, t } from "./text";
import { parseSpan, plusMinus } from "./time";

type Mood = "ok" | "warn" | "bad";

const MOODS: Record<string, Mood> = {
  CONNECTED: "ok", STREAMING: "ok", IDLE: "warn", CONNECTING: "warn", STALLED: "bad",
  DOWN: "bad", DISCONNECTED: "bad",
};

function chip(mood: Mood, name: string, state: string, figure: string, note: string | undefined) {
  return h(
    "li",
    { class: `chip ${mood}`, title: [name, state, figure, note].filter(Boolean).join(" · ") },
    h("span", { class: "lamp", "aria-hidden": "true" }),
    h("span", { class: "chip-name" }, name),
    mood !== "ok" && h("strong", {}, state),
    h("span", { class: "figure muted num" }, figure),
    mood !== "ok" && note && h("span", { class: "chip-note muted" }, note),
  );
}

export class Health {
  readonly element = h("footer", { class: "health" });

  constructor(private readonly store: Store) {
    store.onChange((change) => {
      if (change === "health") this.draw();
    });
  }

  draw() {
    refill(this.element, this.feeds(), this.cameras());
  }

  private feeds() {
    const chips = [...this.store.feeds.values()]
      .sort((a, b) => a.feedId.localeCompare(b.feedId))
      .map((feed) => {
        const refused = Number(feed.rejected ?? 0);
        const figure = `${t("accepted")} ${Number(feed.accepted ?? 0).toLocaleString("en")}` +
          (refused > 0 ? ` · ${t("rejected")} ${refused}` : "");
        return chip(MOODS[feed.state ?? ""] ?? "warn", feedName(feed.feedId),
          code(feed.state ?? "STATE_UNSPECIFIED"), figure, feed.note);
      });
    return h("section", { "aria-label": t("feeds") }, h("h4", {}, t("feeds")), h("ul", {}, ...chips));
  }

  private cameras() {
    const chips = [...this.store.cameras.values()]
      .sort((a, b) => a.cameraId.localeCompare(b.cameraId))
      .map(({ cameraId, name, status }) => {
        const unsynchronised = status?.clockSource === "UNSYNCHRONISED";
        const mood = MOODS[status?.state ?? ""] ?? "warn";
        const figure = mood === "ok" ? plusMinus(parseSpan(status?.uncertainty)) : "";
        const note = unsynchronised ? "" : status?.note;
        return chip(mood === "ok" && unsynchronised ? "warn" : mood, name || cameraId,
          mood === "ok" && unsynchronised ? code("UNSYNCHRONISED") : code(status?.state ?? "STATE_UNSPECIFIED"),
          figure, note);
      });
    return h("section", { "aria-label": t("cameras") }, h("h4", {}, t("cameras")), h("ul", {}, ...chips));
  }
}
