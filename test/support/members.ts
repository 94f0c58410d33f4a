import type { Frame } from '../../src/delivery/frame.ts';
import type { Member } from '../../src/runtime/member.ts';

/** A connection as the registries see it: it notes what it is handed. */
export class FakeMember implements Member {
  readonly id: string;
  readonly ordinal: number;
  heldNames: Member['heldNames'];
  joinedGroups: Member['joinedGroups'];
  isOpen = true;
  /** What a push to it answers. */
  answer: 'delivered' | 'closed' | 'congested' = 'delivered';
  readonly frames: Frame[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  readonly replacedIn: string[] = [];
  onPush: () => void = () => {};

  constructor(ordinal: number) {
    this.id = `connection ${ordinal}`;
    this.ordinal = ordinal;
  }

  deliver(frame: Frame): 'delivered' | 'closed' | 'congested' {
    this.frames.push(frame);
    this.onPush();
    return this.answer;
  }

  requestClose(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  tellReplaced(name: string): void {
    this.replacedIn.push(name);
  }
}

export function fakeMembers(count: number): FakeMember[] {
  return Array.from({ length: count }, (_, ordinal) => new FakeMember(ordinal));
}
