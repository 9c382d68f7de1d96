// The errors of the wire edge. ProtocolError: the bytes (or a value to write) do not fit the schema.
// UnsupportedVersionError: the schema is fine, the version lacks what was asked of it.

/** Bad bytes from outside, or a value that cannot be written. Kafka closes the connection on these. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError';
  /** What is wrong, without the place. */
  readonly detail: string;
  /** Path of the field, as `topics[3].partitions[0].fetchOffset`; empty outside a message. */
  field = '';

  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.detail = detail;
  }

  /** Prepends one step of the path while the error travels up through the codec. */
  within(step: string): this {
    this.field = this.field === '' ? step : this.field.startsWith('[') ? step + this.field : `${step}.${this.field}`;
    this.message = `${this.field}: ${this.detail}`;
    return this;
  }
}

/** The frame's length prefix is negative or larger than the limit. */
export class FrameSizeError extends ProtocolError {
  override readonly name: string = 'FrameSizeError';
  readonly sizeBytes: number;

  constructor(sizeBytes: number, frameBytesMax: number) {
    super(`frame of ${sizeBytes} bytes is outside 0 to ${frameBytesMax}`);
    this.sizeBytes = sizeBytes;
  }
}

/** The version is not defined for this message, or lacks a field that was set (error code 35). */
export class UnsupportedVersionError extends ProtocolError {
  override readonly name: string = 'UnsupportedVersionError';
}

/** Adds a path step to whatever a codec threw; RangeError and TypeError of Buffer writes become ProtocolError. */
export function locate(error: unknown, step: string): unknown {
  if (error instanceof ProtocolError) return error.within(step);
  if (error instanceof RangeError || error instanceof TypeError) {
    return new ProtocolError(error.message, { cause: error }).within(step);
  }
  return error;
}
