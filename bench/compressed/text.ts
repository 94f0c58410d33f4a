/** What is broadcast: 1 KiB of JSON as feeds send it, different each time. */

const LENGTH = 1_024;

export function textOf(number: number): string {
  const rows: object[] = [];
  for (let row = number; JSON.stringify(rows).length < LENGTH; row++) {
    rows.push({ id: (row * 7_919) % 100_003, user: `user${(row * 31) % 97}`, price: ((row * 37.13) % 500).toFixed(2) });
  }
  return JSON.stringify({ number, rows });
}
