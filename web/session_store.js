// What survives a reload of this tab: the token and the keys of the running session.
//
// sessionStorage is copied when a tab is duplicated, and two tabs must not fight for one session. So a tab holds a lock in
// the session's name while it lives; a copy finds the lock taken, and opens a session of its own.

const KEY = "tandem.session";

export class SessionStore {
  constructor() {
    this.kept = read();
  }

  save(patch) {
    this.kept = { ...this.kept, ...patch };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.kept));
    } catch {
      // a browser that keeps nothing: a reload signs out
    }
  }

  clear() {
    this.kept = {};
    sessionStorage.removeItem(KEY);
  }

  forgetSession() {
    this.save({ session: null, resume: null });
  }

  // True when this tab may use the session; false when another tab lives in it.
  async claim(session) {
    if (!navigator.locks) return true;
    return new Promise((resolve) => {
      const held = () => (resolve(true), new Promise(() => {})); // never let go: the browser does when the tab ends
      // A reloaded page may be quicker than its predecessor is gone.
      navigator.locks.request(`tandem-${session}`, { signal: AbortSignal.timeout(1500) }, held).catch(() => resolve(false));
    });
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) || {};
  } catch {
    return {};
  }
}
