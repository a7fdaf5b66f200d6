// Devices, the microphone's processing, light and dark.

import { View, h, icon, setHidden, setText } from "../dom.js";

const NOTIFY = {
  on: "On: a call that rings while this page is out of sight is shown.",
  off: "A call that rings while this page is out of sight.",
  blocked: "The browser blocks it: allow notifications beside the address bar.",
  impossible: "This browser does not offer it on this page.",
};

class SettingsDialog extends View {
  build() {
    const { settings } = this;
    this.microphone = h("select", { id: "microphone", on: { change: () => settings.set("microphone", this.microphone.value) } });
    this.speaker = h("select", { id: "speaker", on: { change: () => settings.set("speaker", this.speaker.value) } });
    this.theme = h("select", { id: "theme", "data-testid": "theme-select", on: { change: () => settings.set("theme", this.theme.value) } },
      ...[["auto", "As the system"], ["light", "Light"], ["dark", "Dark"]].map(([value, words]) => h("option", { value }, words)));
    this.processing = h("input", { type: "checkbox", id: "processing", "data-testid": "processing", on: { change: () => settings.set("processing", this.processing.checked) } });
    this.notify = h("button", { class: "small", type: "button", "data-testid": "notify", on: { click: () => this.desktop.turn(this.desktop.state !== "on") } });
    this.desktop.addEventListener("change", () => this.#showNotify());
    const speakers = "setSinkId" in HTMLMediaElement.prototype;
    this.dialog = h("dialog", { class: "card settings", "aria-labelledby": "settings-title", "data-testid": "settings-dialog" },
      h("div", { class: "dialog-head" }, h("h2", { id: "settings-title" }, "Settings"),
        h("button", { class: "ghost round", type: "button", "aria-label": "Close settings", "data-testid": "settings-close", on: { click: () => this.dialog.close() } }, icon("close"))),
      h("label", { for: "microphone" }, "Microphone"), this.microphone,
      speakers ? [h("label", { for: "speaker" }, "Speaker"), this.speaker] : null,
      h("label", { class: "check" }, this.processing, h("span", {}, "Clean up my voice", h("small", { class: "quiet" }, "Echo cancellation, noise suppression and automatic gain. Off for music or tests."))),
      h("label", { for: "theme" }, "Appearance"), this.theme,
      h("div", { class: "setting-row" }, h("span", { class: "grow" }, "Show calls on the desktop", (this.notifyWords = h("small", { class: "quiet", role: "status" }))), this.notify),
      h("p", { class: "quiet small" }, "Devices and clean-up are used from the next call on."));
    this.append(this.dialog);
  }

  #showNotify() {
    const { state } = this.desktop;
    setText(this.notifyWords, NOTIFY[state]);
    setText(this.notify, state === "on" ? "Turn off" : "Turn on");
    setHidden(this.notify, !["on", "off"].includes(state));
  }

  async open() {
    this.theme.value = this.settings.get("theme");
    this.processing.checked = this.settings.get("processing");
    this.#showNotify();
    this.dialog.showModal();
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    fill(this.microphone, devices.filter((device) => device.kind === "audioinput"), this.settings.get("microphone"), "Microphone");
    fill(this.speaker, devices.filter((device) => device.kind === "audiooutput"), this.settings.get("speaker"), "Speaker");
  }
}

function fill(select, devices, chosen, name) {
  const known = devices.filter((device) => device.deviceId && device.deviceId !== "default");
  select.replaceChildren(
    h("option", { value: "" }, "As the system"),
    ...known.map((device, i) => h("option", { value: device.deviceId }, device.label || `${name} ${i + 1}`)),
  );
  select.value = known.some((device) => device.deviceId === chosen) ? chosen : "";
}

customElements.define("tandem-settings", SettingsDialog);
