import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/runtime/turns.ts';

function newTurns() {
  const turns = new Turns();
  const done: string[] = [];
  const note = (what: string) => (): void => {
    done.push(what);
  };
  return { turns, done, note };
}

describe('work that may run user code', () => {
  it('is done at once while no user code runs', () => {
    const { turns, done, note } = newTurns();
    turns.after(note('work'));
    expect(done).toEqual(['work']);
  });

  it('waits until the user code that runs has returned, and is done before its caller goes on', () => {
    const { turns, done, note } = newTurns();
    turns.during(() => {
      turns.after(note('work'));
      done.push('user code');
    });
    done.push('caller');
    expect(done).toEqual(['user code', 'work', 'caller']);
  });

  it('waits for the outermost user code', () => {
    const { turns, done, note } = newTurns();
    turns.during(() => {
      turns.during(() => turns.after(note('work')));
      done.push('outer');
    });
    expect(done).toEqual(['outer', 'work']);
  });

  it('is done in the order in which it came', () => {
    const { turns, done, note } = newTurns();
    turns.during(() => {
      turns.after(note('first'));
      turns.during(() => turns.after(note('second')));
      turns.after(note('third'));
    });
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('is done one after another, also what comes of it', () => {
    const { turns, done } = newTurns();
    /** User code in which two more pieces are wanted: a tree, breadth first. */
    const work = (name: string) => (): void => {
      turns.during(() => {
        done.push(`${name} begins`);
        if (name.length < 3) for (const child of ['a', 'b']) turns.after(work(name + child));
        done.push(`${name} ends`);
      });
    };
    turns.during(() => turns.after(work('w')));
    const names = ['w', 'wa', 'wb', 'waa', 'wab', 'wba', 'wbb'];
    expect(done).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('uses no stack, however long the chain', () => {
    const { turns } = newTurns();
    let links = 0;
    const link = (): void => {
      turns.during(() => {
        if (++links < 100_000) turns.after(link);
      });
    };
    turns.during(() => turns.after(link));
    expect(links).toBe(100_000);
  });

  it('waits again for user code that runs later', () => {
    const { turns, done, note } = newTurns();
    for (const round of ['first', 'second']) {
      turns.during(() => {
        turns.after(note(`${round} work`));
        done.push(`${round} user code`);
      });
    }
    turns.after(note('outside'));
    expect(done).toEqual(['first user code', 'first work', 'second user code', 'second work', 'outside']);
  });
});

describe('user code', () => {
  it('has its result handed on', () => {
    expect(new Turns().during(() => 'result')).toBe('result');
  });

  it('has what it throws thrown on, when the work that waits is done', () => {
    const { turns, done, note } = newTurns();
    const error = new Error('thrown by user code');
    const run = () =>
      turns.during(() => {
        turns.after(note('work'));
        throw error;
      });
    expect(run).toThrow(error);
    expect(done).toEqual(['work']);
    turns.after(note('outside'));
    expect(done).toEqual(['work', 'outside']);
  });

  it('that throws inside other user code leaves the order as it is', () => {
    const { turns, done, note } = newTurns();
    turns.during(() => {
      try {
        turns.during(() => {
          turns.after(note('work'));
          throw new Error('caught by the outer one');
        });
      } catch {
        done.push('caught');
      }
    });
    expect(done).toEqual(['caught', 'work']);
  });
});

describe('work that fails', () => {
  it('keeps neither the work behind it nor what comes later', () => {
    const { turns, done, note } = newTurns();
    const error = new Error('out of stack, for example');
    const run = () =>
      turns.during(() => {
        turns.after(() => {
          throw error;
        });
        turns.after(note('behind it'));
      });
    expect(run).toThrow(error);
    turns.during(note('user code'));
    turns.after(note('later'));
    expect(done).toEqual(expect.arrayContaining(['behind it', 'later']));
  });
});
