/** Does `work`; what it throws harms nobody, also when it comes from a provider of OpenTelemetry that is broken. */
export function attempt<Result>(work: () => Result, failed: (error: unknown) => void): Result | undefined {
  try {
    return work();
  } catch (error) {
    failed(error);
    return undefined;
  }
}
