import { expect, it } from 'vitest';
import { emptyRing, pushed, replaced } from '../../../src/inspector/page/state/ring.ts';

const three = { count: 3 };
const numbers = (count: number, bounds = three) =>
  Array.from({ length: count }, (_, index) => index + 1).reduce(
    (ring, item) => pushed(ring, item, bounds),
    emptyRing<number>(),
  );

it('keeps the latest and counts those that it let go of', () => {
  expect(numbers(5)).toEqual({ items: [3, 4, 5], dropped: 2 });
});

it('lets go of nothing while there is room', () => {
  expect(numbers(3)).toEqual({ items: [1, 2, 3], dropped: 0 });
});

it('lets go of more when those that came are large', () => {
  const bounds = { count: 10, size: 7, sizeOf: (item: number) => item };
  expect(numbers(4, bounds)).toEqual({ items: [3, 4], dropped: 2 });
});

it('keeps the latest however large it is', () => {
  const bounds = { count: 10, size: 7, sizeOf: (item: number) => item };
  expect(pushed(numbers(3, bounds), 100, bounds).items).toEqual([100]);
});

it('lets go of the oldest when another one grows', () => {
  const bounds = { count: 10, size: 7, sizeOf: (item: number) => item };
  expect(replaced(numbers(3, bounds), 2, 5, bounds)).toEqual({ items: [2, 5], dropped: 1 });
});
