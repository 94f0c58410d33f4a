/** Calls `act` with 0 to `ticks - 1`, so many times a second; what is late is made up for. */
export async function everyTick(
  perSecond: number,
  ticks: number,
  act: (number: number) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (let number = 0; number < ticks; number++) {
    const waitMs = start + (number * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((due) => setTimeout(due, waitMs));
    await act(number);
  }
}
