/** Where Prometheus reads a broker; null while it shows no metrics. */
export function metricsUrl(port: number | null): string | null {
  return port === null ? null : `http://127.0.0.1:${port}/metrics`;
}
