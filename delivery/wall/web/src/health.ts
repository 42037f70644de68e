// Feeds and cameras at a glance: what is well says so quietly, what is not says why.

import { h, refill } from "./dom";
import type { FeedStatus } from "./model";
import type { Store } from "./store";
import { code, feedName, half, t } from "./text";
import { parseSpan, plusMinus } from "./time";

type Mood = "ok" | "quiet" | "warn" | "bad";

const MOODS: Record<string, Mood> = {
  CONNECTED: "ok", STREAMING: "ok", IDLE: "warn", CONNECTING: "warn", STALLED: "bad",
  DOWN: "bad", DISCONNECTED: "bad",
};
// What needs a person comes first: where there are more than the bar shows, the rest is well.
const ORDER: readonly Mood[] = ["bad", "warn", "ok", "quiet"];

interface Chip {
  mood: Mood;
  name: string;
  state: string;
  figure: string;
  note: string;
}

// How the gateway notes a publisher's goodbye, one over HTTP that asks nothing for now (which says no
// goodbye; pipeline/feeds/publisher_protocol.cc), and that it has just started.
const GOODBYE = "said bye";
const NO_REQUEST = "no HTTP request lately";
const STARTED = "gateway started";

// A feed without a publisher is a fault only where one was lost.
function moodOf(feed: FeedStatus): { mood: Mood; state: string; note: string } {
  const note = feed.note ?? "";
  if (feed.state !== "DISCONNECTED") {
    return { mood: MOODS[feed.state ?? ""] ?? "warn", state: code(feed.state ?? "STATE_UNSPECIFIED"), note };
  }
  if (note.includes(GOODBYE)) return { mood: "quiet", state: t("signedOff"), note: "" };
  if (note.includes(NO_REQUEST)) return { mood: "quiet", state: t("noRequest"), note: "" };
  if (note && !note.includes(STARTED)) return { mood: "bad", state: t("lost"), note };
  return Number(feed.accepted ?? 0) > 0
    ? { mood: "warn", state: t("notBack"), note: "" }
    : { mood: "quiet", state: t("neverConnected"), note: "" };
}

function draw({ mood, name, state, figure, note }: Chip) {
  return h(
    "li",
    { class: `chip ${mood}`, title: [name, state, figure, note].filter(Boolean).join(" · ") },
    h("span", { class: "lamp", "aria-hidden": "true" }),
    h("span", { class: "chip-name" }, name),
    mood !== "ok" && h("strong", {}, state),
    figure && h("span", { class: "figure muted num" }, figure),
    mood !== "ok" && note && h("span", { class: "chip-note muted" }, note),
  );
}

function section(title: string, chips: Chip[]) {
  const sorted = chips.sort((a, b) => ORDER.indexOf(a.mood) - ORDER.indexOf(b.mood));
  return h("section", { "aria-label": title }, h("h4", {}, title), h("ul", {}, ...sorted.map(draw)));
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
        const { mood, state, note } = moodOf(feed);
        return { mood, name: feedName(feed.feedId), state, figure, note: half(note) };
      });
    return section(t("feeds"), chips);
  }

  private cameras() {
    const chips = [...this.store.cameras.values()]
      .sort((a, b) => a.cameraId.localeCompare(b.cameraId))
      .map(({ cameraId, name, status }) => {
        const unsynchronised = status?.clockSource === "UNSYNCHRONISED";
        const streaming = MOODS[status?.state ?? ""] ?? "warn";
        const warned = streaming === "ok" && unsynchronised;
        return {
          mood: warned ? "warn" as const : streaming,
          name: name || cameraId,
          state: warned ? code("UNSYNCHRONISED") : code(status?.state ?? "STATE_UNSPECIFIED"),
          figure: streaming === "ok" ? plusMinus(parseSpan(status?.uncertainty)) : "",
          note: unsynchronised ? "" : half(status?.note),
        };
      });
    return section(t("cameras"), chips);
  }
}
