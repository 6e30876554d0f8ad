const MISSED_INTERVALS = 2;

/**
 * Notices a connection that died without a close: a sleeping laptop, a lost radio, a
 * proxy that forgot us. Any frame counts as life, not only `tick`.
 */
export class Watchdog {
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #lastFrameAtMs = Date.now();
  #timer: ReturnType<typeof setInterval>;

  constructor(tickIntervalMs: number, onSilence: () => void) {
    this.#limitMs = tickIntervalMs * MISSED_INTERVALS;
    this.#onSilence = onSilence;
    this.#timer = setInterval(() => this.#check(), Math.max(10, Math.floor(tickIntervalMs / 2)));
  }

  sawFrame(): void {
    this.#lastFrameAtMs = Date.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    if (Date.now() - this.#lastFrameAtMs <= this.#limitMs) return;
    this.stop();
    this.#onSilence();
  }
}
