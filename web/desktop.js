// A call that rings while the page is out of sight is shown by the desktop, too, if the person allowed that in Settings.
// Permission is asked for there only, on a click: never on load.

import { shortPeer } from "./dom.js";

export class Desktop extends EventTarget {
  #settings;
  #shown = new Map(); // call -> Notification

  constructor(settings) {
    super();
    this.#settings = settings;
  }

  // "on", "off", "blocked" (the browser was told no) or "impossible" (it has none, or not for this page)
  get state() {
    if (!("Notification" in window) || !window.isSecureContext) return "impossible";
    if (Notification.permission === "denied") return "blocked";
    return Notification.permission === "granted" && this.#settings.get("notify") ? "on" : "off";
  }

  async turn(on) {
    if (on && Notification.permission === "default") await Notification.requestPermission();
    this.#settings.set("notify", on);
    this.dispatchEvent(new Event("change"));
  }

  ring(call) {
    if (this.state !== "on" || (!document.hidden && document.hasFocus())) return;
    try {
      const notice = new Notification(`${shortPeer(call.display)} is calling`, { body: "Click to go to Tandem.", icon: "icon.svg", tag: call.id, requireInteraction: true });
      notice.addEventListener("click", () => {
        window.focus();
        notice.close();
      });
      this.#shown.set(call, notice);
    } catch {
      // a browser that only lets service workers show them: the ring and the title must do
    }
  }

  // Takes back those whose call no longer rings.
  tidy() {
    for (const [call, notice] of this.#shown) {
      if (call.state === "incoming") continue;
      notice.close();
      this.#shown.delete(call);
    }
  }
}
