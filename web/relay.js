// Which relays (TURN servers) a peer connection has got, and what stood in the way of the others: in words.
//
// A relay matters only where there is no other way, so nothing of this is shown before the sound has failed, or before it
// is certain to: the page may use relays alone (`?relay=1`) and has got none.

const REFUSED = new Set([401, 403, 438, 441]); // RFC 8656 19, RFC 8489 14.8: the name, the password or the user
const FULL = new Set([486, 508]); // quota, capacity

export class Relays extends EventTarget {
  #servers;
  #only;
  #found = 0;
  #errors = [];

  // Event "none": the page may use relays only, and there is not one.
  constructor(pc, servers, only) {
    super();
    this.#servers = servers.flatMap(({ urls }) => urls).filter((url) => /^turns?:/.test(url));
    this.#only = only;
    pc.addEventListener("icecandidate", ({ candidate }) => candidate?.type === "relay" && (this.#found += 1));
    pc.addEventListener("icecandidateerror", ({ url, errorCode }) => this.#errors.push({ url, code: errorCode }));
    pc.addEventListener("icegatheringstatechange", () => {
      if (only && pc.iceGatheringState === "complete" && !this.#found) this.dispatchEvent(new Event("none"));
    });
  }

  // Why no relay could be used, as { title, text }; null where one could, or none is known and none was asked for.
  get obstacle() {
    if (this.#found || (!this.#servers.length && !this.#only)) return null;
    if (!this.#servers.length) return NO_RELAY_KNOWN;
    const codes = this.#errors.filter(({ url }) => /^turns?:/.test(url)).map(({ code }) => code);
    if (codes.some((code) => REFUSED.has(code))) return RELAY_REFUSED;
    if (codes.some((code) => FULL.has(code))) return RELAY_FULL;
    return relaySilent([...new Set(this.#servers.map((url) => url.replace(/^turns?:/, "").replace(/\?.*/, "")))]);
  }
}

const NO_RELAY_KNOWN = {
  title: "No relay is known",
  text: "This page may send sound through a relay (TURN server) only, but the gateway names none. Take relay=1 out of the address, or ask your administrator to set urls in [turn].",
};

const RELAY_REFUSED = {
  title: "The relay refused this page",
  text: "The relay (TURN server) did not accept the credentials: they have expired, or its secret is not the gateway's. Reload the page and call again; if it stays so, tell your administrator.",
};

const RELAY_FULL = {
  title: "The relay is full",
  text: "The relay (TURN server) carries as many calls as it may. Try again in a few minutes.",
};

function relaySilent(hosts) {
  return {
    title: "No relay could be reached",
    text: `The relay (TURN server) ${hosts.join(" or ")} does not answer from this network. Try another network, or tell your administrator.`,
  };
}
