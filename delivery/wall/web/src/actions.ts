// What an operator does to an incident. Each attempt has an id of its own, so that a retry of the same
// one is done once; the revision that was on the screen goes with it.

import { h, type Child } from "./dom";
import type { Incident, Problem } from "./model";
import type { Store } from "./store";
import { REASONS, half, reasonText, t, type Word } from "./text";

export type Action = "accept" | "false_alarm" | "close";
export const ACTION_WORDS: Record<Action, Word> = {
  accept: "accept", false_alarm: "falseAlarm", close: "close",
};

function newActionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Outcome {
  incident?: Incident;
  failure?: string;
}

async function send(incident: Incident, action: Action, reason: string): Promise<Outcome> {
  const address = `/api/v1/incidents/${encodeURIComponent(incident.incidentId)}/actions`;
  const body = JSON.stringify({
    actionId: newActionId(), action, reason, expectedRevision: incident.revision,
  });
  try {
    const response = await fetch(address, {
      method: "POST", headers: { "Content-Type": "application/json" }, body,
    });
    if (response.ok) return (await response.json()) as Outcome;
    const problem = (await response.json()) as Problem;
    return { failure: half(problem.detail) || `HTTP ${response.status}` };
  } catch {
    return { failure: t("gatewayAway") };
  }
}

export function modal(title: string, ...content: Child[]): HTMLDialogElement {
  const close = h("button", { class: "icon", "aria-label": t("closeDialog") }, "✕");
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h("header", { class: "panel-head" }, h("h3", {}, title), close),
    ...content,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export class Actions {
  constructor(
    private readonly store: Store,
    private readonly say: (text: string, bad: boolean) => void,
  ) {}

  // Accepting is one key; what ends an incident asks for its reason first.
  start(action: Action) {
    const incident = this.store.chosen();
    if (!incident || document.querySelector("dialog[open]")) return;
    if (action === "accept") void this.run(incident, action, "");
    else this.askReason(incident, action);
  }

  private async run(incident: Incident, action: Action, reason: string) {
    const outcome = await send(incident, action, reason);
    if (outcome.failure) {
      this.say(t("actionFailed", outcome.failure), true);
      return;
    }
    if (outcome.incident) this.store.apply([{ incident: outcome.incident }]);
    this.say(t("actionDone", t(ACTION_WORDS[action])), false);
  }

  private askReason(incident: Incident, action: "false_alarm" | "close") {
    const note = h("input", {
      type: "text", maxlength: 200, "aria-label": t("reason"), placeholder: t("reasonHint"),
    });
    const complaint = h("p", { class: "complaint", role: "alert" });
    const presets = REASONS[action].map((pair, index) => {
      const radio = h("input", { type: "radio", name: "reason", value: reasonText(pair) });
      return { radio, label: h("label", { class: "preset" }, radio, h("kbd", {}, index + 1), reasonText(pair)) };
    });
    const cancel = h("button", { type: "button" }, t("cancel"));
    const confirm = h("button", { class: "primary", type: "submit" }, t("confirm"));
    const form = h(
      "form",
      { class: "reason-form" },
      h("p", { class: "muted" }, incident.title || incident.incidentId),
      h("fieldset", {}, h("legend", {}, t("reason")), ...presets.map((preset) => preset.label), note),
      complaint,
      h("div", { class: "buttons" }, cancel, confirm),
    );
    const dialog = modal(t(ACTION_WORDS[action]), form);
    cancel.addEventListener("click", () => dialog.close());
    form.addEventListener("keydown", (event) => {
      const preset = event.target === note ? undefined : presets[Number(event.key) - 1];
      if (preset) preset.radio.checked = true;
      if (event.key === "Enter") {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const preset = presets.find(({ radio }) => radio.checked)?.radio.value ?? "";
      const reason = [preset, note.value.trim()].filter(Boolean).join("；");
      if (!reason) {
        complaint.textContent = t("reasonNeeded");
        return;
      }
      dialog.close();
      void this.run(incident, action, reason);
    });
    presets[0]?.radio.focus();
  }
}
