// The phone itself: the head, the directory, and the stage with the pad or the call.

import { View, h, icon, setHidden, setIcon, setText } from "../dom.js";
import "./call_strip.js";
import "./call_view.js";
import "./connection_banner.js";
import "./dial_pad.js";
import "./directory.js";
import "./incoming_view.js";
import "./settings_dialog.js";
import "./sign_out_dialog.js";

const STATES = { open: "Online", connecting: "Connecting", waiting: "Reconnecting", replaced: "In another window", closed: "Offline", idle: "Offline" };

class PhoneView extends View {
  build() {
    const { phone } = this;
    const { connection, settings } = phone;
    this.append(this.#head(), h("main", { class: "phone" }, this.#stage(), this.#aside()));
    this.settingsDialog = Object.assign(h("tandem-settings"), { settings, desktop: this.desktop });
    this.signOut = h("tandem-sign-out", { on: { "sign-out": () => this.dispatchEvent(new Event("sign-out")) } });
    this.append(this.settingsDialog, this.signOut);
    phone.addEventListener("change", () => this.#show());
    connection.addEventListener("change", () => this.#show());
    connection.addEventListener("welcome", () => phone.history.open(connection.user.user));
    settings.addEventListener("change", () => this.#showTheme());
    phone.addEventListener("incoming", () => this.#attention());
    this.keys = (event) => this.#key(event);
    document.addEventListener("keydown", this.keys);
    phone.history.open(this.user);
    this.#show();
    this.#showTheme();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.keys);
    document.title = "Tandem";
  }

  #head() {
    const { phone } = this;
    this.status = h("span", { class: "status", role: "status", "data-testid": "connection" });
    this.me = h("span", { class: "me", "data-testid": "me" }, this.user);
    this.themeButton = h("button", { class: "ghost round", type: "button", "data-testid": "theme", on: { click: () => this.#toggleTheme() } }, icon("moon"));
    return h("header", { class: "head" },
      h("div", { class: "brand" }, h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }), h("h1", {}, "Tandem")),
      h("div", { class: "head-right" }, h("span", { class: "identity" }, this.me, this.status), this.themeButton,
        h("button", { class: "ghost round", type: "button", "aria-label": "Settings", title: "Settings", "data-testid": "settings", on: { click: () => this.settingsDialog.open() } }, icon("gear")),
        h("button", { class: "ghost round", type: "button", "aria-label": "Sign out", title: "Sign out", "data-testid": "sign-out", on: { click: () => this.signOut.ask(phone.live) } }, icon("exit"))));
  }

  #stage() {
    const { phone } = this;
    this.banner = Object.assign(h("tandem-connection-banner"), { phone, connection: phone.connection });
    this.hear = h("button", { class: "notice hear", type: "button", "data-testid": "hear", hidden: true, on: { click: () => phone.unmuteBrowser() } }, icon("speaker"), h("span", {}, h("strong", {}, "Click to hear the call"), h("p", {}, "Your browser waits for a click before it plays sound.")));
    this.noticeTitle = h("strong", { "data-testid": "notice-title" });
    this.noticeText = h("p", { "data-testid": "notice-text" });
    this.again = h("button", { class: "small", type: "button", "data-testid": "call-again", on: { click: () => phone.dial(phone.notice.retry) } }, "Call again");
    this.listen = h("button", { class: "small", type: "button", "data-testid": "listen-only", on: { click: () => phone.notice.listen() } }, "Listen only");
    this.notice = h("div", { class: "notice", role: "alert", "data-testid": "notice", hidden: true }, icon("warn"), h("div", { class: "grow" }, this.noticeTitle, this.noticeText, h("div", { class: "notice-buttons" }, this.again, this.listen)),
      h("button", { class: "ghost round", type: "button", "aria-label": "Close this message", "data-testid": "notice-close", on: { click: () => phone.dismissNotice() } }, icon("close")));
    this.strip = h("tandem-call-strip");
    this.rings = h("div", { class: "rings" });
    this.pad = Object.assign(h("tandem-dial-pad"), { phone });
    this.call = Object.assign(h("tandem-call", { hidden: true }), { phone });
    this.stage = h("div", { class: "stage" }, this.banner, this.hear, this.notice, this.rings, this.strip, this.call, this.pad);
    return this.stage;
  }

  #aside() {
    return h("aside", { class: "aside card", "aria-label": "Directory" }, Object.assign(h("tandem-directory"), { phone: this.phone, demo: this.demo, user: this.user }));
  }

  #show() {
    const { phone } = this;
    const { connection, current, notice } = phone;
    const incoming = phone.incoming.filter((call) => call !== current);
    setText(this.status, STATES[connection.state]);
    this.status.dataset.state = connection.state;
    if (connection.user) setText(this.me, [connection.user.display || connection.user.user, connection.user.extension].filter(Boolean).join(" · "));
    setHidden(this.hear, !phone.silent);
    setHidden(this.notice, !notice);
    setText(this.noticeTitle, notice?.title ?? "");
    setText(this.noticeText, notice?.text ?? "");
    setHidden(this.again, !notice?.retry);
    setHidden(this.listen, !notice?.listen);
    if (this.signOut.dialog.open) this.signOut.ask(phone.live);
    this.#showRings(incoming);
    this.strip.show(phone);
    const keyboard = document.activeElement?.matches(":focus-visible") ? document.activeElement : null;
    setHidden(this.call, !current);
    setHidden(this.pad, Boolean(current) || (incoming.length > 0 && !phone.talking.length));
    this.stage.classList.toggle("ringing", this.call.hidden && this.pad.hidden);
    if (current) this.call.show(current);
    this.#keepFocus(keyboard);
    document.title = incoming.length ? `☎ ${incoming[0].display} – Tandem` : current ? `${current.display} – Tandem` : "Tandem";
  }

  #showRings(incoming) {
    const shown = new Map([...this.rings.children].map((view) => [view.call, view]));
    for (const [call, view] of shown) if (!incoming.includes(call)) view.remove();
    for (const call of incoming) {
      if (shown.has(call)) shown.get(call).show();
      else this.rings.append(Object.assign(h("tandem-incoming"), { call, phone: this.phone }));
    }
  }

  // Nobody who is typing loses the focus to a call.
  #attention() {
    queueMicrotask(() => {
      if (!isTyping(document.activeElement)) this.rings.querySelector("[data-testid=answer]")?.focus({ preventScroll: false });
    });
  }

  // Who works by keyboard is not left nowhere when the button that had the focus goes away.
  #keepFocus(before) {
    if (!before || before.checkVisibility()) return;
    if (!this.call.hidden) this.call.name.focus();
    else if (!this.pad.hidden) this.pad.input.focus();
  }

  #toggleTheme() {
    const { settings } = this.phone;
    settings.set("theme", settings.dark ? "light" : "dark");
  }

  #showTheme() {
    const { dark } = this.phone.settings;
    const words = dark ? "Switch to light" : "Switch to dark";
    this.themeButton.setAttribute("aria-label", words);
    this.themeButton.title = words;
    setIcon(this.themeButton, dark ? "sun" : "moon");
  }

  // Digits dial or are sent; Enter calls or answers; Esc declines, clears, closes. Buttons and fields keep their own keys.
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const { phone } = this;
    const { key } = event;
    const ringing = phone.live.find((call) => call.state === "incoming");
    const focused = document.activeElement?.checkVisibility() ? document.activeElement : null;
    const onButton = focused?.closest("button, summary, a");
    if (key === "Escape" && ringing) return ringing.decline(phone.talking.length > 0);
    if (isTyping(focused)) return key === "Escape" && !this.pad.hidden ? this.pad.clear() : undefined;
    if (key === "Enter" && ringing && !onButton) return void phone.answer(ringing);
    if (/^[0-9*#]$/.test(key)) {
      event.preventDefault();
      if (phone.current) return phone.press(phone.current, key);
      if (!this.pad.hidden) this.pad.press(key);
    } else if (key === "Escape") phone.current ? this.call.togglePad(false) : this.pad.clear();
    else if (this.pad.hidden) return;
    else if (key === "Backspace") this.pad.backspace();
    else if (key === "Enter" && (!onButton || onButton.classList.contains("key"))) {
      event.preventDefault();
      this.pad.call();
    }
  }
}

function isTyping(node) {
  return Boolean(node?.matches?.("input:not([type=checkbox]), select, textarea"));
}

customElements.define("tandem-phone", PhoneView);
