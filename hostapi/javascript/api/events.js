// SPDX-License-Identifier: Apache-2.0
// The DOM Standard's events without a tree, and what aborts.
(host) => {
  const STATE = Symbol("event");
  const LISTENERS = Symbol("listeners");

  const NONE = Object.freeze(Object.create(null));
  // Each event has it for itself, and no script can take it away.
  const trusted = { ...Object.getOwnPropertyDescriptor({ get isTrusted() { return this[STATE].trusted; } }, "isTrusted"), configurable: false };

  class Event {
    constructor(type, options = undefined) {
      if (arguments.length === 0) throw new TypeError("Event: the type is missing");
      const { bubbles, cancelable, composed } = options ?? NONE;
      this[STATE] = { type: `${type}`, cancelable: !!cancelable, bubbles: !!bubbles, composed: !!composed, target: null, prevented: false,
        stopped: false, stoppedNow: false, passive: false, phase: 0, trusted: false, time: host.now() };
      Object.defineProperty(this, "isTrusted", trusted);
    }
    get type() { return this[STATE].type; }
    get target() { return this[STATE].target; }
    get currentTarget() { return this[STATE].phase === 0 ? null : this[STATE].target; }
    get srcElement() { return this[STATE].target; }
    get bubbles() { return this[STATE].bubbles; }
    get cancelable() { return this[STATE].cancelable; }
    get composed() { return this[STATE].composed; }
    get defaultPrevented() { return this[STATE].prevented; }
    get returnValue() { return !this[STATE].prevented; }
    set returnValue(value) { if (!value) this.preventDefault(); }
    get cancelBubble() { return this[STATE].stopped; }
    set cancelBubble(value) { if (value) this[STATE].stopped = true; }
    get timeStamp() { return this[STATE].time; }
    get eventPhase() { return this[STATE].phase; }
    composedPath() { return this[STATE].phase === 0 ? [] : [this[STATE].target]; }
    preventDefault() { if (this[STATE].cancelable && !this[STATE].passive) this[STATE].prevented = true; }
    stopPropagation() { this[STATE].stopped = true; }
    stopImmediatePropagation() { this[STATE].stopped = this[STATE].stoppedNow = true; }
    initEvent(type, bubbles = false, cancelable = false) {
      if (this[STATE].phase !== 0) return;
      Object.assign(this[STATE], { type: `${type}`, bubbles: !!bubbles, cancelable: !!cancelable, prevented: false, stopped: false, stoppedNow: false, trusted: false, target: null });
    }
  }
  ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"].forEach((name, value) => {
    for (const owner of [Event, Event.prototype]) Object.defineProperty(owner, name, { value, enumerable: true });
  });

  class CustomEvent extends Event {
    constructor(type, options = undefined) {
      super(type, options);
      this[STATE].detail = options?.detail ?? null;
    }
    get detail() { return this[STATE].detail; }
  }

  class ErrorEvent extends Event {
    constructor(type, options = undefined) {
      super(type, options);
      Object.assign(this[STATE], { message: `${options?.message ?? ""}`, error: options?.error });
    }
    get message() { return this[STATE].message; }
    get error() { return this[STATE].error; }
  }

  class MessageEvent extends Event {
    constructor(type, options = undefined) {
      super(type, options);
      this[STATE].data = options?.data ?? null;
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

  const optionsOf = (options) => typeof options === "object" && options !== null || typeof options === "function" ? options : { __proto__: null, capture: options };

  class EventTarget {
    addEventListener(type, listener, options = undefined) {
      const { capture, once, passive, signal } = optionsOf(options);
      if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("addEventListener: signal is not an AbortSignal");
      if (listener === null || listener === undefined || signal?.aborted) return;
      if (typeof listener !== "function" && typeof listener !== "object") throw new TypeError("addEventListener: not a listener");
      type = `${type}`;
      const list = this[LISTENERS] ??= [];
      if (list.some((row) => row.type === type && row.listener === listener && row.capture === !!capture)) return;
      list.push({ type, listener, once: !!once, passive: !!passive, capture: !!capture, removed: false });
      signal?.addEventListener("abort", () => this.removeEventListener(type, listener, { __proto__: null, capture }));
    }
    removeEventListener(type, listener, options = undefined) {
      const { capture } = optionsOf(options);
      const list = this[LISTENERS];
      const at = list?.findIndex((row) => row.type === `${type}` && row.listener === listener && row.capture === !!capture);
      if (at >= 0) list.splice(at, 1)[0].removed = true;
    }
    dispatchEvent(event) {
      if (!(event instanceof Event)) throw new TypeError("dispatchEvent: not an Event");
      if (event[STATE].phase !== 0) throw new DOMException("The event is being dispatched already.", "InvalidStateError");
      event[STATE].trusted = false;
      return dispatch(this, event);
    }
  }
  const dispatch = (target, event) => {
    const state = event[STATE];
    state.target = target;
    state.phase = 2;
    const rows = [...target[LISTENERS] ?? []];
    const handler = state.stopped ? null : target[`on${state.type}`];
    if (typeof handler === "function") call(target, handler, event);
    for (const row of rows) {
      if (row.type !== state.type || row.removed || state.stoppedNow) continue;
      if (row.once) target.removeEventListener(row.type, row.listener, { __proto__: null, capture: row.capture });
      state.passive = row.passive;
      call(target, row.listener, event);
      state.passive = false;
    }
    Object.assign(state, { phase: 0, stopped: false, stoppedNow: false });
    return !state.prevented;
  };

  const ABORT = Symbol("abort");
  const make = Symbol("make");

  class AbortSignal extends EventTarget {
    constructor(key) {
      if (key !== make) throw new TypeError("Illegal constructor");
      super();
      this[ABORT] = { aborted: false, reason: undefined, sources: null, followers: null };
      this.onabort = null;
    }
    get aborted() { return this[ABORT].aborted; }
    get reason() { return this[ABORT].reason; }
    throwIfAborted() { if (this[ABORT].aborted) throw this[ABORT].reason; }
    static abort(reason = undefined) {
      const signal = new AbortSignal(make);
      abort(signal, reason);
      return signal;
    }
    static timeout(ms) {
      if (!(Number(ms) >= 0)) throw new TypeError("AbortSignal.timeout: not a number of milliseconds");
      const signal = new AbortSignal(make);
      setTimeout(() => abort(signal, new DOMException("The operation timed out.", "TimeoutError")), ms);
      return signal;
    }
    // Follows those that abort of themselves, which are told before it.
    static any(signals) {
      const any = new AbortSignal(make);
      const all = [...signals];
      if (all.some((signal) => !(signal instanceof AbortSignal))) throw new TypeError("AbortSignal.any: not an AbortSignal");
      const over = all.find((signal) => signal.aborted);
      if (over !== undefined) return AbortSignal.abort(over.reason);
      for (const signal of all)
        for (const source of signal[ABORT].sources ?? [signal]) {
          (any[ABORT].sources ??= new Set()).add(source);
          (source[ABORT].followers ??= new Set()).add(any);
        }
      return any;
    }
  }

  const settle = (signal, reason) => Object.assign(signal[ABORT], { aborted: true, reason });
  const tell = (signal) => {
    const event = new Event("abort");
    event[STATE].trusted = true;
    dispatch(signal, event);
  };
  const abort = (signal, reason = new DOMException("The operation was aborted.", "AbortError")) => {
    if (signal[ABORT].aborted) return;
    settle(signal, reason);
    const followers = [...signal[ABORT].followers ?? []].filter((follower) => !follower.aborted);
    for (const follower of followers) settle(follower, reason);
    tell(signal);
    followers.forEach(tell);
  };

  class AbortController {
    constructor() { this[ABORT] = new AbortSignal(make); }
    get signal() { return this[ABORT]; }
    abort(reason = undefined) { abort(this[ABORT], reason); }
  }

  for (const type of [Event, CustomEvent, ErrorEvent, MessageEvent, EventTarget, AbortSignal, AbortController]) {
    host.tag(type, type.name);
    host.define(type.name, type);
  }
}
