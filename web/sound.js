// What the page itself makes heard: the ring, the call-waiting beep, keys. And what it measures: levels.
//
// Ringback and busy tones are not made here: they come from the gateway as audio, as they would on a telephone.

const DTMF = { rows: [697, 770, 852, 941], columns: [1209, 1336, 1477, 1633], keys: "123A456B789C*0#D" };

export class Sounds {
  #context = null;
  #ringing = null;
  #wanted = null;

  // Browsers make no sound before the person has touched the page.
  constructor() {
    const wake = () => {
      this.#context?.resume().catch(() => {});
      if (this.#wanted !== (this.#ringing?.kind ?? null)) this.ring(this.#wanted);
    };
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, wake, { capture: true, passive: true });
  }

  get context() {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    return this.#context;
  }

  // True before the person has touched the page: no browser lets it sound until then.
  get blocked() {
    return navigator.userActivation?.hasBeenActive === false;
  }

  // kind: "ring" for a call, "waiting" for a second one, null for silence
  ring(kind) {
    this.#wanted = kind;
    if (this.blocked) return;
    if (kind === (this.#ringing?.kind ?? null)) return;
    clearInterval(this.#ringing?.timer);
    this.#ringing?.gain.disconnect();
    this.#ringing = null;
    if (!kind) return;
    const gain = this.context.createGain();
    gain.connect(this.context.destination);
    const play = kind === "ring" ? () => this.#chime(gain) : () => this.#beep(gain);
    this.context.resume().catch(() => {});
    play();
    this.#ringing = { kind, gain, timer: setInterval(play, kind === "ring" ? 3200 : 6000) };
  }

  key(key) {
    const at = DTMF.keys.indexOf(key);
    if (at < 0) return;
    for (const hertz of [DTMF.rows[at >> 2], DTMF.columns[at & 3]]) this.#note(this.context.destination, hertz, 0, 0.12, 0.04);
  }

  // Two soft phrases of three notes, like an old bell heard from the next room.
  #chime(out) {
    for (const phrase of [0, 0.9]) {
      [659.3, 784, 1046.5].forEach((hertz, i) => {
        this.#note(out, hertz, phrase + i * 0.13, 0.5, 0.12);
        this.#note(out, hertz * 2, phrase + i * 0.13, 0.25, 0.03);
      });
    }
  }

  #beep(out) {
    for (const at of [0, 0.3]) this.#note(out, 440, at, 0.15, 0.05);
  }

  #note(out, hertz, delay, seconds, loud) {
    if (this.context.state !== "running") return;
    const at = this.context.currentTime + delay;
    const tone = this.context.createOscillator();
    const gain = this.context.createGain();
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.012);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    tone.connect(gain).connect(out);
    tone.start(at);
    tone.stop(at + seconds + 0.02);
    tone.addEventListener("ended", () => gain.disconnect());
  }

  // A function that gives the level of a stream now, 0 to 1 over 60 dB, and one that lets go of it.
  meter(stream) {
    const source = this.context.createMediaStreamSource(stream);
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const level = () => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const decibel = 10 * Math.log10(sum / samples.length + 1e-12);
      return Math.min(1, Math.max(0, (decibel + 60) / 55));
    };
    return { level, analyser, close: () => source.disconnect() };
  }
}
