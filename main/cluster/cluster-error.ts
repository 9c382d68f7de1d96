// A refusal that a person reads: what happened, to what, and what to do now.

export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: string;
  readonly advice: string | null;
  constructor(code: string, message: string, advice: string | null = null, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.advice = advice;
  }
}
