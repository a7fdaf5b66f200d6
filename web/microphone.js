// One microphone for all calls. It is opened with the first call and let go with the last, so that the browser's
// recording sign is lit only while somebody can be heard. Each call gets a track of its own, to be muted alone.

export class Microphone {
  #settings;
  #opening = null;
  #stream = null;
  #users = 0;
  trouble = null; // why it could not be opened the last time

  constructor(settings) {
    this.#settings = settings;
  }

  // Throws the browser's DOMException, or one named InsecureContext.
  async take() {
    this.#users += 1;
    try {
      this.#opening ??= this.#open();
      this.#stream = await this.#opening;
      this.trouble = null;
      return this.#stream.getAudioTracks()[0].clone();
    } catch (error) {
      this.#opening = null;
      this.#users -= 1;
      this.trouble = error;
      throw error;
    }
  }

  give(track) {
    track.stop();
    this.#users -= 1;
    if (this.#users > 0) return;
    for (const own of this.#stream?.getTracks() ?? []) own.stop();
    this.#stream = this.#opening = null;
  }

  async #open() {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("no microphone here", "InsecureContext");
    const on = this.#settings.get("processing");
    const device = this.#settings.get("microphone");
    const audio = { echoCancellation: on, noiseSuppression: on, autoGainControl: on };
    if (device) audio.deviceId = { ideal: device };
    return navigator.mediaDevices.getUserMedia({ audio, video: false });
  }
}
