// How loud one direction is right now. Drawn a few times a second; the number for screen readers stays out of the way.

import { View, h } from "../dom.js";

const EVERY = 60; // ms

class LevelMeter extends View {
  build() {
    this.bar = h("span", { class: "bar" });
    this.append(h("span", { class: "meter-name" }, this.getAttribute("label")), h("span", { class: "track", "aria-hidden": "true" }, this.bar));
    this.classList.add("level-meter");
    this.level = 0;
  }

  // Listens to another stream; null listens to nothing.
  listen(sounds, stream) {
    const id = stream?.id ?? null;
    if (id === this.listening) return;
    this.stop();
    this.listening = id;
    if (!stream?.getAudioTracks().length) return;
    this.meter = sounds.meter(stream);
    this.timer = setInterval(() => this.#draw(), EVERY);
  }

  stop() {
    clearInterval(this.timer);
    this.meter?.close();
    this.meter = this.listening = null;
    this.#paint(0);
  }

  disconnectedCallback() {
    this.stop();
  }

  #draw() {
    const now = this.meter.level();
    this.#paint(now > this.level ? now : Math.max(now, this.level - 0.06)); // quick up, slow down, like a needle
  }

  #paint(level) {
    this.level = level;
    this.dataset.level = level.toFixed(2);
    this.bar?.style.setProperty("transform", `scaleX(${level.toFixed(3)})`);
  }
}

customElements.define("tandem-level-meter", LevelMeter);
