// The call on stage: who, how long, how loud, and what one can do.

import { View, h, icon, initials, setHidden, setIcon, setText, shortPeer } from "../dom.js";
import { HEARD_SHOWN } from "../call.js";
import { LISTEN_ONLY, MEDIA_FAILED, MEDIA_LOST, duration } from "../words.js";
import { keypad } from "./dial_pad.js";
import "./level_meter.js";
import "./quality_view.js";

const FADE = 600; // ms, as in call.css

class CallView extends View {
  build() {
    this.avatar = h("div", { class: "avatar", "aria-hidden": "true" });
    this.name = h("h2", { class: "peer", tabindex: "-1", "data-testid": "peer" });
    this.number = h("p", { class: "quiet peer-number" });
    this.hint = h("p", { class: "quiet peer-hint", "data-testid": "call-hint" });
    this.state = h("p", { class: "call-state", role: "status", "aria-live": "polite", "data-testid": "call-state" });
    this.timer = h("p", { class: "timer", role: "timer", "aria-label": "Duration", "data-testid": "timer" });
    this.trouble = h("div", { class: "notice warn", role: "alert", "data-testid": "media-trouble", hidden: true }, icon("warn"), h("div", {}, (this.troubleTitle = h("strong")), (this.troubleText = h("p"))));
    this.you = h("tandem-level-meter", { label: "You", "data-testid": "level-you" });
    this.them = h("tandem-level-meter", { label: "Them", "data-testid": "level-them" });
    this.quality = h("tandem-quality");
    this.muteButton = control("mic", "Mute", "mute", () => this.call.mute(!this.call.muted));
    this.holdButton = control("pause", "Hold", "hold", () => this.call.hold(!this.call.held));
    this.padButton = control("keypad", "Keypad", "keypad", () => this.togglePad());
    this.addButton = control("add", "New call", "new-call", () => this.phone.showPad());
    this.endButton = h("button", { class: "end round big", type: "button", "aria-label": "Hang up", "data-testid": "hangup", on: { click: () => this.call.hangup() } }, icon("end"));
    this.sent = h("span", { "data-testid": "digits-sent" });
    this.sentLine = h("p", { class: "digits", hidden: true }, (this.sentLabel = h("span", { class: "quiet" }, "You pressed ")), this.sent);
    this.heard = h("p", { class: "digits heard", role: "status", "data-testid": "digits-heard", hidden: true });
    this.pad = h("div", { class: "in-call-pad", hidden: true }, keypad((key) => this.phone.press(this.call, key), "dtmf"));
    this.append(
      h("section", { class: "card call-view", "aria-label": "Call" },
        h("div", { class: "who" }, this.avatar, this.name, this.number, this.hint, this.state, this.timer),
        this.trouble,
        h("div", { class: "meters" }, this.you, this.them),
        this.heard,
        this.sentLine,
        this.pad,
        h("div", { class: "controls" }, this.muteButton, this.padButton, this.holdButton, this.addButton),
        h("div", { class: "call-row" }, this.endButton),
        this.quality),
    );
    this.ticking = setInterval(() => this.#tick(), 250);
  }

  disconnectedCallback() {
    clearInterval(this.ticking);
  }

  togglePad(open = this.pad.hidden) {
    setHidden(this.pad, !open);
    this.padButton.setAttribute("aria-expanded", String(open));
    this.padButton.classList.toggle("on", open);
    if (this.call) this.#showSent();
  }

  show(call) {
    const other = this.call !== call;
    this.call = call;
    if (other) this.togglePad(false);
    const active = call.state === "active";
    const shown = shortPeer(call.display);
    this.dataset.state = call.state;
    this.dataset.media = call.media;
    setText(this.name, shown);
    setText(this.avatar, initials(shown));
    setText(this.number, shortPeer(call.peer) === shown ? "" : shortPeer(call.peer));
    setText(this.hint, call.hint);
    setText(this.state, stateWords(call));
    setHidden(this.timer, call.since === null);
    this.avatar.classList.toggle("pulse", ["calling", "ringing", "new"].includes(call.state));
    toggle(this.muteButton, call.muted, call.muted ? "mic-off" : "mic", call.muted ? "Unmute" : "Mute");
    toggle(this.holdButton, call.held, call.held ? "play" : "pause", call.held ? "Resume" : "Hold");
    this.muteButton.disabled = call.listenOnly || (!active && !call.early);
    this.holdButton.disabled = !active;
    this.padButton.disabled = !active && !call.early;
    this.#showSent();
    setText(this.heard, call.heardDigits ? `They pressed ${call.heardDigits}` : "");
    this.#showTrouble(call);
    const sounding = call.media === "connected" && !call.held;
    this.you.listen(this.phone.sounds, sounding && !call.muted ? call.microphoneStream : null);
    this.them.listen(this.phone.sounds, sounding ? call.audio.srcObject : null);
    setHidden(this.quality, !active || call.media !== "connected");
    this.quality.show?.(call);
    this.#tick();
  }

  // What was typed is to be seen with the keypad closed, too.
  #showSent() {
    const { sentDigits } = this.call;
    setHidden(this.sentLine, !sentDigits && this.pad.hidden);
    setHidden(this.sentLabel, !sentDigits);
    setText(this.sent, sentDigits || "Press keys");
    this.sentLine.classList.toggle("quiet", !sentDigits);
  }

  #showTrouble(call) {
    const words = call.media === "failed" ? (call.obstacle ?? MEDIA_FAILED) : call.media === "interrupted" ? MEDIA_LOST : call.listenOnly ? LISTEN_ONLY : null;
    setHidden(this.trouble, !words);
    setText(this.troubleTitle, words?.title ?? "");
    setText(this.troubleText, words?.text ?? "");
  }

  #tick() {
    if (!this.call) return;
    const old = performance.now() - this.call.heardAt - HEARD_SHOWN;
    setHidden(this.heard, !this.call.heardDigits || old > FADE);
    this.heard.classList.toggle("faded", old > 0);
    if (this.call.since !== null) setText(this.timer, duration((performance.now() - this.call.since) / 1000));
  }
}

export function stateWords(call) {
  if (call.held) return "On hold";
  if (call.peerHeld) return "They put you on hold";
  switch (call.state) {
    case "new":
      return "Waiting for the microphone";
    case "calling":
      return "Calling";
    case "ringing":
      return "Ringing";
    case "incoming":
      return "Incoming call";
    case "answering":
      return "Connecting";
    default:
      return call.media === "connected" ? (call.muted ? "Connected, you are muted" : "Connected") : call.media === "interrupted" ? "Reconnecting the audio" : "Connecting the audio";
  }
}

function control(name, label, testid, click) {
  const words = h("span", {}, label);
  return h("button", { class: "control", type: "button", "data-testid": testid, on: { click } }, h("span", { class: "disc" }, icon(name)), words);
}

function toggle(button, on, iconName, label) {
  button.setAttribute("aria-pressed", String(on));
  button.classList.toggle("on", on);
  setIcon(button, iconName);
  setText(button.lastElementChild, label);
}

customElements.define("tandem-call", CallView);
