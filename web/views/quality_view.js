// How good the call is: one word, and the figures for those who want them.

import { View, h, setText } from "../dom.js";
import { qualityWord } from "../words.js";

const WORDS = { good: "Good", fair: "Fair", poor: "Poor" };

class QualityView extends View {
  build() {
    this.word = h("span", { class: "quality-word", "data-testid": "quality" }, "Measuring");
    this.codec = h("span", { class: "quiet", "data-testid": "codec" });
    this.figures = h("dl", { class: "figures" });
    this.rows = new Map();
    this.append(
      h("details", { class: "quality" },
        h("summary", {}, h("span", { class: "quality-bars", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "visually-hidden" }, "Sound quality: "), this.word, this.codec),
        this.figures),
    );
  }

  show(call) {
    const mine = call.quality;
    const theirs = call.gatewayQuality?.peer ?? null;
    const gateway = call.gatewayQuality?.me ?? call.gatewayQuality ?? {};
    const word = mine ? qualityWord(mine) : null;
    this.dataset.quality = word ?? "";
    setText(this.word, word ? WORDS[word] : "Measuring");
    setText(this.codec, codecName(mine?.codec));
    this.#row("Loss to you", percent(mine?.loss));
    this.#row("Loss from you", percent(mine?.lossOut ?? gateway.loss_in));
    this.#row("Jitter to you", milliseconds(mine?.jitter));
    this.#row("Jitter from you", gateway.jitter_in_ms == null ? "–" : `${Math.round(gateway.jitter_in_ms)} ms`);
    this.#row("Round trip", milliseconds(mine?.rtt));
    if (!theirs) return;
    this.#row("Far codec", codecName(theirs.codec_in || theirs.codec_out) || "–");
    this.#row("Far loss", percent(theirs.loss_in));
    this.#row("Far jitter", theirs.jitter_in_ms == null ? "–" : `${Math.round(theirs.jitter_in_ms)} ms`);
    this.#row("Far round trip", theirs.rtt_ms == null ? "–" : `${Math.round(theirs.rtt_ms)} ms`);
  }

  #row(name, value) {
    if (!this.rows.has(name)) {
      const cell = h("dd", { "data-testid": `figure-${name.toLowerCase().replace(/[^a-z]+/g, "-")}` });
      this.rows.set(name, cell);
      this.figures.append(h("div", {}, h("dt", {}, name), cell));
    }
    setText(this.rows.get(name), value);
  }
}

function codecName(codec) {
  return { opus: "Opus", G722: "G.722", PCMU: "G.711 µ-law", PCMA: "G.711 A-law" }[codec] ?? codec ?? "";
}

function percent(fraction) {
  return fraction == null ? "–" : `${(fraction * 100).toFixed(1)} %`;
}

function milliseconds(seconds) {
  return seconds == null ? "–" : `${Math.round(seconds * 1000)} ms`;
}

customElements.define("tandem-quality", QualityView);
