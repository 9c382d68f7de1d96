// Stops this whole process for a while, as a system call that does not return does; costs no CPU.

export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
