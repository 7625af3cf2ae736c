/** What waits to be sent. No timers and no clock in here: the time is told, in milliseconds. */
import { type Encoded, ROOM } from "./events.js";

export interface Limits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly batchEvents: number;
  /** How long an event may wait for others. */
  readonly interval: number;
}

/** Events in their order, bounded: what does not fit pushes the oldest out. */
export class EventQueue {
  readonly #limits: Limits;
  #waiting: { at: number; event: Encoded }[] = [];
  /** Where the oldest is: shifting a long array for every event would be slow. */
  #start = 0;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#waiting.length - this.#start;
  }

  /** Adds an event; answers those that it pushed out. */
  put(event: Encoded, now: number): Encoded[] {
    const { maxEvents, maxBytes } = this.#limits;
    const pushed: Encoded[] = [];
    while (this.length > 0 && (this.length >= maxEvents || this.#bytes + event.size > maxBytes)) {
      pushed.push(this.#shift());
    }
    this.#waiting.push({ at: now, event });
    this.#bytes += event.size;
    return pushed;
  }

  /** In how many milliseconds a batch is to be sent; nothing while nothing waits. */
  due(now: number): number | undefined {
    const oldest = this.#waiting[this.#start];
    if (!oldest) return undefined;
    if (this.length >= this.#limits.batchEvents || this.#bytes >= ROOM) return 0;
    return Math.max(0, oldest.at + this.#limits.interval - now);
  }

  /** The oldest events, as many as a batch may have. */
  take(): Encoded[] {
    const batch: Encoded[] = [];
    let room = ROOM;
    for (let next = this.#waiting[this.#start]; next && next.event.size <= room; next = this.#waiting[this.#start]) {
      if (batch.length === this.#limits.batchEvents) break;
      room -= next.event.size;
      batch.push(this.#shift());
    }
    return batch;
  }

  #shift(): Encoded {
    const { event } = this.#waiting[this.#start++]!;
    this.#bytes -= event.size;
    if (this.#start * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#start);
      this.#start = 0;
    }
    return event;
  }
}
