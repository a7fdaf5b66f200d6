// What the page itself makes heard: the ring, the call-waiting beep, keys. And what it measures: levels.
//
// Ringback and busy tones are not made here: they come from the gateway as audio, as they would on a telephone.

const DTMF = { rows: [697, 770, 852, 941], columns: [1209, 1336, 1477, 1633], keys: "123A456B789C*0#D" };

// Two soft phrases of three notes, like an old bell heard from the next room; and two low beeps for a second call.
const PHRASE = [659.3, 784, 1046.5];
const RINGS = {
  ring: {
    seconds: 3.2,
    notes: [0, 0.9].flatMap((phrase) =>
      PHRASE.flatMap((hertz, i) => [
        [hertz, phrase + i * 0.13, 0.9, 0.16],
        [hertz * 2, phrase + i * 0.13, 0.4, 0.04],
      ]),
    ),
  },
  waiting: { seconds: 6, notes: [0, 0.3].map((start) => [440, start, 0.22, 0.08]) },
};

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
    if (this.blocked || kind === (this.#ringing?.kind ?? null)) return;
    this.#ringing?.source.stop();
    this.#ringing = null;
    if (!kind) return;
    // One buffer that repeats itself: timers of a page in the background may come once a minute.
    const source = this.context.createBufferSource();
    source.buffer = this.#tune(RINGS[kind]);
    source.loop = true;
    source.connect(this.context.destination);
    source.start();
    this.context.resume().catch(() => {});
    this.#ringing = { kind, source };
  }

  key(key) {
    const at = DTMF.keys.indexOf(key);
    if (at < 0 || this.blocked) return;
    const notes = [DTMF.rows[at >> 2], DTMF.columns[at & 3]].map((hertz) => [hertz, 0, 0.12, 0.04]);
    const source = this.context.createBufferSource();
    source.buffer = this.#tune({ seconds: 0.15, notes });
    source.connect(this.context.destination);
    source.start();
  }

  // notes: [hertz, start, seconds, loudness], each with a soft beginning and a long end
  #tune({ seconds, notes }) {
    const { sampleRate } = this.context;
    const buffer = this.context.createBuffer(1, Math.round(seconds * sampleRate), sampleRate);
    const samples = buffer.getChannelData(0);
    for (const [hertz, start, length, loud] of notes) {
      const first = Math.round(start * sampleRate);
      const count = Math.min(Math.round(length * sampleRate), samples.length - first);
      for (let i = 0; i < count; i++) {
        const t = i / sampleRate;
        const shape = Math.min(1, t / 0.012) * Math.exp((-5 * t) / length) * Math.min(1, (count - i) / (0.01 * sampleRate));
        samples[first + i] += loud * shape * Math.sin(2 * Math.PI * hertz * t);
      }
    }
    return buffer;
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
