/** What a crowd's clients and whatever carries their bytes know of each other. */

/** The client, as the carrier sees it. */
export interface FarEnd {
  onBytes(bytes: Buffer): void;
  /** The server has ended its side, or the carrier broke. */
  onEnd(): void;
}

/** The carrier, as the client sees it. */
export interface Link {
  write(bytes: Buffer): void;
  /** The client has ended its side. */
  end(): void;
  /** Breaks off without a word. */
  destroy(): void;
  /** Reads no more, until `resume`. */
  stall(): void;
  resume(): void;
}

/** Connects and asks for the upgrade at `path`; the answer comes to `onBytes`. */
export type Connect = (index: number, path: string, client: FarEnd) => Link;
