// What getStats says about one call, in the few figures a person can use. Seconds and fractions, as the W3C has them.

export class QualityReader {
  #last = null;
  #recent = []; // { lost, received } per look, the last few seconds

  async read(pc) {
    const report = await pc.getStats();
    const found = { loss: null, jitter: null, rtt: null, codec: null, lossOut: null, packets: 0 };
    let pair = null;
    for (const stat of report.values()) {
      if (stat.type === "inbound-rtp" && stat.kind === "audio") this.#inbound(stat, report, found);
      else if (stat.type === "remote-inbound-rtp" && stat.kind === "audio") {
        found.lossOut = stat.fractionLost ?? null;
        found.rtt = stat.roundTripTime ?? found.rtt;
      } else if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") pair = stat;
    }
    found.rtt ??= pair?.currentRoundTripTime ?? null;
    return found;
  }

  #inbound(stat, report, found) {
    const now = { lost: stat.packetsLost ?? 0, received: stat.packetsReceived ?? 0 };
    if (this.#last) {
      this.#recent.push({ lost: Math.max(0, now.lost - this.#last.lost), received: now.received - this.#last.received });
      if (this.#recent.length > 5) this.#recent.shift();
    }
    this.#last = now;
    const lost = this.#recent.reduce((sum, one) => sum + one.lost, 0);
    const expected = lost + this.#recent.reduce((sum, one) => sum + one.received, 0);
    found.packets = now.received;
    found.loss = expected > 0 ? lost / expected : null;
    found.jitter = stat.jitter ?? null;
    const codec = report.get(stat.codecId);
    if (codec) found.codec = codec.mimeType.split("/")[1];
  }
}
