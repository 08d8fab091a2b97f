// SPDX-License-Identifier: Apache-2.0
// The DOM Standard's events without a tree, and what aborts.
(host) => {
  const STATE = Symbol("event");
  const LISTENERS = Symbol("listeners");

  class Event {
    constructor(type, options = {}) {
      this[STATE] = { type: `${type}`, cancelable: !!options.cancelable, bubbles: !!options.bubbles,
        composed: !!options.composed, target: null, prevented: false, stopped: false, time: performance.now() };
    }
    get type() { return this[STATE].type; }
    get target() { return this[STATE].target; }
    get currentTarget() { return this[STATE].target; }
    get srcElement() { return this[STATE].target; }
    get bubbles() { return this[STATE].bubbles; }
    get cancelable() { return this[STATE].cancelable; }
    get composed() { return this[STATE].composed; }
    get defaultPrevented() { return this[STATE].prevented; }
    get returnValue() { return !this[STATE].prevented; }
    get timeStamp() { return this[STATE].time; }
    get eventPhase() { return 0; }
    get isTrusted() { return false; }
    composedPath() { return this[STATE].target === null ? [] : [this[STATE].target]; }
    preventDefault() { if (this[STATE].cancelable) this[STATE].prevented = true; }
    stopPropagation() {}
    stopImmediatePropagation() { this[STATE].stopped = true; }
  }

  class CustomEvent extends Event {
    constructor(type, options = {}) {
      super(type, options);
      this[STATE].detail = options.detail ?? null;
    }
    get detail() { return this[STATE].detail; }
  }

  class ErrorEvent extends Event {
    constructor(type, options = {}) {
      super(type, options);
      Object.assign(this[STATE], { message: options.message ?? "", error: options.error });
    }
    get message() { return this[STATE].message; }
    get error() { return this[STATE].error; }
  }

  class MessageEvent extends Event {
    constructor(type, options = {}) {
      super(type, options);
      this[STATE].data = options.data ?? null;
    }
    get data() { return this[STATE].data; }
  }

  const call = (target, listener, event) => {
    try {
      if (typeof listener === "function") listener.call(target, event);
      else listener.handleEvent(event);
    } catch (error) {
      host.report(error);
    }
  };

  class EventTarget {
    addEventListener(type, listener, options) {
      if (listener == null) return;
      const list = this[LISTENERS] ??= [];
      const { once = false, signal, capture = false } = typeof options === "object" && options !== null
        ? options : { capture: !!options };
      if (signal?.aborted) return;
      if (list.some((row) => row.type === type && row.listener === listener && row.capture === !!capture)) return;
      list.push({ type: `${type}`, listener, once, capture: !!capture });
      signal?.addEventListener("abort", () => this.removeEventListener(type, listener, options));
    }
    removeEventListener(type, listener, options) {
      const capture = typeof options === "object" && options !== null ? !!options.capture : !!options;
      const list = this[LISTENERS];
      const at = list?.findIndex((row) => row.type === type && row.listener === listener && row.capture === capture);
      if (at >= 0) list.splice(at, 1);
    }
    dispatchEvent(event) {
      const state = event[STATE];
      state.target = this;
      const handler = this[`on${state.type}`];
      if (typeof handler === "function") call(this, handler, event);
      for (const row of [...this[LISTENERS] ?? []]) {
        if (row.type !== state.type || state.stopped) continue;
        if (row.once) this.removeEventListener(row.type, row.listener, { capture: row.capture });
        call(this, row.listener, event);
      }
      return !state.prevented;
    }
  }

  const ABORT = Symbol("abort");
  const make = Symbol("make");

  class AbortSignal extends EventTarget {
    constructor(key) {
      if (key !== make) throw new TypeError("Illegal constructor");
      super();
      this[ABORT] = { aborted: false, reason: undefined };
      this.onabort = null;
    }
    get aborted() { return this[ABORT].aborted; }
    get reason() { return this[ABORT].reason; }
    throwIfAborted() { if (this[ABORT].aborted) throw this[ABORT].reason; }
    static abort(reason) {
      const signal = new AbortSignal(make);
      abort(signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new AbortSignal(make);
      setTimeout(() => abort(signal, new DOMException("The operation timed out.", "TimeoutError")), ms);
      return signal;
    }
    static any(signals) {
      const any = new AbortSignal(make);
      for (const signal of signals) {
        if (signal.aborted) abort(any, signal.reason);
        else signal.addEventListener("abort", () => abort(any, signal.reason), { once: true });
      }
      return any;
    }
  }

  const abort = (signal, reason = new DOMException("The operation was aborted.", "AbortError")) => {
    if (signal[ABORT].aborted) return;
    signal[ABORT].aborted = true;
    signal[ABORT].reason = reason;
    signal.dispatchEvent(new Event("abort"));
  };

  class AbortController {
    constructor() { this[ABORT] = new AbortSignal(make); }
    get signal() { return this[ABORT]; }
    abort(reason) { abort(this[ABORT], reason); }
  }

  for (const type of [Event, CustomEvent, ErrorEvent, MessageEvent, EventTarget, AbortSignal, AbortController]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
}
