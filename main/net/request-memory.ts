// `queued.max.request.bytes`: how much the requests of all connections of a listener may hold together. As Kafka's
// memory pool it lets a request begin as long as anything is left, whatever its size; then nobody begins another.

export class RequestMemory {
  /** −1: no bound. */
  #bytesMax = -1;
  #usedBytes = 0;
  readonly #waiting = new Set<() => void>();

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isFull(): boolean {
    return this.#bytesMax > 0 && this.#usedBytes >= this.#bytesMax;
  }

  setBound(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#wake();
  }

  /** What a connection holds changes from `before` to `after`. */
  change(before: number, after: number): void {
    this.#usedBytes += after - before;
    if (after < before) this.#wake();
  }

  /** `goOn` is called once when there is room again. */
  whenRoom(goOn: () => void): void {
    this.#waiting.add(goOn);
  }

  forget(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }

  #wake(): void {
    if (this.#waiting.size === 0 || this.isFull) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const goOn of waiting) goOn();
  }
}
