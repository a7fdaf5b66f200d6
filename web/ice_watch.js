// Tells when TURN servers were asked for a relay and none gave one. A browser asks each over several networks: one error
// means nothing while another way may still bring a relayed candidate.

const COULD_NOT_BE_REACHED = 700; // and above: the browser's own error codes; below: STUN's (RFC 8489 section 14.8)

export class IceWatch {
  #errors = new Map(); // "refused" or "unreachable" -> details of the last error

  // tell: (code of a `report`, its detail)
  constructor(pc, tell) {
    let relayed = false;
    pc.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate?.type === "relay") relayed = true;
      if (!candidate && !relayed) this.#tell(tell);
    });
    pc.addEventListener("icecandidateerror", ({ url, errorCode, errorText }) => {
      if (!/^turns?:/.test(url ?? "")) return;
      this.#errors.set(errorCode < COULD_NOT_BE_REACHED ? "refused" : "unreachable", `${url} ${errorCode} ${errorText}`.trim().slice(0, 200));
    });
  }

  #tell(tell) {
    for (const why of ["refused", "unreachable"]) {
      if (this.#errors.has(why)) return tell(`turn-${why}`, this.#errors.get(why));
    }
  }
}
