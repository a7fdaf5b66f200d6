// What a person likes, kept on this machine. In the address, `?raw=1` switches the microphone's
// processing off, and `?relay=1` lets sound go through a relay (TURN server) only.

const KEY = "tandem.settings";
const DEFAULTS = { theme: "auto", processing: true, microphone: "", speaker: "", notify: true, lastUser: "" };

export class Settings extends EventTarget {
  constructor() {
    super();
    this.values = { ...DEFAULTS, ...read() };
    const asked = new URLSearchParams(location.search);
    this.raw = asked.get("raw") === "1";
    this.relay = asked.get("relay") === "1";
    this.apply();
  }

  get(name) {
    return name === "processing" && this.raw ? false : this.values[name];
  }

  set(name, value) {
    if (name === "processing") this.raw = false;
    this.values[name] = value;
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // a browser that keeps nothing: the choice lasts as long as the page
    }
    this.apply();
    this.dispatchEvent(new Event("change"));
  }

  get dark() {
    const { theme } = this.values;
    return theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  }

  apply() {
    const { theme } = this.values;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    return {};
  }
}
